// SPDX-License-Identifier: Apache-2.0
#include "promql/tile_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace hearth::promql {
namespace {

// A helper that takes so long for a tile and has its core less than half of the time is in
// somebody's way.
constexpr int64_t kPaceNs = 300'000;

int64_t ThreadCpuNs() {
  rusage used = {};
  getrusage(RUSAGE_THREAD, &used);
  const int64_t seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
  return seconds * 1'000'000'000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

// Whether the thread ran for less than half of the time since it was made.
class Pace {
 public:
  explicit Pace(const Clock& clock) : clock_(clock) {}
  bool slow() const {
    const int64_t wall = clock_.MonotonicNs() - wall_;
    return wall > kPaceNs && 2 * (ThreadCpuNs() - cpu_) < wall;
  }

 private:
  const Clock& clock_;
  const int64_t wall_ = clock_.MonotonicNs();
  const int64_t cpu_ = ThreadCpuNs();
};

size_t SlotsFor(const TilePool& pool) { return 2 * pool.options().threads + 1; }

}  // namespace

Tile::Tile(const StepCounts& like) { counts.TrackAs(like); }

void Tile::Clear() {
  counts.Clear();
  notes = {};
  series = series_after = samples_after = 0;
  rows_.clear();
  values_.clear();
  cells_.clear();
  labels_.clear();
}

void Tile::Count(const storage::SeriesColumns& columns) {
  series += columns.series;
  series_after += columns.series;
  samples_after += static_cast<int64_t>(columns.floats() * columns.series);
}

void Tile::Add(const RowView& row, size_t steps) {
  Row& added = rows_.emplace_back();
  added.view = row;
  added.view.values = nullptr;
  added.view.cells = nullptr;
  added.series = std::exchange(series_after, 0);
  added.samples = std::exchange(samples_after, 0);
  added.index = cells_.size();
  cells_.insert(cells_.end(), row.cells, row.cells + steps);
  if (row.values != nullptr) {
    added.has_values = true;
    added.value_index = values_.size();
    values_.insert(values_.end(), row.values, row.values + steps);
  }
  // Labels with a number are the selection's, and stay where they are.
  if (row.labels_id != 0) return;
  added.labels_at = labels_.size();
  added.labels_size = row.labels.packed().size();
  labels_ += row.labels.packed();
}

RowView Tile::View(const Row& row) const {
  RowView view = row.view;
  view.cells = cells_.data() + row.index;
  if (row.has_values) view.values = values_.data() + row.value_index;
  if (view.labels_id == 0) {
    view.labels =
        model::LabelsView(std::string_view(labels_).substr(row.labels_at, row.labels_size));
  }
  return view;
}

TileRun::TileRun(Job job)
    : job_(std::move(job)),
      pool_(*job_.query->tile_pool),
      tiles_((job_.end - job_.begin + job_.tile_rows - 1) / job_.tile_rows),
      door_(std::make_shared<Door>()),
      slots_(SlotsFor(pool_), Slot{State::kFree, Tile(*job_.query->counts)}) {
  absl::MutexLock lock(&door_->mutex);
  door_->run = this;
}

TileRun::~TileRun() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
    changed_.SignalAll();
  }
  absl::MutexLock lock(&door_->mutex);
  door_->run = nullptr;
  door_->mutex.Await(absl::Condition(
      +[](Door* door) ABSL_NO_THREAD_SAFETY_ANALYSIS { return door->inside == 0; }, door_.get()));
}

size_t TileRun::Bytes(const TilePool& pool, size_t tile_rows, size_t steps,
                      size_t samples_per_series) {
  constexpr size_t kLabelBytes = 512;
  constexpr size_t kReaderBytes = 1 << 20;  // what it knows of timelines
  const size_t row = steps * (sizeof(double) + sizeof(Cell)) + sizeof(Tile::Row) + kLabelBytes;
  const size_t batch =
      storage::kTileSeries * samples_per_series * (sizeof(double) + sizeof(int64_t));
  return SlotsFor(pool) * tile_rows * row + pool.options().threads * (batch + kReaderBytes);
}

absl::Status TileRun::Run() {
  Reader own;
  own.set = job_.set;
  own.maker = job_.maker;
  for (size_t tile = 0; tile < tiles_; ++tile) {
    CallHelpers();
    TRY(FoldNext(tile, &own));
  }
  return absl::OkStatus();
}

void TileRun::CallHelpers() {
  while (pool_.idle()) {
    Reader* const reader = FreeReader();
    if (reader == nullptr) return;
    const auto help = [door = door_, reader] {
      TileRun* run = nullptr;
      {
        absl::MutexLock lock(&door->mutex);
        run = door->run;
        if (run == nullptr) return;
        ++door->inside;
      }
      run->Help(reader);
      reader->taken.store(false, std::memory_order_release);
      absl::MutexLock lock(&door->mutex);
      --door->inside;
    };
    reader->taken.store(true, std::memory_order_relaxed);
    if (!pool_.TryHelp(help)) {
      reader->taken.store(false, std::memory_order_relaxed);
      return;
    }
  }
}

TileRun::Reader* TileRun::FreeReader() {
  for (const auto& reader : readers_) {
    if (!reader->taken.load(std::memory_order_acquire)) return reader.get();
  }
  if (readers_.size() + 1 >= pool_.options().threads) return nullptr;
  auto fork = job_.set->Fork();
  if (!fork.ok()) return nullptr;
  Reader* const reader = readers_.emplace_back(std::make_unique<Reader>()).get();
  reader->fork = *std::move(fork);
  reader->set = reader->fork.get();
  return reader;
}

size_t TileRun::Claim() {
  const size_t tile = next_++;
  SlotOf(tile).state = State::kMaking;
  return tile;
}

void TileRun::Help(Reader* reader) {
  if (reader->own_maker == nullptr) reader->own_maker = (*job_.make_maker)();
  reader->maker = reader->own_maker.get();
  for (;;) {
    size_t tile = 0;
    {
      absl::MutexLock lock(&mutex_);
      while (!stop_ && next_ < tiles_ && !MayClaim()) changed_.Wait(&mutex_);
      if (stop_ || next_ == tiles_ || pool_.crowded()) return;
      tile = Claim();
    }
    const Pace pace(job_.query->clock);
    Make(tile, reader);
    pool_.CountTile();
    if (!pace.slow()) continue;
    pool_.BackOff();
    return;
  }
}

void TileRun::Make(size_t tile, Reader* reader) {
  Slot& slot = SlotOf(tile);
  const bool made = MakeRows(tile, reader, &slot.tile);
  absl::MutexLock lock(&mutex_);
  slot.state = made ? State::kMade : State::kLeft;
  changed_.SignalAll();
}

bool TileRun::MakeRows(size_t tile, Reader* reader, Tile* rows) const {
  rows->Clear();
  const size_t begin = job_.begin + tile * job_.tile_rows;
  reader->set->Restrict(begin, std::min(begin + job_.tile_rows, job_.end));
  const bool with_starts = job_.query->options.use_start_timestamps;
  for (;;) {
    if (!job_.query->CheckAlive().ok()) return false;
    const absl::StatusOr<bool> more = reader->set->Next(&reader->batch);
    if (!more.ok()) return false;
    if (!*more) return true;
    for (const storage::SeriesColumns& series : reader->batch.series) {
      if (!series.histograms.empty()) return false;
      rows->Count(series);
      const RowView row =
          reader->maker->Make(InputOf(series, with_starts), &rows->counts, &rows->notes);
      if (row.cells != nullptr) rows->Add(row, job_.steps);
    }
  }
}

bool TileRun::AwaitTile(size_t tile, Reader* own) {
  for (;;) {
    size_t other = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (next_ == tile) {
        Claim();
        return false;
      }
      if (SlotOf(tile).state != State::kMaking) return SlotOf(tile).state == State::kMade;
      if (!MayClaim()) {
        changed_.Wait(&mutex_);
        continue;
      }
      other = Claim();
    }
    Make(other, own);
  }
}

absl::Status TileRun::FoldNext(size_t tile, Reader* own) {
  const bool alone = !AwaitTile(tile, own);
  Slot& slot = SlotOf(tile);
  const bool fits = static_cast<size_t>(job_.query->stats.series + slot.tile.series) <=
                    job_.query->options.series_max;
  // Where a limit is met, the series that meets it is to be found.
  TRY(alone || !fits ? ReadAlone(tile) : Fold(slot.tile));
  absl::MutexLock lock(&mutex_);
  slot.state = State::kFree;
  ++folded_;
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::Status TileRun::ReadAlone(size_t tile) {
  const size_t begin = job_.begin + tile * job_.tile_rows;
  return job_.read(begin, std::min(begin + job_.tile_rows, job_.end));
}

void TileRun::AddCost(int64_t series, int64_t samples) {
  job_.query->stats.series += series;
  QueryState::SelectorCost& cost = job_.query->costs[job_.cost_index];
  cost.series += series;
  cost.samples += samples;
}

absl::Status TileRun::Fold(const Tile& tile) {
  job_.query->counts->Merge(tile.counts);
  job_.query->notes.Merge(tile.notes);
  for (const Tile::Row& row : tile.rows()) {
    AddCost(row.series, row.samples);
    TRY(job_.query->Tick());
    TRY(job_.sink->Add(tile.View(row)));
  }
  AddCost(tile.series_after, tile.samples_after);
  return absl::OkStatus();
}

}  // namespace hearth::promql

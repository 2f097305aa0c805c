// SPDX-License-Identifier: Apache-2.0
// What a Db does between commits and queries: seal, merge, drop, mend the log.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"
#include "tsdb/compaction.h"
#include "tsdb/db_impl.h"
#include "tsdb/head_source.h"

namespace hearth::tsdb {
namespace {

using storage::Position;

// After a seal or merge that failed (disk full, mostly) the next attempt waits so long.
constexpr int64_t kRetryNs = 5'000'000'000;
// How often a store that has nothing else to do looks for blocks to merge or drop.
constexpr int64_t kCompactionCheckNs = 60'000'000'000;
// Under pressure: a head of so many bytes is sealed at once, series that got nothing for so long
// leave, and are looked for every so often.
constexpr uint64_t kPressureSealBytes = 1 << 20;
constexpr int64_t kPressureIdleMs = 5 * 60 * 1000;
constexpr int64_t kEvictNs = 30'000'000'000;
// A wall clock that is off by more than a day from where it should be, or at a start by more than
// 30 days from the newest sample, may be wrong: nothing is dropped for being old for so long.
constexpr int64_t kClockJumpMs = int64_t{24} * 3600 * 1000;
constexpr int64_t kClockJumpAtStartMs = 30 * kClockJumpMs;
constexpr int64_t kClockDoubtNs = kClockJumpMs * 1'000'000;
// Series of the head that are looked at while its lock is held once.
constexpr uint32_t kScannedAtOnce = 1 << 14;
constexpr storage::TimeRange kAllTime{INT64_MIN, INT64_MAX};

double Seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

// For how long one step of a seal kept writers waiting.
class LockTimer {
 public:
  LockTimer(const Clock& clock, Histogram* seconds)
      : clock_(clock), seconds_(seconds), begin_ns_(clock.MonotonicNs()) {}
  ~LockTimer() { seconds_->Observe(Seconds(clock_.MonotonicNs() - begin_ns_)); }
  LockTimer(const LockTimer&) = delete;
  LockTimer& operator=(const LockTimer&) = delete;

 private:
  const Clock& clock_;
  Histogram* const seconds_;
  const int64_t begin_ns_;
};

}  // namespace

bool Db::Impl::SealDue() const {
  absl::ReaderMutexLock lock(&mutex_);
  const int64_t now_ns = clock_.MonotonicNs();
  if (closed_ || now_ns < retry_ns_) return false;
  if (head_.frozen() != nullptr || wal_->broken()) return true;
  const Pressure pressure = this->pressure();
  if (pressure >= Pressure::kEvict && now_ns - last_seal_ns_ >= kEvictNs) return true;
  if (head_.samples() == 0) {
    // Nobody writes any more: its series leave when they have been idle for long enough, and a
    // workspace that is idle costs next to nothing.
    return head_.series() > 0 && now_ns - last_seal_ns_ >= options_.idle_series_ms * 1'000'000;
  }
  if (pressure >= Pressure::kSeal && head_.chunk_bytes() >= kPressureSealBytes) return true;
  return now_ns - first_unsealed_ns_ >= options_.seal_interval_ms * 1'000'000 ||
         head_.chunk_bytes() >= options_.seal_bytes || wal_->size_bytes() >= options_.seal_bytes;
}

int64_t Db::Impl::IdleBefore() const {
  const bool evict = pressure() >= Pressure::kEvict;
  return clock_.NowMs() -
         (evict ? std::min(kPressureIdleMs, options_.idle_series_ms) : options_.idle_series_ms);
}

bool Db::Impl::CompactionDue() const { return clock_.MonotonicNs() >= next_compaction_ns_; }

void Db::Impl::Maintain() {
  if (stop_) return;
  wal_->SyncIfDue();
  if (!SealDue() && !CompactionDue()) return;
  {
    absl::MutexLock lock(&job_mutex_);
    if (job_running_) return;
    job_running_ = true;
  }
  const auto job = [this] {
    RunDue();
    absl::MutexLock lock(&job_mutex_);
    job_running_ = false;
  };
  // A full queue only means that the next tick tries again.
  if (background_ == nullptr) {
    job();
  } else if (!background_->TrySubmit(job)) {
    absl::MutexLock lock(&job_mutex_);
    job_running_ = false;
  }
}

void Db::Impl::RunDue() {
  absl::MutexLock lock(&maintenance_mutex_);
  if (SealDue()) {
    if (const absl::Status status = SealAll(); !status.ok()) {
      log::Error("tsdb", "cannot seal the head; tried again in 5 s",
                 {{"directory", options_.directory}, {"error", Message(status)}});
    }
  }
  if (pressure() >= Pressure::kEvict) catalog_.DropCache();
  if (CompactionDue()) {
    if (const absl::Status status = CompactAll(); !status.ok() && !absl::IsCancelled(status)) {
      log::Error("tsdb", "cannot merge or drop blocks; tried again in a minute",
                 {{"directory", options_.directory}, {"error", Message(status)}});
    }
  }
  UpdateGauges();
}

void Db::Impl::WaitForJob() {
  stop_ = true;
  absl::MutexLock lock(&job_mutex_);
  job_mutex_.Await(absl::Condition(
      +[](bool* running) { return !*running; }, &job_running_));
}

absl::Status Db::Impl::Seal() {
  absl::MutexLock lock(&maintenance_mutex_);
  return SealAll();
}

// Without the lock but for looking at a few thousand series at a time; null where that is not worth
// it. Only a seal renumbers series, and there is one at a time.
std::unique_ptr<RebuiltIndex> Db::Impl::RebuildIndex(int64_t idle_before_ms) {
  const bool any = pressure() >= Pressure::kEvict;
  std::shared_ptr<const LabelStore> labels;
  std::unique_ptr<RebuiltIndex> rebuilt;
  uint32_t series = 0;
  {
    absl::ReaderMutexLock lock(&mutex_);
    series = static_cast<uint32_t>(head_.series());
    labels = head_.index().shared_labels();
    rebuilt = std::make_unique<RebuiltIndex>(head_.seed());
  }
  size_t idle = 0;
  for (uint32_t id = 0; id < series; id += kScannedAtOnce) {
    absl::ReaderMutexLock lock(&mutex_);
    idle += head_.CountIdle(id, kScannedAtOnce, idle_before_ms, nullptr);
  }
  if (!Head::WorthRebuilding(idle, series, any)) return nullptr;
  std::vector<Head::Survivor> survivors;
  for (uint32_t id = 0; id < series; id += kScannedAtOnce) {
    survivors.clear();
    survivors.reserve(kScannedAtOnce);
    {
      absl::ReaderMutexLock lock(&mutex_);
      head_.CountIdle(id, kScannedAtOnce, idle_before_ms, &survivors);
    }
    for (const Head::Survivor& survivor : survivors) {
      rebuilt->Add(survivor.id, survivor.key, *labels);
    }
  }
  return rebuilt;
}

// A head that an earlier attempt froze is sealed first; then what came since.
absl::Status Db::Impl::SealAll() {
  absl::Status status;
  const int64_t idle_before_ms = IdleBefore();
  for (int i = 0; i < 2 && status.ok(); ++i) {
    bool again = false;
    std::unique_ptr<RebuiltIndex> rebuilt = RebuildIndex(idle_before_ms);
    {
      Head::Remains remains;
      absl::MutexLock lock(&mutex_);
      const LockTimer timer(clock_, metrics_.seal_lock_seconds);
      again = head_.frozen() != nullptr;
      if (!again) {
        last_seal_ns_ = clock_.MonotonicNs();
        const bool idle = head_.samples() == 0 && wal_->size_bytes() == 0;
        if (idle) DropScratch();
        if (idle && rebuilt == nullptr) return absl::OkStatus();
        frozen_up_to_ = wal_->last();
        wal_->Rotate();
        head_.Freeze(idle_before_ms, std::move(rebuilt), &remains);
        ReportMemory();
      }
    }
    status = SealFrozen();
    if (!again) break;
  }
  absl::MutexLock lock(&mutex_);
  retry_ns_ = status.ok() ? 0 : clock_.MonotonicNs() + kRetryNs;
  if (!status.ok()) metrics_.seal_failures->Add();
  return status;
}

// What commits reuse is as large as the largest of them; an idle store needs none of it.
void Db::Impl::DropScratch() {
  plan_ = AppendPlan();
  series_frame_ = SeriesFrame();
  records_ = std::vector<SampleRecord>();
  payload_ = std::string();
}

absl::Status Db::Impl::SealFrozen() {
  const int64_t start_ns = clock_.MonotonicNs();
  std::shared_ptr<const FrozenHead> frozen;
  {
    absl::ReaderMutexLock lock(&mutex_);
    frozen = head_.frozen();
  }
  // The log's metadata frames go with the log.
  TRY(metadata_.Save(file_system_));
  TRY(exemplars_.Save(file_system_));
  std::vector<BlockMeta> added;
  if (!frozen->series.empty()) {
    BlockMeta meta;
    meta.id = NewUuid(SystemRng());
    meta.sequence = catalog_.TakeSequence();
    meta.covers = frozen_up_to_;
    meta.tombstones_from = catalog_.manifest().next_tombstone;
    std::vector<std::unique_ptr<SeriesSource>> sources;
    sources.push_back(MakeFrozenSource(frozen));
    auto written = WriteMerged(std::move(sources), kAllTime, meta, catalog_.store(), nullptr);
    if (!written.ok()) {
      catalog_.AddOrphan(meta.id);
      return written.status();
    }
    if (written->series > 0) added.push_back(*std::move(written));
  }
  if (const absl::Status status = catalog_.Change(added, {}, frozen_up_to_); !status.ok()) {
    for (const BlockMeta& meta : added) catalog_.AddOrphan(meta.id);
    return status;
  }
  {
    Head::Remains remains;
    absl::MutexLock lock(&mutex_);
    const LockTimer timer(clock_, metrics_.seal_lock_seconds);
    blocks_ = catalog_.list();
    head_.DropFrozen(&remains);
    ReportMemory();
  }
  const uint64_t samples = frozen->samples;
  frozen.reset();
  if (const absl::Status status = wal_->TruncateUpTo(frozen_up_to_); !status.ok()) {
    log::Warn("tsdb", "cannot remove sealed log segments; the next start does",
              {{"error", Message(status)}});
  }
  metrics_.seals->Add();
  metrics_.seal_seconds->Observe(Seconds(clock_.MonotonicNs() - start_ns));
  if (!added.empty()) {
    log::Info("tsdb", "sealed the head",
              {{"block", added[0].id},
               {"series", added[0].series},
               {"samples", samples},
               {"bytes", added[0].size},
               {"took_ms", (clock_.MonotonicNs() - start_ns) / 1'000'000}});
  }
  return absl::OkStatus();
}

absl::Status Db::Impl::Compact() {
  absl::MutexLock lock(&maintenance_mutex_);
  return CompactAll();
}

absl::Status Db::Impl::CompactAll() {
  next_compaction_ns_ = clock_.MonotonicNs() + kCompactionCheckNs;
  const int64_t min_ms = RetentionCut();
  const std::vector<std::string> expired = ExpiredBlocks(catalog_.manifest().blocks, min_ms);
  if (!expired.empty()) {
    TRY(catalog_.Change({}, expired, {}));
    Publish();
    changes_.Mark({INT64_MIN, min_ms});
    metrics_.blocks_dropped->Add(expired.size());
    log::Info("tsdb", "dropped blocks older than retention", {{"blocks", expired.size()}});
  }
  for (;;) {
    std::vector<BlockMeta> healthy;
    for (const auto& block : *catalog_.list()) {
      if (!block->left_alone()) healthy.push_back(block->meta());
    }
    const std::vector<std::string> ids =
        NextMerge(healthy, clock_.NowMs(), 2 * options_.seal_interval_ms, retention_ms_);
    if (ids.empty()) return absl::OkStatus();
    TRY(Merge(ids, min_ms, &stop_));
  }
}

// Blocks and samples that end before it are dropped.
int64_t Db::Impl::RetentionCut() {
  const int64_t now_ms = clock_.NowMs();
  const int64_t now_ns = clock_.MonotonicNs();
  int64_t jump_ms = 0;
  int64_t limit_ms = kClockJumpMs;
  if (wall_seen_ms_ != INT64_MIN) {
    jump_ms = now_ms - wall_seen_ms_ - (now_ns - monotonic_seen_ns_) / 1'000'000;
  } else if (const int64_t newest_ms = NewestBlockMs(); newest_ms != INT64_MIN) {
    jump_ms = now_ms - newest_ms;
    limit_ms = kClockJumpAtStartMs;
  }
  wall_seen_ms_ = now_ms;
  monotonic_seen_ns_ = now_ns;
  if (jump_ms > limit_ms) {
    clock_doubted_until_ns_ = now_ns + kClockDoubtNs;
    log::Warn("tsdb",
              "the clock is far ahead of where it should be; nothing is dropped for its age for a "
              "day",
              {{"directory", options_.directory}, {"ahead_ms", jump_ms}});
  }
  return now_ns < clock_doubted_until_ns_ ? INT64_MIN : now_ms - retention_ms_;
}

int64_t Db::Impl::NewestBlockMs() const {
  int64_t newest_ms = INT64_MIN;
  for (const BlockMeta& meta : catalog_.manifest().blocks) {
    newest_ms = std::max(newest_ms, meta.max_ms);
  }
  return newest_ms;
}

// As many of the blocks, the oldest first, as a merge has memory and disk for.
absl::StatusOr<std::vector<std::shared_ptr<const Block>>> Db::Impl::BlocksToMerge(
    const std::vector<std::string>& ids) const {
  std::vector<std::shared_ptr<const Block>> blocks;
  uint64_t memory = 0;
  uint64_t disk = 0;
  for (const auto& block : *catalog_.list()) {
    if (std::find(ids.begin(), ids.end(), block->meta().id) == ids.end()) continue;
    auto needs = block->MergeMemory();
    if (!needs.ok()) {
      block->LeaveAlone();
      return needs.status();
    }
    if (!blocks.empty() && memory + *needs > kMergeMemoryMax / 2) break;
    memory += *needs;
    disk += block->meta().size;
    blocks.push_back(block);
  }
  if (blocks.size() < std::min<size_t>(ids.size(), 2)) {
    for (const auto& block : blocks) block->LeaveAlone();
    return FailedPrecondition(
        "a block with so many label values is not merged: it needs {} MiB of memory, of {} for all",
        memory >> 20, kMergeMemoryMax >> 21);
  }
  TRY_ASSIGN(const DiskSpace space, file_system_.Space(options_.directory));
  if (space.free_bytes < disk + kMergeDiskLeft) {
    return ResourceExhausted(
        "a merge of {} blocks needs {} MiB of free disk, there are {} (free some, or lower "
        "--disk-limit)",
        blocks.size(), (disk + kMergeDiskLeft) >> 20, space.free_bytes >> 20);
  }
  return blocks;
}

absl::Status Db::Impl::Merge(const std::vector<std::string>& ids, int64_t min_ms,
                             const std::atomic<bool>* stop) {
  const int64_t start_ns = clock_.MonotonicNs();
  TRY_ASSIGN(const auto blocks, BlocksToMerge(ids));
  BlockMeta meta;
  meta.id = NewUuid(SystemRng());
  meta.sequence = UINT64_MAX;
  meta.tombstones_from = catalog_.manifest().next_tombstone;
  std::vector<std::unique_ptr<SeriesSource>> sources;
  for (const auto& block : blocks) {
    const BlockMeta& from = block->meta();
    meta.sources.push_back(from.id);
    meta.level = std::max(meta.level, from.level + (blocks.size() > 1 ? 1 : 0));
    meta.sequence = std::min(meta.sequence, from.sequence);
    meta.covers = std::max(meta.covers, from.covers);
    auto source = Block::Select(block, {}, kAllTime, false);
    if (!source.ok()) {
      block->LeaveAlone();
      return source.status();
    }
    sources.push_back(*std::move(source));
  }
  meta.level = std::min(meta.level, kLevelMax);
  auto merged = WriteMerged(std::move(sources), {min_ms, INT64_MAX}, meta, catalog_.store(), stop);
  if (!merged.ok()) {
    catalog_.AddOrphan(meta.id);
    // Which of them it was does not matter: all are readable but for the damaged page, and the
    // others are merged with later ones.
    if (absl::IsDataLoss(merged.status()) || absl::IsFailedPrecondition(merged.status())) {
      for (const auto& block : blocks) block->LeaveAlone();
    }
    return merged.status();
  }
  std::vector<BlockMeta> added;
  if (merged->series > 0) added.push_back(*merged);
  if (const absl::Status status = catalog_.Change(added, meta.sources, {}); !status.ok()) {
    catalog_.AddOrphan(meta.id);
    return status;
  }
  Publish();
  // What is older than retention is gone for good, even if the clock goes back. Where something was
  // deleted, histograms behind it are told anew what came before them.
  if (min_ms != INT64_MIN) changes_.Mark({INT64_MIN, min_ms});
  for (const auto& block : blocks) {
    if (block->has_tombstones()) changes_.Mark({block->meta().min_ms, INT64_MAX});
  }
  metrics_.merges->Add();
  log::Info("tsdb", "merged blocks",
            {{"block", meta.id},
             {"sources", blocks.size()},
             {"samples", merged->samples},
             {"bytes", merged->size},
             {"took_ms", (clock_.MonotonicNs() - start_ns) / 1'000'000}});
  return absl::OkStatus();
}

void Db::Impl::Publish() {
  NoteTombstones();
  absl::MutexLock lock(&mutex_);
  blocks_ = catalog_.list();
}

// So that what was sealed every ten minutes takes the disk that larger blocks do.
void Db::Impl::MergeAtStop() {
  uint64_t samples_left = kStopSamplesMax;
  for (;;) {
    std::vector<BlockMeta> healthy;
    for (const auto& block : *catalog_.list()) {
      if (!block->left_alone()) healthy.push_back(block->meta());
    }
    const std::vector<std::string> ids = NextMergeAtStop(healthy, samples_left);
    if (ids.empty()) return;
    for (const BlockMeta& meta : healthy) {
      if (std::find(ids.begin(), ids.end(), meta.id) != ids.end()) samples_left -= meta.samples;
    }
    if (const absl::Status status = Merge(ids, INT64_MIN, nullptr); !status.ok()) {
      log::Warn("tsdb", "blocks not merged at the stop; later merges do",
                {{"directory", options_.directory}, {"error", Message(status)}});
      return;
    }
  }
}

absl::Status Db::Impl::Close(bool merge) {
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return absl::OkStatus();
    closed_ = true;
  }
  WaitForJob();
  absl::MutexLock lock(&maintenance_mutex_);
  const absl::Status status = SealAll();
  if (status.ok() && merge) MergeAtStop();
  UpdateGauges();
  if (status.ok()) return status;
  // What cannot be sealed is in the log, and the next start replays it.
  return wal_->SyncAll().ok() ? absl::OkStatus() : status;
}

void Db::Impl::UpdateGauges() {
  double series = 0;
  double bytes = 0;
  double blocks = 0;
  double data_bytes = 0;
  double index_bytes = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (!closed_) {
      for (const auto& block : *blocks_) {
        const BlockMeta& meta = block->meta();
        data_bytes += static_cast<double>(meta.data_bytes);
        index_bytes += static_cast<double>(meta.size - meta.data_bytes);
      }
      series = static_cast<double>(head_.series());
      bytes = static_cast<double>(head_.memory_bytes());
      blocks = static_cast<double>(blocks_->size());
    }
  }
  absl::MutexLock lock(&job_mutex_);
  metrics_.series->Add(series - std::exchange(shown_series_, series));
  metrics_.head_bytes->Add(bytes - std::exchange(shown_bytes_, bytes));
  metrics_.blocks->Add(blocks - std::exchange(shown_blocks_, blocks));
  metrics_.block_data_bytes->Add(data_bytes - std::exchange(shown_data_bytes_, data_bytes));
  metrics_.block_index_bytes->Add(index_bytes - std::exchange(shown_index_bytes_, index_bytes));
}

}  // namespace hearth::tsdb

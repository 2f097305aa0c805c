// SPDX-License-Identifier: Apache-2.0
// How a store starts: blocks, then the log.
#include <algorithm>
#include <bit>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "tsdb/db_impl.h"

namespace hearth::tsdb {

using storage::Position;
using storage::TimeRange;

namespace {

// A start reads the newest samples back from blocks of at most so many series: a larger one would
// take more than half a second of it.
constexpr uint64_t kSeedSeriesMax = 200'000;

// What a series of the log is called by the head that was made of it, in order and in frames.
class CarriedFrames {
 public:
  // False where the frame is full: it has to be written, and Clear()ed, first.
  bool Add(uint32_t before, uint32_t now) {
    if (ids_.size() == kCarriedMax) return false;
    ids_.push_back(now);
    if (!runs_.empty() && runs_.back().before + runs_.back().count == before &&
        runs_.back().now + runs_.back().count == now) {
      ++runs_.back().count;
    } else {
      runs_.push_back({before, now, 1});
    }
    return true;
  }
  void Clear() {
    ids_.clear();
    runs_.clear();
  }
  const std::vector<CarriedRun>& runs() const { return runs_; }
  const std::vector<uint32_t>& ids() const { return ids_; }

 private:
  std::vector<CarriedRun> runs_;
  std::vector<uint32_t> ids_;
};

}  // namespace

// The head's numbers of the series that the log has, by the log's numbers, which are dense.
class LoggedSeries {
 public:
  void Put(uint32_t generation, std::span<const SeriesRecord> records,
           const std::vector<uint32_t>& ids, size_t numbers_max) {
    newest_generation_ = std::max(newest_generation_, generation);
    for (size_t i = 0; i < records.size(); ++i) {
      const uint32_t number = records[i].series;
      if (number < numbers_max) Put(generation, number, ids[i]);
    }
  }
  // Runs of `before` get numbers of `now` as well; what is not known of them stays unknown.
  void Carry(uint32_t before, uint32_t now, std::span<const CarriedRun> runs, size_t numbers_max) {
    // All of a generation is carried at once: numbers that were given anew must not be taken for
    // those before.
    newest_generation_ = std::max(newest_generation_, now);
    if (carried_to_ != now) carried_from_ = series_;
    carried_to_ = now;
    for (const CarriedRun& run : runs) {
      for (uint32_t i = 0; i < run.count; ++i) {
        const uint64_t from = uint64_t{run.before} + i;
        const uint64_t to = uint64_t{run.now} + i;
        if (from >= carried_from_.size() || carried_from_[from].generation != before) continue;
        if (to < numbers_max) Put(now, static_cast<uint32_t>(to), carried_from_[from].id);
      }
    }
  }
  bool Has(uint32_t generation, uint32_t number) const {
    return number < series_.size() && series_[number].generation == generation;
  }
  uint32_t newest_generation() const { return newest_generation_; }  // 0: there is none
  uint32_t size() const { return static_cast<uint32_t>(series_.size()); }
  uint32_t id(uint32_t number) const { return series_[number].id; }

 private:
  struct Logged {
    uint32_t generation = 0;
    uint32_t id = 0;
  };
  void Put(uint32_t generation, uint32_t number, uint32_t id) {
    if (number >= series_.size()) series_.resize(number + 1 + number / 2);
    series_[number] = {generation, id};
  }
  std::vector<Logged> series_;
  uint32_t newest_generation_ = 0;
  std::vector<Logged> carried_from_;
  uint32_t carried_to_ = 0;
};

absl::Status Db::Impl::Open() {
  TRY(file_system_.MakeDirectories(options_.directory));
  TRY(file_system_.SyncDirectory(DirectoryOf(options_.directory)));
  TRY(metadata_.Load(file_system_));
  TRY(exemplars_.Load(file_system_));
  Position covered;
  {
    absl::MutexLock lock(&maintenance_mutex_);
    TRY(catalog_.Open());
    NoteTombstones();
    RetentionCut();  // from here on a jump of the clock is known as one
    covered = catalog_.manifest().covers;
    absl::MutexLock head_lock(&mutex_);
    blocks_ = catalog_.list();
    for (const auto& block : *blocks_) head_.RaiseMax(block->meta().max_ms);
    TRY(imports_.Load(file_system_, [&blocks = *blocks_](std::string_view id) {
      return std::any_of(blocks.begin(), blocks.end(), [&](const auto& block) {
        const std::vector<std::string>& sources = block->meta().sources;
        return block->meta().id == id ||
               std::find(sources.begin(), sources.end(), id) != sources.end();
      });
    }));
  }
  TRY_ASSIGN(wal_, Wal::Open({JoinPath(options_.directory, "wal"), options_.wal_fsync,
                              options_.sync_interval_ms, options_.group_commit_delay_us,
                              options_.wal_segment_bytes},
                             file_system_, clock_, wal_metrics_, covered));
  SeedFromBlocks();
  TRY(Replay(covered));
  UpdateGauges();
  return absl::OkStatus();
}

// So that what senders repeat after a restart is known as repeated. An aid: what cannot be read is
// left out, and said by the queries that need it.
void Db::Impl::SeedFromBlocks() {
  absl::MutexLock lock(&mutex_);
  const int64_t now_ms = clock_.NowMs();
  const int64_t newest_ms = head_.max_ms();
  if (blocks_->empty() || newest_ms < now_ms - options_.idle_series_ms) return;
  const TimeRange range{newest_ms - options_.seal_interval_ms, INT64_MAX};
  for (const auto& block : *blocks_) {
    if (!block->Overlaps(range) || block->meta().series > kSeedSeriesMax) continue;
    auto source = Block::Select(block, {}, range, false);
    if (!source.ok()) continue;
    Columns columns;
    for (;;) {
      const absl::StatusOr<bool> more = (*source)->Next();
      if (!more.ok() || !*more) break;
      columns.Clear();
      if (!(*source)->Read(range, &columns).ok()) break;
      if (columns.size() > 0) {
        const Sample newest{columns.times_ms.back(),
                            std::bit_cast<uint64_t>(columns.values.back())};
        head_.Seed((*source)->labels(), newest, nullptr, now_ms);
      }
      if (columns.histograms.empty()) continue;
      const model::HistogramSample& newest = columns.histograms.back();
      head_.Seed((*source)->labels(), {newest.time_ms, 0}, newest.histogram, now_ms);
    }
  }
}

// What is kept beside the samples.
absl::Status Db::Impl::ReplayAside(uint8_t type, std::string_view payload) {
  if (type == kMetadataFrame) {
    std::vector<model::Metadata> metadata;
    const absl::Status status =
        DecodeMetadata(payload, [&](model::Metadata m) { metadata.push_back(std::move(m)); });
    metadata_.Put(metadata);
    return status;
  }
  std::vector<SeriesExemplar> exemplars;
  const absl::Status status = DecodeExemplars(payload, &exemplars);
  for (SeriesExemplar& entry : exemplars) {
    exemplars_.Put(entry.series, std::move(entry.exemplar));
  }
  return status;
}

// The labels of the newest generation need not be logged again as long as its frames are there,
// which is until the next seal.
void Db::Impl::CarrySeries(const LoggedSeries& series) {
  const uint32_t generation = series.newest_generation();
  CarriedFrames frames;
  const auto write = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (frames.ids().empty()) return true;
    EncodeCarried(generation, head_.generation(), frames.runs(), &payload_);
    const bool written = wal_->Append(kCarriedFrame, payload_).ok();
    if (written) head_.MarkLogged(frames.ids());
    frames.Clear();
    return written;
  };
  for (uint32_t number = 0; number < series.size(); ++number) {
    if (!series.Has(generation, number)) continue;
    if (frames.Add(number, series.id(number))) continue;
    if (!write()) return;  // the log says why when samples come; labels are logged with those
    frames.Add(number, series.id(number));
  }
  write();
}

absl::Status Db::Impl::Replay(Position covered) {
  const int64_t start_ns = clock_.MonotonicNs();
  LoggedSeries series;
  uint64_t unresolved = 0;
  absl::MutexLock lock(&mutex_);
  std::vector<uint32_t> ids;
  const auto visit_series = [&](uint32_t generation, std::span<const SeriesRecord> records)
                                ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                  head_.ReplaySeries(records, &ids);
                                  series.Put(generation, records, ids, options_.series_max);
                                };
  const auto known = [&](uint32_t generation, uint32_t number) {
    if (series.Has(generation, number)) return true;
    ++unresolved;
    return false;
  };
  const auto visit_started = [&](uint32_t generation, const SampleRecord& record,
                                 int64_t start_ms) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (!known(generation, record.series)) return;
    head_.ReplaySample(series.id(record.series), {record.time_ms, record.value_bits}, start_ms);
  };
  const auto visit_sample = [&](uint32_t generation, const SampleRecord& record) {
    visit_started(generation, record, 0);
  };
  const auto visit_histogram = [&](uint32_t generation, const HistogramRecord& record)
                                   ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                     if (!known(generation, record.series)) return;
                                     head_.ReplayHistogram(series.id(record.series), record.sample);
                                   };
  const auto visit_carried = [&](uint32_t before, uint32_t now, std::span<const CarriedRun> runs) {
    series.Carry(before, now, runs, options_.series_max);
  };
  const auto visit = [&](Position, uint8_t type, std::string_view payload) {
    absl::Status status;
    switch (type) {
      case kSeriesFrame:
        status = DecodeSeries(payload, visit_series);
        break;
      case kSamplesFrame:
        status = DecodeSamples(payload, visit_sample);
        break;
      case kStartedSamplesFrame:
        status = DecodeStartedSamples(payload, visit_started);
        break;
      case kHistogramsFrame:
        status = DecodeHistogramsFrame(payload, visit_histogram);
        break;
      case kCarriedFrame:
        status = DecodeCarried(payload, visit_carried);
        break;
      case kMetadataFrame:
      case kExemplarsFrame:
        status = ReplayAside(type, payload);
        break;
      default:
        return FailedPrecondition("log frame of type {}: written by a newer hearth", type);
    }
    if (!status.ok()) log::Error("tsdb", "log frame skipped", {{"error", Message(status)}});
    return absl::OkStatus();
  };
  TRY(wal_->Replay(covered, visit));
  head_.SetGeneration(series.newest_generation() + 1);
  CarrySeries(series);
  ReportMemory();
  first_unsealed_ns_ = clock_.MonotonicNs();
  replayed_samples_ = head_.samples();
  replay_ms_ = (clock_.MonotonicNs() - start_ns) / 1'000'000;
  ReportReplay(unresolved);
  return absl::OkStatus();
}

void Db::Impl::ReportReplay(uint64_t unresolved) {
  if (unresolved > 0) {
    metrics_.unknown_series->Add(unresolved);
    log::Error("tsdb", "logged samples lost with their series' frame", {{"samples", unresolved}});
  }
  if (replayed_samples_ > 0) {
    log::Info("tsdb", "replayed the log",
              {{"directory", options_.directory},
               {"samples", replayed_samples_},
               {"series", head_.series()},
               {"took_ms", replay_ms_}});
  }
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/db.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"
#include "tsdb/db_impl.h"

namespace hearth::tsdb {

using storage::Position;
using storage::TimeRange;

namespace {

// How long a description of what makes so many series is used.
constexpr int64_t kExplosionNs = 10'000'000'000;
// What writing a head's block takes for each series while it lasts (labels, postings, order), kept
// free beforehand: a head that cannot be sealed could never shrink. Measured with unique values.
constexpr uint64_t kSealBytesPerSeries = 192;

// The times whose samples a plan changes. What a histogram's successor is told of it (its hint)
// changes with it, so those count to the end.
TimeRange TimesOf(const AppendPlan& plan) {
  TimeRange times{INT64_MAX, INT64_MIN};
  for (const AppendPlan::Step& step : plan.steps) {
    times.min_ms = std::min(times.min_ms, step.sample.time_ms);
    times.max_ms = std::max(times.max_ms, step.sample.time_ms);
  }
  if (!plan.extras.empty()) times.max_ms = INT64_MAX;
  return times;
}

}  // namespace

DbMetrics DbMetrics::Register(Registry& registry) {
  DbMetrics metrics;
  metrics.samples = &registry.AddCounter("hearth_tsdb_samples_appended_total",
                                         "Samples stored, duplicates not counted.");
  metrics.duplicates = &registry.AddCounter("hearth_tsdb_duplicate_samples_total",
                                            "Samples accepted that were stored already.");
  metrics.new_series =
      &registry.AddCounter("hearth_tsdb_series_created_total", "Series that entered a head.");
  metrics.unknown_series = &registry.AddCounter(
      "hearth_tsdb_wal_unresolved_samples_total",
      "Logged samples whose series was in a corrupt frame, dropped at a start.");
  metrics.seals =
      &registry.AddCounter("hearth_tsdb_seals_total", "Heads that were sealed into blocks.");
  metrics.seal_failures =
      &registry.AddCounter("hearth_tsdb_seal_failures_total", "Attempts to seal that failed.");
  metrics.merges =
      &registry.AddCounter("hearth_tsdb_compactions_total", "Merges of blocks into larger ones.");
  metrics.blocks_dropped = &registry.AddCounter("hearth_tsdb_blocks_dropped_total",
                                                "Blocks dropped for being beyond retention.");
  metrics.seal_seconds = &registry.AddHistogram("hearth_tsdb_seal_seconds",
                                                "Duration of sealing a head.", LatencyBuckets());
  metrics.seal_lock_seconds = &registry.AddHistogram(
      "hearth_tsdb_seal_lock_seconds",
      "How long writers had to wait for one step of a seal: samples and idle series leaving the "
      "head, or what was sealed being dropped.",
      LatencyBuckets());
  metrics.blocks = &registry.AddGauge("hearth_tsdb_blocks", "Blocks on disk.");
  metrics.block_data_bytes = &registry.AddGauge("hearth_tsdb_block_data_bytes",
                                                "Disk that the samples and times in blocks take.");
  metrics.block_index_bytes = &registry.AddGauge(
      "hearth_tsdb_block_index_bytes", "Disk that the rest of blocks takes: labels, places.");
  metrics.series = &registry.AddGauge("hearth_tsdb_head_series", "Series in the heads.");
  metrics.head_bytes =
      &registry.AddGauge("hearth_tsdb_head_bytes", "Memory that the heads take, estimated.");
  return metrics;
}

Db::Impl::Impl(Options options, FileSystem& file_system, const Clock& clock, Registry& registry,
               ThreadPool* background)
    : options_(std::move(options)),
      file_system_(file_system),
      clock_(clock),
      background_(background),
      metrics_(DbMetrics::Register(registry)),
      wal_metrics_(WalMetrics::Register(registry)),
      retention_ms_(options_.retention_ms),
      late_window_ms_(options_.out_of_order_window_ms),
      max_age_ms_(options_.max_sample_age_ms),
      series_max_(options_.series_max),
      metadata_(JoinPath(options_.directory, "metadata"), options_.metadata_max),
      exemplars_(JoinPath(options_.directory, "exemplars"), options_.exemplar_bytes_max),
      imports_(JoinPath(options_.directory, "imports")),
      catalog_(options_.directory, file_system,
               options_.block_cache != nullptr ? options_.block_cache
                                               : MakeBlockCache(options_.block_cache_bytes)),
      head_(SystemRng().Next()) {}

Db::Impl::~Impl() {
  WaitForJob();
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    if (options_.memory != nullptr) options_.memory->Add(-std::exchange(reported_bytes_, 0));
  }
  UpdateGauges();
}

AppendRules Db::Impl::Rules() const {
  AppendRules rules;
  rules.now_ms = clock_.NowMs();
  rules.max_ms = rules.now_ms + options_.future_limit_ms;
  rules.retention_ms = rules.now_ms - retention_ms_;
  rules.too_old_ms = max_age_ms_ > 0 ? rules.now_ms - max_age_ms_ : INT64_MIN;
  rules.late_window_ms = late_window_ms_;
  rules.series_max = series_max_;
  rules.memory_full = pressure() >= Pressure::kRefuse;
  return rules;
}

absl::StatusOr<Position> Db::Impl::LogPlan() {
  if (!plan_.to_log.empty()) {
    series_frame_.Start(head_.generation());
    std::string packed;
    for (const uint32_t id : plan_.to_log) {
      packed.clear();
      head_.AppendLabels(id, &packed);
      series_frame_.Add(id, model::LabelsView(packed));
    }
    TRY(wal_->Append(kSeriesFrame, series_frame_.Finish()));
  }
  if (!plan_.extras.empty() || !plan_.starts.empty()) return LogMixedPlan();
  records_.clear();
  for (const AppendPlan::Step& step : plan_.steps) {
    records_.push_back({step.series, step.sample.time_ms, step.sample.value_bits});
  }
  EncodeSamples(head_.generation(), records_, &payload_);
  return wal_->Append(kSamplesFrame, payload_);
}

absl::StatusOr<Position> Db::Impl::LogMixedPlan() {
  records_.clear();
  std::vector<int64_t> starts;
  std::vector<HistogramRecord> histograms;
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    const AppendPlan::Step& step = plan_.steps[i];
    if (plan_.is_histogram(step)) {
      histograms.push_back({step.series, plan_.extra(step)->histogram});
      continue;
    }
    records_.push_back({step.series, step.sample.time_ms, step.sample.value_bits});
    starts.push_back(i < plan_.starts.size() ? plan_.starts[i] : 0);
  }
  // Where the second frame fails the first stays in the log: samples that a sender was told are not
  // stored, and will send again, may be there after a restart.
  if (!plan_.starts.empty()) {
    EncodeStartedSamples(head_.generation(), records_, starts, &payload_);
    TRY(wal_->Append(kStartedSamplesFrame, payload_));
  } else if (!records_.empty()) {
    EncodeSamples(head_.generation(), records_, &payload_);
    TRY(wal_->Append(kSamplesFrame, payload_));
  }
  if (histograms.empty()) return wal_->last();
  EncodeHistograms(head_.generation(), histograms, &payload_);
  return wal_->Append(kHistogramsFrame, payload_);
}

// A courtesy, as metadata: nothing is refused for their sake.
void Db::Impl::KeepExemplars(const storage::WriteBatch& batch, storage::AppendOutcome* outcome) {
  std::vector<SeriesExemplar> kept;
  for (const storage::WriteBatch::SeriesExemplar& entry : batch.exemplars()) {
    const model::LabelsView labels = batch.labels(batch.series()[entry.series]);
    if (!head_.Knows(labels) || !exemplars_.Takes(labels.packed(), entry.exemplar)) {
      ++outcome->refused_exemplars;
      continue;
    }
    // Put at once: the next one of the request is compared with it.
    exemplars_.Put(labels.packed(), entry.exemplar);
    kept.push_back({std::string(labels.packed()), entry.exemplar});
  }
  if (kept.empty()) return;
  outcome->stored_exemplars = kept.size();
  EncodeExemplars(kept, &payload_);
  if (const auto logged = wal_->Append(kExemplarsFrame, payload_); !logged.ok()) {
    log::Warn("tsdb", "exemplars are not in the log: a restart loses them",
              {{"error", Message(logged.status())}});
  }
}

void Db::Impl::ReportMemory() {
  if (options_.memory == nullptr) return;
  // While it is written, what is frozen is a part of what was kept free for that.
  const auto& frozen = head_.frozen();
  const uint64_t held = frozen == nullptr ? 0
                                          : frozen->arena.memory_bytes() +
                                                frozen->series.size() * sizeof(FrozenSeries);
  const uint64_t kept_free = head_.series() * kSealBytesPerSeries;
  const auto bytes =
      static_cast<int64_t>(head_.memory_bytes() + (kept_free > held ? kept_free - held : 0));
  options_.memory->Add(bytes - std::exchange(reported_bytes_, bytes));
}

// Refusals come by the million; what causes them is looked up once in a while.
const std::string& Db::Impl::Explosion() {
  const int64_t now_ns = clock_.MonotonicNs();
  if (explosion_.empty() || now_ns - explosion_ns_ > kExplosionNs) {
    explosion_ = head_.DescribeExplosion();
    explosion_ns_ = now_ns;
    log::Warn("tsdb", "new series are refused",
              {{"directory", options_.directory},
               {"cause", explosion_},
               {"series", head_.series()},
               {"head_bytes", head_.memory_bytes()},
               {"memory", pressure() >= Pressure::kRefuse ? "full" : "below its limit"}});
  }
  return explosion_;
}

void Db::Impl::Resolve(storage::WriteBatch* batch) const {
  absl::ReaderMutexLock lock(&mutex_);
  head_.Resolve(Rules(), batch);
}

absl::StatusOr<storage::AppendOutcome> Db::Impl::Commit(const storage::WriteBatch& batch,
                                                        bool refuse_late) {
  storage::AppendOutcome outcome;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return Unavailable("the store is closed");
    if (head_.memory_bytes() > options_.head_bytes_max) {
      return Unavailable("the head holds {} bytes, the limit is {}: sealing does not keep up",
                         head_.memory_bytes(), options_.head_bytes_max);
    }
    // The last defence: sealing fails or cannot keep up, and all heads together are full.
    if (options_.memory != nullptr &&
        options_.memory->heads_bytes() > options_.memory->heads_bytes_max()) {
      return Unavailable("the heads hold {} bytes, their part of --memory-limit is {}",
                         options_.memory->heads_bytes(), options_.memory->heads_bytes_max());
    }
    if (batch.epoch() != 0 && batch.epoch() != head_.epoch()) {
      return absl::AbortedError("series left the head while the batch was on its way");
    }
    AppendRules rules = Rules();
    if (refuse_late) rules.late_window_ms = 0;
    head_.Plan(batch, rules, &plan_);
    if (!plan_.steps.empty()) {
      const absl::StatusOr<Position> position = LogPlan();
      if (!position.ok()) {
        head_.Undo(plan_);
        return position.status();
      }
      if (head_.samples() == 0) first_unsealed_ns_ = clock_.MonotonicNs();
      head_.Apply(plan_);
      changes_.Mark(TimesOf(plan_));
    }
    const std::vector<model::Metadata> changes = metadata_.Changes(batch.metadata());
    if (!changes.empty()) {
      EncodeMetadata(changes, &payload_);
      // Metadata is a courtesy: samples that are logged are not refused for it.
      if (wal_->Append(kMetadataFrame, payload_).ok()) metadata_.Put(changes);
    }
    outcome = std::move(plan_.outcome);
    if (plan_.refused_series) outcome.explosion = Explosion();
    ReportMemory();
    if (!batch.exemplars().empty()) KeepExemplars(batch, &outcome);
    // Also for a batch of nothing but duplicates: the first copies may still wait for the disk.
    outcome.position = wal_->last();
  }
  metrics_.samples->Add(outcome.stored);
  metrics_.duplicates->Add(outcome.duplicates);
  metrics_.new_series->Add(outcome.new_series);
  TRY(wal_->WaitDurable(outcome.position));
  return outcome;
}

TimeRange Db::Impl::Visible(TimeRange range) const {
  range.min_ms = std::max(range.min_ms, VisibleFrom());
  return range;
}

Stats Db::Impl::stats() const {
  Stats stats;
  absl::ReaderMutexLock lock(&mutex_);
  stats.series = head_.series();
  stats.head_samples = head_.samples();
  stats.head_chunks = head_.chunks();
  stats.head_bytes = head_.memory_bytes();
  stats.wal_bytes = wal_->size_bytes();
  stats.disk_bytes = stats.wal_bytes;
  int64_t oldest_ms = head_.samples() > 0 ? head_.min_ms() : INT64_MAX;
  for (const auto& block : *blocks_) {
    ++stats.blocks;
    stats.block_bytes += block->meta().size;
    stats.block_data_bytes += block->meta().data_bytes;
    stats.block_samples += block->meta().samples;
    oldest_ms = std::min(oldest_ms, block->meta().min_ms);
  }
  stats.disk_bytes += stats.block_bytes;
  if (oldest_ms != INT64_MAX) {
    stats.oldest_ms = oldest_ms;
    stats.newest_ms = head_.max_ms();
  }
  stats.tombstones = tombstones_;
  stats.exemplars = exemplars_.size();
  stats.exemplar_bytes = exemplars_.memory_bytes();
  stats.quarantined_frames = wal_->quarantined();
  stats.replayed_samples = replayed_samples_;
  stats.replay_ms = replay_ms_;
  return stats;
}

Db::Db(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Db::~Db() = default;

absl::StatusOr<std::unique_ptr<Db>> Db::Open(Options options, FileSystem& file_system,
                                             const Clock& clock, Registry& registry,
                                             ThreadPool* background) {
  TRY(options.Validate());
  auto impl = std::make_unique<Impl>(std::move(options), file_system, clock, registry, background);
  TRY(impl->Open());
  return std::unique_ptr<Db>(new Db(std::move(impl)));
}

absl::StatusOr<storage::AppendOutcome> Db::Commit(const storage::WriteBatch& batch,
                                                  const storage::Origin& origin) {
  return impl_->Commit(batch, origin.refuse_late);
}

void Db::Resolve(storage::WriteBatch* batch) const { impl_->Resolve(batch); }

absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Db::Select(
    const storage::SelectRequest& request) const {
  return impl_->Select(request);
}

absl::StatusOr<std::vector<model::Labels>> Db::Series(
    TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
    size_t limit) const {
  StringSet packed;
  TRY(impl_->ForEachSeries(selectors, range,
                           [&](model::LabelsView labels) { packed.emplace(labels.packed()); }));
  std::vector<model::Labels> found;
  found.reserve(packed.size());
  for (const std::string& bytes : packed) found.push_back(model::Labels::FromPacked(bytes));
  std::sort(found.begin(), found.end());
  if (limit != 0 && found.size() > limit) found.resize(limit);
  return found;
}

absl::StatusOr<std::vector<std::string>> Db::LabelNames(
    TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
    size_t limit) const {
  return impl_->LabelTexts(std::nullopt, range, selectors, limit);
}

absl::StatusOr<std::vector<std::string>> Db::LabelValues(
    std::string_view name, TimeRange range,
    const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const {
  return impl_->LabelTexts(name, range, selectors, limit);
}

std::vector<model::Metadata> Db::MetricMetadata(std::string_view metric, size_t limit) const {
  return impl_->metadata_.Get(metric, limit);
}

absl::StatusOr<std::vector<storage::SeriesExemplars>> Db::Exemplars(
    TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors) const {
  return impl_->Exemplars(range, selectors);
}
absl::Status Db::DeleteSeries(TimeRange range,
                              const std::vector<std::vector<model::Matcher>>& selectors) {
  return impl_->DeleteSeries(range, selectors);
}
absl::Status Db::CleanTombstones() { return impl_->CleanTombstones(); }
absl::Status Db::Snapshot(const std::string& directory, bool skip_head) {
  return impl_->Snapshot(directory, skip_head);
}
absl::StatusOr<storage::ImportOutcome> Db::Import(const std::string& key, TimeRange range,
                                                  storage::SeriesSet& series) {
  return impl_->Import(key, range, series);
}
std::optional<storage::ImportOutcome> Db::FindImport(const std::string& key) const {
  return impl_->imports_.Find(key);
}

absl::StatusOr<uint64_t> Db::DropOldestBlock(int64_t before_ms) {
  return impl_->DropOldestBlock(before_ms);
}
int64_t Db::oldest_block_end_ms() const { return impl_->OldestBlockEnd(); }

void Db::Maintain() { impl_->Maintain(); }
absl::Status Db::Seal() { return impl_->Seal(); }
absl::Status Db::Compact() { return impl_->Compact(); }
absl::Status Db::Close(bool merge) { return impl_->Close(merge); }

void Db::SetRetention(int64_t retention_ms) {
  if (impl_->retention_ms_.exchange(retention_ms) == retention_ms) return;
  impl_->changes_.Mark({INT64_MIN, INT64_MAX});
}
void Db::SetOutOfOrderWindow(int64_t window_ms) { impl_->late_window_ms_ = window_ms; }
void Db::SetMaxSampleAge(int64_t age_ms) { impl_->max_age_ms_ = age_ms; }
void Db::SetSeriesMax(size_t series_max) { impl_->series_max_ = series_max; }
Stats Db::stats() const { return impl_->stats(); }
storage::Position Db::last_position() const { return impl_->wal_->last(); }

uint64_t Db::store_number() const { return impl_->changes_.store_number(); }
uint64_t Db::change_number() const { return impl_->changes_.number(); }
std::vector<TimeRange> Db::ChangedSince(uint64_t number, TimeRange range) const {
  return impl_->changes_.ChangedSince(number, range);
}
int64_t Db::visible_from_ms() const { return impl_->VisibleFrom(); }

}  // namespace hearth::tsdb

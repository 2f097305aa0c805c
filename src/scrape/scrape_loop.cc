// SPDX-License-Identifier: Apache-2.0
#include "scrape/scrape_loop.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/status.h"
#include "base/text.h"
#include "codec/histogram_spans.h"
#include "model/value.h"

namespace hearth::scrape {
namespace {

using codec::ExpositionEntry;
using model::QuoteGo;

constexpr std::string_view kExportedPrefix = "exported_";
// Families of one target whose type and help are kept; real targets have some hundreds.
constexpr size_t kMetadataMax = 20'000;
// A family that is gone stays so long, in case it comes back (prometheus/scrape iterDone).
constexpr uint64_t kKeptBodies = 10;
// Prometheus cuts names in messages of limits at 50 bytes.
constexpr size_t kNameInMessageMax = 50;

std::string_view Cut(std::string_view text) { return text.substr(0, kNameInMessageMax); }

void AddSample(std::string_view packed, int64_t time_ms, double value, storage::WriteBatch* batch) {
  batch->AddSeries(model::LabelsView(packed));
  batch->AddSample(time_ms, value);
}

void AddMarker(const SeriesCache::Series& series, int64_t time_ms, storage::WriteBatch* batch) {
  // The target's own times may be ahead of ours: a marker between its samples would cut the series.
  if (series.own_time_ms >= time_ms) return;
  batch->AddSeries(model::LabelsView(series.labels));
  if (series.is_histogram) {
    batch->AddHistogram({time_ms, model::StaleHistogram(), 0});
  } else {
    batch->AddSample(time_ms, model::StaleNan());
  }
}

absl::Status FindRepeatedName(std::vector<model::Label> labels) {
  std::sort(labels.begin(), labels.end());
  for (size_t i = 1; i < labels.size(); ++i) {
    if (labels[i].name == labels[i - 1].name) {
      return InvalidArgument("label name {} is not unique: invalid sample",
                             QuoteGo(labels[i].name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

ScrapeLoop::ScrapeLoop(std::shared_ptr<const JobConfig> job, model::Labels target_labels)
    : job_(std::move(job)), target_labels_(std::move(target_labels)) {
  report_.up = ReportLabels("up");
  report_.duration = ReportLabels("scrape_duration_seconds");
  report_.scraped = ReportLabels("scrape_samples_scraped");
  report_.after_relabel = ReportLabels("scrape_samples_post_metric_relabeling");
  report_.added = ReportLabels("scrape_series_added");
  report_.timeout = ReportLabels("scrape_timeout_seconds");
  report_.sample_limit = ReportLabels("scrape_sample_limit");
  report_.body_bytes = ReportLabels("scrape_body_size_bytes");
}

std::string ScrapeLoop::ReportLabels(std::string_view name) const {
  model::LabelsBuilder labels(target_labels_);
  labels.Set(model::kMetricName, name);
  return std::string(labels.Build().packed());
}

void ScrapeLoop::SetJob(std::shared_ptr<const JobConfig> job) {
  const bool same_labels = job->metric_relabel == job_->metric_relabel &&
                           job->honor_labels == job_->honor_labels &&
                           job->legacy_names == job_->legacy_names && job->limits == job_->limits;
  job_ = std::move(job);
  if (!same_labels) cache_.ForgetTexts();
}

absl::Status ScrapeLoop::AppendBody(std::string_view body, const codec::ExpositionOptions& options,
                                    int64_t time_ms, storage::WriteBatch* batch,
                                    ScrapeCounts* counts) {
  cache_.Begin();
  ++bodies_;
  counts->body_bytes = static_cast<int64_t>(body.size());
  const auto reader = codec::MakeExpositionReader(body, options);
  const absl::Status status = ParseBody(reader.get(), time_ms, batch, counts);
  if (!status.ok()) {
    batch->Clear();
    AppendFailure(time_ms, batch);
    return status;
  }
  cache_.Finish(/*good=*/true,
                [&](const SeriesCache::Series& series) { AddMarker(series, time_ms, batch); });
  AppendMetadata(batch);
  ForgetMetadata();
  return absl::OkStatus();
}

void ScrapeLoop::AppendFailure(int64_t time_ms, storage::WriteBatch* batch) {
  cache_.Begin();
  cache_.Finish(/*good=*/false,
                [&](const SeriesCache::Series& series) { AddMarker(series, time_ms, batch); });
}

absl::Status ScrapeLoop::ParseBody(codec::ExpositionReader* reader, int64_t time_ms,
                                   storage::WriteBatch* batch, ScrapeCounts* counts) {
  while (true) {
    TRY_ASSIGN(const ExpositionEntry entry, reader->Next());
    if (entry == ExpositionEntry::kEnd) break;
    if (entry == ExpositionEntry::kSample || entry == ExpositionEntry::kHistogram) {
      ++counts->scraped;
      TRY(AppendSample(reader, entry == ExpositionEntry::kHistogram, time_ms, batch, counts));
    } else {
      TakeMetadata(entry, *reader);
    }
  }
  const uint64_t limit = job_->limits.samples;
  if (limit != 0 && counts->after_relabel > limit) return InvalidArgument("sample limit exceeded");
  if (counts->buckets_exceeded) return InvalidArgument("histogram bucket limit exceeded");
  return absl::OkStatus();
}

absl::Status ScrapeLoop::AppendSample(codec::ExpositionReader* reader, bool is_histogram,
                                      int64_t time_ms, storage::WriteBatch* batch,
                                      ScrapeCounts* counts) {
  SeriesCache::Series* series = nullptr;
  if (const auto* entry = cache_.Find(reader->series_text()); entry != nullptr) {
    series = entry->series;
  } else {
    TRY(Resolve(reader, &series, counts));
  }
  if (series == nullptr) return absl::OkStatus();  // dropped by relabelling
  ++counts->after_relabel;
  const bool own_time = reader->has_time() && job_->honor_timestamps;
  if (!cache_.MarkSeen(series) && !own_time) {
    ++counts->duplicates;
    return absl::OkStatus();
  }
  if (!own_time || job_->track_timestamps_staleness) cache_.Track(series);
  const uint64_t limit = job_->limits.samples;
  if (limit != 0 && counts->after_relabel > limit) return absl::OkStatus();  // fails at the end
  const int64_t sample_time = own_time ? reader->time_ms() : time_ms;
  if (own_time) series->own_time_ms = std::max(series->own_time_ms, sample_time);
  series->is_histogram = is_histogram;
  if (is_histogram) {
    TRY(AppendHistogram(*reader, series->labels, sample_time, batch, counts));
    if (counts->buckets_exceeded) return absl::OkStatus();  // fails at the end
  } else {
    batch->AddSeries(model::LabelsView(series->labels));
    batch->AddSample(sample_time, reader->value(), reader->start_time_ms());
  }
  if (reader->has_exemplars()) {
    AppendExemplars(reader, is_histogram, sample_time, series, batch);
  }
  return absl::OkStatus();
}

// Buckets beyond the job's limit are merged, as far as the coarsest schema allows
// (prometheus/scrape bucketLimitAppender, maxSchemaAppender).
absl::Status ScrapeLoop::AppendHistogram(const codec::ExpositionReader& reader,
                                         std::string_view labels, int64_t time_ms,
                                         storage::WriteBatch* batch, ScrapeCounts* counts) {
  std::shared_ptr<const model::NativeHistogram> histogram = reader.histogram();
  if (const absl::Status status = model::Validate(*histogram); !status.ok()) {
    return Annotate(status, model::LabelsView(labels).ToString());
  }
  const uint64_t limit = job_->limits.histogram_buckets;
  const auto buckets = [](const model::NativeHistogram& h) {
    return h.positive_buckets.size() + h.negative_buckets.size();
  };
  const bool exponential = histogram->schema != model::kCustomBucketsSchema;
  const bool too_fine = exponential && histogram->schema > job_->histogram_schema_max;
  if (too_fine || (limit != 0 && buckets(*histogram) > limit)) {
    auto coarser = std::make_shared<model::NativeHistogram>(*histogram);
    if (too_fine) codec::ReduceHistogram(job_->histogram_schema_max, coarser.get());
    while (limit != 0 && buckets(*coarser) > limit) {
      counts->buckets_exceeded = !exponential || coarser->schema <= model::kSchemaMin;
      if (counts->buckets_exceeded) return absl::OkStatus();
      codec::ReduceHistogram(coarser->schema - 1, coarser.get());
    }
    histogram = std::move(coarser);
  }
  batch->AddSeries(model::LabelsView(labels));
  batch->AddHistogram({time_ms, std::move(histogram), reader.start_time_ms()});
  return absl::OkStatus();
}

void ScrapeLoop::AppendExemplars(codec::ExpositionReader* reader, bool is_histogram,
                                 int64_t sample_time_ms, SeriesCache::Series* series,
                                 storage::WriteBatch* batch) {
  std::vector<model::Exemplar> exemplars;
  model::Exemplar exemplar;
  while (reader->NextExemplar(&exemplar)) {
    // Those of native histograms need a time: without it a repeated one cannot be told from a new.
    if (!is_histogram || exemplar.time_ms != 0) exemplars.push_back(std::move(exemplar));
  }
  std::stable_sort(exemplars.begin(), exemplars.end(),
                   [](const auto& a, const auto& b) { return a.time_ms < b.time_ms; });
  for (model::Exemplar& one : exemplars) {
    const model::Exemplar* last = series->exemplar.get();
    const bool same = last != nullptr && last->value == one.value && last->time_ms == one.time_ms &&
                      last->labels == one.labels;
    if (same) continue;  // targets show the same one until there is a newer
    // A native histogram shows its last few: what came with an earlier scrape is older.
    if (is_histogram && last != nullptr && one.time_ms < last->time_ms) continue;
    series->exemplar = std::make_unique<model::Exemplar>(one);
    if (one.time_ms == 0) one.time_ms = sample_time_ms;
    batch->AddExemplar(std::move(one));
  }
}

// A text that was not met before: what labels does it mean, after the job's rules?
absl::Status ScrapeLoop::Resolve(codec::ExpositionReader* reader, SeriesCache::Series** series,
                                 ScrapeCounts* counts) {
  TRY_ASSIGN(const std::vector<model::Label>* raw, reader->Labels());
  TRY(FindRepeatedName(*raw));
  builder_.Reset(model::Labels::FromPairs(*raw));
  AddTargetLabels(&builder_);
  if (!Relabel(job_->metric_relabel, &builder_) || builder_.pairs().empty()) {
    cache_.AddDropped(reader->series_text());
    return absl::OkStatus();
  }
  const model::Labels labels = builder_.Build();
  TRY(CheckSeries(labels));
  bool is_new = false;
  *series = cache_.Add(reader->series_text(), labels.packed(), &is_new);
  if (is_new) ++counts->series_added;
  return absl::OkStatus();
}

// prometheus/scrape mutateSampleLabels: the target's labels win unless honor_labels; what they
// replace lives on as exported_….
void ScrapeLoop::AddTargetLabels(model::LabelsBuilder* labels) const {
  Pairs conflicts;
  for (const auto& [name, value] : target_labels_) {
    const std::string existing(labels->Get(name));
    if (job_->honor_labels) {
      if (existing.empty()) labels->Set(name, value);
      continue;
    }
    if (!existing.empty()) conflicts.emplace_back(name, existing);
    labels->Set(name, value);
  }
  std::stable_sort(conflicts.begin(), conflicts.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (const auto& [name, value] : conflicts) {
    std::string exported = std::string(kExportedPrefix) + name;
    while (!labels->Get(exported).empty()) exported.insert(0, kExportedPrefix);
    labels->Set(exported, value);
  }
}

absl::Status ScrapeLoop::CheckSeries(model::LabelsView labels) const {
  const std::string_view metric = labels.metric_name();
  if (metric.empty()) return InvalidArgument("missing metric name (__name__ label)");
  const ScrapeLimits& limits = job_->limits;
  const size_t count = labels.CountLabels();
  if (limits.labels != 0 && count > limits.labels) {
    return InvalidArgument("label_limit exceeded (metric: {}, number of labels: {}, limit: {})",
                           Cut(metric), count, limits.labels);
  }
  for (const auto& [name, value] : labels) {
    const bool legacy = name == model::kMetricName ? model::IsLegacyMetricName(value)
                                                   : model::IsLegacyLabelName(name);
    if (job_->legacy_names ? !legacy : !IsValidUtf8(name) || !IsValidUtf8(value)) {
      return InvalidArgument("invalid metric name or label names: {}", labels.ToString());
    }
    if (limits.label_name_bytes != 0 && name.size() > limits.label_name_bytes) {
      return InvalidArgument(
          "label_name_length_limit exceeded (metric: {}, label name: {}, "
          "length: {}, limit: {})",
          Cut(metric), Cut(name), name.size(), limits.label_name_bytes);
    }
    if (limits.label_value_bytes != 0 && value.size() > limits.label_value_bytes) {
      return InvalidArgument(
          "label_value_length_limit exceeded (metric: {}, label name: {}, "
          "value: {}, length: {}, limit: {})",
          Cut(metric), Cut(name), QuoteGo(Cut(value)), value.size(), limits.label_value_bytes);
    }
  }
  return absl::OkStatus();
}

void ScrapeLoop::TakeMetadata(ExpositionEntry entry, const codec::ExpositionReader& reader) {
  auto found = metadata_.find(reader.metric());
  bool changed = found == metadata_.end();  // that there is such a family is news too
  if (changed) {
    if (metadata_.size() >= kMetadataMax) return;
    found = metadata_.emplace(reader.metric(), Family{}).first;
    found->second.metadata.metric = reader.metric();
  }
  found->second.seen = bodies_;
  model::Metadata& metadata = found->second.metadata;
  if (entry == ExpositionEntry::kType) {
    changed |= metadata.type != reader.type();
    metadata.type = reader.type();
  } else {
    std::string& text = entry == ExpositionEntry::kHelp ? metadata.help : metadata.unit;
    if (text != reader.text()) {
      changed = true;
      text = reader.text();
    }
  }
  if (!changed) return;
  ++metadata_version_;
  if (changed_metadata_.size() >= kMetadataMax) return;
  if (changed_metadata_.empty() || changed_metadata_.back() != metadata.metric) {
    changed_metadata_.push_back(metadata.metric);
  }
}

void ScrapeLoop::AppendMetadata(storage::WriteBatch* batch) {
  for (const std::string& metric : changed_metadata_) {
    const auto found = metadata_.find(std::string_view(metric));
    if (found != metadata_.end()) batch->AddMetadata(found->second.metadata);
  }
  changed_metadata_.clear();
}

void ScrapeLoop::ForgetMetadata() {
  const size_t before = metadata_.size();
  absl::erase_if(metadata_,
                 [this](const auto& entry) { return bodies_ - entry.second.seen > kKeptBodies; });
  if (metadata_.size() != before) ++metadata_version_;
}

std::vector<model::Metadata> ScrapeLoop::Metadata() const {
  std::vector<model::Metadata> all;
  all.reserve(metadata_.size());
  for (const auto& [name, family] : metadata_) all.push_back(family.metadata);
  std::sort(all.begin(), all.end(),
            [](const model::Metadata& a, const model::Metadata& b) { return a.metric < b.metric; });
  return all;
}

void ScrapeLoop::AppendReport(int64_t time_ms, bool up, double duration_seconds, int64_t timeout_ms,
                              const ScrapeCounts& counts, storage::WriteBatch* batch) {
  const auto add = [&](std::string_view labels, double value) {
    AddSample(labels, time_ms, value, batch);
  };
  add(report_.up, up ? 1 : 0);
  add(report_.duration, duration_seconds);
  add(report_.scraped, static_cast<double>(counts.scraped));
  add(report_.after_relabel, static_cast<double>(counts.after_relabel));
  add(report_.added, static_cast<double>(counts.series_added));
  if (!job_->extra_metrics) return;
  add(report_.timeout, static_cast<double>(timeout_ms) / 1000);
  add(report_.sample_limit, static_cast<double>(job_->limits.samples));
  add(report_.body_bytes, static_cast<double>(counts.body_bytes));
}

void ScrapeLoop::AppendEnd(int64_t time_ms, storage::WriteBatch* batch) {
  AppendFailure(time_ms, batch);
  std::vector<std::string_view> reports = {report_.up, report_.duration, report_.scraped,
                                           report_.after_relabel, report_.added};
  if (job_->extra_metrics) {
    reports.insert(reports.end(), {report_.timeout, report_.sample_limit, report_.body_bytes});
  }
  for (const std::string_view labels : reports) {
    AddSample(labels, time_ms, model::StaleNan(), batch);
  }
}

}  // namespace hearth::scrape

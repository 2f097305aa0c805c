// SPDX-License-Identifier: Apache-2.0
#include "scrape/scrape_loop.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/status.h"
#include "base/text.h"
#include "model/value.h"

namespace hearth::scrape {
namespace {

using codec::ExpositionEntry;
using model::QuoteGo;

constexpr std::string_view kExportedPrefix = "exported_";
// Families of one target whose type and help are kept; real targets have some hundreds.
constexpr size_t kMetadataMax = 20'000;
// Prometheus cuts names in messages of limits at 50 bytes.
constexpr size_t kNameInMessageMax = 50;

std::string_view Cut(std::string_view text) { return text.substr(0, kNameInMessageMax); }

void AddSample(std::string_view packed, int64_t time_ms, double value, storage::WriteBatch* batch) {
  batch->AddSeries(model::LabelsView(packed));
  batch->AddSample(time_ms, value);
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

absl::Status ScrapeLoop::AppendBody(std::string_view body, codec::ExpositionFormat format,
                                    int64_t time_ms, storage::WriteBatch* batch,
                                    ScrapeCounts* counts) {
  cache_.Begin();
  counts->body_bytes = body.size();
  const absl::Status status = ParseBody(body, format, time_ms, batch, counts);
  if (!status.ok()) {
    batch->Clear();
    AppendFailure(time_ms, batch);
    return status;
  }
  cache_.Finish(/*good=*/true, [&](std::string_view labels) {
    AddSample(labels, time_ms, model::StaleNan(), batch);
  });
  AppendMetadata(batch);
  return absl::OkStatus();
}

void ScrapeLoop::AppendFailure(int64_t time_ms, storage::WriteBatch* batch) {
  cache_.Begin();
  cache_.Finish(/*good=*/false, [&](std::string_view labels) {
    AddSample(labels, time_ms, model::StaleNan(), batch);
  });
}

absl::Status ScrapeLoop::ParseBody(std::string_view body, codec::ExpositionFormat format,
                                   int64_t time_ms, storage::WriteBatch* batch,
                                   ScrapeCounts* counts) {
  codec::ExpositionParser parser(body, format);
  while (true) {
    TRY_ASSIGN(const ExpositionEntry entry, parser.Next());
    if (entry == ExpositionEntry::kEnd) break;
    if (entry == ExpositionEntry::kSample) {
      ++counts->scraped;
      TRY(AppendSample(&parser, time_ms, batch, counts));
    } else {
      TakeMetadata(entry, parser);
    }
  }
  const uint64_t limit = job_->limits.samples;
  if (limit != 0 && counts->after_relabel > limit) return InvalidArgument("sample limit exceeded");
  return absl::OkStatus();
}

absl::Status ScrapeLoop::AppendSample(codec::ExpositionParser* parser, int64_t time_ms,
                                      storage::WriteBatch* batch, ScrapeCounts* counts) {
  SeriesCache::Series* series = nullptr;
  if (const auto* entry = cache_.Find(parser->series_text()); entry != nullptr) {
    series = entry->series;
  } else {
    TRY(Resolve(parser, &series, counts));
  }
  if (series == nullptr) return absl::OkStatus();  // dropped by relabelling
  ++counts->after_relabel;
  const bool own_time = parser->has_time() && job_->honor_timestamps;
  if (!cache_.MarkSeen(series) && !own_time) {
    ++counts->duplicates;
    return absl::OkStatus();
  }
  if (!own_time || job_->track_timestamps_staleness) cache_.Track(series);
  const uint64_t limit = job_->limits.samples;
  if (limit != 0 && counts->after_relabel > limit) return absl::OkStatus();  // fails at the end
  const int64_t sample_time = own_time ? parser->time_ms() : time_ms;
  AddSample(series->labels, sample_time, parser->value(), batch);
  if (!parser->has_exemplar()) return absl::OkStatus();
  model::Exemplar exemplar = parser->exemplar();
  const bool same = series->exemplar != nullptr && series->exemplar->value == exemplar.value &&
                    series->exemplar->time_ms == exemplar.time_ms &&
                    series->exemplar->labels == exemplar.labels;
  if (same) return absl::OkStatus();  // targets show the same one until there is a newer
  series->exemplar = std::make_unique<model::Exemplar>(exemplar);
  if (exemplar.time_ms == 0) exemplar.time_ms = sample_time;
  batch->AddExemplar(std::move(exemplar));
  return absl::OkStatus();
}

// A text that was not met before: what labels does it mean, after the job's rules?
absl::Status ScrapeLoop::Resolve(codec::ExpositionParser* parser, SeriesCache::Series** series,
                                 ScrapeCounts* counts) {
  const std::vector<model::Label>& raw = parser->labels();
  TRY(FindRepeatedName(raw));
  builder_.Reset(model::Labels::FromPairs(raw));
  AddTargetLabels(&builder_);
  if (!Relabel(job_->metric_relabel, &builder_) || builder_.pairs().empty()) {
    cache_.AddDropped(parser->series_text());
    return absl::OkStatus();
  }
  const model::Labels labels = builder_.Build();
  TRY(CheckSeries(labels));
  bool is_new = false;
  *series = cache_.Add(parser->series_text(), labels.packed(), &is_new);
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

void ScrapeLoop::TakeMetadata(ExpositionEntry entry, const codec::ExpositionParser& parser) {
  auto found = metadata_.find(parser.metric());
  if (found == metadata_.end()) {
    if (metadata_.size() >= kMetadataMax) return;
    found = metadata_.emplace(parser.metric(), model::Metadata{}).first;
    found->second.metric = parser.metric();
  }
  model::Metadata& metadata = found->second;
  bool changed = false;
  if (entry == ExpositionEntry::kType) {
    changed = metadata.type != parser.type();
    metadata.type = parser.type();
  } else {
    std::string& text = entry == ExpositionEntry::kHelp ? metadata.help : metadata.unit;
    changed = text != parser.text();
    if (changed) text = parser.text();
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
    if (found != metadata_.end()) batch->AddMetadata(found->second);
  }
  changed_metadata_.clear();
}

std::vector<model::Metadata> ScrapeLoop::Metadata() const {
  std::vector<model::Metadata> all;
  all.reserve(metadata_.size());
  for (const auto& [name, metadata] : metadata_) all.push_back(metadata);
  std::sort(all.begin(), all.end(),
            [](const model::Metadata& a, const model::Metadata& b) { return a.metric < b.metric; });
  return all;
}

void ScrapeLoop::AppendReport(int64_t time_ms, bool up, double duration_seconds,
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
  add(report_.timeout, static_cast<double>(job_->timeout_ms) / 1000);
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

// SPDX-License-Identifier: Apache-2.0
#include "codec/otlp_translate.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/status.h"
#include "base/string_map.h"
#include "codec/go_float.h"
#include "codec/otlp_histogram.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

using Kind = OtlpMetric::Kind;
using Temporality = OtlpMetric::Temporality;

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr std::string_view kServiceName = "service.name";
constexpr std::string_view kServiceNamespace = "service.namespace";
constexpr std::string_view kServiceInstance = "service.instance.id";
constexpr std::string_view kTargetInfo = "target_info";
// target_info is written so often within the span of a resource's points: half the lookback.
constexpr int64_t kTargetInfoEveryMs = 150'000;
// A resource whose points span years would need millions of them.
constexpr int64_t kTargetInfoSamplesMax = 1'000;
// OpenMetrics: labels of an exemplar have at most 128 characters.
constexpr size_t kExemplarRunesMax = 128;

int64_t Milliseconds(uint64_t ns) { return static_cast<int64_t>(ns / kNsPerMs); }

const std::string* Find(const OtlpAttributes& attributes, std::string_view key) {
  for (const OtlpAttribute& attribute : attributes) {
    if (attribute.key == key) return &attribute.value;
  }
  return nullptr;
}

bool Contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

size_t Runes(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

model::MetricType TypeOf(const OtlpMetric& metric) {
  switch (metric.kind) {
    case Kind::kGauge:
      return model::MetricType::kGauge;
    case Kind::kSum:
      // A sum that may fall is a gauge to Prometheus, and so is a delta before it is added up.
      return metric.monotonic ? model::MetricType::kCounter : model::MetricType::kGauge;
    case Kind::kHistogram:
    case Kind::kExponential:
      return model::MetricType::kHistogram;
    case Kind::kSummary:
      return model::MetricType::kSummary;
    case Kind::kNone:
      break;
  }
  return model::MetricType::kUnknown;
}

std::vector<model::Exemplar> ExemplarsOf(const OtlpPoint& point) {
  std::vector<model::Exemplar> exemplars;
  for (const OtlpExemplar& from : point.exemplars) {
    model::LabelsBuilder labels;
    size_t runes = 0;
    const auto id = [&](std::string_view name, const std::string& value) {
      if (value.find_first_not_of('0') == std::string::npos) return;  // all zero: none
      labels.Set(name, value);
      runes += Runes(name) + Runes(value);
    };
    id("trace_id", from.trace_id);
    id("span_id", from.span_id);
    for (const auto& [key, value] : from.attributes) runes += Runes(key) + Runes(value);
    if (runes <= kExemplarRunesMax) {
      for (const auto& [key, value] : from.attributes) labels.Set(key, value);
    }
    exemplars.push_back({labels.Build(), from.value, Milliseconds(from.time_ns)});
  }
  return exemplars;
}

class Translator {
 public:
  Translator(const OtlpSettings& settings, OtlpTranslated* out) : settings_(settings), out_(*out) {}

  void Resource(const OtlpResource& resource) {
    SetResource(resource.attributes);
    earliest_ms_ = INT64_MAX;
    latest_ms_ = 0;
    for (const OtlpScope& scope : resource.scopes) {
      SetScope(scope);
      for (const OtlpMetric& metric : scope.metrics) Metric(metric);
    }
    if (earliest_ms_ <= latest_ms_) AddTargetInfo(resource.attributes);
  }

 private:
  bool utf8() const {
    return settings_.naming == OtlpNaming::kNoTranslation ||
           settings_.naming == OtlpNaming::kNoUtf8EscapingWithSuffixes;
  }
  std::string LabelName(std::string_view name) const {
    return OtlpLabelName(name, settings_.naming, settings_.label_name_underscore_sanitization,
                         settings_.label_name_preserve_multiple_underscores);
  }
  void Reject(const OtlpMetric& metric, std::string text) {
    out_.rejected_points += metric.points.size();
    if (out_.errors.size() < kOtlpErrorsMax) out_.errors.push_back(std::move(text));
  }

  void SetResource(const OtlpAttributes& attributes) {
    job_.clear();
    instance_.clear();
    promoted_.clear();
    if (const std::string* name = Find(attributes, kServiceName)) {
      const std::string* space = Find(attributes, kServiceNamespace);
      job_ = space != nullptr ? *space + "/" + *name : *name;
    }
    if (const std::string* instance = Find(attributes, kServiceInstance)) instance_ = *instance;
    for (const auto& [key, value] : attributes) {
      const bool promote = settings_.promote_all_resource_attributes
                               ? !Contains(settings_.ignore_resource_attributes, key)
                               : Contains(settings_.promote_resource_attributes, key);
      if (promote) promoted_.emplace_back(LabelName(key), value);
    }
  }

  void SetScope(const OtlpScope& scope) {
    scope_.clear();
    if (!settings_.promote_scope_metadata || scope.name.empty()) return;
    for (const auto& [key, value] : scope.attributes) {
      scope_.emplace_back(LabelName("otel_scope_" + key), value);
    }
    scope_.emplace_back("otel_scope_name", scope.name);
    scope_.emplace_back("otel_scope_version", scope.version);
    scope_.emplace_back("otel_scope_schema_url", scope.schema_url);
  }

  // createAttributes of helper.go: values of names that become equal are joined by ';'.
  void SetAttributes(const OtlpAttributes& attributes, bool is_target_info) {
    builder_.Reset({});
    std::vector<const OtlpAttribute*> sorted;
    for (const OtlpAttribute& attribute : attributes) {
      if (attribute.key == model::kMetricName) continue;
      const bool identifying = attribute.key == kServiceName ||
                               attribute.key == kServiceNamespace ||
                               attribute.key == kServiceInstance;
      if (is_target_info && identifying && !settings_.keep_identifying_resource_attributes) {
        continue;
      }
      sorted.push_back(&attribute);
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return a->key < b->key; });
    for (const OtlpAttribute* attribute : sorted) {
      const std::string name = utf8() ? attribute->key : LabelName(attribute->key);
      if (name.empty()) continue;
      const std::string before(utf8() ? "" : builder_.Get(name));
      builder_.Set(name, before.empty() ? attribute->value : before + ";" + attribute->value);
    }
    if (!is_target_info) {
      for (const auto& [name, value] : promoted_) {
        if (!name.empty() && builder_.Get(name).empty()) builder_.Set(name, value);
      }
    }
    if (!job_.empty()) builder_.Set("job", job_);
    if (!instance_.empty()) builder_.Set("instance", instance_);
    if (is_target_info) return;
    for (const auto& [name, value] : scope_) builder_.Set(name, value);
  }

  model::Labels Named(std::string_view name, std::string_view extra = {},
                      std::string_view value = {}) {
    const std::string before(extra.empty() ? "" : builder_.Get(extra));
    builder_.Set(model::kMetricName, name);
    if (!extra.empty()) builder_.Set(extra, value);
    model::Labels labels = builder_.Build();
    if (!extra.empty()) builder_.Set(extra, before);
    return labels;
  }

  OtlpSample& AddSample(const OtlpPoint& point, bool delta, double value, model::Labels labels) {
    OtlpSample& sample = out_.samples.emplace_back();
    sample.labels = std::move(labels);
    sample.time_ms = Milliseconds(point.time_ns);
    sample.start_ms = Milliseconds(point.start_ns);
    sample.value = point.no_recorded_value ? model::StaleNan() : value;
    sample.delta = delta && !point.no_recorded_value;
    return sample;
  }

  void Metric(const OtlpMetric& metric) {
    out_.points += metric.points.size();
    for (const OtlpPoint& point : metric.points) {
      earliest_ms_ = std::min(earliest_ms_, Milliseconds(point.time_ns));
      latest_ms_ = std::max(latest_ms_, Milliseconds(point.time_ns));
    }
    const bool has_temporality = metric.kind == Kind::kSum || metric.kind == Kind::kHistogram ||
                                 metric.kind == Kind::kExponential;
    if (metric.kind == Kind::kNone) {
      return Reject(metric, fmt::format("metric {} has no data of a known type",
                                        model::QuoteGo(metric.name)));
    }
    if (has_temporality && metric.temporality == Temporality::kUnspecified) {
      return Reject(metric, fmt::format("invalid temporality and type combination for metric {}",
                                        model::QuoteGo(metric.name)));
    }
    const std::string name = OtlpMetricName(metric, settings_.naming);
    if (name.empty()) {
      return Reject(metric, fmt::format("normalization for metric {} resulted in empty name",
                                        model::QuoteGo(metric.name)));
    }
    const bool delta = has_temporality && metric.temporality == Temporality::kDelta;
    for (const OtlpPoint& point : metric.points) Point(metric, name, delta, point);
    if (!metric.points.empty() && seen_metadata_.emplace(name).second) {
      out_.metadata.push_back(
          {name, TypeOf(metric), metric.description, OtlpUnitName(metric.unit)});
    }
  }

  void Point(const OtlpMetric& metric, const std::string& name, bool delta,
             const OtlpPoint& point) {
    SetAttributes(point.attributes, /*is_target_info=*/false);
    switch (metric.kind) {
      case Kind::kGauge:
        AddSample(point, false, point.value, Named(name));
        break;
      case Kind::kSum:
        AddSample(point, delta, point.value, Named(name)).exemplars = ExemplarsOf(point);
        break;
      case Kind::kHistogram:
        if (settings_.convert_histograms_to_nhcb) {
          AddNative(metric, name, delta, point, OtlpCustomHistogram(point));
        } else {
          ClassicHistogram(name, delta, point);
        }
        break;
      case Kind::kExponential:
        AddNative(metric, name, delta, point, OtlpExponentialHistogram(point));
        break;
      case Kind::kSummary:
        Summary(name, point);
        break;
      case Kind::kNone:
        break;
    }
  }

  void AddNative(const OtlpMetric& metric, const std::string& name, bool delta,
                 const OtlpPoint& point,
                 absl::StatusOr<std::shared_ptr<const model::NativeHistogram>> histogram) {
    if (!histogram.ok()) {
      ++out_.rejected_points;
      if (out_.errors.size() < kOtlpErrorsMax) {
        out_.errors.push_back(
            fmt::format("metric {}: {}", model::QuoteGo(metric.name), Message(histogram.status())));
      }
      return;
    }
    OtlpSample& sample = AddSample(point, delta, 0, Named(name));
    sample.histogram = *std::move(histogram);
    sample.exemplars = ExemplarsOf(point);
  }

  void ClassicHistogram(const std::string& name, bool delta, const OtlpPoint& point) {
    if (point.has_sum) AddSample(point, delta, point.sum, Named(name + "_sum"));
    const auto count = static_cast<double>(point.count);
    AddSample(point, delta, count, Named(name + "_count"));
    std::vector<model::Exemplar> exemplars = ExemplarsOf(point);
    std::vector<bool> taken(exemplars.size());
    const auto take = [&](double bound, OtlpSample* sample) {
      for (size_t i = 0; i < exemplars.size(); ++i) {
        if (taken[i] || !(exemplars[i].value <= bound)) continue;
        taken[i] = true;
        sample->exemplars.push_back(exemplars[i]);
      }
    };
    const std::string bucket = name + "_bucket";
    uint64_t cumulative = 0;
    for (size_t i = 0; i < point.bounds.size() && i < point.bucket_counts.size(); ++i) {
      cumulative += point.bucket_counts[i];
      OtlpSample& sample =
          AddSample(point, delta, static_cast<double>(cumulative),
                    Named(bucket, model::kBucketLabel, FormatGoFixed(point.bounds[i])));
      take(point.bounds[i], &sample);
    }
    OtlpSample& last = AddSample(point, delta, count, Named(bucket, model::kBucketLabel, "+Inf"));
    for (size_t i = 0; i < exemplars.size(); ++i) {
      if (!taken[i]) last.exemplars.push_back(exemplars[i]);
    }
  }

  void Summary(const std::string& name, const OtlpPoint& point) {
    AddSample(point, false, point.sum, Named(name + "_sum"));
    AddSample(point, false, static_cast<double>(point.count), Named(name + "_count"));
    for (const auto& [quantile, value] : point.quantiles) {
      AddSample(point, false, value, Named(name, model::kQuantileLabel, FormatGoFixed(quantile)));
    }
  }

  void AddTargetInfo(const OtlpAttributes& attributes) {
    size_t more = attributes.size();
    for (const std::string_view key : {kServiceName, kServiceNamespace, kServiceInstance}) {
      if (Find(attributes, key) != nullptr) --more;
    }
    if (more == 0) return;  // job and instance say it all
    SetAttributes(attributes, /*is_target_info=*/true);
    if (builder_.Get("job").empty() && builder_.Get("instance").empty()) return;
    const model::Labels labels = Named(kTargetInfo);
    const int64_t earliest =
        std::max(earliest_ms_, latest_ms_ - kTargetInfoSamplesMax * kTargetInfoEveryMs);
    std::vector<int64_t> times;
    for (int64_t time = earliest; time < latest_ms_; time += kTargetInfoEveryMs) {
      times.push_back(time);
    }
    times.push_back(latest_ms_);
    for (const int64_t time : times) {
      if (!seen_target_info_.emplace(std::string(labels.packed()), time).second) continue;
      OtlpSample& sample = out_.samples.emplace_back();
      sample.labels = labels;
      sample.time_ms = time;
      sample.value = 1;
    }
    if (seen_metadata_.emplace(kTargetInfo).second) {
      out_.metadata.push_back(
          {std::string(kTargetInfo), model::MetricType::kGauge, "Target metadata", ""});
    }
  }

  const OtlpSettings& settings_;
  OtlpTranslated& out_;
  std::string job_;
  std::string instance_;
  std::vector<std::pair<std::string, std::string>> promoted_;
  std::vector<std::pair<std::string, std::string>> scope_;
  model::LabelsBuilder builder_;
  int64_t earliest_ms_ = 0;
  int64_t latest_ms_ = 0;
  std::set<std::string, std::less<>> seen_metadata_;
  std::set<std::pair<std::string, int64_t>> seen_target_info_;
};

}  // namespace

OtlpTranslated TranslateOtlp(const OtlpRequest& request, const OtlpSettings& settings) {
  OtlpTranslated out;
  Translator translator(settings, &out);
  for (const OtlpResource& resource : request.resources) translator.Resource(resource);
  return out;
}

}  // namespace hearth::codec

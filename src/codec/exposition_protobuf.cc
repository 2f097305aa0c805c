// SPDX-License-Identifier: Apache-2.0
#include "codec/exposition_protobuf.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "base/text.h"
#include "codec/go_float.h"
#include "codec/histogram_spans.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

using Type = MetricMessageType;

bool IsHistogram(Type type) { return type == Type::kHistogram || type == Type::kGaugeHistogram; }

model::MetricType TypeOf(Type type) {
  switch (type) {
    case Type::kCounter:
      return model::MetricType::kCounter;
    case Type::kGauge:
      return model::MetricType::kGauge;
    case Type::kSummary:
      return model::MetricType::kSummary;
    case Type::kHistogram:
      return model::MetricType::kHistogram;
    case Type::kGaugeHistogram:
      return model::MetricType::kGaugeHistogram;
    case Type::kUntyped:
      break;
  }
  return model::MetricType::kUnknown;
}

// Only the first span of a side may begin below what comes before it; the store says so of others.
bool HasOrder(const std::vector<model::HistogramSpan>& spans) {
  return std::none_of(spans.begin() + (spans.empty() ? 0 : 1), spans.end(),
                      [](const model::HistogramSpan& span) { return span.offset < 0; });
}

}  // namespace

absl::Status ProtobufExposition::Fail(std::string_view what) const {
  return InvalidArgument("metric family {}: {}", model::QuoteGo(family_.name), what);
}

absl::StatusOr<ExpositionEntry> ProtobufExposition::Next() {
  while (true) {
    if (said_ != Said::kAll) return Describe();
    if (next_step_ < steps_.size()) {
      const Step step = steps_[next_step_++];
      TRY(BeginEntry(step));
      const bool is_native = step.kind == Step::kNative || step.kind == Step::kCustom;
      return is_native ? ExpositionEntry::kHistogram : ExpositionEntry::kSample;
    }
    if (next_metric_ < family_.metrics.size()) {
      TRY(NextMetric());
    } else {
      TRY(NextFamily());
      if (ended_) return ExpositionEntry::kEnd;
    }
  }
}

absl::Status ProtobufExposition::NextFamily() {
  next_metric_ = 0;
  family_.metrics.clear();
  while (family_.metrics.empty()) {
    ended_ = left_.empty();
    if (ended_) return absl::OkStatus();
    std::string_view message;
    const char* const end = left_.data() + left_.size();
    const char* const next = wire::ReadBytes(left_.data(), end, &message);
    if (next == nullptr || !ParseFamily(message, &family_)) {
      return InvalidArgument("a metric family is malformed or cut off, {} bytes before the end",
                             left_.size());
    }
    left_ = {next, static_cast<size_t>(end - next)};
  }
  if (family_.name.empty() || !IsValidUtf8(family_.name)) {
    return InvalidArgument("invalid metric name: {}", model::QuoteGo(family_.name));
  }
  if (!IsValidUtf8(family_.help)) return Fail("invalid help: no UTF-8");
  if (family_.type > static_cast<uint64_t>(Type::kGaugeHistogram)) {
    return Fail(fmt::format("unknown metric type {}", family_.type));
  }
  said_ = Said::kNothing;
  return absl::OkStatus();
}

ExpositionEntry ProtobufExposition::Describe() {
  metric_ = family_.name;
  if (said_ == Said::kNothing) {
    said_ = family_.unit.empty() ? Said::kUnit : Said::kHelp;
    text_ = family_.help;
    return ExpositionEntry::kHelp;
  }
  if (said_ == Said::kHelp) {
    said_ = Said::kUnit;
    text_ = family_.unit;
    return ExpositionEntry::kUnit;
  }
  said_ = Said::kAll;
  type_ = TypeOf(Type{family_.type});
  return ExpositionEntry::kType;
}

absl::Status ProtobufExposition::NextMetric() {
  const Type type{family_.type};
  if (!ParseMetric(family_.metrics[next_metric_++], type, &metric_message_)) {
    return Fail("a metric is malformed");
  }
  has_time_ = metric_message_.time_ms != 0;
  time_ms_ = metric_message_.time_ms;
  start_time_ms_ = metric_message_.start_time_ms;
  steps_.clear();
  next_step_ = 0;
  if (IsHistogram(type)) {
    PlanHistogram();
  } else if (type == Type::kSummary) {
    steps_ = {{Step::kCount, 0}, {Step::kSum, 0}};
    for (size_t i = 0; i < metric_message_.quantiles.size(); ++i) {
      steps_.push_back({Step::kQuantile, i});
    }
  } else {
    steps_.push_back({Step::kValue, 0});
  }
  return absl::OkStatus();
}

void ProtobufExposition::PlanHistogram() {
  const HistogramMessage& histogram = metric_message_.histogram;
  const bool native = options_.native_histograms && histogram.is_native();
  const bool custom = !native && options_.classic_to_nhcb;
  if (native) steps_.push_back({Step::kNative, 0});
  const bool classic =
      native ? options_.classic_too && !histogram.buckets.empty() : options_.classic_too || !custom;
  if (classic) {
    steps_.push_back({Step::kCount, 0});
    steps_.push_back({Step::kSum, 0});
    bool has_infinity = false;
    for (size_t i = 0; i < histogram.buckets.size() && !has_infinity; ++i) {
      steps_.push_back({Step::kBucket, i});
      has_infinity = histogram.buckets[i].upper_bound == HUGE_VAL;
    }
    if (!has_infinity) steps_.push_back({Step::kInfinity, 0});
  }
  if (custom) steps_.push_back({Step::kCustom, 0});
}

absl::Status ProtobufExposition::BeginEntry(const Step& step) {
  step_ = step;
  if (step.kind == Step::kNative || step.kind == Step::kCustom) {
    TRY(SetHistogram(step.kind));
  } else {
    value_ = ValueOf(step);
  }
  ListExemplars(step);
  // Family, part of the metric, and its labels as they stand in the message. No text format has the
  // first byte before a name.
  key_ = "\xff";
  key_ += family_.name;
  key_ += '\xff';
  key_ += step.kind;
  key_ += BoundText(step);
  for (const std::string_view label : metric_message_.labels) {
    wire::AppendVarint(label.size(), &key_);
    key_ += label;
  }
  series_text_ = key_;
  return absl::OkStatus();
}

double ProtobufExposition::ValueOf(const Step& step) const {
  const bool is_summary = Type{family_.type} == Type::kSummary;
  const HistogramMessage& histogram = metric_message_.histogram;
  switch (step.kind) {
    case Step::kCount:
      return is_summary ? static_cast<double>(metric_message_.summary_count) : histogram.total();
    case Step::kSum:
      return is_summary ? metric_message_.summary_sum : histogram.sum;
    case Step::kBucket:
      return histogram.buckets[step.index].cumulative_count;
    case Step::kInfinity:
      return histogram.total();
    case Step::kQuantile:
      return metric_message_.quantiles[step.index].value;
    default:
      return metric_message_.value;
  }
}

absl::Status ProtobufExposition::SetHistogram(Step::Kind kind) {
  const HistogramMessage& message = metric_message_.histogram;
  absl::StatusOr<std::shared_ptr<model::NativeHistogram>> histogram;
  if (kind == Step::kNative) {
    histogram = NativeOf(message);
    if (histogram.ok() && HasOrder(message.positive_spans) && HasOrder(message.negative_spans)) {
      CompactHistogram(0, histogram->get());
    }
  } else {
    builder_.Reset();
    builder_.SetCount(message.total());
    builder_.SetSum(message.sum);
    for (const BucketMessage& bucket : message.buckets) {
      builder_.SetBucket(bucket.upper_bound, bucket.cumulative_count);
    }
    histogram = builder_.Convert();
  }
  if (!histogram.ok()) return Fail(Message(histogram.status()));
  if (Type{family_.type} == Type::kGaugeHistogram) {
    (*histogram)->hint = model::CounterResetHint::kGauge;
  }
  histogram_ = *std::move(histogram);
  return absl::OkStatus();
}

void ProtobufExposition::ListExemplars(const Step& step) {
  exemplars_.clear();
  next_exemplar_ = 0;
  const HistogramMessage& histogram = metric_message_.histogram;
  if (step.kind == Step::kValue && metric_message_.has_exemplar) {
    exemplars_.push_back(&metric_message_.exemplar);
  } else if (step.kind == Step::kBucket && histogram.buckets[step.index].has_exemplar) {
    exemplars_.push_back(&histogram.buckets[step.index].exemplar);
  } else if (step.kind == Step::kNative || step.kind == Step::kCustom) {
    // Those of a native histogram need a time, and come from the buckets where it has none itself.
    for (const ExemplarMessage& exemplar : histogram.exemplars) {
      if (exemplar.time_ms) exemplars_.push_back(&exemplar);
    }
    for (const BucketMessage& bucket : histogram.buckets) {
      if (!histogram.exemplars.empty()) break;
      if (bucket.has_exemplar && bucket.exemplar.time_ms) exemplars_.push_back(&bucket.exemplar);
    }
  }
  has_exemplars_ = !exemplars_.empty();
}

std::string_view ProtobufExposition::BoundText(const Step& step) {
  switch (step.kind) {
    case Step::kBucket:
      bound_text_ =
          FormatOpenMetricsFloat(metric_message_.histogram.buckets[step.index].upper_bound);
      break;
    case Step::kInfinity:
      bound_text_ = "+Inf";
      break;
    case Step::kQuantile:
      bound_text_ = FormatOpenMetricsFloat(metric_message_.quantiles[step.index].quantile);
      break;
    default:
      bound_text_.clear();
  }
  return bound_text_;
}

absl::StatusOr<const std::vector<model::Label>*> ProtobufExposition::Labels() {
  const bool is_bucket = step_.kind == Step::kBucket || step_.kind == Step::kInfinity;
  name_ = family_.name;
  if (step_.kind == Step::kCount) name_ += "_count";
  if (step_.kind == Step::kSum) name_ += "_sum";
  if (is_bucket) name_ += "_bucket";
  labels_.clear();
  labels_.push_back({model::kMetricName, name_});
  for (const std::string_view pair : metric_message_.labels) {
    model::Label& label = labels_.emplace_back();
    if (!ParseLabelPair(pair, &label)) return Fail("a label is malformed");
    if (label.name.empty() || !IsValidUtf8(label.name)) {
      return Fail(fmt::format("invalid label name: {}", model::QuoteGo(label.name)));
    }
    if (!IsValidUtf8(label.value)) {
      return Fail(fmt::format("invalid label value: {}", model::QuoteGo(label.value)));
    }
  }
  if (is_bucket) labels_.push_back({model::kBucketLabel, bound_text_});
  if (step_.kind == Step::kQuantile) labels_.push_back({model::kQuantileLabel, bound_text_});
  return &labels_;
}

bool ProtobufExposition::NextExemplar(model::Exemplar* exemplar) {
  while (next_exemplar_ < exemplars_.size()) {
    const ExemplarMessage& message = *exemplars_[next_exemplar_++];
    std::vector<model::Label> labels;
    bool good = true;
    for (const std::string_view pair : message.labels) {
      model::Label& label = labels.emplace_back();
      good &= ParseLabelPair(pair, &label) && IsValidUtf8(label.name) && IsValidUtf8(label.value);
    }
    if (!good) continue;  // exemplars are a courtesy: no scrape fails for one
    *exemplar = {model::Labels::FromPairs(std::move(labels)), message.value,
                 message.time_ms.value_or(0)};
    return true;
  }
  return false;
}

}  // namespace hearth::codec

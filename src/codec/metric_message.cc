// SPDX-License-Identifier: Apache-2.0
#include "codec/metric_message.h"

#include <algorithm>

#include "base/status.h"
#include "codec/histogram_wire.h"
#include "codec/wire_fields.h"

namespace hearth::codec {
namespace {

using wire::Field;
using wire::FieldReader;

// google.protobuf.Timestamp. Years beyond int64's milliseconds wrap: they are refused by their age.
bool ParseTimestamp(std::string_view bytes, int64_t* time_ms) {
  FieldReader fields(bytes);
  Field field;
  uint64_t seconds = 0;
  int64_t nanos = 0;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kVarint)) seconds = field.bits;
    if (field.Is(2, wire::kVarint)) nanos = static_cast<int32_t>(field.bits);
  }
  *time_ms = static_cast<int64_t>(seconds * 1000) + nanos / 1'000'000;
  return fields.good();
}

bool ParseExemplar(std::string_view bytes, ExemplarMessage* exemplar) {
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) exemplar->labels.push_back(field.bytes);
    if (field.Is(2, wire::kFixed64)) exemplar->value = field.as_double();
    if (field.Is(3, wire::kBytes) && !ParseTimestamp(field.bytes, &exemplar->time_ms.emplace())) {
      return false;
    }
  }
  return fields.good();
}

bool ParseBucket(std::string_view bytes, BucketMessage* bucket) {
  FieldReader fields(bytes);
  Field field;
  uint64_t count = 0;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kVarint)) count = field.bits;
    if (field.Is(2, wire::kFixed64)) bucket->upper_bound = field.as_double();
    if (field.Is(4, wire::kFixed64)) bucket->cumulative_count = field.as_double();
    if (field.Is(3, wire::kBytes)) {
      bucket->has_exemplar = true;
      if (!ParseExemplar(field.bytes, &bucket->exemplar)) return false;
    }
  }
  if (bucket->cumulative_count == 0) bucket->cumulative_count = static_cast<double>(count);
  return fields.good();
}

bool ParseSpan(const Field& field, std::vector<model::HistogramSpan>* spans) {
  if (field.type != wire::kBytes || spans->size() >= kHistogramBucketsMax) return false;
  FieldReader fields(field.bytes);
  Field inner;
  model::HistogramSpan& span = spans->emplace_back();
  while (fields.Next(&inner)) {
    if (inner.Is(1, wire::kVarint)) span.offset = static_cast<int32_t>(wire::ZigZag(inner.bits));
    if (inner.Is(2, wire::kVarint)) span.length = static_cast<uint32_t>(inner.bits);
  }
  return fields.good();
}

bool ParseDeltas(const Field& field, std::vector<int64_t>* deltas) {
  std::vector<uint64_t> raw;
  if (!wire::ReadRepeatedVarint(field, kHistogramBucketsMax - deltas->size(), &raw)) return false;
  for (const uint64_t number : raw) deltas->push_back(wire::ZigZag(number));
  return true;
}

bool ParseClassic(const Field& field, HistogramMessage* histogram, MetricMessage* metric) {
  if (field.Is(1, wire::kVarint)) histogram->count = field.bits;
  if (field.Is(2, wire::kFixed64)) histogram->sum = field.as_double();
  if (field.Is(4, wire::kFixed64)) histogram->count_float = field.as_double();
  if (field.Is(3, wire::kBytes)) {
    return histogram->buckets.size() < kHistogramBucketsMax &&
           ParseBucket(field.bytes, &histogram->buckets.emplace_back());
  }
  if (field.Is(15, wire::kBytes)) return ParseTimestamp(field.bytes, &metric->start_time_ms);
  if (field.Is(16, wire::kBytes)) {
    return histogram->exemplars.size() < kHistogramBucketsMax &&
           ParseExemplar(field.bytes, &histogram->exemplars.emplace_back());
  }
  return true;
}

bool ParseHistogram(std::string_view bytes, MetricMessage* metric) {
  HistogramMessage& histogram = metric->histogram;
  FieldReader fields(bytes);
  Field field;
  bool good = true;
  while (good && fields.Next(&field)) {
    switch (field.number) {
      case 5:
        if (field.type == wire::kVarint) {
          histogram.schema = static_cast<int32_t>(wire::ZigZag(field.bits));
        }
        break;
      case 6:
        if (field.type == wire::kFixed64) histogram.zero_threshold = field.as_double();
        break;
      case 7:
        if (field.type == wire::kVarint) histogram.zero_count = field.bits;
        break;
      case 8:
        if (field.type == wire::kFixed64) histogram.zero_count_float = field.as_double();
        break;
      case 9:
        good = ParseSpan(field, &histogram.negative_spans);
        break;
      case 10:
        good = ParseDeltas(field, &histogram.negative_deltas);
        break;
      case 11:
        good = wire::ReadRepeatedFixed64(field, kHistogramBucketsMax, &histogram.negative_counts);
        break;
      case 12:
        good = ParseSpan(field, &histogram.positive_spans);
        break;
      case 13:
        good = ParseDeltas(field, &histogram.positive_deltas);
        break;
      case 14:
        good = wire::ReadRepeatedFixed64(field, kHistogramBucketsMax, &histogram.positive_counts);
        break;
      default:
        good = ParseClassic(field, &histogram, metric);
    }
  }
  return good && fields.good();
}

bool ParseCounter(std::string_view bytes, MetricMessage* metric) {
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kFixed64)) metric->value = field.as_double();
    if (field.Is(2, wire::kBytes)) {
      metric->has_exemplar = true;
      if (!ParseExemplar(field.bytes, &metric->exemplar)) return false;
    }
    if (field.Is(3, wire::kBytes) && !ParseTimestamp(field.bytes, &metric->start_time_ms)) {
      return false;
    }
  }
  return fields.good();
}

// Gauge and Untyped.
bool ParseValue(std::string_view bytes, MetricMessage* metric) {
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kFixed64)) metric->value = field.as_double();
  }
  return fields.good();
}

bool ParseSummary(std::string_view bytes, MetricMessage* metric) {
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kVarint)) metric->summary_count = field.bits;
    if (field.Is(2, wire::kFixed64)) metric->summary_sum = field.as_double();
    if (field.Is(3, wire::kBytes)) {
      FieldReader inner_fields(field.bytes);
      Field inner;
      QuantileMessage& quantile = metric->quantiles.emplace_back();
      while (inner_fields.Next(&inner)) {
        if (inner.Is(1, wire::kFixed64)) quantile.quantile = inner.as_double();
        if (inner.Is(2, wire::kFixed64)) quantile.value = inner.as_double();
      }
      if (!inner_fields.good()) return false;
    }
    if (field.Is(4, wire::kBytes) && !ParseTimestamp(field.bytes, &metric->start_time_ms)) {
      return false;
    }
  }
  return fields.good();
}

// The field of Metric that a family's type uses.
uint32_t FieldOf(MetricMessageType type) {
  switch (type) {
    case MetricMessageType::kGauge:
      return 2;
    case MetricMessageType::kCounter:
      return 3;
    case MetricMessageType::kSummary:
      return 4;
    case MetricMessageType::kUntyped:
      return 5;
    case MetricMessageType::kHistogram:
    case MetricMessageType::kGaugeHistogram:
      return 7;
  }
  return 0;
}

bool ParseTyped(std::string_view bytes, MetricMessageType type, MetricMessage* metric) {
  switch (type) {
    case MetricMessageType::kCounter:
      return ParseCounter(bytes, metric);
    case MetricMessageType::kSummary:
      return ParseSummary(bytes, metric);
    case MetricMessageType::kHistogram:
    case MetricMessageType::kGaugeHistogram:
      return ParseHistogram(bytes, metric);
    case MetricMessageType::kGauge:
    case MetricMessageType::kUntyped:
      break;
  }
  return ParseValue(bytes, metric);
}

absl::Status SetSide(std::string_view side, const std::vector<model::HistogramSpan>& spans,
                     const std::vector<double>& counts, const std::vector<int64_t>& deltas,
                     bool is_float, std::vector<model::HistogramSpan>* out_spans,
                     std::vector<double>* out_counts) {
  uint64_t named = 0;
  for (const model::HistogramSpan& span : spans) named += span.length;
  const size_t given = is_float ? counts.size() : deltas.size();
  if (named != given) {
    return InvalidArgument("{} side: spans require {} buckets, have {}", side, named, given);
  }
  *out_spans = spans;
  if (is_float) {
    *out_counts = counts;
    return absl::OkStatus();
  }
  uint64_t count = 0;  // unsigned: hostile deltas wrap instead of overflowing
  out_counts->reserve(deltas.size());
  for (const int64_t delta : deltas) {
    count += static_cast<uint64_t>(delta);
    out_counts->push_back(static_cast<double>(static_cast<int64_t>(count)));
  }
  return absl::OkStatus();
}

}  // namespace

bool ParseFamily(std::string_view bytes, FamilyMessage* family) {
  family->name = family->help = family->unit = {};
  family->type = 0;
  family->metrics.clear();
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) family->name = field.bytes;
    if (field.Is(2, wire::kBytes)) family->help = field.bytes;
    if (field.Is(3, wire::kVarint)) family->type = field.bits;
    if (field.Is(4, wire::kBytes)) family->metrics.push_back(field.bytes);
    if (field.Is(5, wire::kBytes)) family->unit = field.bytes;
  }
  return fields.good();
}

bool ParseMetric(std::string_view bytes, MetricMessageType type, MetricMessage* metric) {
  // Its lists' memory is kept.
  std::vector<std::string_view> labels = std::move(metric->labels);
  std::vector<BucketMessage> buckets = std::move(metric->histogram.buckets);
  labels.clear();
  buckets.clear();
  *metric = {};
  metric->labels = std::move(labels);
  metric->histogram.buckets = std::move(buckets);
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) {
      metric->labels.push_back(field.bytes);
    } else if (field.Is(6, wire::kVarint)) {
      metric->time_ms = field.as_int();
    } else if (field.Is(FieldOf(type), wire::kBytes)) {
      if (!ParseTyped(field.bytes, type, metric)) return false;
    }
  }
  return fields.good();
}

bool ParseLabelPair(std::string_view bytes, model::Label* label) {
  FieldReader fields(bytes);
  Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) label->name = field.bytes;
    if (field.Is(2, wire::kBytes)) label->value = field.bytes;
  }
  return fields.good();
}

absl::StatusOr<std::shared_ptr<model::NativeHistogram>> NativeOf(const HistogramMessage& message) {
  auto histogram = std::make_shared<model::NativeHistogram>();
  const bool is_float = message.is_float();
  histogram->is_float = is_float;
  histogram->schema = message.schema;
  histogram->zero_threshold = message.zero_threshold;
  histogram->zero_count =
      is_float ? message.zero_count_float : static_cast<double>(message.zero_count);
  histogram->count = is_float ? message.count_float : static_cast<double>(message.count);
  histogram->sum = message.sum;
  TRY(SetSide("positive", message.positive_spans, message.positive_counts, message.positive_deltas,
              is_float, &histogram->positive_spans, &histogram->positive_buckets));
  TRY(SetSide("negative", message.negative_spans, message.negative_counts, message.negative_deltas,
              is_float, &histogram->negative_spans, &histogram->negative_buckets));
  return histogram;
}

}  // namespace hearth::codec

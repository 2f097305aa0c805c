// SPDX-License-Identifier: Apache-2.0
// The messages of the protobuf exposition format (io.prometheus.client, metrics.proto of
// client_model), walked into plain values. Views point into the body. Parsers return false where
// bytes are malformed or a list is longer than kHistogramBucketsMax.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"

namespace hearth::codec {

enum class MetricMessageType : uint64_t {
  kCounter = 0,
  kGauge = 1,
  kSummary = 2,
  kUntyped = 3,
  kHistogram = 4,
  kGaugeHistogram = 5,
};

struct FamilyMessage {
  std::string_view name;
  std::string_view help;
  std::string_view unit;
  uint64_t type = 0;  // MetricMessageType, or what a newer client sends
  std::vector<std::string_view> metrics;
};

struct ExemplarMessage {
  std::vector<std::string_view> labels;  // LabelPair messages
  double value = 0;
  std::optional<int64_t> time_ms;
};

struct BucketMessage {
  double upper_bound = 0;
  double cumulative_count = 0;  // the float one where it is above 0
  ExemplarMessage exemplar;
  bool has_exemplar = false;
};

struct QuantileMessage {
  double quantile = 0;
  double value = 0;
};

struct HistogramMessage {
  uint64_t count = 0;
  double count_float = 0;
  double sum = 0;
  std::vector<BucketMessage> buckets;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  double zero_count_float = 0;
  std::vector<model::HistogramSpan> negative_spans;
  std::vector<int64_t> negative_deltas;
  std::vector<double> negative_counts;
  std::vector<model::HistogramSpan> positive_spans;
  std::vector<int64_t> positive_deltas;
  std::vector<double> positive_counts;
  std::vector<ExemplarMessage> exemplars;

  double total() const { return count_float != 0 ? count_float : static_cast<double>(count); }
  bool is_float() const { return count_float > 0 || zero_count_float > 0; }
  // A span of length 0 marks a native histogram that has seen nothing yet.
  bool is_native() const {
    return !positive_spans.empty() || !negative_spans.empty() || zero_threshold > 0 ||
           zero_count > 0;
  }
};

// One metric: what its family's type says is meant, the rest is empty.
struct MetricMessage {
  std::vector<std::string_view> labels;  // LabelPair messages
  double value = 0;                      // of a counter, gauge or untyped metric
  ExemplarMessage exemplar;              // of a counter
  bool has_exemplar = false;
  uint64_t summary_count = 0;
  double summary_sum = 0;
  std::vector<QuantileMessage> quantiles;
  HistogramMessage histogram;
  int64_t time_ms = 0;        // 0: none
  int64_t start_time_ms = 0;  // 0: none
};

bool ParseFamily(std::string_view bytes, FamilyMessage* family);
bool ParseMetric(std::string_view bytes, MetricMessageType type, MetricMessage* metric);
bool ParseLabelPair(std::string_view bytes, model::Label* label);

// The native parts as the model has them, not compacted. InvalidArgument where spans and buckets do
// not fit.
absl::StatusOr<std::shared_ptr<model::NativeHistogram>> NativeOf(const HistogramMessage& message);

}  // namespace hearth::codec

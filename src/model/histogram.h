// SPDX-License-Identifier: Apache-2.0
// Native histograms as samples carry them (prometheus/model/histogram): sparse buckets, exponential
// (schema -4…8) or custom bounds (schema -53). Buckets are absolute counts here, in both kinds.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace hearth::model {

inline constexpr int32_t kCustomBucketsSchema = -53;

enum class CounterResetHint : uint8_t { kUnknown, kReset, kNotReset, kGauge };

struct HistogramSpan {
  int32_t offset = 0;   // gap to the span before, or the first bucket's index
  uint32_t length = 0;  // consecutive buckets
  friend bool operator==(const HistogramSpan&, const HistogramSpan&) = default;
};

struct NativeHistogram {
  bool is_float = false;  // counts came as floats; else they are whole numbers
  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<HistogramSpan> positive_spans;
  std::vector<HistogramSpan> negative_spans;
  std::vector<double> positive_buckets;
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;  // upper bounds, only for kCustomBucketsSchema
};

struct HistogramSample {
  int64_t time_ms = 0;
  std::shared_ptr<const NativeHistogram> histogram;
};

}  // namespace hearth::model

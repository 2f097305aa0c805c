// SPDX-License-Identifier: Apache-2.0
// Native histograms as samples carry them (prometheus/model/histogram): sparse buckets, exponential
// (schema -4…8) or custom bounds (schema -53). Buckets are absolute counts here, in both kinds.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/value.h"

namespace hearth::model {

inline constexpr int32_t kCustomBucketsSchema = -53;
inline constexpr int32_t kSchemaMin = -4;
inline constexpr int32_t kSchemaMax = 8;

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
  double zero_count = 0;  // counts of integer histograms are exact up to 2^53, as JSON's are
  double count = 0;
  double sum = 0;
  std::vector<HistogramSpan> positive_spans;
  std::vector<HistogramSpan> negative_spans;
  std::vector<double> positive_buckets;
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;  // upper bounds, only for kCustomBucketsSchema
};

// A staleness marker between histograms: its sum is the stale NaN, all else does not matter.
inline bool IsStale(const NativeHistogram& histogram) { return IsStaleNan(histogram.sum); }
std::shared_ptr<const NativeHistogram> StaleHistogram();

// Every field, doubles by their bits.
bool SameBits(const NativeHistogram& a, const NativeHistogram& b);

// What upstream's Histogram.Validate asks for: a known schema, spans that name as many buckets as
// there are, no negative counts, whole counts where they are said to be whole, bounds that rise,
// and a count that is at least that of its buckets. InvalidArgument says what is wrong, with the
// values. A stale histogram is valid.
absl::Status Validate(const NativeHistogram& histogram);

// `start_time_ms`: when the counter began (created timestamp, remote write 2.0), 0 where unknown.
struct HistogramSample {
  int64_t time_ms = 0;
  std::shared_ptr<const NativeHistogram> histogram;
  int64_t start_time_ms = 0;
};

}  // namespace hearth::model

// SPDX-License-Identifier: Apache-2.0
// Bucket bounds of native histograms, and bringing two layouts together.
#pragma once

#include <cstdint>
#include <vector>

#include "promql/float_histogram.h"

namespace hearth::promql {

// Upper bound of exponential bucket `index`: 2^(index · 2^-schema). The last regular bucket ends at
// the largest double, the one after it at +Inf.
double ExponentialBound(int32_t index, int32_t schema);
// The same for either kind; index -1 of custom buckets is -Inf.
double UpperBound(int32_t index, int32_t schema, const std::vector<double>& custom_values);
// The bucket that holds `index` at a coarser schema.
inline int32_t CoarserIndex(int32_t index, int32_t from, int32_t to) {
  return ((index - 1) >> (from - to)) + 1;
}

std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b);
// Custom buckets mapped to fewer bounds; empty ones are left out.
std::vector<FloatHistogram::Bucket> AtBounds(const std::vector<FloatHistogram::Bucket>& buckets,
                                             const std::vector<double>& bounds,
                                             const std::vector<double>& target);

// What the zero bucket would hold with a larger threshold; one inside a populated bucket moves up
// to that bucket's end.
struct WidenedZero {
  double count = 0;
  double threshold = 0;
};
WidenedZero WidenZero(const FloatHistogram& histogram, double threshold);

}  // namespace hearth::promql

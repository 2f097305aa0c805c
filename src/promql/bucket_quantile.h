// SPDX-License-Identifier: Apache-2.0
// Quantiles and fractions of histograms (prometheus/promql/quantile.go).
#pragma once

#include <vector>

#include "promql/annotations.h"
#include "promql/float_histogram.h"

namespace hearth::promql {

// One bucket of a classic histogram: a cumulative count.
struct ClassicBucket {
  double upper = 0;
  double count = 0;
};
struct ClassicQuantile {
  double value = 0;
  bool forced = false;  // counts had to be made monotonic, beyond rounding
  double min_bucket = 0;
  double max_bucket = 0;
  double max_difference = 0;
};
// `buckets`, at least one, are sorted and mended by the call.
ClassicQuantile QuantileOfBuckets(double q, std::vector<ClassicBucket>* buckets);
double FractionOfBuckets(double lower, double upper, std::vector<ClassicBucket>* buckets);

double QuantileOfHistogram(double q, const FloatHistogram& histogram, std::string_view metric,
                           PosRange pos, Annotations* notes);
double FractionOfHistogram(double lower, double upper, const FloatHistogram& histogram,
                           std::string_view metric, PosRange pos, Annotations* notes);
double VarianceOfHistogram(const FloatHistogram& histogram);

}  // namespace hearth::promql

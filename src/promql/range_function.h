// SPDX-License-Identifier: Apache-2.0
// Functions of range vectors (rate, …_over_time, …) on one window of one series. Staleness markers
// have been taken out before.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "promql/annotations.h"
#include "promql/float_histogram.h"

namespace hearth::promql {

struct HistogramPoint {
  int64_t time_ms = 0;
  HistogramPtr histogram;
  int64_t start_ms = 0;  // when the counter began, 0 where unknown or not asked for
};

struct Window {
  std::span<const int64_t> times;
  std::span<const double> values;   // as many as times
  std::span<const int64_t> starts;  // as many as times, or none: when the counter began
  std::span<const HistogramPoint> histograms;
  int64_t start_ms = 0;  // the range is (start, end]
  int64_t end_ms = 0;
  int64_t eval_ms = 0;
  double range_s = 0;
  bool may_reset = true;  // false: values nowhere decrease, known for the whole series
  bool anchored = false;  // samples before start_ms may be in the window
  bool smoothed = false;  // … and after end_ms
};

struct RangeEnv {
  PosRange pos;  // of the first argument, for annotations
  std::string_view metric;
  Annotations* notes = nullptr;
  double args[2] = {0, 0};      // scalar arguments at this step
  std::vector<double> scratch;  // for whoever must sort
};

enum class Got : uint8_t { kNothing, kFloat, kHistogram };
// At least one sample is in the window.
using RangeFunction = Got (*)(const Window& window, RangeEnv* env, double* value,
                              HistogramPtr* histogram);

RangeFunction FindRangeFunction(std::string_view name);  // null where there is none
// Of `values`, which are sorted by the call; NaN is the smallest.
double QuantileOf(double q, std::vector<double>* values);

// Families, each in a file of its own.
Got Rate(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram);
Got Increase(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram);
Got Delta(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram);
Got Irate(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram);
Got Idelta(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram);
// Whether the counter is known to have been zero within the window, before its first sample.
bool StartsInWindow(const Window& window, int64_t start_ms, int64_t first_ms);
// How far a window is extrapolated beyond its outermost sample, in seconds: to the window's bound,
// or by half the average distance between samples where the bound is farther off than 1.1 times it.
inline double Reach(int64_t to_bound_ms, double average_s) {
  const double to_bound = static_cast<double>(to_bound_ms) / 1000;
  return to_bound >= average_s * 1.1 ? average_s / 2 : to_bound;
}
// By what a difference between the first and the last sample grows when it is extrapolated to the
// window's bounds. `zero_after`: how long before the first sample the counter was zero, < 0
// unknown. `start_ms` not 0: it was zero then, which the difference includes.
double ExtrapolationFactor(const Window& window, int64_t first_ms, int64_t last_ms, size_t samples,
                           double zero_after, bool per_second, int64_t start_ms = 0);
// The same with interpolation at the bounds: window.anchored or window.smoothed.
Got ExtendedRate(const Window& window, RangeEnv* env, bool counter, bool per_second, double* value,
                 HistogramPtr* histogram);
// Histogram parts of functions that take both.
Got RateOfHistograms(const Window& window, RangeEnv* env, bool counter, bool per_second,
                     HistogramPtr* histogram);
Got InstantRateOfHistograms(const HistogramPoint& before, const HistogramPoint& last, bool rate,
                            RangeEnv* env, HistogramPtr* histogram);
Got SumOfHistograms(const Window& window, RangeEnv* env, HistogramPtr* histogram);
Got AverageOfHistograms(const Window& window, RangeEnv* env, HistogramPtr* histogram);

}  // namespace hearth::promql

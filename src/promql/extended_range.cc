// SPDX-License-Identifier: Apache-2.0
#include "promql/extended_range.h"

#include <algorithm>

namespace hearth::promql {
namespace {

// The samples that stand for the range (start, end]: from the one at or before the start (or the
// first) to the last, or for `smoothed` to the first at or after the end.
struct Extent {
  size_t first = 0;
  size_t last = 0;
};

template <typename TimeOf>
Extent FindExtent(const Window& window, size_t count, TimeOf time_of) {
  // Like upstream's sort.Search over count - 1: the last sample is always a candidate.
  const auto search = [&](auto condition) {
    size_t i = 0;
    while (i < count - 1 && !condition(i)) ++i;
    return i;
  };
  Extent extent;
  const size_t after = search([&](size_t i) { return time_of(i) > window.start_ms; });
  extent.first = after == 0 ? 0 : after - 1;
  extent.last = count - 1;
  if (window.smoothed) {
    extent.last = search([&](size_t i) { return time_of(i) >= window.end_ms; });
  }
  return extent;
}

double LeftValue(const Window& window, size_t first, bool counter) {
  if (!window.smoothed || window.times[first] >= window.start_ms) return window.values[first];
  return Interpolate(window.times[first], window.values[first], window.times[first + 1],
                     window.values[first + 1], window.start_ms, counter);
}

double RightValue(const Window& window, size_t last, bool counter) {
  if (!window.smoothed || last == 0 || window.times[last] <= window.end_ms) {
    return window.values[last];
  }
  return Interpolate(window.times[last - 1], window.values[last - 1], window.times[last],
                     window.values[last], window.end_ms, counter);
}

bool AddTo(FloatHistogram* base, const FloatHistogram& other, RangeEnv* env) {
  const CombineOutcome outcome = Add(base, other);
  if (outcome.incompatible) env->notes->MixedExponentialCustom(env->metric, env->pos);
  if (outcome.bounds_reconciled) env->notes->MismatchedCustomBuckets("addition", env->pos);
  return !outcome.incompatible;
}

bool SubtractFrom(FloatHistogram* base, const FloatHistogram& other, RangeEnv* env) {
  const CombineOutcome outcome = Subtract(base, other);
  if (outcome.incompatible) env->notes->MixedExponentialCustom(env->metric, env->pos);
  if (outcome.bounds_reconciled) env->notes->MismatchedCustomBuckets("subtraction", env->pos);
  return !outcome.incompatible;
}

bool Compatible(const Window& window, Extent extent, bool counter, RangeEnv* env) {
  const bool custom = window.histograms[extent.first].histogram->custom();
  for (size_t i = extent.first; i <= extent.last; ++i) {
    const FloatHistogram& histogram = *window.histograms[i].histogram;
    if (histogram.custom() != custom) {
      env->notes->MixedExponentialCustom(env->metric, env->pos);
      return false;
    }
    if (counter && histogram.hint == CounterResetHint::kGauge) {
      env->notes->NotCounter(env->metric, env->pos);
    }
  }
  return true;
}

// What counter resets between the bounds took away; false where histograms do not fit.
bool CorrectForResets(const Window& window, Extent extent, const FloatHistogram& left,
                      const FloatHistogram& right, RangeEnv* env, FloatHistogram* result) {
  const auto& points = window.histograms;
  size_t first = extent.first + 1;
  const FloatHistogram* before = &left;
  if (window.smoothed && points[extent.first].time_ms < window.start_ms &&
      points[extent.first + 1].histogram->DetectReset(*points[extent.first].histogram)) {
    // The interpolation on the left has taken that reset into account.
    before = points[extent.first + 1].histogram.get();
    ++first;
  }
  if (first > extent.last) return true;
  FloatHistogram correction;
  bool corrected = false;
  const auto correct = [&](const FloatHistogram& lost) {
    if (corrected) return AddTo(&correction, lost, env);
    correction = lost;
    corrected = true;
    return true;
  };
  for (size_t i = first; i < extent.last; ++i) {
    const FloatHistogram& histogram = *points[i].histogram;
    if (histogram.DetectReset(*before) && !correct(*before)) return false;
    before = &histogram;
  }
  if (right.DetectReset(*before) && !correct(*before)) return false;
  return !corrected || AddTo(result, correction, env);
}

Got ExtendedHistogramRate(const Window& window, RangeEnv* env, bool counter, bool per_second,
                          HistogramPtr* out) {
  const auto& points = window.histograms;
  const Extent extent =
      FindExtent(window, points.size(), [&](size_t i) { return points[i].time_ms; });
  if (points[extent.last].time_ms <= window.start_ms) return Got::kNothing;
  if (window.smoothed && points[extent.first].time_ms > window.end_ms) return Got::kNothing;
  if (!Compatible(window, extent, counter, env)) return Got::kNothing;
  HistogramPtr left = points[extent.first].histogram;
  if (window.smoothed && points[extent.first].time_ms < window.start_ms) {
    left = InterpolateHistograms(points[extent.first], points[extent.first + 1], window.start_ms,
                                 counter, env);
  }
  HistogramPtr right = points[extent.last].histogram;
  if (left != nullptr && window.smoothed && extent.last > 0 &&
      points[extent.last].time_ms > window.end_ms) {
    right = InterpolateHistograms(points[extent.last - 1], points[extent.last], window.end_ms,
                                  counter, env);
  }
  if (left == nullptr || right == nullptr) return Got::kNothing;
  if (!counter &&
      (left->hint != CounterResetHint::kGauge || right->hint != CounterResetHint::kGauge)) {
    env->notes->NotGauge(env->metric, env->pos);
  }
  auto result = std::make_shared<FloatHistogram>(*right);
  if (!SubtractFrom(result.get(), *left, env)) return Got::kNothing;
  if (counter && !CorrectForResets(window, extent, *left, *right, env, result.get())) {
    return Got::kNothing;
  }
  if (per_second) result->Divide(window.range_s);
  result->hint = CounterResetHint::kGauge;
  result->Compact();
  *out = std::move(result);
  return Got::kHistogram;
}

}  // namespace

double Interpolate(int64_t t1, double v1, int64_t t2, double v2, int64_t time_ms, bool counter) {
  if (counter && v2 < v1) v1 = 0;
  return v1 + (v2 - v1) * static_cast<double>(time_ms - t1) / static_cast<double>(t2 - t1);
}

HistogramPtr InterpolateHistograms(const HistogramPoint& p1, const HistogramPoint& p2,
                                   int64_t time_ms, bool counter, RangeEnv* env) {
  if (time_ms == p1.time_ms) return p1.histogram;
  if (time_ms == p2.time_ms) return p2.histogram;
  const double fraction =
      static_cast<double>(time_ms - p1.time_ms) / static_cast<double>(p2.time_ms - p1.time_ms);
  auto result = std::make_shared<FloatHistogram>(*p2.histogram);
  if (counter && p2.histogram->DetectReset(*p1.histogram)) {
    result->Multiply(fraction);
    return result;
  }
  if (!SubtractFrom(result.get(), *p1.histogram, env)) return nullptr;
  result->Multiply(fraction);
  if (!AddTo(result.get(), *p1.histogram, env)) return nullptr;
  return result;
}

HistogramPtr SmoothedHistogram(const Window& window, int64_t time_ms, RangeEnv* env) {
  const auto& points = window.histograms;
  size_t at = 0;
  while (at < points.size() && points[at].time_ms < time_ms) ++at;
  if (at < points.size() && points[at].time_ms == time_ms) return points[at].histogram;
  if (at == 0) return nullptr;
  const HistogramPoint& before = points[at - 1];
  if (at == points.size()) {
    auto carried = std::make_shared<FloatHistogram>(*before.histogram);
    carried->hint = CounterResetHint::kUnknown;
    return carried;
  }
  if (before.histogram->custom() != points[at].histogram->custom()) {
    env->notes->MixedExponentialCustom(env->metric, env->pos);
    return nullptr;
  }
  const bool counter = before.histogram->hint != CounterResetHint::kGauge ||
                       points[at].histogram->hint != CounterResetHint::kGauge;
  return InterpolateHistograms(before, points[at], time_ms, counter, env);
}

void ExtendSamples(const Window& window, std::vector<int64_t>* times, std::vector<double>* values) {
  if (window.times.empty()) return;
  Extent extent =
      FindExtent(window, window.times.size(), [&](size_t i) { return window.times[i]; });
  if (window.times[extent.last] <= window.start_ms) return;
  const double left = LeftValue(window, extent.first, false);
  const double right = RightValue(window, extent.last, false);
  size_t first = extent.first;
  size_t end = extent.last + 1;
  if (window.times[first] <= window.start_ms) ++first;
  if (window.times[extent.last] >= window.end_ms) --end;
  times->push_back(window.start_ms);
  values->push_back(left);
  for (size_t i = first; i < end; ++i) {
    times->push_back(window.times[i]);
    values->push_back(window.values[i]);
  }
  times->push_back(window.end_ms);
  values->push_back(right);
}

Got ExtendedRate(const Window& window, RangeEnv* env, bool counter, bool per_second, double* value,
                 HistogramPtr* histogram) {
  if (!window.histograms.empty()) {
    return ExtendedHistogramRate(window, env, counter, per_second, histogram);
  }
  const Extent extent =
      FindExtent(window, window.times.size(), [&](size_t i) { return window.times[i]; });
  if (window.times[extent.last] <= window.start_ms) return Got::kNothing;
  if (window.smoothed && window.times[extent.first] > window.end_ms) return Got::kNothing;
  const double left = LeftValue(window, extent.first, counter);
  const double right = RightValue(window, extent.last, counter);
  double result = right - left;
  if (counter) {
    size_t first = extent.first;
    size_t end = extent.last + 1;
    if (window.times[first] <= window.start_ms) ++first;
    if (window.times[extent.last] >= window.end_ms) --end;
    double correction = 0;
    double before = left;
    for (size_t i = first; i < end; ++i) {
      if (window.values[i] < before) correction += before;
      before = window.values[i];
    }
    if (right < before) correction += before;
    result += correction;
  }
  *value = per_second ? result / window.range_s : result;
  return Got::kFloat;
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// Range functions on native histograms: rate & co., sum_over_time, avg_over_time.
#include <algorithm>

#include "promql/aggregate.h"
#include "promql/range_function.h"
#include "promql/start_time.h"

namespace hearth::promql {
namespace {

HistogramPtr Unfit(RangeEnv* env) {
  env->notes->MixedExponentialCustom(env->metric, env->pos);
  return nullptr;
}

StartedAt At(const HistogramPoint& point) { return {point.time_ms, point.start_ms}; }

// The smallest schema of those that count; false where kinds are mixed (noted).
bool FindSchema(const Window& window, const FloatHistogram& first, bool counter, RangeEnv* env,
                int32_t* schema) {
  const auto& points = window.histograms;
  const FloatHistogram& last = *points.back().histogram;
  if (last.custom() != first.custom()) return Unfit(env) != nullptr;
  *schema = std::min(last.schema, first.schema);
  for (size_t i = 1; counter && i + 1 < points.size(); ++i) {
    const FloatHistogram& histogram = *points[i].histogram;
    if (histogram.hint == CounterResetHint::kGauge) env->notes->NotCounter(env->metric, env->pos);
    *schema = std::min(*schema, histogram.schema);
    if (histogram.custom() != first.custom()) return Unfit(env) != nullptr;
  }
  return true;
}

// last - first, with what was lost at counter resets added; null where they do not fit.
std::shared_ptr<FloatHistogram> Difference(const Window& window, bool counter, RangeEnv* env) {
  const auto& points = window.histograms;
  FloatHistogram first = *points.front().histogram;
  const FloatHistogram& last = *points.back().histogram;
  const FloatHistogram& second = *points[1].histogram;
  if (counter &&
      (first.hint == CounterResetHint::kGauge || last.hint == CounterResetHint::kGauge)) {
    env->notes->NotCounter(env->metric, env->pos);
  }
  if (counter && (StartedAnew(At(points[0]), At(points[1])) || second.DetectReset(first))) {
    // The first says nothing then; its layout must not get in the way.
    first = FloatHistogram();
    first.schema = second.schema;
    first.custom_values = second.custom_values;
  }
  int32_t schema = 0;
  if (!FindSchema(window, first, counter, env, &schema)) return nullptr;
  auto result = std::make_shared<FloatHistogram>(last.custom() ? last : last.AtSchema(schema));
  const CombineOutcome outcome = Subtract(result.get(), first);
  if (outcome.incompatible) {
    Unfit(env);
    return nullptr;
  }
  if (outcome.bounds_reconciled) env->notes->MismatchedCustomBuckets("subtraction", env->pos);
  if (!counter) {
    if (points.front().histogram->hint != CounterResetHint::kGauge ||
        last.hint != CounterResetHint::kGauge) {
      env->notes->NotGauge(env->metric, env->pos);
    }
    return result;
  }
  const FloatHistogram* before = &first;
  bool overlap = false;
  for (size_t i = 1; i < points.size(); ++i) {
    const FloatHistogram& histogram = *points[i].histogram;
    if (!overlap && StartOverlaps(At(points[i - 1]), At(points[i]))) {
      env->notes->StartTimeOverlap(env->metric, env->pos);
      overlap = true;
    }
    if (StartedAnew(At(points[i - 1]), At(points[i])) || histogram.DetectReset(*before)) {
      const CombineOutcome added = Add(result.get(), *before);
      if (added.incompatible) {
        Unfit(env);
        return nullptr;
      }
      if (added.bounds_reconciled) env->notes->MismatchedCustomBuckets("addition", env->pos);
    }
    before = &histogram;
  }
  return result;
}

}  // namespace

Got RateOfHistograms(const Window& window, RangeEnv* env, bool counter, bool per_second,
                     HistogramPtr* histogram) {
  const auto& points = window.histograms;
  const HistogramPoint& first = points.front();
  const int64_t start_ms =
      counter && StartsInWindow(window, first.start_ms, first.time_ms) ? first.start_ms : 0;
  if (points.size() < 2 && start_ms == 0) return Got::kNothing;
  std::shared_ptr<FloatHistogram> result;
  double zero_after = -1;
  if (points.size() > 1) {
    result = Difference(window, counter, env);
    if (result == nullptr) return Got::kNothing;
    result->hint = CounterResetHint::kGauge;
    result->Compact();
    if (counter && result->count > 0 && first.histogram->count >= 0) {
      const double sampled = static_cast<double>(points.back().time_ms - first.time_ms) / 1000;
      zero_after = sampled * (first.histogram->count / result->count);
    }
    if (start_ms != 0) {
      const CombineOutcome added = Add(result.get(), *first.histogram);
      if (added.incompatible) {
        Unfit(env);
        return Got::kNothing;
      }
      if (added.bounds_reconciled) env->notes->MismatchedCustomBuckets("addition", env->pos);
    }
  } else {
    result = std::make_shared<FloatHistogram>(*first.histogram);
  }
  result->Multiply(ExtrapolationFactor(window, first.time_ms, points.back().time_ms, points.size(),
                                       zero_after, per_second, start_ms));
  *histogram = result;
  return Got::kHistogram;
}

Got InstantRateOfHistograms(const HistogramPoint& before, const HistogramPoint& last, bool rate,
                            RangeEnv* env, HistogramPtr* histogram) {
  const bool gauges = last.histogram->hint == CounterResetHint::kGauge &&
                      before.histogram->hint == CounterResetHint::kGauge;
  const bool any_gauge = last.histogram->hint == CounterResetHint::kGauge ||
                         before.histogram->hint == CounterResetHint::kGauge;
  if (rate && any_gauge) env->notes->NotCounter(env->metric, env->pos);
  if (!rate && !gauges) env->notes->NotGauge(env->metric, env->pos);
  auto result = std::make_shared<FloatHistogram>(*last.histogram);
  if (!rate ||
      (!StartedAnew(At(before), At(last)) && !last.histogram->DetectReset(*before.histogram))) {
    const CombineOutcome outcome = Subtract(result.get(), *before.histogram);
    if (outcome.incompatible) {
      Unfit(env);
      return Got::kNothing;
    }
    if (outcome.bounds_reconciled) env->notes->MismatchedCustomBuckets("subtraction", env->pos);
  }
  result->hint = CounterResetHint::kGauge;
  result->Compact();
  if (rate) result->Divide(static_cast<double>(last.time_ms - before.time_ms) / 1000);
  *histogram = std::move(result);
  return Got::kHistogram;
}

namespace {

// Adds all but the first to `fold`; false where they do not fit.
template <typename Fold>
bool FoldAll(const Window& window, RangeEnv* env, Fold* fold) {
  HintsSeen hints;
  hints.Note(window.histograms[0].histogram->hint);
  bool reconciled = false;
  bool fits = true;
  for (size_t i = 1; fits && i < window.histograms.size(); ++i) {
    hints.Note(window.histograms[i].histogram->hint);
    const CombineOutcome outcome = fold->Add(*window.histograms[i].histogram);
    reconciled |= outcome.bounds_reconciled;
    fits = !outcome.incompatible;
  }
  if (!fits) {
    Unfit(env);
    return false;
  }
  if (hints.collision()) env->notes->CounterResetCollision("aggregation", env->pos);
  if (reconciled) env->notes->MismatchedCustomBuckets("aggregation", env->pos);
  return true;
}

}  // namespace

Got SumOfHistograms(const Window& window, RangeEnv* env, HistogramPtr* histogram) {
  HistogramSum sum(*window.histograms[0].histogram);
  if (!FoldAll(window, env, &sum)) return Got::kNothing;
  *histogram = std::make_shared<FloatHistogram>(sum.Total());
  return Got::kHistogram;
}

Got AverageOfHistograms(const Window& window, RangeEnv* env, HistogramPtr* histogram) {
  HistogramMean mean(*window.histograms[0].histogram);
  if (!FoldAll(window, env, &mean)) return Got::kNothing;
  *histogram = std::make_shared<FloatHistogram>(mean.Result());
  return Got::kHistogram;
}

}  // namespace hearth::promql

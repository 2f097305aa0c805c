// SPDX-License-Identifier: Apache-2.0
// rate, increase, delta with extrapolation to the window's bounds; irate, idelta.
#include "promql/range_function.h"
#include "promql/start_time.h"

namespace hearth::promql {
namespace {

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

StartedAt At(const Window& window, size_t i) { return {window.times[i], window.starts[i]}; }

// What the counter had before each of its resets.
double LostAtResets(const Window& window, double result, RangeEnv* env) {
  if (window.starts.empty()) {
    for (size_t i = 1; i < window.values.size(); ++i) {
      if (window.values[i] < window.values[i - 1]) result += window.values[i - 1];
    }
    return result;
  }
  bool overlap = false;
  for (size_t i = 1; i < window.values.size(); ++i) {
    if (!overlap && StartOverlaps(At(window, i - 1), At(window, i))) {
      env->notes->StartTimeOverlap(env->metric, env->pos);
      overlap = true;
    }
    if (window.values[i] < window.values[i - 1] || StartedAnew(At(window, i - 1), At(window, i))) {
      result += window.values[i - 1];
    }
  }
  return result;
}

Got ExtrapolatedFloats(const Window& window, RangeEnv* env, bool counter, bool per_second,
                       double* value) {
  const size_t n = window.times.size();
  if (n == 0) return Got::kNothing;
  const int64_t start_ms =
      counter && !window.starts.empty() && StartsInWindow(window, window.starts[0], window.times[0])
          ? window.starts[0]
          : 0;
  if (n < 2 && start_ms == 0) return Got::kNothing;
  const double first = window.values[0];
  double result = window.values[n - 1] - first;
  if (counter && window.may_reset) result = LostAtResets(window, result, env);
  double zero_after = -1;  // the counter was zero that long before the first sample; < 0: unknown
  const double sampled = Seconds(window.times[n - 1] - window.times[0]);
  if (counter && result > 0 && first >= 0) zero_after = sampled * (first / result);
  if (start_ms != 0) result += first;
  *value = result * ExtrapolationFactor(window, window.times[0], window.times[n - 1], n, zero_after,
                                        per_second, start_ms);
  return Got::kFloat;
}

Got Extrapolated(const Window& window, RangeEnv* env, bool counter, bool per_second, double* value,
                 HistogramPtr* histogram) {
  if (!window.times.empty() && !window.histograms.empty()) {
    env->notes->MixedFloatsHistograms(env->metric, env->pos);
    return Got::kNothing;
  }
  if (window.anchored || window.smoothed) {
    return ExtendedRate(window, env, counter, per_second, value, histogram);
  }
  if (!window.histograms.empty()) {
    return RateOfHistograms(window, env, counter, per_second, histogram);
  }
  return ExtrapolatedFloats(window, env, counter, per_second, value);
}

}  // namespace

bool StartsInWindow(const Window& window, int64_t start_ms, int64_t first_ms) {
  return start_ms != 0 && start_ms > window.start_ms && start_ms < first_ms;
}

double ExtrapolationFactor(const Window& window, int64_t first_ms, int64_t last_ms, size_t samples,
                           double zero_after, bool per_second, int64_t start_ms) {
  double sampled = Seconds(last_ms - first_ms);
  const double average = samples > 1 ? sampled / static_cast<double>(samples - 1) : 0;
  double to_start = Reach(first_ms - window.start_ms, average);
  const double to_end = Reach(window.end_ms - last_ms, average);
  if (start_ms != 0) {
    to_start = 0;
    sampled = Seconds(last_ms - start_ms);
  } else if (zero_after >= 0 && zero_after < to_start) {
    to_start = zero_after;  // a counter cannot have been below zero
  }
  double factor = 1;
  if (sampled != 0) factor = (sampled + to_start + to_end) / sampled;
  if (per_second) factor /= window.range_s;
  return factor;
}

Got Rate(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  return Extrapolated(window, env, true, true, value, histogram);
}
Got Increase(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  return Extrapolated(window, env, true, false, value, histogram);
}
Got Delta(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  return Extrapolated(window, env, false, false, value, histogram);
}

namespace {

// The last two samples of either kind.
struct Last {
  StartedAt at;
  double value = 0;
  const HistogramPoint* histogram = nullptr;
};

Got InstantValue(const Window& window, RangeEnv* env, bool rate, double* value,
                 HistogramPtr* histogram) {
  size_t floats = window.times.size();
  size_t histograms = window.histograms.size();
  if (floats + histograms < 2) return Got::kNothing;
  Last last[2];  // the newest first
  for (Last& sample : last) {
    const bool take_float =
        histograms == 0 ||
        (floats > 0 && window.times[floats - 1] > window.histograms[histograms - 1].time_ms);
    if (take_float) {
      --floats;
      sample = {{window.times[floats], window.starts.empty() ? 0 : window.starts[floats]},
                window.values[floats],
                nullptr};
    } else {
      --histograms;
      const HistogramPoint& point = window.histograms[histograms];
      sample = {{point.time_ms, point.start_ms}, 0, &point};
    }
  }
  const int64_t interval = last[0].at.time_ms - last[1].at.time_ms;
  if (interval == 0) return Got::kNothing;
  if ((last[0].histogram == nullptr) != (last[1].histogram == nullptr)) {
    env->notes->MixedFloatsHistograms(env->metric, env->pos);
    return Got::kNothing;
  }
  if (last[0].histogram != nullptr) {
    return InstantRateOfHistograms(*last[1].histogram, *last[0].histogram, rate, env, histogram);
  }
  // After a reset the counter's own value is the increase. NaN compares false: no reset.
  const bool reset = rate && (last[0].value < last[1].value || StartedAnew(last[1].at, last[0].at));
  *value = reset ? last[0].value : last[0].value - last[1].value;
  if (rate) *value /= Seconds(interval);
  return Got::kFloat;
}

}  // namespace

Got Irate(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  return InstantValue(window, env, true, value, histogram);
}
Got Idelta(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  return InstantValue(window, env, false, value, histogram);
}

}  // namespace hearth::promql

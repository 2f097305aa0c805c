// SPDX-License-Identifier: Apache-2.0
// The …_over_time family, changes, resets, regressions; and the table of all range functions.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "promql/go_math.h"
#include "promql/kahan.h"
#include "promql/range_function.h"
#include "promql/start_time.h"

namespace hearth::promql {
namespace {

// For functions of floats alone: says so where histograms are beside them.
bool FloatsOnly(const Window& window, RangeEnv* env) {
  if (window.times.empty()) return false;
  if (!window.histograms.empty()) {
    env->notes->HistogramIgnoredInMixedRange(env->metric, env->pos);
  }
  return true;
}

bool IsMixed(const Window& window, RangeEnv* env) {
  if (window.times.empty() || window.histograms.empty()) return false;
  env->notes->MixedFloatsHistograms(env->metric, env->pos);
  return true;
}

Got SumOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  if (IsMixed(window, env)) return Got::kNothing;
  if (window.times.empty()) return SumOfHistograms(window, env, histogram);
  KahanSum sum;
  for (const double v : window.values) sum.Add(v);
  *value = std::isinf(sum.sum) ? sum.sum : sum.Total();
  return Got::kFloat;
}

Got AvgOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr* histogram) {
  if (IsMixed(window, env)) return Got::kNothing;
  if (window.times.empty()) return AverageOfHistograms(window, env, histogram);
  KahanMean mean(window.values[0]);
  for (const double v : window.values.subspan(1)) mean.Add(v);
  *value = mean.Result();
  return Got::kFloat;
}

Got CountOverTime(const Window& window, RangeEnv*, double* value, HistogramPtr*) {
  *value = static_cast<double>(window.times.size() + window.histograms.size());
  return Got::kFloat;
}

Got PresentOverTime(const Window&, RangeEnv*, double* value, HistogramPtr*) {
  *value = 1;
  return Got::kFloat;
}

Got FirstOverTime(const Window& window, RangeEnv*, double* value, HistogramPtr* histogram) {
  if (window.histograms.empty() ||
      (!window.times.empty() && window.times[0] < window.histograms[0].time_ms)) {
    *value = window.values[0];
    return Got::kFloat;
  }
  *histogram = window.histograms[0].histogram;
  return Got::kHistogram;
}

Got LastOverTime(const Window& window, RangeEnv*, double* value, HistogramPtr* histogram) {
  if (window.histograms.empty() ||
      (!window.times.empty() && window.histograms.back().time_ms < window.times.back())) {
    *value = window.values.back();
    return Got::kFloat;
  }
  *histogram = window.histograms.back().histogram;
  return Got::kHistogram;
}

Got TimeOfFirst(const Window& window, RangeEnv*, double* value, HistogramPtr*) {
  int64_t time = std::numeric_limits<int64_t>::max();
  if (!window.times.empty()) time = window.times[0];
  if (!window.histograms.empty()) time = std::min(time, window.histograms[0].time_ms);
  *value = static_cast<double>(time) / 1000;
  return Got::kFloat;
}

Got TimeOfLast(const Window& window, RangeEnv*, double* value, HistogramPtr*) {
  int64_t time = 0;
  if (!window.times.empty()) time = std::max(time, window.times.back());
  if (!window.histograms.empty()) time = std::max(time, window.histograms.back().time_ms);
  *value = static_cast<double>(time) / 1000;
  return Got::kFloat;
}

// The extreme value and where it stands. NaN yields to any number.
template <typename Better>
Got Extreme(const Window& window, RangeEnv* env, Better better, bool time, double* value) {
  if (!FloatsOnly(window, env)) return Got::kNothing;
  size_t best = 0;
  for (size_t i = 0; i < window.values.size(); ++i) {
    if (better(window.values[i], window.values[best]) || std::isnan(window.values[best])) best = i;
  }
  *value = time ? static_cast<double>(window.times[best]) / 1000 : window.values[best];
  return Got::kFloat;
}

Got MaxOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  return Extreme(
      window, env, [](double a, double b) { return a > b; }, false, value);
}
Got MinOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  return Extreme(
      window, env, [](double a, double b) { return a < b; }, false, value);
}
Got TimeOfMax(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  return Extreme(
      window, env, [](double a, double b) { return a >= b; }, true, value);
}
Got TimeOfMin(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  return Extreme(
      window, env, [](double a, double b) { return a <= b; }, true, value);
}

// Welford's algorithm with compensation.
double Variance(std::span<const double> values) {
  double count = 0;
  KahanSum mean;
  KahanSum squares;
  for (const double v : values) {
    ++count;
    const double delta = v - mean.Total();
    mean.Add(delta / count);
    squares.Add(delta * (v - mean.Total()));
  }
  return squares.Total() / count;
}

Got StdvarOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (!FloatsOnly(window, env)) return Got::kNothing;
  *value = Variance(window.values);
  return Got::kFloat;
}
Got StddevOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (!FloatsOnly(window, env)) return Got::kNothing;
  *value = std::sqrt(Variance(window.values));
  return Got::kFloat;
}

Got QuantileOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (window.times.empty()) return Got::kNothing;
  const double q = env->args[0];
  if (std::isnan(q) || q < 0 || q > 1) env->notes->InvalidQuantile(q, env->pos);
  FloatsOnly(window, env);
  env->scratch.assign(window.values.begin(), window.values.end());
  *value = QuantileOf(q, &env->scratch);
  return Got::kFloat;
}

Got MadOverTime(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (!FloatsOnly(window, env)) return Got::kNothing;
  env->scratch.assign(window.values.begin(), window.values.end());
  for (const double v : env->scratch) {
    if (!std::isnan(v)) continue;
    *value = kNan;
    return Got::kFloat;
  }
  const double median = QuantileOf(0.5, &env->scratch);
  for (double& v : env->scratch) v = std::fabs(v - median);
  *value = QuantileOf(0.5, &env->scratch);
  return Got::kFloat;
}

struct Line {
  double slope = 0;
  double intercept = 0;
};

// Least squares; the intercept is at `intercept_ms`.
Line Regression(const Window& window, int64_t intercept_ms) {
  KahanSum x_sum, y_sum, xy_sum, xx_sum;
  const double first = window.values[0];
  bool constant = true;
  double n = 0;
  for (size_t i = 0; i < window.values.size(); ++i) {
    const double y = window.values[i];
    if (constant && i > 0 && y != first) constant = false;
    ++n;
    const double x = static_cast<double>(window.times[i] - intercept_ms) / 1e3;
    x_sum.Add(x);
    y_sum.Add(y);
    xy_sum.Add(x * y);
    xx_sum.Add(x * x);
  }
  if (constant) {
    if (std::isinf(first)) return {kNan, kNan};
    return {0, first};
  }
  const double sum_x = x_sum.Total();
  const double sum_y = y_sum.Total();
  const double covariance = xy_sum.Total() - sum_x * sum_y / n;
  const double variance = xx_sum.Total() - sum_x * sum_x / n;
  const double slope = covariance / variance;
  return {slope, sum_y / n - slope * sum_x / n};
}

// Two floats are needed; one beside histograms is worth a word.
bool TwoFloats(const Window& window, RangeEnv* env) {
  if (!window.times.empty() && !window.histograms.empty()) {
    env->notes->HistogramIgnoredInMixedRange(env->metric, env->pos);
  }
  return window.times.size() >= 2;
}

Got Deriv(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (!TwoFloats(window, env)) return Got::kNothing;
  *value = Regression(window, window.times[0]).slope;
  return Got::kFloat;
}

Got PredictLinear(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (!TwoFloats(window, env)) return Got::kNothing;
  const Line line = Regression(window, window.eval_ms);
  *value = line.slope * env->args[0] + line.intercept;
  return Got::kFloat;
}

Got DoubleExponentialSmoothing(const Window& window, RangeEnv* env, double* value, HistogramPtr*) {
  if (!TwoFloats(window, env)) return Got::kNothing;
  const double smoothing = env->args[0];
  const double trend_factor = env->args[1];
  double before = 0;
  double smoothed = window.values[0];
  double trend = window.values[1] - window.values[0];
  for (size_t i = 1; i < window.values.size(); ++i) {
    const double x = smoothing * window.values[i];
    if (i > 1) {
      const double change = trend_factor * (smoothed - before);
      const double kept = (1 - trend_factor) * trend;
      trend = change + kept;
    }
    const double y = (1 - smoothing) * (smoothed + trend);
    before = smoothed;
    smoothed = x + y;
  }
  *value = smoothed;
  return Got::kFloat;
}

// Walks samples of both kinds by time from the first that counts; `differs` judges neighbours.
struct AnySample {
  StartedAt at;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

template <typename Differs>
Got CountPairs(const Window& window, Differs differs, double* value) {
  size_t f = 0;
  size_t h = 0;
  if (window.anchored) {
    // The last sample at or before the start is the anchor; earlier ones of either kind go.
    while (f < window.times.size() && window.times[f] <= window.start_ms) ++f;
    while (h < window.histograms.size() && window.histograms[h].time_ms <= window.start_ms) ++h;
    if (f == window.times.size() && h == window.histograms.size()) return Got::kNothing;
    const bool float_anchor =
        f > 0 && (h == 0 || window.times[f - 1] >= window.histograms[h - 1].time_ms);
    if (float_anchor) {
      --f;
    } else if (h > 0) {
      --h;
    }
  }
  int64_t count = 0;
  bool first = true;
  AnySample before;
  while (f < window.times.size() || h < window.histograms.size()) {
    AnySample sample;
    const bool take_float =
        h >= window.histograms.size() ||
        (f < window.times.size() && window.times[f] < window.histograms[h].time_ms);
    if (take_float) {
      sample.at = {window.times[f], window.starts.empty() ? 0 : window.starts[f]};
      sample.value = window.values[f++];
    } else {
      sample.at = {window.histograms[h].time_ms, window.histograms[h].start_ms};
      sample.histogram = window.histograms[h++].histogram.get();
    }
    if (!first) {
      const bool kinds = (before.histogram == nullptr) != (sample.histogram == nullptr);
      if (kinds || differs(before, sample)) ++count;
    }
    first = false;
    before = sample;
  }
  *value = static_cast<double>(count);
  return Got::kFloat;
}

Got Resets(const Window& window, RangeEnv*, double* value, HistogramPtr*) {
  return CountPairs(
      window,
      [](const AnySample& before, const AnySample& sample) {
        if (StartedAnew(before.at, sample.at)) return true;
        if (sample.histogram != nullptr) return sample.histogram->DetectReset(*before.histogram);
        return sample.value < before.value;
      },
      value);
}

Got Changes(const Window& window, RangeEnv*, double* value, HistogramPtr*) {
  return CountPairs(
      window,
      [](const AnySample& before, const AnySample& sample) {
        if (sample.histogram != nullptr) return !sample.histogram->Equals(*before.histogram);
        return sample.value != before.value &&
               !(std::isnan(sample.value) && std::isnan(before.value));
      },
      value);
}

constexpr std::array<std::pair<std::string_view, RangeFunction>, 27> kFunctions = {{
    {"rate", Rate},
    {"increase", Increase},
    {"delta", Delta},
    {"irate", Irate},
    {"idelta", Idelta},
    {"sum_over_time", SumOverTime},
    {"avg_over_time", AvgOverTime},
    {"count_over_time", CountOverTime},
    {"present_over_time", PresentOverTime},
    {"absent_over_time", PresentOverTime},
    {"first_over_time", FirstOverTime},
    {"last_over_time", LastOverTime},
    {"ts_of_first_over_time", TimeOfFirst},
    {"ts_of_last_over_time", TimeOfLast},
    {"max_over_time", MaxOverTime},
    {"min_over_time", MinOverTime},
    {"ts_of_max_over_time", TimeOfMax},
    {"ts_of_min_over_time", TimeOfMin},
    {"stdvar_over_time", StdvarOverTime},
    {"stddev_over_time", StddevOverTime},
    {"quantile_over_time", QuantileOverTime},
    {"mad_over_time", MadOverTime},
    {"deriv", Deriv},
    {"predict_linear", PredictLinear},
    {"double_exponential_smoothing", DoubleExponentialSmoothing},
    {"resets", Resets},
    {"changes", Changes},
}};

}  // namespace

RangeFunction FindRangeFunction(std::string_view name) {
  for (const auto& [function_name, function] : kFunctions) {
    if (function_name == name) return function;
  }
  return nullptr;
}

double QuantileOf(double q, std::vector<double>* values) {
  if (values->empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(values->begin(), values->end(), [](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
    return a < b;
  });
  const double last = static_cast<double>(values->size()) - 1;
  const double rank = q * last;
  const double below = std::max(0.0, std::floor(rank));
  const double above = std::min(last, below + 1);
  const double weight = rank - std::floor(rank);
  return (*values)[static_cast<size_t>(below)] * (1 - weight) +
         (*values)[static_cast<size_t>(above)] * weight;
}

}  // namespace hearth::promql

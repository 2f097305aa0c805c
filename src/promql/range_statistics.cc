// SPDX-License-Identifier: Apache-2.0
#include "promql/range_statistics.h"

#include <algorithm>
#include <utility>

#include "promql/ast.h"

namespace hearth::promql {
namespace {

using storage::WindowValue;

constexpr std::pair<std::string_view, WindowValue> kFunctions[] = {
    {"count_over_time", WindowValue::kCount}, {"delta", WindowValue::kEnds},
    {"first_over_time", WindowValue::kFirst}, {"increase", WindowValue::kIncrease},
    {"last_over_time", WindowValue::kLast},   {"max_over_time", WindowValue::kMax},
    {"min_over_time", WindowValue::kMin},     {"present_over_time", WindowValue::kCount},
    {"rate", WindowValue::kIncrease},
};

}  // namespace

std::unique_ptr<RangeStatistics> RangeStatistics::For(std::string_view function,
                                                      const VectorSelector* selector,
                                                      int64_t range_ms, size_t steps) {
  if (selector == nullptr || selector->anchored || selector->smoothed) return nullptr;
  const auto* const found =
      std::find_if(std::begin(kFunctions), std::end(kFunctions),
                   [&](const auto& entry) { return entry.first == function; });
  if (found == std::end(kFunctions)) return nullptr;
  return std::unique_ptr<RangeStatistics>(
      new RangeStatistics(*found, FindRangeFunction(function), range_ms, steps));
}

storage::Windows RangeStatistics::WindowsOf(int64_t first_end_ms, int64_t step_ms,
                                            size_t count) const {
  return {first_end_ms, step_ms, static_cast<int64_t>(count), range_ms_, value_};
}

// As rate.cc does it, but for how many samples there are. A run of samples that came as its first
// and last alone has no reset in it; those between runs are seen.
bool RangeStatistics::Extrapolated(const Window& window, size_t samples, double* value) const {
  if (samples < 2) return false;
  const bool counter = value_ == WindowValue::kIncrease;
  const double first = window.values.front();
  double result = window.values.back() - first;
  for (size_t i = 1; counter && i < window.values.size(); ++i) {
    if (window.values[i] < window.values[i - 1]) result += window.values[i - 1];
  }
  double zero_after = -1;
  const int64_t sampled_ms = window.times.back() - window.times.front();
  if (counter && result > 0 && first >= 0) {
    zero_after = static_cast<double>(sampled_ms) / 1000 * (first / result);
  }
  *value = result * ExtrapolationFactor(window, window.times.front(), window.times.back(), samples,
                                        zero_after, per_second_);
  return true;
}

bool RangeStatistics::Fill(const SeriesInput& series, const WindowBounds& bounds, RangeEnv* env,
                           double* values) {
  bool any = false;
  samples_used_ = 0;
  Window window;
  window.range_s = static_cast<double>(range_ms_) / 1000;
  for (size_t step = 0; step < bounds.steps(); ++step) {
    cells_[step] = Cell::kNone;
    const auto [begin, end] = bounds.SpanOf(step);
    if (begin == end) continue;
    const size_t samples = series.samples_before[end] - series.samples_before[begin];
    samples_used_ += static_cast<int64_t>(samples);
    window.times = series.times.subspan(begin, end - begin);
    window.values = series.values.subspan(begin, end - begin);
    window.end_ms = bounds.EndOf(step);
    window.start_ms = window.end_ms - range_ms_;
    bool found = true;
    if (value_ == WindowValue::kEnds || value_ == WindowValue::kIncrease) {
      found = Extrapolated(window, samples, &values[step]);
    } else {
      HistogramPtr histogram;
      found = function_(window, env, &values[step], &histogram) == Got::kFloat;
    }
    if (counts_) values[step] = static_cast<double>(samples);  // the function counts what it sees
    if (found) cells_[step] = Cell::kFloat;
    any = any || found;
  }
  return any;
}

}  // namespace hearth::promql

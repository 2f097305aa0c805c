// SPDX-License-Identifier: Apache-2.0
// `selector smoothed`: the value at each step on the line between its neighbours.
#include <algorithm>

#include "base/status.h"
#include "promql/evaluator.h"
#include "promql/extended_range.h"
#include "promql/range_window.h"

namespace hearth::promql {

absl::Status Evaluator::SmoothedRows(const VectorSelector& selector, RowSink* sink) {
  const int64_t lookback = query_.lookback_ms;
  const int64_t first = ReferenceTime(selector, 0);
  const int64_t last = ReferenceTime(selector, steps() - 1);
  // The window of a step is (reference - lookback, reference + lookback].
  WindowBounds bounds(steps(), 2 * lookback, nullptr, lookback);
  for (size_t step = 0; step < steps(); ++step) {
    bounds.SetEnd(step, ReferenceTime(selector, step) + lookback);
  }
  std::vector<double> values(steps());
  std::vector<Cell> cells(steps());
  std::vector<HistogramPtr> histograms(steps());
  RangeEnv env;
  env.pos = selector.pos();
  env.notes = &query_.notes;
  StaleFilter filter;
  return VisitSeries(
      selector, {first - lookback + 1, last + lookback}, {},
      [&](const SeriesInput& raw) -> absl::Status {
        const SeriesInput series = filter.Without(raw);
        bounds.Bind(series);
        env.metric = series.labels.metric_name();
        std::fill(cells.begin(), cells.end(), Cell::kNone);
        bool any = false;
        for (size_t step = 0; step < steps(); ++step) {
          Window window;
          if (!bounds.Fill(series, step, &window)) continue;
          const int64_t time = ReferenceTime(selector, step);
          if (!window.times.empty() && !window.histograms.empty()) {
            env.notes->MixedFloatsHistograms(env.metric, env.pos);
            continue;
          }
          if (!window.times.empty()) {
            const auto at = static_cast<size_t>(
                std::lower_bound(window.times.begin(), window.times.end(), time) -
                window.times.begin());
            if (at < window.times.size() && window.times[at] == time) {
              values[step] = window.values[at];
            } else if (at == 0) {
              continue;
            } else if (at < window.times.size()) {
              values[step] = Interpolate(window.times[at - 1], window.values[at - 1],
                                         window.times[at], window.values[at], time, false);
            } else {
              values[step] = window.values[at - 1];
            }
            cells[step] = Cell::kFloat;
          } else {
            HistogramPtr histogram = SmoothedHistogram(window, time, &env);
            if (histogram == nullptr) continue;
            histograms[step] = std::move(histogram);
            cells[step] = Cell::kHistogram;
          }
          any = true;
        }
        if (!any) return absl::OkStatus();
        return sink->Add({series.labels, series.drop_name, values.data(), cells.data(),
                          series.histograms.empty() ? nullptr : histograms.data()});
      });
}

}  // namespace hearth::promql

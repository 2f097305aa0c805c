// SPDX-License-Identifier: Apache-2.0
// Which samples lie in which step's window. The indexes are found once for all series that share a
// timeline, then each window is two of them.
#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "promql/evaluator.h"
#include "promql/per_timeline.h"

namespace hearth::promql {

// Series without their staleness markers; the series handed out lives until the next call.
class StaleFilter {
 public:
  SeriesInput Without(const SeriesInput& series);

 private:
  std::vector<int64_t> times_;
  std::vector<double> values_;
  std::vector<int64_t> starts_;
  std::vector<HistogramPoint> histograms_;
};

class WindowBounds {
 public:
  // `selector` may be null (subquery); anchored and smoothed ones have wider windows.
  WindowBounds(size_t steps, int64_t range_ms, const VectorSelector* selector, int64_t lookback_ms);
  void SetEnd(size_t step, int64_t end_ms) { ends_[step] = end_ms; }
  // Must be called before Fill() for each series.
  void Bind(const SeriesInput& series);
  // False where no sample is in the window.
  bool Fill(const SeriesInput& series, size_t step, Window* window);

  // The samples of the series bound last that lie in a step's window: [begin, end).
  struct Span {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  size_t steps() const { return ends_.size(); }
  int64_t range_ms() const { return range_ms_; }
  Span SpanOf(size_t step) const { return (*spans_)[step]; }
  int64_t EndOf(size_t step) const { return ends_[step]; }

 private:
  template <typename TimeOf>
  void Find(size_t count, TimeOf time_of, std::vector<Span>* spans) const;

  const int64_t range_ms_;
  const bool anchored_;
  const bool smoothed_;
  const int64_t before_ms_;  // how much wider than the range
  const int64_t after_ms_;
  std::vector<int64_t> ends_;
  PerTimeline<std::vector<Span>> kept_;
  const std::vector<Span>* spans_ = nullptr;  // of the series bound last
  std::vector<Span> histogram_spans_;
  bool has_histograms_ = false;
};

// For points of subqueries: hints about resets say nothing about neighbours there.
HistogramPtr WithoutResetHint(HistogramPtr histogram);
// FailedPrecondition with upstream's text where scalar arguments are impossible.
absl::Status CheckRangeArguments(std::string_view function,
                                 const std::vector<std::vector<double>>& scalars);

Series ToSeries(const Grid& grid, size_t row, const Steps& steps);
absl::StatusOr<Series> WindowAsSeries(const Window& window, model::LabelsView labels);

}  // namespace hearth::promql

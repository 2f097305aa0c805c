// SPDX-License-Identifier: Apache-2.0
#include "promql/range_window.h"

#include <algorithm>

#include "base/status.h"
#include "model/value.h"
#include "promql/extended_range.h"
#include "promql/float_scan.h"

namespace hearth::promql {
SeriesInput StaleFilter::Without(const SeriesInput& series) {
  SeriesInput clean = series;
  if (series.marked && HasMarker(series.values)) {
    times_.clear();
    values_.clear();
    starts_.clear();
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (model::IsStaleNan(series.values[i])) continue;
      times_.push_back(series.times[i]);
      values_.push_back(series.values[i]);
      if (!series.starts.empty()) starts_.push_back(series.starts[i]);
    }
    clean.times = times_;
    clean.values = values_;
    clean.starts = starts_;
    clean.timeline = 0;
  }
  const auto stale = [](const HistogramPoint& point) {
    return model::IsStaleNan(point.histogram->sum);
  };
  if (std::any_of(series.histograms.begin(), series.histograms.end(), stale)) {
    histograms_.assign(series.histograms.begin(), series.histograms.end());
    std::erase_if(histograms_, stale);
    clean.histograms = histograms_;
  }
  return clean;
}

WindowBounds::WindowBounds(size_t steps, int64_t range_ms, const VectorSelector* selector,
                           int64_t lookback_ms)
    : range_ms_(range_ms),
      anchored_(selector != nullptr && selector->anchored),
      smoothed_(selector != nullptr && selector->smoothed && !selector->anchored),
      before_ms_(anchored_ || smoothed_ ? lookback_ms : 0),
      after_ms_(smoothed_ ? lookback_ms : 0),
      ends_(steps),
      kept_(steps) {}

template <typename TimeOf>
void WindowBounds::Find(size_t count, TimeOf time_of, std::vector<Span>* spans) const {
  // Ends never decrease from step to step, so neither do the indexes.
  spans->resize(ends_.size());
  uint32_t begin = 0;
  uint32_t end = 0;
  for (size_t step = 0; step < ends_.size(); ++step) {
    const int64_t open = ends_[step] - range_ms_ - before_ms_;
    const int64_t closed = ends_[step] + after_ms_;
    while (end < count && time_of(end) <= closed) ++end;
    while (begin < end && time_of(begin) <= open) ++begin;
    (*spans)[step] = {begin, end};
  }
}

void WindowBounds::Bind(const SeriesInput& series) {
  has_histograms_ = !series.histograms.empty();
  if (has_histograms_) {
    Find(
        series.histograms.size(), [&](size_t i) { return series.histograms[i].time_ms; },
        &histogram_spans_);
  }
  spans_ = &kept_.Get(series.timeline, [&](std::vector<Span>* spans) {
    Find(
        series.times.size(), [&](size_t i) { return series.times[i]; }, spans);
  });
}

bool WindowBounds::Fill(const SeriesInput& series, size_t step, Window* window) {
  const Span span = SpanOf(step);
  window->times = series.times.subspan(span.begin, span.end - span.begin);
  window->values = series.values.subspan(span.begin, span.end - span.begin);
  window->starts = {};
  if (!series.starts.empty()) {
    window->starts = series.starts.subspan(span.begin, span.end - span.begin);
  }
  window->histograms = {};
  if (has_histograms_) {
    const Span h = histogram_spans_[step];
    window->histograms = series.histograms.subspan(h.begin, h.end - h.begin);
  }
  window->end_ms = ends_[step];
  window->start_ms = ends_[step] - range_ms_;
  window->anchored = anchored_;
  window->smoothed = smoothed_;
  return !window->times.empty() || !window->histograms.empty();
}

HistogramPtr WithoutResetHint(HistogramPtr histogram) {
  if (histogram->hint != CounterResetHint::kReset &&
      histogram->hint != CounterResetHint::kNotReset) {
    return histogram;
  }
  auto copy = std::make_shared<FloatHistogram>(*histogram);
  copy->hint = CounterResetHint::kUnknown;
  return copy;
}

absl::Status CheckRangeArguments(std::string_view function,
                                 const std::vector<std::vector<double>>& scalars) {
  if (function != "double_exponential_smoothing") return absl::OkStatus();
  for (size_t step = 0; step < scalars[0].size(); ++step) {
    const double smoothing = scalars[0][step];
    const double trend = scalars[1][step];
    if (smoothing <= 0 || smoothing >= 1) {
      return FailedPrecondition("invalid smoothing factor. Expected: 0 < sf < 1, got: {:f}",
                                smoothing);
    }
    if (trend <= 0 || trend >= 1) {
      return FailedPrecondition("invalid trend factor. Expected: 0 < tf < 1, got: {:f}", trend);
    }
  }
  return absl::OkStatus();
}

Series ToSeries(const Grid& grid, size_t row, const Steps& steps) {
  Series series;
  series.labels = grid.labels(row);
  for (size_t step = 0; step < grid.steps(); ++step) {
    const Cell cell = grid.cells(row)[step];
    if (cell == Cell::kFloat) {
      series.times_ms.push_back(steps.At(step));
      series.values.push_back(grid.values(row)[step]);
    } else if (cell == Cell::kHistogram) {
      series.histograms.push_back({steps.At(step), std::make_shared<model::NativeHistogram>(
                                                       grid.histograms(row)[step]->ToModel())});
    }
  }
  return series;
}

absl::StatusOr<Series> WindowAsSeries(const Window& window, model::LabelsView labels) {
  Series series;
  series.labels = model::Labels(labels);
  if (window.anchored || window.smoothed) {
    if (!window.histograms.empty()) {
      return FailedPrecondition("{} modifier is not supported with histograms",
                                window.anchored ? "anchored" : "smoothed");
    }
    ExtendSamples(window, &series.times_ms, &series.values);
    return series;
  }
  series.times_ms.assign(window.times.begin(), window.times.end());
  series.values.assign(window.values.begin(), window.values.end());
  for (const HistogramPoint& point : window.histograms) {
    series.histograms.push_back(
        {point.time_ms, std::make_shared<model::NativeHistogram>(point.histogram->ToModel())});
  }
  return series;
}

}  // namespace hearth::promql

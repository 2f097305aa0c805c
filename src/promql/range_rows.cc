// SPDX-License-Identifier: Apache-2.0
#include "promql/range_rows.h"

#include <algorithm>
#include <utility>

#include "promql/float_scan.h"
#include "promql/per_timeline.h"
#include "promql/range_statistics.h"

namespace hearth::promql {
namespace {

constexpr std::string_view kTypeLabel = "__type__";

bool HasCounterSuffix(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

// One row while it is folded; reused from series to series.
struct RowBuffer {
  explicit RowBuffer(size_t steps) : values(steps), cells(steps) {}
  void Clear() {
    std::fill(cells.begin(), cells.end(), Cell::kNone);
    if (!histograms.empty()) std::fill(histograms.begin(), histograms.end(), nullptr);
    any_float = any_histogram = false;
  }
  // The value itself has been written to values[step].
  void Set(size_t step, Got got, HistogramPtr histogram) {
    if (got == Got::kFloat) {
      cells[step] = Cell::kFloat;
      any_float = true;
    } else if (got == Got::kHistogram) {
      if (histograms.empty()) histograms.resize(cells.size());
      histograms[step] = std::move(histogram);
      cells[step] = Cell::kHistogram;
      any_histogram = true;
    }
  }
  RowView View() const {
    RowView view;
    view.values = values.data();
    view.cells = cells.data();
    view.histograms = any_histogram ? histograms.data() : nullptr;
    return view;
  }
  std::vector<double> values;
  std::vector<Cell> cells;
  std::vector<HistogramPtr> histograms;
  bool any_float = false;
  bool any_histogram = false;
};

// Which windows of float series hold a sample: found once a timeline.
class PresentWindows {
 public:
  explicit PresentWindows(size_t steps) : kept_(steps) {}
  // `bounds` is bound to the series. Returns the samples in all windows.
  int64_t Find(const SeriesInput& series, const WindowBounds& bounds) {
    row_ = &kept_.Get(series.timeline, [&](Row* row) {
      row->cells.assign(bounds.steps(), Cell::kNone);
      row->samples = 0;
      for (size_t step = 0; step < bounds.steps(); ++step) {
        const auto [begin, end] = bounds.SpanOf(step);
        if (begin != end) row->cells[step] = Cell::kFloat;
        row->samples += end - begin;
      }
    });
    return row_->samples;
  }
  bool any() const { return row_->samples > 0; }
  const Cell* cells() const { return row_->cells.data(); }

 private:
  struct Row {
    std::vector<Cell> cells;
    int64_t samples = 0;
  };
  PerTimeline<Row> kept_;
  const Row* row_ = nullptr;  // of the series asked for last
};

void NoteNonCounter(bool type_and_unit_labels, const SeriesInput& series, RangeEnv* env) {
  if (env->metric.empty()) return;
  if (type_and_unit_labels) {
    const std::string_view type = series.labels.Get(kTypeLabel);
    if (type == "counter" || type == "histogram") return;
    env->notes->PossibleNonCounterLabel(env->metric, type, env->pos);
  } else if (!HasCounterSuffix(env->metric)) {
    env->notes->PossibleNonCounter(env->metric, env->pos);
  }
}

int64_t SamplesAfter(const Window& window, int64_t time_ms) {
  const auto times = std::upper_bound(window.times.begin(), window.times.end(), time_ms);
  const auto histograms = std::upper_bound(
      window.histograms.begin(), window.histograms.end(), time_ms,
      [](int64_t time, const HistogramPoint& point) { return time < point.time_ms; });
  return (window.times.end() - times) + (window.histograms.end() - histograms);
}

class RangeRows : public RowMaker {
 public:
  RangeRows(const RangeShape& shape, const RangeCall& call)
      : shape_(shape),
        call_(call),
        bounds_(shape.MakeBounds()),
        rate_row_(RateRow::For(call.name, shape.selector, shape.range_ms, shape.steps.count)),
        statistics_(
            RangeStatistics::For(call.name, shape.selector, shape.range_ms, shape.steps.count)),
        present_(shape.steps.count),
        row_(shape.steps.count) {
    env_.pos = call.pos;
  }
  RowView Make(const SeriesInput& series, StepCounts* counts, Annotations* notes) override {
    env_.notes = notes;
    if (shape_.selector == nullptr) return Fold(series, counts);
    return Fold(filter_.Without(series), counts);
  }

 private:
  RowView Fold(const SeriesInput& series, StepCounts* counts);
  // No cells where the series has no row.
  RowView FoldCells(const SeriesInput& series, StepCounts* counts);
  // Window by window; returns the samples in all of them.
  int64_t FoldWindows(const SeriesInput& series);

  const RangeShape& shape_;
  const RangeCall& call_;
  StaleFilter filter_;
  WindowBounds bounds_;
  std::unique_ptr<RateRow> rate_row_;            // null where the function is no simple rate
  std::unique_ptr<RangeStatistics> statistics_;  // of series that have samples_before
  PresentWindows present_;
  RowBuffer row_;
  RangeEnv env_;
};

int64_t RangeRows::FoldWindows(const SeriesInput& series) {
  Window window;
  window.range_s = static_cast<double>(shape_.range_ms) / 1000;
  window.may_reset = !call_.counter || !series.starts.empty() || Decreases(series.values);
  row_.Clear();
  int64_t used = 0;
  for (size_t step = 0; step < shape_.steps.count; ++step) {
    if (!bounds_.Fill(series, step, &window)) continue;
    window.eval_ms = shape_.steps.At(step);
    for (size_t i = 0; i < call_.scalars.size() && i < 2; ++i) {
      env_.args[i] = call_.scalars[i][step];
    }
    used += static_cast<int64_t>(window.times.size() + window.histograms.size());
    HistogramPtr histogram;
    const Got got = call_.function(window, &env_, &row_.values[step], &histogram);
    row_.Set(step, got, std::move(histogram));
  }
  return used;
}

RowView RangeRows::FoldCells(const SeriesInput& series, StepCounts* counts) {
  RowView view;
  if (call_.presence && series.histograms.empty()) {
    CountWindows(shape_, series, present_.Find(series, bounds_), &bounds_, counts);
    if (present_.any()) view.cells = present_.cells();
    return view;
  }
  env_.metric = series.labels.metric_name();
  bool any_float = false;
  if (!series.samples_before.empty()) {
    any_float = statistics_->Fill(series, bounds_, &env_, row_.values.data());
    CountWindows(shape_, series, statistics_->samples_used(), &bounds_, counts);
    if (any_float) view.values = row_.values.data();
    if (any_float) view.cells = statistics_->cells();
  } else if (rate_row_ != nullptr && series.histograms.empty() && series.starts.empty()) {
    any_float = rate_row_->Fill(series, bounds_, row_.values.data());
    CountWindows(shape_, series, rate_row_->samples_used(), &bounds_, counts);
    if (any_float) view.values = row_.values.data();
    if (any_float) view.cells = rate_row_->cells();
  } else {
    CountWindows(shape_, series, FoldWindows(series), &bounds_, counts);
    any_float = row_.any_float;
    if (any_float || row_.any_histogram) view = row_.View();
  }
  if (call_.counter && any_float) NoteNonCounter(call_.type_and_unit_labels, series, &env_);
  return view;
}

RowView RangeRows::Fold(const SeriesInput& series, StepCounts* counts) {
  bounds_.Bind(series);
  RowView view = FoldCells(series, counts);
  view.drop_name = !call_.keeps_name || series.drop_name;
  view.labels = series.labels;
  view.labels_id = series.labels_id;
  view.series = series.series;
  return view;
}

}  // namespace

WindowBounds RangeShape::MakeBounds() const {
  WindowBounds bounds(steps.count, range_ms, selector, lookback_ms);
  for (size_t step = 0; step < steps.count; ++step) bounds.SetEnd(step, EndOf(step));
  return bounds;
}

void CountWindows(const RangeShape& shape, const SeriesInput& series, int64_t used,
                  WindowBounds* bounds, StepCounts* counts) {
  const bool from_store = shape.selector != nullptr;
  if (!counts->tracks_steps()) {
    // Windows that touch hold all samples of the series between them, and none twice.
    const bool touch = shape.fixed || shape.steps.interval_ms <= shape.range_ms;
    const auto all = static_cast<int64_t>(series.floats() + series.histograms.size());
    const auto alike = static_cast<int64_t>(series.series);
    counts->Add(used * alike, (!from_store ? 0 : touch ? all : used) * alike);
    return;
  }
  const int64_t after_ms = from_store && shape.selector->smoothed ? shape.lookback_ms : 0;
  Window window;
  for (size_t step = 0; step < shape.steps.count; ++step) {
    if (!bounds->Fill(series, step, &window)) continue;
    const auto size = static_cast<int64_t>(window.times.size() + window.histograms.size());
    int64_t fresh = !from_store || (shape.fixed && step > 0) ? 0 : size;
    if (fresh > 0 && step > 0) {
      fresh = SamplesAfter(window, bounds->EndOf(step) + after_ms - shape.steps.interval_ms);
    }
    counts->AddAt(step, size, fresh);
  }
}

std::unique_ptr<RowMaker> MakeRangeRows(const RangeShape& shape, const RangeCall& call) {
  return std::make_unique<RangeRows>(shape, call);
}

}  // namespace hearth::promql

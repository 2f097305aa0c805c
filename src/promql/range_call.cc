// SPDX-License-Identifier: Apache-2.0
// Calls with a range vector: the windows of every series, folded by a range function into one row.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "base/string_map.h"
#include "model/value.h"
#include "promql/evaluator.h"
#include "promql/range_statistics.h"
#include "promql/range_window.h"
#include "promql/rate_row.h"

namespace hearth::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr std::string_view kTypeLabel = "__type__";
constexpr std::string_view kUnitLabel = "__unit__";

bool IsRange(const Expr& expr) {
  return expr.kind == ExprKind::kMatrixSelector || expr.kind == ExprKind::kSubquery;
}

// Go's integer division truncates towards zero; so does C++'s.
int64_t AlignedAfter(int64_t time_ms, int64_t step_ms) {
  const int64_t aligned = step_ms * (time_ms / step_ms);
  return aligned <= time_ms ? aligned + step_ms : aligned;
}

bool HasCounterSuffix(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

absl::Status CheckExtended(const VectorSelector& selector, std::string_view function) {
  constexpr std::array<std::string_view, 3> kRates = {"delta", "increase", "rate"};
  const bool rate = std::find(kRates.begin(), kRates.end(), function) != kRates.end();
  if (selector.anchored && !rate && function != "changes" && function != "resets") {
    return FailedPrecondition(
        "anchored modifier can only be used with: changes, delta, increase, rate, resets - not "
        "with {}",
        function);
  }
  if (!selector.anchored && selector.smoothed && !rate) {
    return FailedPrecondition(
        "smoothed modifier can only be used with: delta, increase, rate - not with {}", function);
  }
  return absl::OkStatus();
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

void AddMetadataLabels(std::vector<std::string>* names) {
  for (const std::string_view name : {model::kMetricName, kTypeLabel, kUnitLabel}) {
    names->emplace_back(name);
  }
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

void NoteNonCounter(const Options& options, const SeriesInput& series, RangeEnv* env) {
  if (env->metric.empty()) return;
  if (options.type_and_unit_labels) {
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

}  // namespace

int RangeArgumentIndex(const Call& call) {
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (IsRange(*call.args[i])) return static_cast<int>(i);
  }
  return -1;
}

struct Evaluator::RangeArgument {
  const VectorSelector* selector = nullptr;  // null: a subquery
  Grid grid;                                 // the subquery's points …
  Steps grid_steps;                          // … and their times
  PosRange pos;
  int64_t range_ms = 0;
  int64_t inner_used = 0;    // samples that the subquery used
  bool fixed = false;        // by @: the same window at all steps
  int64_t first_end_ms = 0;  // where the first step's window ends
  int64_t EndOf(const Steps& steps, size_t step) const {
    return fixed ? first_end_ms : first_end_ms + (steps.At(step) - steps.start_ms);
  }
};

absl::StatusOr<Evaluator::RangeArgument> Evaluator::OpenRange(const Expr& expr) {
  RangeArgument argument;
  if (expr.kind == ExprKind::kMatrixSelector) {
    const auto& matrix = As<MatrixSelector>(expr);
    argument.selector = &matrix.selector();
    argument.pos = expr.pos();
    argument.range_ms = matrix.range_ns / kNsPerMs;
    argument.fixed = matrix.selector().timestamp_ms.has_value();
    argument.first_end_ms = ReferenceTime(matrix.selector(), 0);
    return argument;
  }
  const auto& subquery = As<SubqueryExpr>(expr);
  const int64_t offset = subquery.original_offset_ns / kNsPerMs;
  argument.range_ms = subquery.range_ns / kNsPerMs;
  argument.fixed = subquery.timestamp_ms.has_value();
  argument.first_end_ms = (argument.fixed ? *subquery.timestamp_ms : steps_.start_ms) - offset;
  const int64_t last_end = argument.EndOf(steps_, steps() - 1);
  int64_t step = subquery.step_ns / kNsPerMs;
  if (subquery.step_ns == 0) step = query_.options.default_interval_ms;
  if (step <= 0) return FailedPrecondition("zero or negative subquery step is not accepted");
  const int64_t first = AlignedAfter(argument.first_end_ms - argument.range_ms, step);
  if (first > last_end) {
    argument.grid_steps = {first, step, 0};
    argument.grid = Grid(0);
    return argument;
  }
  argument.grid_steps = {first, step, static_cast<size_t>((last_end - first) / step) + 1};
  if (argument.grid_steps.count > query_.options.samples_max)
    return query_.Hold(argument.grid_steps.count);
  Evaluator child(&query_, argument.grid_steps);
  // Of a subquery only what is read counts; the windows over its points are counted as used.
  StepCounts inner;
  if (steps() > 1) {
    TRY(query_.HoldBytes(StepCounts::Bytes(argument.grid_steps.count)));
    inner.TrackSteps(argument.grid_steps.count);
  }
  StepCounts* const outer = std::exchange(query_.counts, &inner);
  absl::StatusOr<Value> evaluated = child.Eval(*subquery.expr);
  query_.counts = outer;
  TRY_ASSIGN(Value value, std::move(evaluated));
  outer->MergeSubquery(inner, argument.grid_steps, offset, steps_, argument.range_ms);
  argument.inner_used = inner.used();
  CHECK(value.type == ValueType::kVector);
  argument.grid = std::move(value.grid);
  return argument;
}

absl::Status Evaluator::VisitRange(const RangeArgument& argument, const storage::SelectHints& hints,
                                   const SeriesVisitor& visit) {
  if (argument.selector != nullptr) {
    const int64_t lookback = query_.lookback_ms;
    int64_t min = argument.first_end_ms - argument.range_ms + 1;
    int64_t max = argument.EndOf(steps_, steps() - 1);
    if (argument.selector->anchored || argument.selector->smoothed) min -= lookback;
    if (argument.selector->smoothed) max += lookback;
    StaleFilter filter;
    return VisitSeries(*argument.selector, {min, max}, hints,
                       [&](const SeriesInput& series) { return visit(filter.Without(series)); });
  }
  const Grid& grid = argument.grid;
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<HistogramPoint> histograms;
  for (size_t row = 0; row < grid.rows(); ++row) {
    times.clear();
    values.clear();
    histograms.clear();
    for (size_t step = 0; step < grid.steps(); ++step) {
      const Cell cell = grid.cells(row)[step];
      const int64_t time = argument.grid_steps.At(step);
      if (cell == Cell::kFloat && !model::IsStaleNan(grid.values(row)[step])) {
        times.push_back(time);
        values.push_back(grid.values(row)[step]);
      } else if (cell == Cell::kHistogram) {
        histograms.push_back({time, WithoutResetHint(grid.histograms(row)[step])});
      }
    }
    // Rows without gaps have one timeline.
    const uint64_t timeline = times.size() == grid.steps() ? 1 : 0;
    TRY(visit({grid.labels(row), grid.drop_name(row), times, values, histograms, timeline}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::vector<double>>> Evaluator::EvalScalarArguments(
    const Call& call, size_t range_index) {
  std::vector<std::vector<double>> scalars;
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i == range_index) continue;
    TRY_ASSIGN(std::vector<double> scalar, EvalScalar(*call.args[i]));
    scalars.push_back(std::move(scalar));
  }
  return scalars;
}

void Evaluator::CountWindows(const RangeArgument& argument, const SeriesInput& series, int64_t used,
                             WindowBounds* bounds) {
  const bool from_store = argument.selector != nullptr;
  if (!query_.counts->tracks_steps()) {
    // Windows that touch hold all samples of the series between them, and none twice.
    const bool touch = argument.fixed || steps_.interval_ms <= argument.range_ms;
    const auto all = static_cast<int64_t>(series.floats() + series.histograms.size());
    const auto alike = static_cast<int64_t>(series.series);
    query_.counts->Add(used * alike, (!from_store ? 0 : touch ? all : used) * alike);
    return;
  }
  const int64_t after_ms = from_store && argument.selector->smoothed ? query_.lookback_ms : 0;
  Window window;
  for (size_t step = 0; step < steps(); ++step) {
    if (!bounds->Fill(series, step, &window)) continue;
    const auto size = static_cast<int64_t>(window.times.size() + window.histograms.size());
    int64_t fresh = !from_store || (argument.fixed && step > 0) ? 0 : size;
    if (fresh > 0 && step > 0) {
      fresh = SamplesAfter(window, bounds->EndOf(step) + after_ms - steps_.interval_ms);
    }
    query_.counts->AddAt(step, size, fresh);
  }
}

// What a call does with one series after the other, and what it needs for that.
struct Evaluator::RangeFold {
  const RangeArgument& argument;
  std::string_view name;
  RangeFunction function = nullptr;
  std::vector<std::vector<double>> scalars = {};
  bool counter = false;
  bool keeps_name = false;
  // Whether series cannot become equal by losing their name alone.
  bool one_metric = false;
  // Only whether a window has a sample counts, and that is a value.
  bool presence = false;
  storage::SelectHints hints = {};
  WindowBounds bounds;
  std::unique_ptr<RateRow> rate_row;            // null where the function is no simple rate
  std::unique_ptr<RangeStatistics> statistics;  // of series that have samples_before
  PresentWindows present;
  RowBuffer row;
  RangeEnv env = {};
  StringSet seen = {};
  std::string scratch = {};
};

// The row of a series window by window; returns the samples in all of them.
int64_t Evaluator::FoldWindows(const SeriesInput& series, RangeFold* fold) {
  Window window;
  window.range_s = static_cast<double>(fold->bounds.range_ms()) / 1000;
  window.may_reset = !fold->counter || !series.starts.empty() || MayReset(series.values);
  fold->row.Clear();
  int64_t used = 0;
  for (size_t step = 0; step < steps(); ++step) {
    if (!fold->bounds.Fill(series, step, &window)) continue;
    window.eval_ms = steps_.At(step);
    for (size_t i = 0; i < fold->scalars.size() && i < 2; ++i) {
      fold->env.args[i] = fold->scalars[i][step];
    }
    used += static_cast<int64_t>(window.times.size() + window.histograms.size());
    HistogramPtr histogram;
    const Got got = fold->function(window, &fold->env, &fold->row.values[step], &histogram);
    fold->row.Set(step, got, std::move(histogram));
  }
  return used;
}

// The cells and values of a series' row; no cells where it has none.
RowView Evaluator::FoldSeries(const SeriesInput& series, RangeFold* fold) {
  RowView view;
  if (fold->presence && series.histograms.empty()) {
    CountWindows(fold->argument, series, fold->present.Find(series, fold->bounds), &fold->bounds);
    if (fold->present.any()) view.cells = fold->present.cells();
    return view;
  }
  fold->env.metric = series.labels.metric_name();
  bool any_float = false;
  if (!series.samples_before.empty()) {
    any_float = fold->statistics->Fill(series, fold->bounds, &fold->env, fold->row.values.data());
    CountWindows(fold->argument, series, fold->statistics->samples_used(), &fold->bounds);
    if (any_float) view.values = fold->row.values.data();
    if (any_float) view.cells = fold->statistics->cells();
  } else if (fold->rate_row != nullptr && series.histograms.empty() && series.starts.empty()) {
    any_float = fold->rate_row->Fill(series, fold->bounds, fold->row.values.data());
    CountWindows(fold->argument, series, fold->rate_row->samples_used(), &fold->bounds);
    if (any_float) view.values = fold->row.values.data();
    if (any_float) view.cells = fold->rate_row->cells();
  } else {
    CountWindows(fold->argument, series, FoldWindows(series, fold), &fold->bounds);
    any_float = fold->row.any_float;
    if (any_float || fold->row.any_histogram) view = fold->row.View();
  }
  if (fold->counter && any_float) NoteNonCounter(query_.options, series, &fold->env);
  return view;
}

absl::Status Evaluator::AddFolded(const SeriesInput& series, RangeFold* fold, RowSink* sink) {
  fold->bounds.Bind(series);
  RowView view = FoldSeries(series, fold);
  if (view.cells == nullptr) return absl::OkStatus();
  view.drop_name = !fold->keeps_name || series.drop_name;
  view.labels = series.labels;
  view.labels_id = series.labels_id;
  view.series = series.series;
  if (!view.drop_name || delayed_names()) return sink->Add(view);
  view.labels = DropMetadata(series.labels, &fold->scratch);
  const bool may_collide =
      !fold->one_metric || series.labels.Has(kTypeLabel) || series.labels.Has(kUnitLabel);
  if (!may_collide) return sink->Add(view);
  if (fold->hints.labels.has_value()) {
    query_.all_labels_needed = true;
    return absl::AbortedError("labels were left out that decide whether series are equal");
  }
  if (!fold->seen.emplace(view.labels.packed()).second) {
    return FailedPrecondition("{}", kSameLabelset);
  }
  return sink->Add(view);
}

absl::Status Evaluator::RangeCallRows(const Call& call, RowSink* sink) {
  const std::string_view name = call.function->name;
  const RangeFunction function = FindRangeFunction(name);
  if (function == nullptr) {
    return FailedPrecondition("unknown function with name \"{}\"", name);
  }
  const auto range_index = static_cast<size_t>(RangeArgumentIndex(call));
  TRY_ASSIGN(const RangeArgument argument, OpenRange(*call.args[range_index]));
  TRY_ASSIGN(std::vector<std::vector<double>> scalars, EvalScalarArguments(call, range_index));
  const VectorSelector* const selector = argument.selector;
  if (selector != nullptr) TRY(CheckExtended(*selector, name));
  TRY(CheckRangeArguments(name, scalars));

  RangeFold fold{.argument = argument,
                 .name = name,
                 .function = function,
                 .scalars = std::move(scalars),
                 .bounds = WindowBounds(steps(), argument.range_ms, selector, query_.lookback_ms),
                 .rate_row = RateRow::For(name, selector, argument.range_ms, steps()),
                 .statistics = RangeStatistics::For(name, selector, argument.range_ms, steps()),
                 .present = PresentWindows(steps()),
                 .row = RowBuffer(steps())};
  for (size_t step = 0; step < steps(); ++step) {
    fold.bounds.SetEnd(step, argument.EndOf(steps_, step));
  }
  fold.counter = name == "rate" || name == "increase";
  fold.keeps_name = name == "last_over_time" || name == "first_over_time";
  fold.one_metric = selector != nullptr && NamesOneMetric(*selector);
  const RowNeeds needs = sink->needs();
  // Counting by step looks at each window.
  fold.presence = fold.keeps_name && !needs.values && !query_.counts->tracks_steps();
  fold.hints.times_only = fold.presence;
  if (fold.statistics != nullptr && !fold.presence && !query_.counts->tracks_steps()) {
    fold.hints.windows = fold.statistics->WindowsOf(argument.first_end_ms, steps_.interval_ms,
                                                    argument.fixed ? 1 : steps());
  }
  if (needs.labels.has_value() && (fold.keeps_name || (fold.one_metric && !delayed_names()))) {
    fold.hints.labels = needs.labels;
    // Series of one metric become equal only by what goes with its name.
    if (!fold.keeps_name) AddMetadataLabels(&*fold.hints.labels);
  }
  // Upstream puts a subquery's points into a selector without a position.
  fold.env.pos = range_index == 0 && selector == nullptr ? PosRange{} : call.args[0]->pos();
  fold.env.notes = &query_.notes;
  return VisitRange(argument, fold.hints,
                    [&](const SeriesInput& series) { return AddFolded(series, &fold, sink); });
}

absl::StatusOr<Value> Evaluator::EvalAbsentOverTime(const Call& call) {
  Value value{ValueType::kVector, {}, {}, Grid(steps())};
  TRY_ASSIGN(const RangeArgument argument, OpenRange(*call.args[0]));
  if (argument.selector != nullptr) TRY(CheckExtended(*argument.selector, "absent_over_time"));
  WindowBounds bounds(steps(), argument.range_ms, argument.selector, query_.lookback_ms);
  for (size_t step = 0; step < steps(); ++step) {
    bounds.SetEnd(step, argument.EndOf(steps_, step));
  }
  std::vector<bool> found(steps(), false);
  TRY(VisitRange(argument, {}, [&](const SeriesInput& series) {
    bounds.Bind(series);
    Window window;
    int64_t used = 0;
    for (size_t step = 0; step < steps(); ++step) {
      if (!bounds.Fill(series, step, &window)) continue;
      found[step] = true;
      used += static_cast<int64_t>(window.times.size() + window.histograms.size());
    }
    CountWindows(argument, series, used, &bounds);
    return absl::OkStatus();
  }));
  // Upstream has replaced a subquery by a selector without matchers.
  const size_t row = value.grid.AddRow(LabelsOfAbsent(*call.args[0]), true);
  for (size_t step = 0; step < steps(); ++step) {
    if (!found[step]) value.grid.SetFloat(row, step, 1);
  }
  value.grid.RemoveEmptyRows();
  return value;
}

absl::StatusOr<std::vector<Series>> Evaluator::EvalMatrix(const Expr& expr) {
  const Expr& range = Unwrap(expr);
  TRY(query_.CheckAlive());
  TRY_ASSIGN(const RangeArgument argument, OpenRange(range));
  std::vector<Series> matrix;
  if (argument.selector == nullptr) {
    query_.counts->AddAt(0, argument.inner_used, 0);
    Grid grid = argument.grid;
    if (delayed_names()) TRY(grid.FinishNames());
    for (size_t row = 0; row < grid.rows(); ++row) {
      matrix.push_back(ToSeries(grid, row, argument.grid_steps));
    }
    return matrix;
  }
  WindowBounds bounds(1, argument.range_ms, argument.selector, query_.lookback_ms);
  bounds.SetEnd(0, argument.first_end_ms);
  const absl::Status visited =
      VisitRange(argument, {}, [&](const SeriesInput& series) -> absl::Status {
        bounds.Bind(series);
        Window window;
        if (!bounds.Fill(series, 0, &window)) return absl::OkStatus();
        TRY_ASSIGN(Series points, WindowAsSeries(window, series.labels));
        const size_t size = points.times_ms.size() + points.histograms.size();
        query_.counts->AddAt(0, static_cast<int64_t>(size), static_cast<int64_t>(size));
        if (size == 0) return absl::OkStatus();
        TRY(query_.Hold(size));
        matrix.push_back(std::move(points));
        return absl::OkStatus();
      });
  TRY(visited);
  return matrix;
}

}  // namespace hearth::promql

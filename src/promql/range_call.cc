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
#include "promql/range_rows.h"
#include "promql/range_statistics.h"

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

void AddMetadataLabels(std::vector<std::string>* names) {
  for (const std::string_view name : {model::kMetricName, kTypeLabel, kUnitLabel}) {
    names->emplace_back(name);
  }
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

}  // namespace

int RangeArgumentIndex(const Call& call) {
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (IsRange(*call.args[i])) return static_cast<int>(i);
  }
  return -1;
}

struct Evaluator::RangeArgument {
  RangeShape shape;
  Grid grid;               // a subquery's points …
  Steps grid_steps;        // … and their times
  int64_t inner_used = 0;  // samples that the subquery used
};

absl::StatusOr<Evaluator::RangeArgument> Evaluator::OpenRange(const Expr& expr) {
  RangeArgument argument;
  RangeShape& shape = argument.shape;
  shape.steps = steps_;
  shape.lookback_ms = query_.lookback_ms;
  if (expr.kind == ExprKind::kMatrixSelector) {
    const auto& matrix = As<MatrixSelector>(expr);
    shape.selector = &matrix.selector();
    shape.range_ms = matrix.range_ns / kNsPerMs;
    shape.fixed = matrix.selector().timestamp_ms.has_value();
    shape.first_end_ms = ReferenceTime(matrix.selector(), 0);
    return argument;
  }
  const auto& subquery = As<SubqueryExpr>(expr);
  const int64_t offset = subquery.original_offset_ns / kNsPerMs;
  shape.range_ms = subquery.range_ns / kNsPerMs;
  shape.fixed = subquery.timestamp_ms.has_value();
  shape.first_end_ms = (shape.fixed ? *subquery.timestamp_ms : steps_.start_ms) - offset;
  const int64_t last_end = shape.EndOf(steps() - 1);
  int64_t step = subquery.step_ns / kNsPerMs;
  if (subquery.step_ns == 0) step = query_.options.default_interval_ms;
  if (step <= 0) return FailedPrecondition("zero or negative subquery step is not accepted");
  const int64_t first = AlignedAfter(shape.first_end_ms - shape.range_ms, step);
  if (first > last_end) {
    argument.grid_steps = {first, step, 0};
    argument.grid = Grid(0);
    return argument;
  }
  argument.grid_steps = {first, step, static_cast<size_t>((last_end - first) / step) + 1};
  if (argument.grid_steps.count > query_.options.samples_max) {
    return ResourceExhausted(
        "{}: the subquery {} has {} steps, and a query may hold {} samples. Give it a longer step "
        "or a shorter range",
        kTooManySamples, Excerpt(subquery), argument.grid_steps.count, query_.options.samples_max);
  }
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
  outer->MergeSubquery(inner, argument.grid_steps, offset, steps_, shape.range_ms);
  argument.inner_used = inner.used();
  CHECK(value.type == ValueType::kVector);
  argument.grid = std::move(value.grid);
  return argument;
}

storage::TimeRange Evaluator::TimesOf(const RangeShape& shape) const {
  const VectorSelector& selector = *shape.selector;
  storage::TimeRange range{shape.first_end_ms - shape.range_ms + 1, shape.EndOf(steps() - 1)};
  if (selector.anchored || selector.smoothed) range.min_ms -= query_.lookback_ms;
  if (selector.smoothed) range.max_ms += query_.lookback_ms;
  return range;
}

absl::Status Evaluator::VisitRange(const RangeArgument& argument, const SeriesVisitor& visit) {
  if (argument.shape.selector != nullptr) {
    StaleFilter filter;
    return VisitSeries(*argument.shape.selector, TimesOf(argument.shape), {},
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

// Takes the names off the rows of a call, and sees to it that none become equal.
class Evaluator::NameDropper : public RowSink {
 public:
  // `one_metric`: series cannot become equal by losing their name alone. `labels_left_out`: rows do
  // not have all their labels.
  NameDropper(QueryState* query, bool one_metric, bool labels_left_out, RowSink* sink)
      : query_(*query), one_metric_(one_metric), labels_left_out_(labels_left_out), sink_(*sink) {}
  absl::Status Add(const RowView& row) override {
    if (!row.drop_name || query_.options.delayed_name_removal) return sink_.Add(row);
    RowView named = row;
    named.labels = DropMetadata(row.labels, &scratch_);
    const bool may_collide =
        !one_metric_ || row.labels.Has(kTypeLabel) || row.labels.Has(kUnitLabel);
    if (!may_collide) return sink_.Add(named);
    if (labels_left_out_) {
      query_.all_labels_needed = true;
      return absl::AbortedError("labels were left out that decide whether series are equal");
    }
    if (!seen_.emplace(named.labels.packed()).second) {
      return FailedPrecondition("{}", kSameLabelset);
    }
    return sink_.Add(named);
  }

 private:
  QueryState& query_;
  const bool one_metric_;
  const bool labels_left_out_;
  RowSink& sink_;
  StringSet seen_;
  std::string scratch_;
};

absl::Status Evaluator::RangeCallRows(const Call& call, RowSink* sink) {
  const std::string_view name = call.function->name;
  RangeCall made{.name = name, .function = FindRangeFunction(name)};
  if (made.function == nullptr) {
    return FailedPrecondition("unknown function with name \"{}\"", name);
  }
  const auto range_index = static_cast<size_t>(RangeArgumentIndex(call));
  TRY_ASSIGN(const RangeArgument argument, OpenRange(*call.args[range_index]));
  TRY_ASSIGN(made.scalars, EvalScalarArguments(call, range_index));
  const VectorSelector* const selector = argument.shape.selector;
  if (selector != nullptr) TRY(CheckExtended(*selector, name));
  TRY(CheckRangeArguments(name, made.scalars));

  made.counter = name == "rate" || name == "increase";
  made.keeps_name = name == "last_over_time" || name == "first_over_time";
  made.type_and_unit_labels = query_.options.type_and_unit_labels;
  // Upstream puts a subquery's points into a selector without a position.
  made.pos = range_index == 0 && selector == nullptr ? PosRange{} : call.args[0]->pos();
  const bool one_metric = selector != nullptr && NamesOneMetric(*selector);
  const RowNeeds needs = sink->needs();
  // Counting by step looks at each window.
  made.presence = made.keeps_name && !needs.values && !query_.counts->tracks_steps();
  storage::SelectHints hints;
  hints.times_only = made.presence;
  if (!made.presence && !query_.counts->tracks_steps()) {
    const RangeShape& shape = argument.shape;
    const auto statistics = RangeStatistics::For(name, selector, shape.range_ms, steps());
    if (statistics != nullptr) {
      hints.windows =
          statistics->WindowsOf(shape.first_end_ms, steps_.interval_ms, shape.fixed ? 1 : steps());
    }
  }
  if (needs.labels.has_value() && (made.keeps_name || (one_metric && !delayed_names()))) {
    hints.labels = needs.labels;
    // Series of one metric become equal only by what goes with its name.
    if (!made.keeps_name) AddMetadataLabels(&*hints.labels);
  }
  NameDropper dropper(&query_, one_metric, hints.labels.has_value(), sink);
  const MakeRowMaker make_maker = [&] { return MakeRangeRows(argument.shape, made); };
  if (selector != nullptr) {
    return SelectRows(*selector, TimesOf(argument.shape), hints, make_maker, &dropper);
  }
  const std::unique_ptr<RowMaker> maker = make_maker();
  return VisitRange(argument, [&](const SeriesInput& series) {
    const RowView row = maker->Make(series, query_.counts, &query_.notes);
    return row.cells == nullptr ? absl::OkStatus() : dropper.Add(row);
  });
}

absl::StatusOr<Value> Evaluator::EvalAbsentOverTime(const Call& call) {
  Value value{ValueType::kVector, {}, {}, Grid(steps())};
  TRY_ASSIGN(const RangeArgument argument, OpenRange(*call.args[0]));
  if (argument.shape.selector != nullptr)
    TRY(CheckExtended(*argument.shape.selector, "absent_over_time"));
  WindowBounds bounds = argument.shape.MakeBounds();
  std::vector<bool> found(steps(), false);
  TRY(VisitRange(argument, [&](const SeriesInput& series) {
    bounds.Bind(series);
    Window window;
    int64_t used = 0;
    for (size_t step = 0; step < steps(); ++step) {
      if (!bounds.Fill(series, step, &window)) continue;
      found[step] = true;
      used += static_cast<int64_t>(window.times.size() + window.histograms.size());
    }
    CountWindows(argument.shape, series, used, &bounds, query_.counts);
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
  if (argument.shape.selector == nullptr) {
    query_.counts->AddAt(0, argument.inner_used, 0);
    Grid grid = argument.grid;
    if (delayed_names()) TRY(grid.FinishNames());
    for (size_t row = 0; row < grid.rows(); ++row) {
      matrix.push_back(ToSeries(grid, row, argument.grid_steps));
    }
    return matrix;
  }
  WindowBounds bounds(1, argument.shape.range_ms, argument.shape.selector, query_.lookback_ms);
  bounds.SetEnd(0, argument.shape.first_end_ms);
  const absl::Status visited = VisitRange(argument, [&](const SeriesInput& series) -> absl::Status {
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

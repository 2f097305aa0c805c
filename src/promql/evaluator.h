// SPDX-License-Identifier: Apache-2.0
// The evaluator: a prepared tree (prepare.h) over fixed steps to a grid, scalars or a string.
// One object evaluates on one set of steps; subqueries and step-invariant parts make children that
// share the QueryState. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "promql/annotations.h"
#include "promql/ast.h"
#include "promql/engine.h"
#include "promql/grid.h"
#include "promql/query_budget.h"
#include "promql/range_function.h"
#include "promql/step_counts.h"

namespace hearth::promql {

class TilePool;
class RowMaker;
struct RangeShape;

// What all evaluators of one query share.
struct QueryState {
  const Options& options;
  const storage::Querier& querier;
  const QueryContext& context;
  const Clock& clock;
  int64_t deadline_ns = 0;
  int64_t lookback_ms = 0;
  Annotations notes = {};
  Stats stats = {};
  StepCounts* counts = nullptr;  // of the steps that are evaluated; never null while evaluating
  size_t held_samples = 0;
  size_t held_bytes = 0;  // of grids; an estimate
  // What each selector brought, for whoever has to name the one that cost most.
  struct SelectorCost {
    const VectorSelector* selector = nullptr;
    int64_t series = 0;
    int64_t samples = 0;
  };
  std::vector<SelectorCost> costs = {};
  // Those that are not in the tree, but that costs may name.
  std::vector<std::unique_ptr<VectorSelector>> made_selectors = {};
  // Rows that came with some labels only must come again with all: names went, and what is left
  // may be equal.
  bool all_labels_needed = false;
  uint32_t ticks = 0;
  QueryBudget::Share* share = nullptr;  // of what all queries may hold; may be null
  TilePool* tile_pool = nullptr;        // for large selections; null: none
  // Of tiles that are read ahead: a part of what all queries hold, but whether this one must end
  // shall not depend on how many help it.
  size_t tile_bytes = 0;

  // Cancelled, DeadlineExceeded or, for the others' sake, ResourceExhausted where the query must
  // end.
  absl::Status CheckAlive() const;
  // Counts samples that are now in memory; ResourceExhausted above the limit.
  absl::Status Hold(size_t samples);
  // The same for bytes, against memory_bytes_max.
  absl::Status HoldBytes(size_t bytes);
  void SetTileBytes(size_t bytes);
  // CheckAlive now and then: for loops over rows that read nothing from the store.
  absl::Status Tick() { return (++ticks & 63) == 0 ? CheckAlive() : absl::OkStatus(); }
  SelectorCost& CostOf(const VectorSelector& selector);
  // `status` with the selector that cost most, where a limit on what a query takes was met.
  absl::Status Explain(absl::Status status) const;
};

// The value of an expression that is no range vector.
struct Value {
  ValueType type = ValueType::kNone;
  std::vector<double> scalar;  // kScalar: one a step
  std::string string;          // kString
  Grid grid;                   // kVector
  size_t CountSamples() const;
  size_t bytes() const;  // an estimate
};

// One series as a selector of any kind hands it out; valid during the call.
struct SeriesInput {
  model::LabelsView labels;
  bool drop_name = false;
  std::span<const int64_t> times;
  std::span<const double> values;  // none where only times were asked for
  std::span<const HistogramPoint> histograms;
  uint64_t timeline = 0;
  std::span<const int64_t> starts = {};  // as many as times, or none
  uint32_t labels_id = 0;                // these four as storage::SeriesColumns
  bool marked = true;
  uint32_t series = 1;
  std::span<const uint64_t> samples_before = {};
  size_t floats() const { return samples_before.empty() ? times.size() : samples_before.back(); }
};
using SeriesVisitor = std::function<absl::Status(const SeriesInput&)>;
// Of a series without histograms.
SeriesInput InputOf(const storage::SeriesColumns& series, bool with_starts);

class Evaluator {
 public:
  Evaluator(QueryState* query, Steps steps) : query_(*query), steps_(steps) {}

  absl::StatusOr<Value> Eval(const Expr& expr);
  // The rows of a vector expression one by one, in order; cheaper than Eval() where whoever asks
  // folds them at once.
  absl::Status EvalRows(const Expr& expr, RowSink* sink);
  // A range vector at the first step (a query's own result).
  absl::StatusOr<std::vector<Series>> EvalMatrix(const Expr& expr);

 private:
  struct RangeArgument;  // a matrix selector or subquery, ready to be walked
  struct Selected;       // what a selector brings
  class NameDropper;

  absl::StatusOr<Value> EvalInner(const Expr& expr);
  absl::StatusOr<Grid> EvalVector(const Expr& expr);
  absl::StatusOr<std::vector<double>> EvalScalar(const Expr& expr);
  absl::StatusOr<Value> EvalStepInvariant(const StepInvariantExpr& expr);
  absl::StatusOr<Value> EvalUnary(const UnaryExpr& expr);
  // After an operation that may have dropped names: equal rows are one, or an error.
  absl::StatusOr<Value> Merged(Grid grid);
  bool delayed_names() const { return query_.options.delayed_name_removal; }
  bool instant() const { return steps_.count == 1; }
  size_t steps() const { return steps_.count; }

  // selector.cc
  int64_t ReferenceTime(const VectorSelector& selector, size_t step) const;
  absl::Status VisitSeries(const VectorSelector& selector, storage::TimeRange range,
                           const storage::SelectHints& hints, const SeriesVisitor& visit);
  absl::StatusOr<Selected> OpenSeries(const VectorSelector& selector, storage::TimeRange range,
                                      const storage::SelectHints& hints);
  // The series from where `selected` stands, to the end of its part.
  absl::Status VisitOpened(Selected* selected, const SeriesVisitor& visit);
  // The rows of all series into the sink, in order; of many with the help of others.
  absl::Status SelectRows(const VectorSelector& selector, storage::TimeRange range,
                          const storage::SelectHints& hints,
                          const std::function<std::unique_ptr<RowMaker>()>& make_maker,
                          RowSink* sink);
  absl::Status HelpedRows(Selected* selected,
                          const std::function<std::unique_ptr<RowMaker>()>& make_maker,
                          RowMaker* maker, RowSink* sink);
  absl::Status SelectorRows(const VectorSelector& selector, RowSink* sink);
  absl::Status SmoothedRows(const VectorSelector& selector, RowSink* sink);
  absl::StatusOr<Value> EvalTimestamp(const Call& call);

  // range_call.cc
  absl::StatusOr<RangeArgument> OpenRange(const Expr& expr);
  storage::TimeRange TimesOf(const RangeShape& shape) const;
  absl::Status VisitRange(const RangeArgument& argument, const SeriesVisitor& visit);
  // The values at each step of all arguments but the range.
  absl::StatusOr<std::vector<std::vector<double>>> EvalScalarArguments(const Call& call,
                                                                       size_t range_index);
  absl::Status RangeCallRows(const Call& call, RowSink* sink);
  absl::StatusOr<Value> EvalAbsentOverTime(const Call& call);

  // call.cc
  absl::StatusOr<Value> EvalCall(const Call& call);
  absl::StatusOr<Value> EvalFloatFunction(const Call& call);
  absl::StatusOr<Value> EvalSort(const Call& call);
  absl::StatusOr<Value> EvalAbsent(const Call& call);
  absl::StatusOr<Value> EvalScalarCall(const Call& call);
  absl::StatusOr<Value> EvalDate(const Call& call);
  // label_call.cc
  absl::StatusOr<Value> EvalLabelReplace(const Call& call);
  absl::StatusOr<Value> EvalLabelJoin(const Call& call);
  // info_call.cc
  absl::StatusOr<Value> EvalInfo(const Call& call);
  // histogram_call.cc
  absl::StatusOr<Value> EvalHistogramCall(const Call& call);
  absl::StatusOr<Value> EvalBucketCall(const Call& call);

  // binary.cc
  absl::StatusOr<Value> EvalBinary(const BinaryExpr& expr);
  absl::StatusOr<Value> EvalVectorScalar(const BinaryExpr& expr, bool scalar_left);
  // join.cc
  absl::StatusOr<Value> EvalJoin(const BinaryExpr& expr);
  absl::StatusOr<Value> EvalSetOperation(const BinaryExpr& expr);

  // aggregate.cc
  absl::StatusOr<Value> EvalAggregate(const AggregateExpr& expr);
  absl::StatusOr<Value> EvalSelecting(const AggregateExpr& expr);  // topk, bottomk, limit…
  absl::StatusOr<Value> EvalCountValues(const AggregateExpr& expr);

  QueryState& query_;
  const Steps steps_;
};

inline constexpr std::string_view kTooManySamples =
    "query processing would load too many samples into memory in query execution";
// The text of an expression, short enough for an error: selectors of a megabyte help nobody.
std::string Excerpt(const Expr& expr);
// A range argument found among a call's arguments, or -1.
int RangeArgumentIndex(const Call& call);
// Whether rows of equal labels without their name cannot come of this selector.
bool NamesOneMetric(const VectorSelector& selector);
// Labels of absent() and absent_over_time(): those matched by one `=` each.
model::Labels LabelsOfAbsent(const Expr& expr);

}  // namespace hearth::promql

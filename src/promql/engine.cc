// SPDX-License-Identifier: Apache-2.0
#include "promql/engine.h"

#include <algorithm>

#include "base/status.h"
#include "promql/evaluator.h"
#include "promql/prepare.h"
#include "promql/tile_pool.h"

namespace hearth::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

absl::Status CheckRange(const Options& options, const Expr& expr, int64_t start_ms, int64_t end_ms,
                        int64_t step_ms) {
  if (step_ms <= 0) {
    return InvalidArgument(
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (end_ms < start_ms) return InvalidArgument("end timestamp must not be before start time");
  // Prometheus' API counts so; the bound keeps the subtraction from overflowing.
  const auto span = static_cast<uint64_t>(end_ms) - static_cast<uint64_t>(start_ms);
  if (span / static_cast<uint64_t>(step_ms) > static_cast<uint64_t>(options.points_max)) {
    return InvalidArgument(
        "exceeded maximum resolution of {} points per timeseries. Try decreasing the query "
        "resolution (?step=XX)",
        options.points_max == 11'000 ? "11,000" : std::to_string(options.points_max));
  }
  if (expr.type() != ValueType::kVector && expr.type() != ValueType::kScalar) {
    return InvalidArgument(
        "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
        DocumentedName(expr.type()));
  }
  return absl::OkStatus();
}

std::shared_ptr<const model::NativeHistogram> ToModel(const HistogramPtr& histogram) {
  return std::make_shared<model::NativeHistogram>(histogram->ToModel());
}

void VectorOf(Grid grid, int64_t time_ms, std::vector<Sample>* vector) {
  vector->reserve(grid.rows());
  for (size_t row = 0; row < grid.rows(); ++row) {
    const Cell cell = grid.cells(row)[0];
    if (cell == Cell::kNone) continue;
    Sample& sample = vector->emplace_back();
    sample.labels = grid.TakeLabels(row);
    sample.time_ms = time_ms;
    if (cell == Cell::kHistogram) {
      sample.histogram = ToModel(grid.histograms(row)[0]);
    } else {
      sample.value = grid.values(row)[0];
    }
  }
}

void MatrixOf(Grid grid, const Steps& steps, std::vector<Series>* matrix) {
  matrix->reserve(grid.rows());
  std::vector<int64_t> times;
  for (size_t step = 0; step < grid.steps(); ++step) times.push_back(steps.At(step));
  for (size_t row = 0; row < grid.rows(); ++row) {
    const Cell* const cells = grid.cells(row);
    const auto floats = static_cast<size_t>(std::count(cells, cells + grid.steps(), Cell::kFloat));
    Series series;
    if (floats == grid.steps()) {
      series.labels = grid.TakeLabels(row);
      series.times_ms = times;
      series.values.assign(grid.values(row), grid.values(row) + floats);
      matrix->push_back(std::move(series));
      continue;
    }
    series.times_ms.reserve(floats);
    series.values.reserve(floats);
    for (size_t step = 0; step < grid.steps(); ++step) {
      if (cells[step] == Cell::kFloat) {
        series.times_ms.push_back(times[step]);
        series.values.push_back(grid.values(row)[step]);
      } else if (cells[step] == Cell::kHistogram) {
        series.histograms.push_back({times[step], ToModel(grid.histograms(row)[step])});
      }
    }
    if (series.times_ms.empty() && series.histograms.empty()) continue;
    series.labels = grid.TakeLabels(row);
    matrix->push_back(std::move(series));
  }
}

// Mostly they come so.
void SortByLabels(std::vector<Series>* matrix) {
  const auto less = [](const Series& a, const Series& b) { return a.labels < b.labels; };
  if (std::is_sorted(matrix->begin(), matrix->end(), less)) return;
  std::sort(matrix->begin(), matrix->end(), less);
}

// One evaluation from tree to result.
class Run {
 public:
  Run(const Options& options, const Clock& clock, const storage::Querier& querier,
      const QueryContext& context, std::string_view query, TilePool* tile_pool)
      : query_text_(query),
        clock_(clock),
        running_(tile_pool),
        share_(options.budget, context.expendable),
        state_{options, querier, context, clock} {
    state_.share = &share_;
    state_.tile_pool = tile_pool;
    started_ns_ = clock.MonotonicNs();
    int64_t timeout_ms = options.timeout_ms;
    if (context.timeout_ms > 0) timeout_ms = std::min(timeout_ms, context.timeout_ms);
    state_.deadline_ns = started_ns_ + timeout_ms * kNsPerMs;
    state_.lookback_ms = context.lookback_ms.value_or(options.lookback_ms);
    state_.counts = &counts_;
  }

  absl::StatusOr<Result> Evaluate(const Expr& expr, const Steps& steps, int64_t end_ms,
                                  int64_t step_ms, QueryObserver* observer) {
    TRY_ASSIGN(const ExprPtr prepared, Prepare(expr, steps.start_ms, end_ms, step_ms));
    if (state_.context.per_step_stats) counts_.TrackSteps(steps.count);
    prepared_ns_ = clock_.MonotonicNs();
    auto result = EvaluatePrepared(expr, *prepared, steps, step_ms == 0);
    FinishStats();
    absl::Status status = result.status();
    if (result.ok()) {
      result->stats = state_.stats;
    } else {
      status = state_.Explain(std::move(status));
    }
    if (observer != nullptr) {
      observer->OnQuery({query_text_, steps.start_ms, end_ms, step_ms, status, state_.stats,
                         state_.context.origin});
    }
    if (!status.ok()) return status;
    return result;
  }

 private:
  absl::StatusOr<Result> EvaluatePrepared(const Expr& expr, const Expr& prepared,
                                          const Steps& steps, bool instant) {
    Result result;
    result.type = instant ? expr.type() : ValueType::kMatrix;
    result.time_ms = steps.start_ms;
    Evaluator evaluator(&state_, steps);
    if (expr.type() == ValueType::kMatrix) {
      TRY_ASSIGN(result.matrix, evaluator.EvalMatrix(prepared));
      SortByLabels(&result.matrix);
    } else {
      TRY_ASSIGN(Value value, evaluator.Eval(prepared));
      if (value.type == ValueType::kVector && state_.options.delayed_name_removal) {
        TRY(value.grid.FinishNames());
      }
      Fill(std::move(value), steps, instant, &result);
    }
    state_.notes.ToLines(query_text_, state_.context.annotations_max, &result.warnings,
                         &result.infos);
    return result;
  }

  void FinishStats() {
    Stats& stats = state_.stats;
    stats.total_queryable_samples = counts_.used();
    stats.samples_read = counts_.fresh();
    stats.total_queryable_samples_at = counts_.TakeUsedAt();
    stats.samples_read_at = counts_.TakeFreshAt();
    stats.prepare_ns = prepared_ns_ - started_ns_;
    stats.evaluate_ns = clock_.MonotonicNs() - prepared_ns_;
  }

  static void Fill(Value value, const Steps& steps, bool instant, Result* result) {
    if (value.type == ValueType::kString) {
      result->string = std::move(value.string);
    } else if (value.type == ValueType::kScalar && instant) {
      result->scalar = value.scalar[0];
    } else if (value.type == ValueType::kScalar) {
      Series series;
      for (size_t step = 0; step < steps.count; ++step) {
        series.times_ms.push_back(steps.At(step));
      }
      series.values = std::move(value.scalar);
      result->matrix.push_back(std::move(series));
    } else if (instant) {
      VectorOf(std::move(value.grid), steps.start_ms, &result->vector);
    } else {
      MatrixOf(std::move(value.grid), steps, &result->matrix);
      SortByLabels(&result->matrix);
    }
  }

  const std::string_view query_text_;
  const Clock& clock_;
  int64_t started_ns_ = 0;
  const TilePool::Query running_;
  QueryBudget::Share share_;
  int64_t prepared_ns_ = 0;
  StepCounts counts_;
  QueryState state_;
};

}  // namespace

ErrorKind KindOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return ErrorKind::kBadData;
    case absl::StatusCode::kFailedPrecondition:
      return ErrorKind::kExecution;
    case absl::StatusCode::kResourceExhausted:
      return ErrorKind::kTooManySamples;
    case absl::StatusCode::kDeadlineExceeded:
      return ErrorKind::kTimeout;
    case absl::StatusCode::kCancelled:
      return ErrorKind::kCancelled;
    default:
      return ErrorKind::kInternal;
  }
}

Engine::Engine(Options options, const Clock* clock, TilePool* tile_pool)
    : options_(std::move(options)), clock_(clock), tile_pool_(tile_pool) {}

absl::StatusOr<Result> Engine::Instant(const storage::Querier& querier, std::string_view query,
                                       int64_t time_ms, const QueryContext& context) const {
  TRY_ASSIGN(const ExprPtr expr, ParseExpr(query, options_.parser));
  return Instant(querier, *expr, query, time_ms, context);
}

absl::StatusOr<Result> Engine::Range(const storage::Querier& querier, std::string_view query,
                                     int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                     const QueryContext& context) const {
  TRY_ASSIGN(const ExprPtr expr, ParseExpr(query, options_.parser));
  return Range(querier, *expr, query, start_ms, end_ms, step_ms, context);
}

absl::StatusOr<Result> Engine::Instant(const storage::Querier& querier, const Expr& expr,
                                       std::string_view query, int64_t time_ms,
                                       const QueryContext& context) const {
  Run run(options_, *clock_, querier, context, query, tile_pool_);
  return run.Evaluate(expr, Steps{time_ms, 1, 1}, time_ms, 0, observer_);
}

absl::StatusOr<Result> Engine::Range(const storage::Querier& querier, const Expr& expr,
                                     std::string_view query, int64_t start_ms, int64_t end_ms,
                                     int64_t step_ms, const QueryContext& context) const {
  TRY(CheckRange(options_, expr, start_ms, end_ms, step_ms));
  const auto count = static_cast<size_t>((end_ms - start_ms) / step_ms) + 1;
  Run run(options_, *clock_, querier, context, query, tile_pool_);
  return run.Evaluate(expr, Steps{start_ms, step_ms, count}, end_ms, step_ms, observer_);
}

}  // namespace hearth::promql

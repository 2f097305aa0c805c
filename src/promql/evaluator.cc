// SPDX-License-Identifier: Apache-2.0
#include "promql/evaluator.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace hearth::promql {
namespace {

constexpr std::string_view kEvaluation = "expression evaluation";

// Collects rows and counts what they hold while they come, so that a huge answer ends early.
class CountingSink : public RowSink {
 public:
  CountingSink(QueryState* query, Grid* grid) : query_(query), grid_(grid) {}
  absl::Status Add(const RowView& row) override {
    grid_->AddRow(row);
    size_t samples = 0;
    for (size_t i = 0; i < grid_->steps(); ++i) samples += row.cells[i] != Cell::kNone ? 1 : 0;
    TRY(query_->HoldBytes(grid_->RowBytes(row.labels)));
    return query_->Hold(samples);
  }

 private:
  QueryState* const query_;
  Grid* const grid_;
};

}  // namespace

absl::Status QueryState::CheckAlive() const {
  if (context.cancelled != nullptr && context.cancelled->load(std::memory_order_relaxed)) {
    return Cancelled("query was canceled in {}", kEvaluation);
  }
  if (clock.MonotonicNs() >= deadline_ns) {
    return DeadlineExceeded("query timed out in {}", kEvaluation);
  }
  return share == nullptr ? absl::OkStatus() : share->Check();
}

absl::Status QueryState::Hold(size_t samples) {
  held_samples += samples;
  stats.peak_samples = std::max(stats.peak_samples, static_cast<int64_t>(held_samples));
  if (held_samples > options.samples_max) {
    return ResourceExhausted("{}", kTooManySamples);
  }
  return absl::OkStatus();
}

absl::Status QueryState::HoldBytes(size_t bytes) {
  held_bytes += bytes;
  stats.peak_bytes = std::max(stats.peak_bytes, static_cast<int64_t>(held_bytes));
  if (share != nullptr) share->Report(held_bytes + tile_bytes);
  if (held_bytes > options.memory_bytes_max) {
    return ResourceExhausted(
        "query processing would take more than {} bytes of memory. Ask for fewer series or steps",
        options.memory_bytes_max);
  }
  return absl::OkStatus();
}

void QueryState::SetTileBytes(size_t bytes) {
  tile_bytes = bytes;
  if (share != nullptr) share->Report(held_bytes + tile_bytes);
}

QueryState::SelectorCost& QueryState::CostOf(const VectorSelector& selector) {
  for (SelectorCost& cost : costs) {
    if (cost.selector == &selector) return cost;
  }
  return costs.emplace_back(SelectorCost{&selector, 0, 0});
}

absl::Status QueryState::Explain(absl::Status status) const {
  if (costs.empty() || !(absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status))) {
    return status;
  }
  const SelectorCost& most = *std::max_element(
      costs.begin(), costs.end(),
      [](const auto& a, const auto& b) { return a.samples + a.series < b.samples + b.series; });
  return absl::Status(
      status.code(),
      ToAbsl(fmt::format("{}; the selector that cost most is {} ({} series, {} "
                         "samples)",
                         Message(status), Excerpt(*most.selector), most.series, most.samples)));
}

std::string Excerpt(const Expr& expr) {
  constexpr size_t kTextMax = 200;
  std::string text = expr.String();
  if (text.size() <= kTextMax) return text;
  size_t cut = kTextMax;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return text.substr(0, cut) + "…";
}

size_t Value::bytes() const {
  return type == ValueType::kVector ? grid.bytes() : scalar.size() * sizeof(double);
}

size_t Value::CountSamples() const {
  return type == ValueType::kVector ? grid.CountSamples() : scalar.size();
}

absl::StatusOr<Value> Evaluator::Eval(const Expr& expr) {
  TRY(query_.CheckAlive());
  const size_t before = query_.held_samples;
  const size_t bytes_before = query_.held_bytes;
  TRY_ASSIGN(Value value, EvalInner(expr));
  query_.held_samples = before;
  query_.held_bytes = bytes_before;
  TRY(query_.HoldBytes(value.bytes()));
  TRY(query_.Hold(value.CountSamples()));
  return value;
}

absl::StatusOr<Value> Evaluator::EvalInner(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      TRY(query_.HoldBytes(steps() * sizeof(double)));
      return Value{ValueType::kScalar,
                   std::vector<double>(steps(), As<NumberLiteral>(expr).value),
                   {},
                   Grid()};
    case ExprKind::kString:
      return Value{ValueType::kString, {}, As<StringLiteral>(expr).value, Grid()};
    case ExprKind::kParen:
      return Eval(*As<ParenExpr>(expr).expr);
    case ExprKind::kStepInvariant:
      return EvalStepInvariant(As<StepInvariantExpr>(expr));
    case ExprKind::kUnary:
      return EvalUnary(As<UnaryExpr>(expr));
    case ExprKind::kBinary:
      return EvalBinary(As<BinaryExpr>(expr));
    case ExprKind::kAggregate:
      return EvalAggregate(As<AggregateExpr>(expr));
    case ExprKind::kVectorSelector: {
      Value value{ValueType::kVector, {}, {}, Grid(steps())};
      CountingSink sink(&query_, &value.grid);
      TRY(SelectorRows(As<VectorSelector>(expr), &sink));
      return value;
    }
    case ExprKind::kCall: {
      const auto& call = As<Call>(expr);
      if (RangeArgumentIndex(call) < 0 || call.function->name == "absent_over_time") {
        return EvalCall(call);
      }
      Value value{ValueType::kVector, {}, {}, Grid(steps())};
      CountingSink sink(&query_, &value.grid);
      TRY(RangeCallRows(call, &sink));
      return value;
    }
    default:
      return FailedPrecondition("cannot do range evaluation of {}", expr.String());
  }
}

absl::Status Evaluator::EvalRows(const Expr& expr, RowSink* sink) {
  if (expr.kind == ExprKind::kParen) return EvalRows(*As<ParenExpr>(expr).expr, sink);
  if (expr.kind == ExprKind::kVectorSelector) {
    TRY(query_.CheckAlive());
    return SelectorRows(As<VectorSelector>(expr), sink);
  }
  if (expr.kind == ExprKind::kCall && RangeArgumentIndex(As<Call>(expr)) >= 0 &&
      As<Call>(expr).function->name != "absent_over_time") {
    TRY(query_.CheckAlive());
    return RangeCallRows(As<Call>(expr), sink);
  }
  TRY_ASSIGN(const Grid grid, EvalVector(expr));
  for (size_t row = 0; row < grid.rows(); ++row) TRY(sink->Add(grid.View(row)));
  return absl::OkStatus();
}

absl::StatusOr<Grid> Evaluator::EvalVector(const Expr& expr) {
  TRY_ASSIGN(Value value, Eval(expr));
  CHECK(value.type == ValueType::kVector);
  return std::move(value.grid);
}

absl::StatusOr<std::vector<double>> Evaluator::EvalScalar(const Expr& expr) {
  TRY_ASSIGN(Value value, Eval(expr));
  CHECK(value.type == ValueType::kScalar);
  return std::move(value.scalar);
}

absl::StatusOr<Value> Evaluator::EvalStepInvariant(const StepInvariantExpr& expr) {
  Evaluator once(&query_, Steps{steps_.start_ms, steps_.interval_ms, 1});
  StepCounts inner;
  StepCounts* const outer = std::exchange(query_.counts, &inner);
  absl::StatusOr<Value> evaluated = once.Eval(*expr.expr);
  query_.counts = outer;
  TRY_ASSIGN(Value value, std::move(evaluated));
  outer->MergeInvariant(inner, steps());
  if (value.type == ValueType::kScalar) {
    value.scalar.resize(steps(), value.scalar[0]);
    return value;
  }
  if (value.type != ValueType::kVector || steps() == 1) return value;
  Grid wide(steps());
  for (size_t row = 0; row < value.grid.rows(); ++row) {
    const size_t at = wide.AddRow(value.grid.labels(row), value.grid.drop_name(row));
    const Cell cell = value.grid.cells(row)[0];
    for (size_t step = 0; step < steps(); ++step) {
      if (cell == Cell::kFloat) wide.SetFloat(at, step, value.grid.values(row)[0]);
      if (cell == Cell::kHistogram) wide.SetHistogram(at, step, value.grid.histograms(row)[0]);
    }
  }
  value.grid = std::move(wide);
  return value;
}

absl::StatusOr<Value> Evaluator::EvalUnary(const UnaryExpr& expr) {
  TRY_ASSIGN(Value value, Eval(*expr.expr));
  if (expr.op != TokenType::kSub) return value;
  if (value.type == ValueType::kScalar) {
    for (double& v : value.scalar) v = -v;
    return value;
  }
  Grid& grid = value.grid;
  std::string scratch;
  for (size_t row = 0; row < grid.rows(); ++row) {
    for (size_t step = 0; step < steps(); ++step) grid.values(row)[step] = -grid.values(row)[step];
    if (HistogramPtr* const histograms = grid.histograms(row); histograms != nullptr) {
      for (size_t step = 0; step < steps(); ++step) {
        if (grid.cells(row)[step] != Cell::kHistogram) continue;
        auto negated = std::make_shared<FloatHistogram>(*histograms[step]);
        negated->Multiply(-1);
        histograms[step] = std::move(negated);
      }
    }
    grid.set_drop_name(row, true);
    if (!delayed_names()) {
      grid.set_labels(row, model::Labels(DropMetadata(grid.labels(row), &scratch)));
    }
  }
  return Merged(std::move(grid));
}

absl::StatusOr<Value> Evaluator::Merged(Grid grid) {
  if (!delayed_names()) TRY(grid.MergeEqualRows());
  return Value{ValueType::kVector, {}, {}, std::move(grid)};
}

}  // namespace hearth::promql

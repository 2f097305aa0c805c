// SPDX-License-Identifier: Apache-2.0
// Binary operators where at least one side is a scalar; the others are in join.cc.
#include "base/status.h"
#include "promql/element.h"
#include "promql/evaluator.h"

namespace hearth::promql {

absl::StatusOr<Value> Evaluator::EvalBinary(const BinaryExpr& expr) {
  const bool left = expr.lhs->type() == ValueType::kScalar;
  const bool right = expr.rhs->type() == ValueType::kScalar;
  if (left && right) {
    TRY_ASSIGN(std::vector<double> a, EvalScalar(*expr.lhs));
    TRY_ASSIGN(const std::vector<double> b, EvalScalar(*expr.rhs));
    for (size_t step = 0; step < steps(); ++step) {
      a[step] = ScalarOperation(expr.op, a[step], b[step]);
    }
    return Value{ValueType::kScalar, std::move(a), {}, Grid()};
  }
  if (left || right) return EvalVectorScalar(expr, left);
  return IsSetOperator(expr.op) ? EvalSetOperation(expr) : EvalJoin(expr);
}

absl::StatusOr<Value> Evaluator::EvalVectorScalar(const BinaryExpr& expr, bool scalar_left) {
  // The left side first, as upstream: a warning that both give has the position of the last.
  std::vector<double> scalar;
  if (scalar_left) {
    TRY_ASSIGN(scalar, EvalScalar(*expr.lhs));
  }
  TRY_ASSIGN(Grid grid, EvalVector(scalar_left ? *expr.rhs : *expr.lhs));
  if (!scalar_left) {
    TRY_ASSIGN(scalar, EvalScalar(*expr.rhs));
  }
  const bool comparison = IsComparison(expr.op);
  const bool drops_name = ChangesMeaning(expr.op) || expr.return_bool;
  // Series of one metric become equal only by what goes with its name.
  const Expr& vector_side = Unwrap(scalar_left ? *expr.rhs : *expr.lhs);
  bool stay_distinct = vector_side.kind == ExprKind::kVectorSelector &&
                       NamesOneMetric(As<VectorSelector>(vector_side));
  std::string scratch;
  for (size_t row = 0; row < grid.rows(); ++row) {
    double* const values = grid.values(row);
    Cell* const cells = grid.cells(row);
    for (size_t step = 0; step < steps(); ++step) {
      if (cells[step] == Cell::kNone) continue;
      if (cells[step] == Cell::kFloat && !comparison && ChangesMeaning(expr.op)) {
        values[step] = scalar_left ? ScalarOperation(expr.op, scalar[step], values[step])
                                   : ScalarOperation(expr.op, values[step], scalar[step]);
        continue;
      }
      const Element vector{values[step],
                           cells[step] == Cell::kHistogram ? grid.histograms(row)[step] : nullptr};
      const Element number{scalar[step], nullptr};
      ElementResult result =
          scalar_left ? ElementOperation(expr.op, number, vector, expr.pos(), &query_.notes)
                      : ElementOperation(expr.op, vector, number, expr.pos(), &query_.notes);
      if (!result.valid) {
        cells[step] = Cell::kNone;
        continue;
      }
      // The vector's element is what a comparison keeps, whatever its side.
      if (comparison && scalar_left) result.element = vector;
      if (expr.return_bool) {
        grid.SetFloat(row, step, result.keep ? 1 : 0);
      } else if (!result.keep) {
        cells[step] = Cell::kNone;
      } else if (result.element.histogram != nullptr) {
        grid.SetHistogram(row, step, std::move(result.element.histogram));
      } else {
        grid.SetFloat(row, step, result.element.value);
      }
    }
    if (drops_name) {
      grid.set_drop_name(row, true);
      if (!delayed_names()) {
        const model::LabelsView labels = grid.labels(row);
        stay_distinct = stay_distinct && !labels.Has("__type__") && !labels.Has("__unit__");
        grid.set_labels(row, model::Labels(DropMetadata(labels, &scratch)));
      }
    }
  }
  grid.RemoveEmptyRows();
  if (!drops_name || stay_distinct) return Value{ValueType::kVector, {}, {}, std::move(grid)};
  return Merged(std::move(grid));
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
#include "promql/ast.h"

#include <fmt/core.h>

namespace hearth::promql {
namespace {

template <typename T>
std::unique_ptr<T> CloneOrNull(const std::unique_ptr<T>& expr) {
  return expr == nullptr ? nullptr : expr->Clone();
}
std::unique_ptr<DurationExpr> CloneDurationOrNull(const std::unique_ptr<DurationExpr>& expr) {
  return expr == nullptr ? nullptr : expr->CloneDuration();
}

}  // namespace

std::string PositionText(std::string_view query, int32_t at) {
  if (query.empty()) return "unknown position";
  if (at < 0 || static_cast<size_t>(at) > query.size()) return "invalid position";
  int32_t line = 1;
  int32_t last_break = -1;
  for (int32_t i = 0; i < at; ++i) {
    if (query[static_cast<size_t>(i)] != '\n') continue;
    last_break = i;
    ++line;
  }
  return fmt::format("{}:{}", line, at - last_break);
}

std::string_view Name(ValueType type) {
  switch (type) {
    case ValueType::kNone:
      return "none";
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kString:
      return "string";
  }
  return "none";
}

std::string_view DocumentedName(ValueType type) {
  if (type == ValueType::kVector) return "instant vector";
  if (type == ValueType::kMatrix) return "range vector";
  return Name(type);
}

std::string_view Name(Cardinality cardinality) {
  switch (cardinality) {
    case Cardinality::kOneToOne:
      return "one-to-one";
    case Cardinality::kManyToOne:
      return "many-to-one";
    case Cardinality::kOneToMany:
      return "one-to-many";
    case Cardinality::kManyToMany:
      return "many-to-many";
  }
  return "";
}

const Expr& Unwrap(const Expr& expr) {
  const Expr* at = &expr;
  for (;;) {
    if (at->kind == ExprKind::kParen) {
      at = As<ParenExpr>(*at).expr.get();
    } else if (at->kind == ExprKind::kStepInvariant) {
      at = As<StepInvariantExpr>(*at).expr.get();
    } else {
      return *at;
    }
  }
}

std::vector<const Expr*> Expr::Children() const {
  switch (kind) {
    case ExprKind::kAggregate: {
      const auto& e = As<AggregateExpr>(*this);
      std::vector<const Expr*> children;
      if (e.expr != nullptr) children.push_back(e.expr.get());
      if (e.param != nullptr) children.push_back(e.param.get());
      return children;
    }
    case ExprKind::kBinary:
      return {As<BinaryExpr>(*this).lhs.get(), As<BinaryExpr>(*this).rhs.get()};
    case ExprKind::kCall: {
      std::vector<const Expr*> children;
      for (const ExprPtr& arg : As<Call>(*this).args) children.push_back(arg.get());
      return children;
    }
    case ExprKind::kMatrixSelector:
      return {As<MatrixSelector>(*this).vector.get()};
    case ExprKind::kSubquery:
      return {As<SubqueryExpr>(*this).expr.get()};
    case ExprKind::kParen:
      return {As<ParenExpr>(*this).expr.get()};
    case ExprKind::kUnary:
      return {As<UnaryExpr>(*this).expr.get()};
    case ExprKind::kStepInvariant:
      return {As<StepInvariantExpr>(*this).expr.get()};
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kVectorSelector:
    case ExprKind::kDuration:
      return {};
  }
  return {};
}

PosRange DurationExpr::pos() const {
  if (lhs == nullptr && rhs == nullptr) return {start_pos, end_pos};
  if (rhs == nullptr) return {start_pos, lhs->pos().end};
  if (lhs == nullptr) return {start_pos, rhs->pos().end};
  return {lhs->pos().start, rhs->pos().end};
}

ValueType BinaryExpr::type() const {
  const bool scalars = lhs->type() == ValueType::kScalar && rhs->type() == ValueType::kScalar;
  return scalars ? ValueType::kScalar : ValueType::kVector;
}

ExprPtr NumberLiteral::Clone() const { return std::make_unique<NumberLiteral>(*this); }
ExprPtr StringLiteral::Clone() const { return std::make_unique<StringLiteral>(*this); }

std::unique_ptr<DurationExpr> DurationExpr::CloneDuration() const {
  auto copy = std::make_unique<DurationExpr>();
  copy->op = op;
  copy->lhs = CloneOrNull(lhs);
  copy->rhs = CloneOrNull(rhs);
  copy->wrapped = wrapped;
  copy->start_pos = start_pos;
  copy->end_pos = end_pos;
  return copy;
}
ExprPtr DurationExpr::Clone() const { return CloneDuration(); }

ExprPtr VectorSelector::Clone() const {
  auto copy = std::make_unique<VectorSelector>();
  copy->name = name;
  copy->matchers = matchers;
  copy->original_offset_ns = original_offset_ns;
  copy->offset_expr = CloneDurationOrNull(offset_expr);
  copy->offset_ms = offset_ms;
  copy->timestamp_ms = timestamp_ms;
  copy->start_or_end = start_or_end;
  copy->may_be_empty = may_be_empty;
  copy->anchored = anchored;
  copy->smoothed = smoothed;
  copy->histogram_totals_only = histogram_totals_only;
  copy->range = range;
  return copy;
}

ExprPtr MatrixSelector::Clone() const {
  auto copy = std::make_unique<MatrixSelector>();
  copy->vector = vector->Clone();
  copy->range_ns = range_ns;
  copy->range_expr = CloneDurationOrNull(range_expr);
  copy->end_pos = end_pos;
  return copy;
}

ExprPtr SubqueryExpr::Clone() const {
  auto copy = std::make_unique<SubqueryExpr>();
  copy->expr = expr->Clone();
  copy->range_ns = range_ns;
  copy->range_expr = CloneDurationOrNull(range_expr);
  copy->original_offset_ns = original_offset_ns;
  copy->offset_expr = CloneDurationOrNull(offset_expr);
  copy->offset_ms = offset_ms;
  copy->timestamp_ms = timestamp_ms;
  copy->start_or_end = start_or_end;
  copy->step_ns = step_ns;
  copy->step_expr = CloneDurationOrNull(step_expr);
  copy->end_pos = end_pos;
  return copy;
}

ExprPtr ParenExpr::Clone() const {
  auto copy = std::make_unique<ParenExpr>();
  copy->expr = expr->Clone();
  copy->range = range;
  return copy;
}

ExprPtr UnaryExpr::Clone() const {
  auto copy = std::make_unique<UnaryExpr>();
  copy->op = op;
  copy->expr = expr->Clone();
  copy->start_pos = start_pos;
  return copy;
}

ExprPtr StepInvariantExpr::Clone() const {
  auto copy = std::make_unique<StepInvariantExpr>();
  copy->expr = expr->Clone();
  return copy;
}

ExprPtr BinaryExpr::Clone() const {
  auto copy = std::make_unique<BinaryExpr>();
  copy->op = op;
  copy->lhs = lhs->Clone();
  copy->rhs = rhs->Clone();
  copy->matching = matching;
  copy->return_bool = return_bool;
  return copy;
}

ExprPtr AggregateExpr::Clone() const {
  auto copy = std::make_unique<AggregateExpr>();
  copy->op = op;
  copy->expr = CloneOrNull(expr);
  copy->param = CloneOrNull(param);
  copy->grouping = grouping;
  copy->without = without;
  copy->range = range;
  return copy;
}

ExprPtr Call::Clone() const {
  auto copy = std::make_unique<Call>();
  copy->function = function;
  for (const ExprPtr& arg : args) copy->args.push_back(arg->Clone());
  copy->range = range;
  return copy;
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
#include "promql/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/status.h"
#include "promql/go_math.h"

namespace hearth::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// Their value depends on the time of evaluation even where their arguments do not.
constexpr std::array<std::string_view, 15> kTimeDependent = {
    "days_in_month", "day_of_month", "day_of_week", "day_of_year",    "end",
    "hour",          "minute",       "month",       "predict_linear", "range",
    "start",         "step",         "time",        "timestamp",      "year"};

class Preparer {
 public:
  Preparer(int64_t start_ms, int64_t end_ms, int64_t step_ms)
      : start_ms_(start_ms), end_ms_(end_ms), step_ms_(step_ms) {}

  void Fold(ExprPtr* expr) {
    if ((*expr)->kind == ExprKind::kCall) {
      if (ExprPtr number = AsNumber(As<Call>(**expr)); number != nullptr) {
        *expr = std::move(number);
        return;
      }
      for (ExprPtr& arg : As<Call>(**expr).args) Fold(&arg);
    } else if ((*expr)->kind == ExprKind::kBinary) {
      Fold(&As<BinaryExpr>(**expr).lhs);
      Fold(&As<BinaryExpr>(**expr).rhs);
    } else if ((*expr)->kind == ExprKind::kAggregate) {
      Fold(&As<AggregateExpr>(**expr).expr);
      if (As<AggregateExpr>(**expr).param != nullptr) Fold(&As<AggregateExpr>(**expr).param);
    } else if ((*expr)->kind == ExprKind::kUnary) {
      Fold(&As<UnaryExpr>(**expr).expr);
    } else if ((*expr)->kind == ExprKind::kParen) {
      Fold(&As<ParenExpr>(**expr).expr);
    } else if ((*expr)->kind == ExprKind::kSubquery) {
      Fold(&As<SubqueryExpr>(**expr).expr);
    }
  }

  absl::Status ResolveDurations(Expr* expr) {
    switch (expr->kind) {
      case ExprKind::kVectorSelector: {
        auto& selector = As<VectorSelector>(*expr);
        return Resolve(selector.offset_expr.get(), true, &selector.original_offset_ns);
      }
      case ExprKind::kMatrixSelector: {
        auto& matrix = As<MatrixSelector>(*expr);
        TRY(Resolve(matrix.range_expr.get(), false, &matrix.range_ns));
        break;
      }
      case ExprKind::kSubquery: {
        auto& subquery = As<SubqueryExpr>(*expr);
        TRY(Resolve(subquery.offset_expr.get(), true, &subquery.original_offset_ns));
        TRY(Resolve(subquery.step_expr.get(), false, &subquery.step_ns));
        TRY(Resolve(subquery.range_expr.get(), false, &subquery.range_ns));
        break;
      }
      default:
        break;
    }
    // Children() gives const pointers to what this tree owns.
    for (const Expr* child : expr->Children()) {
      TRY(ResolveDurations(const_cast<Expr*>(child)));
    }
    return absl::OkStatus();
  }

  struct Invariance {
    bool invariant = false;
    bool wrap = false;  // range vectors and strings never are
  };
  Invariance Mark(Expr* expr) {
    switch (expr->kind) {
      case ExprKind::kVectorSelector: {
        auto& selector = As<VectorSelector>(*expr);
        ResolveAt(selector.start_or_end, &selector.timestamp_ms);
        return {selector.timestamp_ms.has_value(), selector.timestamp_ms.has_value()};
      }
      case ExprKind::kAggregate: {
        auto& aggregate = As<AggregateExpr>(*expr);
        UnwrapParens(&aggregate.expr);
        UnwrapParens(&aggregate.param);
        return Mark(aggregate.expr.get());
      }
      case ExprKind::kBinary:
        return MarkBinary(&As<BinaryExpr>(*expr));
      case ExprKind::kCall:
        return MarkCall(&As<Call>(*expr));
      case ExprKind::kMatrixSelector:
        return {Mark(As<MatrixSelector>(*expr).vector.get()).invariant, false};
      case ExprKind::kSubquery: {
        auto& subquery = As<SubqueryExpr>(*expr);
        if (Mark(subquery.expr.get()).invariant) Wrap(&subquery.expr);
        ResolveAt(subquery.start_or_end, &subquery.timestamp_ms);
        return {subquery.timestamp_ms.has_value(), false};
      }
      case ExprKind::kParen:
        return Mark(As<ParenExpr>(*expr).expr.get());
      case ExprKind::kUnary:
        return Mark(As<UnaryExpr>(*expr).expr.get());
      default:
        return {true, false};
    }
  }
  static void Wrap(ExprPtr* expr) {
    auto wrapped = std::make_unique<StepInvariantExpr>();
    wrapped->expr = std::move(*expr);
    *expr = std::move(wrapped);
  }

 private:
  ExprPtr AsNumber(const Call& call) const {
    const std::string_view name = call.function->name;
    double value = 0;
    if (name == "start") {
      value = static_cast<double>(start_ms_) / 1000;
    } else if (name == "end") {
      value = static_cast<double>(end_ms_) / 1000;
    } else if (name == "range") {
      value = static_cast<double>(end_ms_ - start_ms_) / 1000;
    } else if (name == "step") {
      value = start_ms_ == end_ms_ ? 0 : static_cast<double>(step_ms_) / 1000;
    } else {
      return nullptr;
    }
    auto number = std::make_unique<NumberLiteral>();
    number->value = value;
    number->range = call.range;
    return number;
  }

  static std::string Span(const Expr& expr) {
    return fmt::format("{}:{}", expr.pos().start, expr.pos().end);
  }

  absl::Status Resolve(const DurationExpr* expr, bool may_be_negative, int64_t* ns) const {
    if (expr == nullptr) return absl::OkStatus();
    TRY_ASSIGN(const double seconds, Seconds(*expr));
    if (!std::isfinite(seconds)) {
      return InvalidArgument("{}: duration is NaN or infinite", Span(*expr));
    }
    if (seconds <= 0 && !may_be_negative) {
      return InvalidArgument("{}: duration must be greater than 0", Span(*expr));
    }
    constexpr double kLimit = 9223372036854775808.0 / 1e9;
    if (seconds > kLimit || seconds < -kLimit) {
      return InvalidArgument("{}: duration is out of range", Span(*expr));
    }
    const double ms = std::clamp(seconds * 1000, -9.2e12, 9.2e12);
    *ns = static_cast<int64_t>(ms) * kNsPerMs;
    return absl::OkStatus();
  }

  absl::StatusOr<double> Seconds(const Expr& expr) const {
    if (expr.kind == ExprKind::kNumber) return As<NumberLiteral>(expr).value;
    const auto& duration = As<DurationExpr>(expr);
    double left = 0;
    double right = 0;
    if (duration.lhs != nullptr) {
      TRY_ASSIGN(left, Seconds(*duration.lhs));
    }
    if (duration.rhs != nullptr) {
      TRY_ASSIGN(right, Seconds(*duration.rhs));
    }
    switch (duration.op) {
      case TokenType::kStep:
        return static_cast<double>(step_ms_) / 1000;
      case TokenType::kRange:
        return static_cast<double>(end_ms_ - start_ms_) / 1000;
      case TokenType::kMinOf:
        return GoMin(left, right);
      case TokenType::kMaxOf:
        return GoMax(left, right);
      case TokenType::kAdd:
        return left + right;
      case TokenType::kSub:
        return duration.lhs == nullptr ? -right : left - right;
      case TokenType::kMul:
        return left * right;
      case TokenType::kDiv:
        if (right == 0) return InvalidArgument("{}: division by zero", Span(expr));
        return left / right;
      case TokenType::kMod:
        if (right == 0) return InvalidArgument("{}: modulo by zero", Span(expr));
        return std::fmod(left, right);
      case TokenType::kPow:
        return std::pow(left, right);
      default:
        return InvalidArgument("unexpected duration expression operator \"{}\"", Text(duration.op));
    }
  }

  void ResolveAt(TokenType start_or_end, std::optional<int64_t>* timestamp_ms) const {
    if (start_or_end == TokenType::kStart) *timestamp_ms = start_ms_;
    if (start_or_end == TokenType::kEnd) *timestamp_ms = end_ms_;
  }

  static void UnwrapParens(ExprPtr* expr) {
    while (*expr != nullptr && (*expr)->kind == ExprKind::kParen) {
      ExprPtr inner = std::move(As<ParenExpr>(**expr).expr);
      *expr = std::move(inner);
    }
  }

  Invariance MarkBinary(BinaryExpr* expr) {
    const Invariance left = Mark(expr->lhs.get());
    const Invariance right = Mark(expr->rhs.get());
    if (left.invariant && right.invariant) return {true, true};
    if (left.wrap) Wrap(&expr->lhs);
    if (right.wrap) Wrap(&expr->rhs);
    return {};
  }

  Invariance MarkCall(Call* call) {
    const std::string_view name = call->function->name;
    bool invariant =
        std::find(kTimeDependent.begin(), kTimeDependent.end(), name) == kTimeDependent.end();
    bool timestamp_invariant = name == "timestamp";
    std::vector<bool> wrap;
    for (ExprPtr& arg : call->args) {
      UnwrapParens(&arg);
      const Invariance marked = Mark(arg.get());
      wrap.push_back(marked.wrap);
      invariant = invariant && marked.invariant;
      if (!marked.invariant || arg->kind != ExprKind::kVectorSelector) timestamp_invariant = false;
    }
    if (invariant || timestamp_invariant) return {true, true};
    for (size_t i = 0; i < wrap.size(); ++i) {
      if (wrap[i]) Wrap(&call->args[i]);
    }
    return {};
  }

  const int64_t start_ms_;
  const int64_t end_ms_;
  const int64_t step_ms_;
};

// What an ancestor says about the buckets of the histograms below it.
enum class Buckets { kUnsaid, kTotalsOnly, kNeeded };

// Marks selectors below histogram_count, _sum and _avg (upstream's detectHistogramStatsDecoding).
// Subqueries need buckets to find resets; so do quantiles, fractions and trimming.
void MarkTotalsOnly(Expr* expr, Buckets buckets) {
  if (expr->kind == ExprKind::kVectorSelector) {
    As<VectorSelector>(*expr).histogram_totals_only = buckets == Buckets::kTotalsOnly;
  } else if (expr->kind == ExprKind::kSubquery) {
    buckets = Buckets::kNeeded;
  } else if (expr->kind == ExprKind::kCall) {
    const std::string_view name = As<Call>(*expr).function->name;
    if (name == "histogram_quantile" || name == "histogram_quantiles" ||
        name == "histogram_fraction") {
      buckets = Buckets::kNeeded;
    } else if (buckets != Buckets::kNeeded &&
               (name == "histogram_count" || name == "histogram_sum" || name == "histogram_avg")) {
      buckets = Buckets::kTotalsOnly;
    }
  } else if (expr->kind == ExprKind::kBinary) {
    const TokenType op = As<BinaryExpr>(*expr).op;
    if (op == TokenType::kTrimUpper || op == TokenType::kTrimLower) buckets = Buckets::kNeeded;
  }
  for (const Expr* child : expr->Children()) MarkTotalsOnly(const_cast<Expr*>(child), buckets);
}

}  // namespace

absl::StatusOr<ExprPtr> Prepare(const Expr& expr, int64_t start_ms, int64_t end_ms,
                                int64_t step_ms) {
  ExprPtr prepared = expr.Clone();
  MarkTotalsOnly(prepared.get(), Buckets::kUnsaid);
  Preparer preparer(start_ms, end_ms, step_ms);
  preparer.Fold(&prepared);
  TRY(preparer.ResolveDurations(prepared.get()));
  if (preparer.Mark(prepared.get()).wrap) Preparer::Wrap(&prepared);
  return prepared;
}

}  // namespace hearth::promql

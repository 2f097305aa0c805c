// SPDX-License-Identifier: Apache-2.0
#include "promql/result_cache_footprint.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "promql/element.h"
#include "promql/evaluator.h"

namespace hearth::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Beyond it times could overflow; nobody's samples are a thousand years old.
constexpr int64_t kReachMaxMs = int64_t{1} << 45;

// Functions of one step's value alone, row by row, in the rows' order.
constexpr auto kByElement = std::to_array<std::string_view>(
    {"abs",         "acos",        "acosh",         "asin",      "asinh", "atan",  "atanh",
     "ceil",        "clamp",       "clamp_max",     "clamp_min", "cos",   "cosh",  "day_of_month",
     "day_of_week", "day_of_year", "days_in_month", "deg",       "exp",   "floor", "hour",
     "ln",          "log10",       "log2",          "minute",    "month", "rad",   "round",
     "sgn",         "sin",         "sqrt",          "sinh",      "tan",   "tanh",  "timestamp",
     "vector",      "year"});
// Functions of one window, row by row, in the rows' order.
constexpr auto kByWindow = std::to_array<std::string_view>({"avg_over_time",
                                                            "changes",
                                                            "count_over_time",
                                                            "delta",
                                                            "deriv",
                                                            "first_over_time",
                                                            "idelta",
                                                            "increase",
                                                            "irate",
                                                            "last_over_time",
                                                            "max_over_time",
                                                            "min_over_time",
                                                            "predict_linear",
                                                            "present_over_time",
                                                            "quantile_over_time",
                                                            "rate",
                                                            "resets",
                                                            "stddev_over_time",
                                                            "stdvar_over_time",
                                                            "sum_over_time"});
// One value, or one row, whatever the order.
constexpr auto kByStep =
    std::to_array<std::string_view>({"absent", "absent_over_time", "pi", "scalar", "time"});
// Rows come in the order of their groups.
constexpr auto kByGroup = std::to_array<std::string_view>(
    {"histogram_avg", "histogram_count", "histogram_fraction", "histogram_quantile",
     "histogram_sum", "histogram_stddev", "histogram_stdvar"});

template <size_t kSize>
bool IsOneOf(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether rows come in an order that does not depend on which steps are asked for.
enum class Order { kFixed, kByWhatIsThere };

class Analysis {
 public:
  Analysis(int64_t lookback_ms, int64_t default_interval_ms)
      : lookback_ms_(lookback_ms), default_interval_ms_(default_interval_ms) {}

  // `from_ms` … `to_ms`: when `expr` is evaluated, relative to the query's step.
  Order Visit(const Expr& expr, int64_t from_ms, int64_t to_ms) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return Order::kFixed;
      case ExprKind::kParen:
        return Visit(*As<ParenExpr>(expr).expr, from_ms, to_ms);
      case ExprKind::kUnary:
        return Visit(*As<UnaryExpr>(expr).expr, from_ms, to_ms);
      case ExprKind::kVectorSelector:
        return VisitSelector(As<VectorSelector>(expr), lookback_ms_, from_ms, to_ms);
      case ExprKind::kMatrixSelector: {
        const auto& matrix = As<MatrixSelector>(expr);
        if (matrix.range_expr != nullptr) return Refuse();
        return VisitSelector(matrix.selector(), matrix.range_ns / kNsPerMs, from_ms, to_ms);
      }
      case ExprKind::kSubquery:
        return VisitSubquery(As<SubqueryExpr>(expr), from_ms, to_ms);
      case ExprKind::kAggregate:
        return VisitAggregate(As<AggregateExpr>(expr), from_ms, to_ms);
      case ExprKind::kBinary:
        return VisitBinary(As<BinaryExpr>(expr), from_ms, to_ms);
      case ExprKind::kCall:
        return VisitCall(As<Call>(expr), from_ms, to_ms);
      default:
        return Refuse();
    }
  }
  std::optional<Footprint> Result() const {
    if (refused_ || footprint_.oldest_ms > footprint_.newest_ms) return std::nullopt;
    return footprint_;
  }

 private:
  Order Refuse() {
    refused_ = true;
    return Order::kByWhatIsThere;
  }

  Order VisitSelector(const VectorSelector& selector, int64_t reach_ms, int64_t from_ms,
                      int64_t to_ms) {
    const int64_t offset_ms = selector.original_offset_ns / kNsPerMs;
    if (selector.timestamp_ms || selector.start_or_end != TokenType::kNone ||
        selector.offset_expr != nullptr || selector.anchored || selector.smoothed ||
        selector.may_be_empty || !NamesOneMetric(selector) || !InReach(reach_ms, offset_ms)) {
      return Refuse();
    }
    footprint_.oldest_ms = std::min(footprint_.oldest_ms, from_ms - offset_ms - reach_ms);
    footprint_.newest_ms = std::max(footprint_.newest_ms, to_ms - offset_ms);
    return Order::kFixed;
  }

  static bool InReach(int64_t range_ms, int64_t offset_ms) {
    return range_ms >= 0 && range_ms < kReachMaxMs && offset_ms > -kReachMaxMs &&
           offset_ms < kReachMaxMs;
  }

  Order VisitSubquery(const SubqueryExpr& subquery, int64_t from_ms, int64_t to_ms) {
    const int64_t range_ms = subquery.range_ns / kNsPerMs;
    const int64_t offset_ms = subquery.original_offset_ns / kNsPerMs;
    if (subquery.timestamp_ms || subquery.start_or_end != TokenType::kNone ||
        subquery.offset_expr != nullptr || subquery.range_expr != nullptr ||
        subquery.step_expr != nullptr || !InReach(range_ms, offset_ms)) {
      return Refuse();
    }
    const int64_t step_ms =
        subquery.step_ns == 0 ? default_interval_ms_ : subquery.step_ns / kNsPerMs;
    if (step_ms <= 0) return Refuse();
    footprint_.finest_step_ms =
        footprint_.finest_step_ms == 0 ? step_ms : std::min(footprint_.finest_step_ms, step_ms);
    ++subqueries_;
    const Order order = Visit(*subquery.expr, from_ms - offset_ms - range_ms, to_ms - offset_ms);
    --subqueries_;
    return order;
  }

  Order VisitAggregate(const AggregateExpr& expr, int64_t from_ms, int64_t to_ms) {
    if (expr.param != nullptr && Unwrap(*expr.param).kind != ExprKind::kNumber) return Refuse();
    const Order order = Visit(*expr.expr, from_ms, to_ms);
    switch (expr.op) {
      case TokenType::kCount:
      case TokenType::kGroup:
        break;
      case TokenType::kSum:
      case TokenType::kAvg:
      case TokenType::kMin:  // of 0 and -0 the first
      case TokenType::kMax:
      case TokenType::kStddev:
      case TokenType::kStdvar:
      case TokenType::kQuantile:
      case TokenType::kTopK:  // of equals the first
      case TokenType::kBottomK:
        if (order != Order::kFixed) return Refuse();
        break;
      default:
        return Refuse();
    }
    const bool selects = expr.op == TokenType::kTopK || expr.op == TokenType::kBottomK;
    const bool one_row = !selects && !expr.without && expr.grouping.empty();
    return one_row ? Order::kFixed : Order::kByWhatIsThere;
  }

  Order VisitBinary(const BinaryExpr& expr, int64_t from_ms, int64_t to_ms) {
    const Order left = Visit(*expr.lhs, from_ms, to_ms);
    const Order right = Visit(*expr.rhs, from_ms, to_ms);
    if (expr.lhs->type() == ValueType::kScalar) return right;
    if (expr.rhs->type() == ValueType::kScalar) return left;
    if (expr.op == TokenType::kOr) return subqueries_ > 0 ? Refuse() : Order::kByWhatIsThere;
    if (IsSetOperator(expr.op)) return left;
    // Elsewhere two rows of one side may become one, which has the place of the first.
    const VectorMatching& matching = *expr.matching;
    const bool plain = matching.cardinality == Cardinality::kOneToOne && !matching.on &&
                       matching.labels.empty() && !matching.fill_left && !matching.fill_right;
    return plain && left == Order::kFixed && right == Order::kFixed ? Order::kFixed
                                                                    : Order::kByWhatIsThere;
  }

  Order VisitCall(const Call& call, int64_t from_ms, int64_t to_ms) {
    const std::string_view name = call.function->name;
    const bool by_window = IsOneOf(kByWindow, name);
    Order order = Order::kFixed;
    for (const ExprPtr& arg : call.args) {
      const Order of_arg = Visit(*arg, from_ms, to_ms);
      if (arg->type() == ValueType::kVector || arg->type() == ValueType::kMatrix) order = of_arg;
      const bool number = Unwrap(*arg).kind == ExprKind::kNumber;
      if (by_window && arg->type() == ValueType::kScalar && !number) return Refuse();
    }
    if (by_window || IsOneOf(kByElement, name)) return order;
    if (IsOneOf(kByStep, name)) return Order::kFixed;
    if (!IsOneOf(kByGroup, name)) return Refuse();
    footprint_.buckets = true;
    return Order::kByWhatIsThere;
  }

  const int64_t lookback_ms_;
  const int64_t default_interval_ms_;
  Footprint footprint_;
  int subqueries_ = 0;  // that we are in
  bool refused_ = false;
};

}  // namespace

std::optional<Footprint> FootprintOf(const Expr& expr, int64_t lookback_ms,
                                     int64_t default_interval_ms) {
  if (expr.type() != ValueType::kVector || lookback_ms < 0 || lookback_ms >= kReachMaxMs) {
    return std::nullopt;
  }
  Analysis analysis(lookback_ms, default_interval_ms);
  analysis.Visit(expr, 0, 0);
  return analysis.Result();
}

}  // namespace hearth::promql

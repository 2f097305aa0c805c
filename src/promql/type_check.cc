// SPDX-License-Identifier: Apache-2.0
// The rules that a tree must keep beyond its syntax (upstream's checkAST), in upstream's order: the
// first error is the one that people see.
#include <fmt/core.h>

#include "model/labels.h"
#include "promql/syntax.h"

namespace hearth::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Checker {
 public:
  Checker(std::string_view input, std::vector<ParseError>* errors)
      : input_(input), errors_(errors) {}

  ValueType Check(Expr* expr) {
    switch (expr->kind) {
      case ExprKind::kAggregate:
        CheckAggregate(&As<AggregateExpr>(*expr));
        break;
      case ExprKind::kBinary:
        CheckBinary(&As<BinaryExpr>(*expr));
        break;
      case ExprKind::kCall:
        CheckCall(&As<Call>(*expr));
        break;
      case ExprKind::kParen:
        Check(As<ParenExpr>(*expr).expr.get());
        break;
      case ExprKind::kUnary:
        CheckUnary(&As<UnaryExpr>(*expr));
        break;
      case ExprKind::kSubquery: {
        const ValueType type = Check(As<SubqueryExpr>(*expr).expr.get());
        if (type != ValueType::kVector) {
          Add(expr->pos(), fmt::format("subquery is only allowed on instant vector, got {} instead",
                                       Name(type)));
        }
        break;
      }
      case ExprKind::kMatrixSelector:
        Check(As<MatrixSelector>(*expr).vector.get());
        break;
      case ExprKind::kVectorSelector:
        CheckSelector(As<VectorSelector>(*expr));
        break;
      default:
        break;
    }
    return expr->type();
  }

 private:
  void Add(PosRange pos, std::string message) { errors_->push_back({pos, std::move(message)}); }

  void ExpectType(Expr* expr, ValueType want, std::string_view context) {
    const ValueType got = Check(expr);
    if (got == want) return;
    Add(expr->pos(), fmt::format("expected type {} in {}, got {}", DocumentedName(want), context,
                                 DocumentedName(got)));
  }

  void CheckAggregate(AggregateExpr* expr) {
    ExpectType(expr->expr.get(), ValueType::kVector, "aggregation expression");
    if (expr->op == TokenType::kCountValues) {
      ExpectType(expr->param.get(), ValueType::kString, "aggregation parameter");
    } else if (IsAggregatorWithParam(expr->op)) {
      ExpectType(expr->param.get(), ValueType::kScalar, "aggregation parameter");
    }
  }

  // The operator and its modifiers.
  PosRange OperatorRange(const BinaryExpr& expr) const {
    PosRange range{expr.lhs->pos().end, expr.rhs->pos().start};
    while (static_cast<size_t>(range.start) < input_.size() &&
           IsSpace(input_[static_cast<size_t>(range.start)])) {
      ++range.start;
    }
    return range;
  }

  void CheckBinary(BinaryExpr* expr) {
    const ValueType left = Check(expr->lhs.get());
    const ValueType right = Check(expr->rhs.get());
    const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
    if (expr->return_bool && !IsComparison(expr->op)) {
      Add(OperatorRange(*expr), "bool modifier can only be used on comparison operators");
    }
    if (IsComparison(expr->op) && !expr->return_bool && scalars) {
      Add(OperatorRange(*expr), "comparisons between scalars must use BOOL modifier");
    }
    VectorMatching& matching = *expr->matching;
    if (IsSetOperator(expr->op) && matching.cardinality == Cardinality::kOneToOne) {
      matching.cardinality = Cardinality::kManyToMany;
    }
    for (const std::string& label : matching.labels) {
      for (const std::string& include : matching.include) {
        if (label != include || !matching.on) continue;
        Add(OperatorRange(*expr),
            fmt::format("label {} must not occur in ON and GROUP clause at once",
                        model::QuoteGo(label)));
      }
    }
    for (const Expr* side : {expr->lhs.get(), expr->rhs.get()}) {
      if (side->type() == ValueType::kScalar || side->type() == ValueType::kVector) continue;
      Add(side->pos(), "binary expression must contain only scalar and instant vector types");
    }
    const bool scalar_side = left == ValueType::kScalar || right == ValueType::kScalar;
    CheckMatching(expr, left == ValueType::kVector && right == ValueType::kVector);
    if (scalar_side && IsSetOperator(expr->op)) {
      Add(expr->pos(), fmt::format("set operator {} not allowed in binary scalar expression",
                                   model::QuoteGo(Text(expr->op))));
    }
  }

  void CheckMatching(BinaryExpr* expr, bool vectors) {
    const VectorMatching& matching = *expr->matching;
    const bool fill = matching.fill_left || matching.fill_right;
    if (!vectors) {
      if (!matching.labels.empty()) {
        Add(expr->pos(), "vector matching only allowed between instant vectors");
      }
      if (fill) {
        Add(expr->pos(), "filling in missing series only allowed between instant vectors");
      }
      expr->matching.reset();
    } else if (IsSetOperator(expr->op)) {
      if (matching.cardinality != Cardinality::kManyToMany) {
        Add(expr->pos(),
            fmt::format("no grouping allowed for {} operation", model::QuoteGo(Text(expr->op))));
        Add(expr->pos(), "set operations must always be many-to-many");
      }
      if (fill) Add(expr->pos(), "filling in missing series not allowed for set operators");
    }
  }

  void CheckArgumentCount(const Call& call) {
    const Function& function = *call.function;
    const auto declared = static_cast<int>(function.arg_types.size());
    const auto given = static_cast<int>(call.args.size());
    const std::string name = model::QuoteGo(function.name);
    if (function.variadic == 0) {
      if (declared != given) {
        Add(call.pos(),
            fmt::format("expected {} argument(s) in call to {}, got {}", declared, name, given));
      }
      return;
    }
    const int least = declared - 1;
    if (least > given) {
      Add(call.pos(), fmt::format("expected at least {} argument(s) in call to {}, got {}", least,
                                  name, given));
    } else if (function.variadic > 0 && least + function.variadic < given) {
      Add(call.pos(), fmt::format("expected at most {} argument(s) in call to {}, got {}",
                                  least + function.variadic, name, given));
    }
  }

  void CheckInfoSelector(Call* call) {
    Expr* const arg = call->args[1].get();
    if (arg->type() != ValueType::kVector) {
      Add(call->pos(),
          fmt::format("expected type {} in call to function \"info\", got {}",
                      DocumentedName(ValueType::kVector), DocumentedName(arg->type())));
    }
    if (arg->kind != ExprKind::kVectorSelector) {
      Add(arg->pos(), "expected label selectors only");
    } else if (!As<VectorSelector>(*arg).name.empty()) {
      Add(arg->pos(), "expected label selectors only, got vector selector instead");
    } else {
      As<VectorSelector>(*arg).may_be_empty = true;
    }
  }

  void CheckCall(Call* call) {
    const Function& function = *call->function;
    CheckArgumentCount(*call);
    if (function.name == "info" && call->args.size() > 1) CheckInfoSelector(call);
    for (size_t i = 0; i < call->args.size(); ++i) {
      size_t declared = i;
      if (i >= function.arg_types.size()) {
        if (function.variadic == 0) break;
        declared = function.arg_types.size() - 1;
      }
      const ValueType want = function.arg_types[declared];
      const ValueType got = Check(call->args[i].get());
      if (got == want) continue;
      Add(call->args[i]->pos(),
          fmt::format("expected type {} in call to function {}, got {}", DocumentedName(want),
                      model::QuoteGo(function.name), DocumentedName(got)));
    }
  }

  void CheckUnary(UnaryExpr* expr) {
    const ValueType type = Check(expr->expr.get());
    if (type == ValueType::kScalar || type == ValueType::kVector) return;
    Add(expr->pos(), fmt::format("unary expression only allowed on expressions of type scalar or "
                                 "instant vector, got {}",
                                 model::QuoteGo(DocumentedName(type))));
  }

  void CheckSelector(const VectorSelector& selector) {
    if (!selector.name.empty()) {
      // The last matcher is the name before the braces.
      for (size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
        const model::Matcher& matcher = selector.matchers[i];
        if (matcher.name() != model::kMetricName) continue;
        Add(selector.pos(),
            fmt::format("metric name must not be set twice: {} or {}",
                        model::QuoteGo(selector.name), model::QuoteGo(matcher.value())));
      }
      return;
    }
    if (selector.may_be_empty) return;
    for (const model::Matcher& matcher : selector.matchers) {
      if (!matcher.MatchesEmpty()) return;
    }
    Add(selector.pos(), "vector selector must contain at least one non-empty matcher");
  }

  const std::string_view input_;
  std::vector<ParseError>* const errors_;
};

}  // namespace

void CheckTypes(std::string_view input, Expr* expr, std::vector<ParseError>* errors) {
  Checker(input, errors).Check(expr);
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// Expressions over many lines, as prometheus/promql/parser/prettier.go breaks and indents them:
// what is longer than a line is split, its children one level deeper.
#include <algorithm>

#include "promql/ast.h"
#include "promql/printer.h"

namespace hearth::promql {
namespace {

constexpr size_t kLineCharactersMax = 100;

std::string Indent(int level) { return std::string(static_cast<size_t>(level) * 2, ' '); }

std::string TrimSpace(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\n\r\v\f");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\n\r\v\f") + 1 - begin);
}

std::string PrettyAggregate(const AggregateExpr& expr, int level) {
  std::string out = Indent(level) + AggregateHead(expr) + "(\n";
  if (expr.param != nullptr) out += expr.param->Pretty(level + 1) + ",\n";
  return out + expr.expr->Pretty(level + 1) + "\n" + Indent(level) + ")";
}

std::string PrettyBinary(const BinaryExpr& expr, int level) {
  return expr.lhs->Pretty(level + 1) + "\n" + Indent(level) + std::string(Text(expr.op)) +
         (expr.return_bool ? " bool" : "") + (expr.matching ? MatchingText(*expr.matching) : "") +
         "\n" + expr.rhs->Pretty(level + 1);
}

std::string PrettyCall(const Call& call, int level) {
  std::string out = Indent(level) + std::string(call.function->name) + "(\n";
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ",\n";
    out += call.args[i]->Pretty(level + 1);
  }
  return out + "\n" + Indent(level) + ")";
}

}  // namespace

std::string Expr::Pretty(int level) const {
  const std::string line = String();
  switch (kind) {
    case ExprKind::kUnary: {
      const auto& unary = As<UnaryExpr>(*this);
      return Indent(level) + std::string(Text(unary.op)) + TrimSpace(unary.expr->Pretty(level));
    }
    case ExprKind::kStepInvariant:
      return As<StepInvariantExpr>(*this).expr->Pretty(level);
    case ExprKind::kSubquery: {
      if (line.size() <= kLineCharactersMax) return line;
      const auto& subquery = As<SubqueryExpr>(*this);
      return subquery.expr->Pretty(level) + SubquerySuffix(subquery);
    }
    default:
      break;
  }
  if (line.size() <= kLineCharactersMax) return Indent(level) + line;
  switch (kind) {
    case ExprKind::kAggregate:
      return PrettyAggregate(As<AggregateExpr>(*this), level);
    case ExprKind::kBinary:
      return PrettyBinary(As<BinaryExpr>(*this), level);
    case ExprKind::kCall:
      return PrettyCall(As<Call>(*this), level);
    case ExprKind::kParen:
      return Indent(level) + "(\n" + As<ParenExpr>(*this).expr->Pretty(level + 1) + "\n" +
             Indent(level) + ")";
    default:
      return Indent(level) + line;
  }
}

}  // namespace hearth::promql

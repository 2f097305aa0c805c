// SPDX-License-Identifier: Apache-2.0
// Trees back to text, as prometheus/promql/parser/printer.go writes them.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "codec/go_float.h"
#include "model/duration.h"
#include "model/labels.h"
#include "promql/ast.h"
#include "promql/printer.h"

namespace hearth::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

std::string DurationText(int64_t ns) { return model::FormatDurationMs(ns / kNsPerMs); }

void AppendNames(const std::vector<std::string>& names, std::string* out) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) *out += ", ";
    *out += model::IsLegacyLabelName(names[i]) ? names[i] : model::QuoteGo(names[i]);
  }
}

std::string OffsetText(int64_t offset_ns, const std::unique_ptr<DurationExpr>& expr) {
  if (expr != nullptr) return " offset " + expr->String();
  if (offset_ns > 0) return " offset " + DurationText(offset_ns);
  if (offset_ns < 0) return " offset -" + DurationText(-offset_ns);
  return "";
}

std::string AtText(const std::optional<int64_t>& timestamp_ms, TokenType start_or_end) {
  if (timestamp_ms) return fmt::format(" @ {:.3f}", static_cast<double>(*timestamp_ms) / 1000);
  if (start_or_end == TokenType::kStart) return " @ start()";
  if (start_or_end == TokenType::kEnd) return " @ end()";
  return "";
}

std::string_view ExtendedText(const VectorSelector& selector) {
  if (selector.anchored) return " anchored";
  if (selector.smoothed) return " smoothed";
  return "";
}

std::string SelectorText(const VectorSelector& selector) {
  std::vector<std::string> matchers;
  for (const model::Matcher& matcher : selector.matchers) {
    const bool is_name = matcher.name() == model::kMetricName &&
                         matcher.type() == model::MatchType::kEqual &&
                         matcher.value() == selector.name && !matcher.value().empty();
    if (!is_name) matchers.push_back(matcher.ToString());
  }
  std::string out = selector.name;
  if (matchers.empty()) return out;
  std::sort(matchers.begin(), matchers.end());
  out += "{";
  for (size_t i = 0; i < matchers.size(); ++i) out += (i > 0 ? "," : "") + matchers[i];
  return out + "}";
}

std::string VectorText(const VectorSelector& selector) {
  return SelectorText(selector) + AtText(selector.timestamp_ms, selector.start_or_end) +
         std::string(ExtendedText(selector)) +
         OffsetText(selector.original_offset_ns, selector.offset_expr);
}

std::string MatrixText(const MatrixSelector& matrix) {
  const VectorSelector& selector = matrix.selector();
  const std::string range =
      matrix.range_expr != nullptr ? matrix.range_expr->String() : DurationText(matrix.range_ns);
  return SelectorText(selector) + "[" + range + "]" + std::string(ExtendedText(selector)) +
         AtText(selector.timestamp_ms, selector.start_or_end) +
         OffsetText(selector.original_offset_ns, selector.offset_expr);
}

std::string DurationExprText(const DurationExpr& expr) {
  std::string out;
  switch (expr.op) {
    case TokenType::kStep:
      out = "step()";
      break;
    case TokenType::kRange:
      out = "range()";
      break;
    case TokenType::kMinOf:
    case TokenType::kMaxOf:
      out = std::string(Text(expr.op)) + "(" + expr.lhs->String() + ", " + expr.rhs->String() + ")";
      break;
    default:
      if (expr.lhs == nullptr) {
        out = (expr.op == TokenType::kSub ? "-" : "") + expr.rhs->String();
      } else {
        out = expr.lhs->String() + " " + std::string(Text(expr.op)) + " " + expr.rhs->String();
      }
  }
  return expr.wrapped ? "(" + out + ")" : out;
}

std::string NumberText(const NumberLiteral& number) {
  if (!number.duration) return codec::FormatGoFixed(number.value);
  // Seconds to milliseconds by way of nanoseconds, as upstream's time.Duration does.
  const double ns = std::fabs(number.value) * 1e9;
  const std::string text = DurationText(ns < 9.2e18 ? static_cast<int64_t>(ns) : INT64_MAX);
  return number.value < 0 ? "-" + text : text;
}

std::string CallText(const Call& call) {
  std::string out = std::string(call.function->name) + "(";
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ", ";
    out += call.args[i]->String();
  }
  return out + ")";
}

std::string_view KindName(ExprKind kind) {
  switch (kind) {
    case ExprKind::kAggregate:
      return "AggregateExpr";
    case ExprKind::kBinary:
      return "BinaryExpr";
    case ExprKind::kCall:
      return "Call";
    case ExprKind::kMatrixSelector:
      return "MatrixSelector";
    case ExprKind::kSubquery:
      return "SubqueryExpr";
    case ExprKind::kNumber:
      return "NumberLiteral";
    case ExprKind::kParen:
      return "ParenExpr";
    case ExprKind::kString:
      return "StringLiteral";
    case ExprKind::kUnary:
      return "UnaryExpr";
    case ExprKind::kVectorSelector:
      return "VectorSelector";
    case ExprKind::kDuration:
      return "DurationExpr";
    case ExprKind::kStepInvariant:
      return "StepInvariantExpr";
  }
  return "";
}

void AppendDump(const Expr& expr, int level, std::string* out) {
  const PosRange pos = expr.pos();
  *out += fmt::format("{:{}}{} [{},{}) {}\n", "", level * 2, KindName(expr.kind), pos.start,
                      pos.end, expr.String());
  for (const Expr* child : expr.Children()) AppendDump(*child, level + 1, out);
}

}  // namespace

std::string MatchingText(const VectorMatching& matching) {
  std::string out;
  const bool grouped = matching.cardinality == Cardinality::kManyToOne ||
                       matching.cardinality == Cardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    out += matching.on ? " on (" : " ignoring (";
    AppendNames(matching.labels, &out);
    out += ")";
  }
  if (grouped) {
    out += matching.cardinality == Cardinality::kManyToOne ? " group_left (" : " group_right (";
    AppendNames(matching.include, &out);
    out += ")";
  }
  const std::optional<double>& left = matching.fill_left;
  const std::optional<double>& right = matching.fill_right;
  if (left && right && *left == *right)
    return out + " fill (" + codec::FormatGoGeneral(*left) + ")";
  if (left) out += " fill_left (" + codec::FormatGoGeneral(*left) + ")";
  if (right) out += " fill_right (" + codec::FormatGoGeneral(*right) + ")";
  return out;
}

std::string AggregateHead(const AggregateExpr& expr) {
  std::string out(Text(expr.op));
  if (expr.without || !expr.grouping.empty()) {
    out += expr.without ? " without (" : " by (";
    AppendNames(expr.grouping, &out);
    out += ") ";
  }
  return out;
}

std::string SubquerySuffix(const SubqueryExpr& subquery) {
  const std::string range = subquery.range_expr != nullptr ? subquery.range_expr->String()
                                                           : DurationText(subquery.range_ns);
  std::string step;
  if (subquery.step_ns != 0) {
    step = DurationText(subquery.step_ns);
  } else if (subquery.step_expr != nullptr) {
    step = subquery.step_expr->String();
  }
  return "[" + range + ":" + step + "]" + AtText(subquery.timestamp_ms, subquery.start_or_end) +
         OffsetText(subquery.original_offset_ns, subquery.offset_expr);
}

namespace {

std::string AggregateText(const AggregateExpr& expr) {
  std::string out = AggregateHead(expr) + "(";
  if (expr.param != nullptr) out += expr.param->String() + ", ";
  if (expr.expr != nullptr) out += expr.expr->String();
  return out + ")";
}

std::string BinaryText(const BinaryExpr& expr) {
  return expr.lhs->String() + " " + std::string(Text(expr.op)) + (expr.return_bool ? " bool" : "") +
         (expr.matching ? MatchingText(*expr.matching) : "") + " " + expr.rhs->String();
}

}  // namespace

std::string Expr::String() const {
  switch (kind) {
    case ExprKind::kAggregate:
      return AggregateText(As<AggregateExpr>(*this));
    case ExprKind::kBinary:
      return BinaryText(As<BinaryExpr>(*this));
    case ExprKind::kCall:
      return CallText(As<Call>(*this));
    case ExprKind::kMatrixSelector:
      return MatrixText(As<MatrixSelector>(*this));
    case ExprKind::kSubquery:
      return As<SubqueryExpr>(*this).expr->String() + SubquerySuffix(As<SubqueryExpr>(*this));
    case ExprKind::kNumber:
      return NumberText(As<NumberLiteral>(*this));
    case ExprKind::kParen:
      return "(" + As<ParenExpr>(*this).expr->String() + ")";
    case ExprKind::kString:
      return model::QuoteGo(As<StringLiteral>(*this).value);
    case ExprKind::kUnary:
      return std::string(Text(As<UnaryExpr>(*this).op)) + As<UnaryExpr>(*this).expr->String();
    case ExprKind::kVectorSelector:
      return VectorText(As<VectorSelector>(*this));
    case ExprKind::kDuration:
      return DurationExprText(As<DurationExpr>(*this));
    case ExprKind::kStepInvariant:
      return As<StepInvariantExpr>(*this).expr->String();
  }
  return "";
}

std::string Expr::Dump() const {
  std::string out;
  AppendDump(*this, 0, &out);
  return out;
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/ast_json.h"

#include <span>

#include "api/prometheus/json_object.h"
#include "base/json_text.h"
#include "codec/go_float.h"
#include "codec/json_writer.h"

namespace hearth::api {
namespace {

using promql::As;
using promql::ExprKind;
using promql::TokenType;

constexpr int64_t kNsPerMs = 1'000'000;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonStringHtmlSafe(text, &out);
  return out;
}

std::string TextArray(std::span<const std::string> texts) {
  std::string out;
  codec::AppendTextArray(texts, &out);
  return out;
}

std::string ExprOrNull(const promql::Expr* expr) {
  return expr == nullptr ? "null" : AstJson(*expr);
}

std::string DurationJson(const promql::Expr* expr) {
  if (expr == nullptr) return "null";
  std::string out;
  JsonObject object(&out);
  if (expr->kind == ExprKind::kNumber) {
    const auto& number = As<promql::NumberLiteral>(*expr);
    object.Bool("duration", number.duration);
    object.Text("type", "numberLiteral");
    object.Text("val", codec::FormatGoFixed(number.value));
  } else if (expr->kind == ExprKind::kDuration) {
    const auto& duration = As<promql::DurationExpr>(*expr);
    object.Raw("lhs", DurationJson(duration.lhs.get()));
    object.Text("op", promql::Text(duration.op));
    object.Raw("rhs", DurationJson(duration.rhs.get()));
    object.Text("type", "durationExpr");
    object.Bool("wrapped", duration.wrapped);
  } else {
    return AstJson(*expr);
  }
  object.End();
  return out;
}

std::string MatchersJson(const std::vector<model::Matcher>& matchers) {
  std::string out = "[";
  for (const model::Matcher& matcher : matchers) {
    if (out.size() > 1) out += ',';
    JsonObject object(&out);
    object.Text("name", matcher.name());
    object.Text("type", model::Operator(matcher.type()));
    object.Text("value", matcher.value());
    object.End();
  }
  return out + "]";
}

std::string StartOrEnd(TokenType type) {
  return type == TokenType::kNone ? "null" : Quoted(promql::Text(type));
}

std::string TimeOrNull(const std::optional<int64_t>& time_ms) {
  return time_ms ? std::to_string(*time_ms) : "null";
}

std::string NumberOrNull(const std::optional<double>& value) {
  return value ? JsonNumber(*value) : "null";
}

void WriteSelector(const promql::VectorSelector& selector, const promql::MatrixSelector* matrix,
                   std::string* out) {
  JsonObject object(out);
  object.Bool("anchored", selector.anchored);
  object.Raw("matchers", MatchersJson(selector.matchers));
  object.Text("name", selector.name);
  object.Int("offset", selector.original_offset_ns / kNsPerMs);
  object.Raw("offsetExpr", DurationJson(selector.offset_expr.get()));
  if (matrix != nullptr) {
    object.Int("range", matrix->range_ns / kNsPerMs);
    object.Raw("rangeExpr", DurationJson(matrix->range_expr.get()));
  }
  object.Bool("smoothed", selector.smoothed);
  object.Raw("startOrEnd", StartOrEnd(selector.start_or_end));
  object.Raw("timestamp", TimeOrNull(selector.timestamp_ms));
  object.Text("type", matrix != nullptr ? "matrixSelector" : "vectorSelector");
  object.End();
}

void WriteSubquery(const promql::SubqueryExpr& subquery, std::string* out) {
  JsonObject object(out);
  object.Raw("expr", AstJson(*subquery.expr));
  object.Int("offset", subquery.original_offset_ns / kNsPerMs);
  object.Raw("offsetExpr", DurationJson(subquery.offset_expr.get()));
  object.Int("range", subquery.range_ns / kNsPerMs);
  object.Raw("rangeExpr", DurationJson(subquery.range_expr.get()));
  object.Raw("startOrEnd", StartOrEnd(subquery.start_or_end));
  object.Int("step", subquery.step_ns / kNsPerMs);
  object.Raw("stepExpr", DurationJson(subquery.step_expr.get()));
  object.Raw("timestamp", TimeOrNull(subquery.timestamp_ms));
  object.Text("type", "subquery");
  object.End();
}

std::string MatchingJson(const std::optional<promql::VectorMatching>& matching) {
  if (!matching) return "null";
  std::string out;
  JsonObject object(&out);
  object.Text("card", promql::Name(matching->cardinality));
  object.Raw("fillValues", R"({"lhs":)" + NumberOrNull(matching->fill_left) + R"(,"rhs":)" +
                               NumberOrNull(matching->fill_right) + "}");
  object.Raw("include", TextArray(matching->include));
  object.Raw("labels", TextArray(matching->labels));
  object.Bool("on", matching->on);
  object.End();
  return out;
}

void WriteBinary(const promql::BinaryExpr& binary, std::string* out) {
  JsonObject object(out);
  object.Bool("bool", binary.return_bool);
  object.Raw("lhs", AstJson(*binary.lhs));
  object.Raw("matching", MatchingJson(binary.matching));
  object.Text("op", promql::Text(binary.op));
  object.Raw("rhs", AstJson(*binary.rhs));
  object.Text("type", "binaryExpr");
  object.End();
}

void WriteAggregate(const promql::AggregateExpr& aggregate, std::string* out) {
  JsonObject object(out);
  object.Raw("expr", AstJson(*aggregate.expr));
  object.Raw("grouping", TextArray(aggregate.grouping));
  object.Text("op", promql::Text(aggregate.op));
  object.Raw("param", ExprOrNull(aggregate.param.get()));
  object.Text("type", "aggregation");
  object.Bool("without", aggregate.without);
  object.End();
}

void WriteCall(const promql::Call& call, std::string* out) {
  std::string args = "[";
  for (const promql::ExprPtr& arg : call.args) {
    if (args.size() > 1) args += ',';
    args += AstJson(*arg);
  }
  std::string types = "[";
  for (const promql::ValueType type : call.function->arg_types) {
    if (types.size() > 1) types += ',';
    types += Quoted(promql::Name(type));
  }
  JsonObject object(out);
  object.Raw("args", args + "]");
  std::string function;
  JsonObject function_object(&function);
  function_object.Raw("argTypes", types + "]");
  function_object.Text("name", call.function->name);
  function_object.Text("returnType", promql::Name(call.function->return_type));
  function_object.Int("variadic", call.function->variadic);
  function_object.End();
  object.Raw("func", function);
  object.Text("type", "call");
  object.End();
}

}  // namespace

std::string AstJson(const promql::Expr& expr) {
  std::string out;
  switch (expr.kind) {
    case ExprKind::kAggregate:
      WriteAggregate(As<promql::AggregateExpr>(expr), &out);
      return out;
    case ExprKind::kBinary:
      WriteBinary(As<promql::BinaryExpr>(expr), &out);
      return out;
    case ExprKind::kCall:
      WriteCall(As<promql::Call>(expr), &out);
      return out;
    case ExprKind::kMatrixSelector: {
      const auto& matrix = As<promql::MatrixSelector>(expr);
      WriteSelector(matrix.selector(), &matrix, &out);
      return out;
    }
    case ExprKind::kVectorSelector:
      WriteSelector(As<promql::VectorSelector>(expr), nullptr, &out);
      return out;
    case ExprKind::kSubquery:
      WriteSubquery(As<promql::SubqueryExpr>(expr), &out);
      return out;
    case ExprKind::kDuration:
      return DurationJson(&expr);
    case ExprKind::kStepInvariant:
      return AstJson(*As<promql::StepInvariantExpr>(expr).expr);
    default:
      break;
  }
  JsonObject object(&out);
  if (expr.kind == ExprKind::kNumber) {
    object.Text("type", "numberLiteral");
    object.Text("val", codec::FormatGoFixed(As<promql::NumberLiteral>(expr).value));
  } else if (expr.kind == ExprKind::kString) {
    object.Text("type", "stringLiteral");
    object.Text("val", As<promql::StringLiteral>(expr).value);
  } else if (expr.kind == ExprKind::kParen) {
    object.Raw("expr", AstJson(*As<promql::ParenExpr>(expr).expr));
    object.Text("type", "parenExpr");
  } else {
    const auto& unary = As<promql::UnaryExpr>(expr);
    object.Raw("expr", AstJson(*unary.expr));
    object.Text("op", promql::Text(unary.op));
    object.Text("type", "unaryExpr");
  }
  object.End();
  return out;
}

}  // namespace hearth::api

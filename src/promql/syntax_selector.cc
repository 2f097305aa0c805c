// SPDX-License-Identifier: Apache-2.0
// Selectors, their matchers and everything that may follow one: [range], [range:step], offset, @,
// anchored, smoothed.
#include <fmt/core.h>

#include <cmath>

#include "base/status.h"
#include "model/labels.h"
#include "promql/syntax.h"

namespace hearth::promql {
namespace {

constexpr double kNsPerSecond = 1e9;

int64_t SecondsToNs(double seconds) {
  const double ns = std::round(seconds * kNsPerSecond);
  // Out of range only beside an error that has been reported.
  return std::fabs(ns) < 9.2e18 ? static_cast<int64_t>(ns) : 0;
}

// What a modifier may change, whatever it stands behind.
struct Modifiable {
  VectorSelector* selector = nullptr;  // of the vector or matrix
  int64_t* offset_ns = nullptr;
  std::unique_ptr<DurationExpr>* offset_expr = nullptr;
  std::optional<int64_t>* timestamp_ms = nullptr;
  TokenType* start_or_end = nullptr;
  int32_t* end = nullptr;
};

Modifiable ModifiableParts(Expr* expr) {
  if (expr->kind == ExprKind::kSubquery) {
    auto& subquery = As<SubqueryExpr>(*expr);
    return {nullptr,
            &subquery.original_offset_ns,
            &subquery.offset_expr,
            &subquery.timestamp_ms,
            &subquery.start_or_end,
            &subquery.end_pos};
  }
  if (expr->kind != ExprKind::kVectorSelector && expr->kind != ExprKind::kMatrixSelector) return {};
  const bool matrix = expr->kind == ExprKind::kMatrixSelector;
  auto& selector = matrix ? As<MatrixSelector>(*expr).selector() : As<VectorSelector>(*expr);
  return {&selector,
          &selector.original_offset_ns,
          &selector.offset_expr,
          &selector.timestamp_ms,
          &selector.start_or_end,
          matrix ? &As<MatrixSelector>(*expr).end_pos : &selector.range.end};
}

std::optional<model::MatchType> ToMatchType(TokenType type) {
  switch (type) {
    case TokenType::kEql:
      return model::MatchType::kEqual;
    case TokenType::kNeq:
      return model::MatchType::kNotEqual;
    case TokenType::kEqlRegex:
      return model::MatchType::kRegex;
    case TokenType::kNeqRegex:
      return model::MatchType::kNotRegex;
    default:
      return std::nullopt;
  }
}

}  // namespace

SyntaxParser::Parsed SyntaxParser::ParseSelector(std::optional<Token> name) {
  auto selector = std::make_unique<VectorSelector>();
  selector->range = name ? name->range() : Peek().range();
  if (Peek().type == TokenType::kLeftBrace) {
    if (!ParseMatchers(&selector->matchers)) return {};
    selector->range.end = last_closing_;
  }
  if (name) {
    selector->name = name->text;
    selector->matchers.push_back(model::Matcher::Equal(model::kMetricName, selector->name));
  }
  return {std::move(selector)};
}

bool SyntaxParser::ParseMatchers(std::vector<model::Matcher>* matchers) {
  Take();  // {
  while (!Accept(TokenType::kRightBrace)) {
    if (!ParseMatcher(matchers)) return false;
    if (Peek().type == TokenType::kComma) {
      Take();
    } else if (Peek().type != TokenType::kRightBrace) {
      Unexpected("label matching", "\",\" or \"}\"");
      return false;
    }
  }
  return true;
}

bool SyntaxParser::ParseMatcher(std::vector<model::Matcher>* matchers) {
  const TokenType type = Peek().type;
  if (type != TokenType::kIdentifier && type != TokenType::kString) {
    Unexpected("label matching", "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  std::string name(label.text);
  if (type == TokenType::kString) {
    std::optional<std::string> unquoted = UnquoteToken(label);
    if (!unquoted) return false;
    name = *std::move(unquoted);
  }
  const std::optional<model::MatchType> match = ToMatchType(Peek().type);
  if (!match) {
    if (type == TokenType::kString) {  // a metric's name in quotes
      matchers->push_back(model::Matcher::Equal(model::kMetricName, name));
      return true;
    }
    Unexpected("label matching", "label matching operator");
    return false;
  }
  Take();
  if (Peek().type != TokenType::kString) {
    Unexpected("label matching", "string");
    return false;
  }
  const Token value = Take();
  const std::optional<std::string> text = UnquoteToken(value);
  if (!text) return false;
  absl::StatusOr<model::Matcher> matcher = model::Matcher::Make(*match, name, *text);
  if (!matcher.ok()) {
    AddError({label.pos, value.range().end}, Message(matcher.status()));
    return true;
  }
  matchers->push_back(*std::move(matcher));
  return true;
}

std::optional<std::vector<model::Matcher>> SyntaxParser::ParseSelectorOnly() {
  const TokenType type = Peek().type;
  std::optional<Token> name;
  const bool word =
      type != TokenType::kBool && type != TokenType::kOn && type != TokenType::kIgnoring &&
      type != TokenType::kGroupLeft && type != TokenType::kGroupRight &&
      type != TokenType::kAtan2 &&
      (type == TokenType::kIdentifier || type == TokenType::kMetricIdentifier ||
       IsAggregator(type) || IsSetOperator(type) || IsKeyword(type) || type >= TokenType::kStart);
  if (word) {
    name = Take();
  } else if (type != TokenType::kLeftBrace) {
    Unexpected("", "");
    return std::nullopt;
  }
  Parsed parsed = ParseSelector(name);
  if (parsed.expr == nullptr) return std::nullopt;
  if (Peek().type != TokenType::kEof) {
    Unexpected("", "");
    return std::nullopt;
  }
  return std::move(As<VectorSelector>(*parsed.expr).matchers);
}

bool SyntaxParser::ParseLabelSet(std::vector<std::pair<std::string, std::string>>* labels) {
  Take();  // {
  while (!Accept(TokenType::kRightBrace)) {
    const TokenType type = Peek().type;
    if (type != TokenType::kIdentifier && type != TokenType::kString) {
      Unexpected("label set", "identifier or \"}\"");
      return false;
    }
    const Token label = Take();
    std::string name(label.text);
    if (type == TokenType::kString) {
      std::optional<std::string> unquoted = UnquoteToken(label);
      if (!unquoted) return false;
      name = *std::move(unquoted);
    }
    if (Accept(TokenType::kEql)) {
      if (Peek().type != TokenType::kString) {
        Unexpected("label set", "string");
        return false;
      }
      std::optional<std::string> value = UnquoteToken(Take());
      if (!value) return false;
      labels->emplace_back(std::move(name), *std::move(value));
    } else if (type == TokenType::kString) {
      labels->emplace_back(model::kMetricName, std::move(name));
    } else {
      Unexpected("label set", "\"=\"");
      return false;
    }
    if (Peek().type == TokenType::kComma) {
      Take();
    } else if (Peek().type != TokenType::kRightBrace) {
      Unexpected("label set", "\",\" or \"}\"");
      return false;
    }
  }
  return true;
}

std::optional<model::Labels> SyntaxParser::ParseLabelsOnly() {
  std::vector<std::pair<std::string, std::string>> labels;
  std::string metric;
  if (Peek().type != TokenType::kLeftBrace && Peek().type != TokenType::kEof) {
    const Token name = Take();
    if (name.text.empty() || name.type == TokenType::kNumber || name.type == TokenType::kString) {
      ahead_ = name;
      Unexpected("", "");
      return std::nullopt;
    }
    metric = name.text;
  }
  if (Peek().type == TokenType::kLeftBrace && !ParseLabelSet(&labels)) return std::nullopt;
  if (Peek().type != TokenType::kEof) {
    Unexpected("", "");
    return std::nullopt;
  }
  if (!metric.empty()) labels.emplace_back(model::kMetricName, metric);
  std::vector<model::Label> views;
  for (const auto& [name, value] : labels) views.push_back({name, value});
  return model::Labels::FromPairs(std::move(views));
}

SyntaxParser::Parsed SyntaxParser::ParsePostfixes(Parsed operand) {
  while (operand.expr != nullptr) {
    switch (Peek().type) {
      case TokenType::kOffset:
        Take();
        if (!ParseOffset(operand.expr.get())) return {};
        break;
      case TokenType::kAt:
        Take();
        if (!ParseAt(operand.expr.get())) return {};
        break;
      case TokenType::kAnchored:
      case TokenType::kSmoothed:
        SetExtended(operand.expr.get(), Take().type == TokenType::kAnchored);
        break;
      case TokenType::kLeftBracket:
        operand = ParseBrackets(std::move(operand));
        break;
      default:
        return operand;
    }
  }
  return operand;
}

bool SyntaxParser::ParseOffset(Expr* expr) {
  const Scope scope(this, "offset", "number, duration, step(), or range()");
  ExprPtr duration = ParseOffsetDuration();
  if (duration == nullptr) return false;
  const Modifiable parts = ModifiableParts(expr);
  if (parts.offset_ns == nullptr) {
    AddError(expr->pos(),
             "offset modifier must be preceded by an instant vector selector or range vector "
             "selector or a subquery");
    return true;
  }
  if (*parts.offset_ns != 0 || *parts.offset_expr != nullptr) {
    AddError(expr->pos(), "offset may not be set multiple times");
  } else if (duration->kind == ExprKind::kNumber) {
    *parts.offset_ns = SecondsToNs(As<NumberLiteral>(*duration).value);
  } else {
    parts.offset_expr->reset(static_cast<DurationExpr*>(duration.release()));
  }
  *parts.end = last_closing_;
  return true;
}

bool SyntaxParser::ParseAt(Expr* expr) {
  const Scope scope(this, "@", "timestamp");
  const TokenType type = Peek().type;
  std::optional<double> seconds;
  TokenType preprocessor = TokenType::kNone;
  if (type == TokenType::kStart || type == TokenType::kEnd) {
    preprocessor = Take().type;
    if (!Expect(TokenType::kLeftParen) || !Expect(TokenType::kRightParen)) return false;
  } else {
    seconds = ParseSignedNumber();
    if (!seconds) {
      Unexpected();
      return false;
    }
    constexpr double kLimit = 9223372036854775807.0;
    if (!std::isfinite(*seconds) || *seconds >= kLimit || *seconds <= -kLimit) {
      AddError(expr->pos(), fmt::format("timestamp out of bounds for @ modifier: {}",
                                        std::isnan(*seconds)   ? "NaN"
                                        : std::isinf(*seconds) ? (*seconds > 0 ? "+Inf" : "-Inf")
                                                               : fmt::format("{:f}", *seconds)));
    }
  }
  const Modifiable parts = ModifiableParts(expr);
  if (parts.timestamp_ms == nullptr) {
    AddError(expr->pos(),
             "@ modifier must be preceded by an instant vector selector or range vector selector "
             "or a subquery");
    return true;
  }
  if (*parts.timestamp_ms || *parts.start_or_end != TokenType::kNone) {
    AddError(expr->pos(), "@ <timestamp> may not be set multiple times");
    return true;
  }
  if (seconds) {
    const double ms = std::round(*seconds * 1000);
    *parts.timestamp_ms = std::fabs(ms) < 9.2e18 ? static_cast<int64_t>(ms) : 0;
  } else {
    *parts.start_or_end = preprocessor;
  }
  *parts.end = last_closing_;
  return true;
}

void SyntaxParser::SetExtended(Expr* expr, bool anchored) {
  const std::string_view word = anchored ? "anchored" : "smoothed";
  if (!options_.extended_range_selectors) {
    AddError(expr->pos(), fmt::format("{} modifier is experimental and not enabled", word));
    return;
  }
  VectorSelector* const selector = ModifiableParts(expr).selector;
  if (selector == nullptr) {
    AddError(expr->pos(),
             fmt::format("{} modifier {}", word,
                         expr->kind == ExprKind::kSubquery ? "is not supported for subqueries"
                                                           : "not implemented"));
    return;
  }
  (anchored ? selector->anchored : selector->smoothed) = true;
  if (selector->anchored && selector->smoothed) {
    AddError(expr->pos(), "anchored and smoothed modifiers cannot be used together");
  }
}

SyntaxParser::Parsed SyntaxParser::ParseBrackets(Parsed operand) {
  const Token open = Take();
  ExprPtr range;
  {
    const Scope scope(this, "subquery or range selector", "number, duration, step(), or range()");
    range = ParsePositiveDuration();
    if (range == nullptr) return {};
  }
  const int64_t range_ns =
      range->kind == ExprKind::kNumber ? SecondsToNs(As<NumberLiteral>(*range).value) : 0;
  std::unique_ptr<DurationExpr> range_expr;
  if (range->kind == ExprKind::kDuration) {
    range_expr.reset(static_cast<DurationExpr*>(range.release()));
  }
  if (Accept(TokenType::kColon)) {
    auto subquery = std::make_unique<SubqueryExpr>();
    subquery->range_ns = range_ns;
    subquery->range_expr = std::move(range_expr);
    if (Peek().type != TokenType::kRightBracket) {
      const Scope scope(this, "subquery selector", "number, duration, step(), range(), or \"]\"");
      ExprPtr step = ParsePositiveDuration();
      if (step == nullptr) return {};
      if (step->kind == ExprKind::kNumber) {
        subquery->step_ns = SecondsToNs(As<NumberLiteral>(*step).value);
      } else {
        subquery->step_expr.reset(static_cast<DurationExpr*>(step.release()));
      }
    }
    const Scope scope(this, "subquery selector", "\"]\"");
    if (!Expect(TokenType::kRightBracket)) return {};
    subquery->end_pos = last_closing_;
    subquery->expr = std::move(operand.expr);
    if (TooDeep(operand.depth + 1, open.range())) return {};
    return {std::move(subquery), operand.depth + 1};
  }
  const Scope scope(this, "subquery or range", "\":\" or \"]\"");
  if (!Expect(TokenType::kRightBracket)) return {};
  const PosRange brackets{open.pos, last_closing_};
  if (operand.expr->kind != ExprKind::kVectorSelector) {
    AddError(brackets, "ranges only allowed for vector selectors");
    failed_ = true;  // upstream goes on with a broken tree; nothing after the first error shows
    return {};
  }
  const auto& selector = As<VectorSelector>(*operand.expr);
  if (selector.original_offset_ns != 0 || selector.offset_expr != nullptr) {
    AddError(brackets, "no offset modifiers allowed before range");
  } else if (selector.timestamp_ms || selector.start_or_end != TokenType::kNone) {
    AddError(brackets, "no @ modifiers allowed before range");
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->range_ns = range_ns;
  matrix->range_expr = std::move(range_expr);
  matrix->end_pos = last_closing_;
  matrix->vector = std::move(operand.expr);
  return {std::move(matrix), operand.depth + 1};
}

}  // namespace hearth::promql

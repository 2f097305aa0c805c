// SPDX-License-Identifier: Apache-2.0
#include "promql/syntax.h"

#include <fmt/core.h>

#include <cmath>

#include "base/status.h"
#include "model/labels.h"
#include "promql/literals.h"

namespace hearth::promql {
namespace {

// Binding strength of binary operators, as the grammar's %left and %right lines.
constexpr int kMulPrecedence = 5;
constexpr int kPowPrecedence = 6;

int Precedence(TokenType type) {
  switch (type) {
    case TokenType::kOr:
      return 1;
    case TokenType::kAnd:
    case TokenType::kUnless:
      return 2;
    case TokenType::kEqlC:
    case TokenType::kGte:
    case TokenType::kGtr:
    case TokenType::kLss:
    case TokenType::kLte:
    case TokenType::kNeq:
    case TokenType::kTrimUpper:
    case TokenType::kTrimLower:
      return 3;
    case TokenType::kAdd:
    case TokenType::kSub:
      return 4;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
    case TokenType::kAtan2:
      return kMulPrecedence;
    case TokenType::kPow:
      return kPowPrecedence;
    default:
      return 0;
  }
}

bool IsCallableWord(TokenType type) {
  return type >= TokenType::kStart && type <= TokenType::kMinOf;
}

// Words that may stand where a metric's name is expected.
bool IsMetricWord(TokenType type) {
  return type == TokenType::kIdentifier || type == TokenType::kMetricIdentifier ||
         IsAggregator(type) || IsSetOperator(type) || IsCallableWord(type) ||
         type == TokenType::kBy || type == TokenType::kWithout || type == TokenType::kOffset ||
         type == TokenType::kFill || type == TokenType::kFillLeft ||
         type == TokenType::kFillRight || type == TokenType::kAnchored ||
         type == TokenType::kSmoothed;
}

// Words that may be a label's name in by (…), on (…) and so on.
bool IsLabelWord(TokenType type) {
  return IsMetricWord(type) || IsKeyword(type) || type == TokenType::kAtan2;
}

}  // namespace

const Token& SyntaxParser::Peek() {
  if (!ahead_) {
    ahead_ = lexer_.Next();
    last_ = *ahead_;
    if (ahead_->type == TokenType::kError) {
      AddError({ahead_->pos, static_cast<int32_t>(input_.size())}, lexer_.error());
    }
  }
  return *ahead_;
}

Token SyntaxParser::Take() {
  const Token token = Peek();
  ahead_.reset();
  switch (token.type) {
    case TokenType::kRightBrace:
    case TokenType::kRightParen:
    case TokenType::kRightBracket:
    case TokenType::kDuration:
    case TokenType::kNumber:
      last_closing_ = token.range().end;
      break;
    default:
      break;
  }
  return token;
}

bool SyntaxParser::Accept(TokenType type) {
  if (Peek().type != type) return false;
  Take();
  return true;
}

bool SyntaxParser::Expect(TokenType type) {
  if (Accept(type)) return true;
  Unexpected();
  return false;
}

void SyntaxParser::AddError(PosRange pos, std::string message) {
  errors_.push_back({pos, std::move(message)});
}

void SyntaxParser::Unexpected() {
  if (contexts_.empty()) {
    Unexpected("", "");
  } else {
    Unexpected(contexts_.back().where, contexts_.back().expected);
  }
}

void SyntaxParser::Unexpected(std::string_view where, std::string_view expected) {
  if (failed_) return;
  failed_ = true;
  const Token& token = Peek();
  if (token.type == TokenType::kError) return;  // the lexer's error has been added
  std::string message = "unexpected " + token.Description();
  if (!where.empty()) message += " in " + std::string(where);
  if (!expected.empty()) message += ", expected " + std::string(expected);
  AddError(token.range(), std::move(message));
}

bool SyntaxParser::TooDeep(int depth, PosRange pos) {
  if (depth <= options_.depth_max) return false;
  if (!failed_) {
    AddError(pos,
             fmt::format("expression is nested too deeply, the limit is {}", options_.depth_max));
  }
  failed_ = true;
  return true;
}

ExprPtr SyntaxParser::ParseWhole() {
  if (Peek().type == TokenType::kEof) {
    AddError({}, "no expression found in input");
    return nullptr;
  }
  Parsed parsed = ParseExpr(1);
  if (parsed.expr == nullptr) return nullptr;
  if (Peek().type != TokenType::kEof) {
    Unexpected("", "");
    return nullptr;
  }
  return std::move(parsed.expr);
}

SyntaxParser::Parsed SyntaxParser::ParseExpr(int min_precedence) {
  if (TooDeep(++nesting_, Peek().range())) return {};
  Parsed lhs = ParsePostfixes(ParsePrefix());
  while (lhs.expr != nullptr) {
    const int precedence = Precedence(Peek().type);
    if (precedence == 0 || precedence < min_precedence) break;
    lhs = ParseBinaryRest(std::move(lhs), precedence);
  }
  --nesting_;
  return lhs;
}

SyntaxParser::Parsed SyntaxParser::ParseBinaryRest(Parsed lhs, int precedence) {
  const Token op = Take();
  auto binary = std::make_unique<BinaryExpr>();
  binary->op = op.type;
  binary->matching.emplace();
  if (!ParseMatching(binary.get())) return {};
  Parsed rhs = ParseExpr(op.type == TokenType::kPow ? precedence : precedence + 1);
  if (rhs.expr == nullptr) return {};
  const int depth = std::max(lhs.depth, rhs.depth) + 1;
  if (TooDeep(depth, op.range())) return {};
  binary->lhs = std::move(lhs.expr);
  binary->rhs = std::move(rhs.expr);
  if (!options_.fill_modifiers && (binary->matching->fill_left || binary->matching->fill_right)) {
    AddError(binary->pos(), "binop fill modifiers are experimental and not enabled");
  }
  return {std::move(binary), depth};
}

bool SyntaxParser::ParseMatching(BinaryExpr* expr) {
  VectorMatching& matching = *expr->matching;
  expr->return_bool = Accept(TokenType::kBool);
  const TokenType which = Peek().type;
  if (which == TokenType::kOn || which == TokenType::kIgnoring) {
    Take();
    Grouping grouping = ParseGrouping();
    if (!grouping.ok) return false;
    matching.on = which == TokenType::kOn;
    matching.labels = std::move(grouping.labels);
    const TokenType group = Peek().type;
    if (group == TokenType::kGroupLeft || group == TokenType::kGroupRight) {
      Take();
      matching.cardinality =
          group == TokenType::kGroupLeft ? Cardinality::kManyToOne : Cardinality::kOneToMany;
      if (Peek().type == TokenType::kLeftParen) {
        Grouping include = ParseGrouping();
        if (!include.ok) return false;
        matching.include = std::move(include.labels);
      }
    }
  }
  return ParseFill(&matching);
}

bool SyntaxParser::ParseFill(VectorMatching* matching) {
  std::optional<double>* const left = &matching->fill_left;
  std::optional<double>* const right = &matching->fill_right;
  if (Accept(TokenType::kFill)) {
    if (!ParseFillValue(left)) return false;
    *right = *left;
  } else if (Accept(TokenType::kFillLeft)) {
    return ParseFillValue(left) && (!Accept(TokenType::kFillRight) || ParseFillValue(right));
  } else if (Accept(TokenType::kFillRight)) {
    return ParseFillValue(right) && (!Accept(TokenType::kFillLeft) || ParseFillValue(left));
  }
  return true;
}

bool SyntaxParser::ParseFillValue(std::optional<double>* value) {
  if (!Expect(TokenType::kLeftParen)) return false;
  const std::optional<double> number = ParseSignedNumber();
  if (!number) {
    Unexpected();
    return false;
  }
  *value = number;
  return Expect(TokenType::kRightParen);
}

SyntaxParser::Grouping SyntaxParser::ParseGrouping() {
  Grouping grouping;
  if (Peek().type != TokenType::kLeftParen) {
    Unexpected("grouping opts", "\"(\"");
    return {};
  }
  Take();
  while (!Accept(TokenType::kRightParen)) {
    const TokenType type = Peek().type;
    if (IsLabelWord(type)) {
      grouping.labels.emplace_back(Take().text);
    } else if (type == TokenType::kString) {
      const Token token = Take();
      std::optional<std::string> name = UnquoteToken(token);
      if (!name) return {};
      if (name->empty()) {
        AddError(token.range(), "invalid label name for grouping: \"\"");
      }
      grouping.labels.push_back(*std::move(name));
    } else {
      Unexpected("grouping opts", "label");
      return {};
    }
    if (Peek().type == TokenType::kComma) {
      Take();
    } else if (Peek().type != TokenType::kRightParen) {
      Unexpected("grouping opts", "\",\" or \")\"");
      return {};
    }
  }
  grouping.ok = true;
  return grouping;
}

SyntaxParser::Parsed SyntaxParser::ParsePrefix() {
  const TokenType type = Peek().type;
  if (type == TokenType::kAdd || type == TokenType::kSub) return ParseUnary();
  return ParsePrimary();
}

SyntaxParser::Parsed SyntaxParser::ParseUnary() {
  const Token op = Take();
  Parsed operand = ParseExpr(kPowPrecedence);
  if (operand.expr == nullptr) return {};
  if (operand.expr->kind == ExprKind::kNumber) {
    auto& number = As<NumberLiteral>(*operand.expr);
    if (op.type == TokenType::kSub) number.value *= -1;
    number.range.start = op.pos;
    return operand;
  }
  if (TooDeep(operand.depth + 1, op.range())) return {};
  auto unary = std::make_unique<UnaryExpr>();
  unary->op = op.type;
  unary->start_pos = op.pos;
  unary->expr = std::move(operand.expr);
  return {std::move(unary), operand.depth + 1};
}

SyntaxParser::Parsed SyntaxParser::ParsePrimary() {
  const TokenType type = Peek().type;
  if (type == TokenType::kNumber || type == TokenType::kDuration) return {ParseNumberLiteral()};
  if (type == TokenType::kString) {
    auto literal = std::make_unique<StringLiteral>();
    const Token token = Take();
    literal->range = token.range();
    std::optional<std::string> text = UnquoteToken(token);
    if (!text) return {};
    literal->value = *std::move(text);
    return {std::move(literal)};
  }
  if (type == TokenType::kLeftParen) {
    const Token open = Take();
    Parsed inner = ParseExpr(1);
    if (inner.expr == nullptr) return {};
    if (Peek().type != TokenType::kRightParen) {
      Unexpected();
      return {};
    }
    const Token close = Take();
    auto paren = std::make_unique<ParenExpr>();
    paren->range = {open.pos, close.range().end};
    paren->expr = std::move(inner.expr);
    return {std::move(paren), inner.depth + 1};
  }
  if (type == TokenType::kLeftBrace) return ParseSelector(std::nullopt);
  if (!IsMetricWord(type)) {
    Unexpected();
    return {};
  }
  const Token word = Take();
  const TokenType next = Peek().type;
  if (IsAggregator(type) &&
      (next == TokenType::kLeftParen || next == TokenType::kBy || next == TokenType::kWithout)) {
    return ParseAggregate(word);
  }
  const bool callable = type == TokenType::kIdentifier || IsCallableWord(type);
  if (callable && next == TokenType::kLeftParen) return ParseCall(word);
  return ParseSelector(word);
}

SyntaxParser::Parsed SyntaxParser::ParseAggregate(const Token& op) {
  auto expr = std::make_unique<AggregateExpr>();
  expr->op = op.type;
  std::vector<ExprPtr> args;
  int depth = 0;
  const auto modifier = [this, &expr] {
    const TokenType type = Peek().type;
    if (type != TokenType::kBy && type != TokenType::kWithout) return true;
    Take();
    Grouping grouping = ParseGrouping();
    if (!grouping.ok) return false;
    expr->without = type == TokenType::kWithout;
    expr->grouping = std::move(grouping.labels);
    return true;
  };
  {
    const Scope scope(this, "aggregation", "");
    const bool before = Peek().type != TokenType::kLeftParen;
    if (before && !modifier()) return {};
    if (!ParseArguments(&args, &depth)) return {};
    if (!before && !modifier()) return {};
  }
  if (TooDeep(depth + 1, op.range())) return {};
  return {BuildAggregate(op, std::move(expr), std::move(args)), depth + 1};
}

ExprPtr SyntaxParser::BuildAggregate(const Token& op, std::unique_ptr<AggregateExpr> expr,
                                     std::vector<ExprPtr> args) {
  expr->range = {op.pos, last_closing_};
  if (args.empty()) {
    AddError(expr->range, "no arguments for aggregate expression provided");
    return expr;
  }
  size_t wanted = 1;
  if (IsAggregatorWithParam(op.type)) {
    if (!options_.experimental_functions && IsExperimentalAggregator(op.type)) {
      AddError(expr->range, fmt::format("{}() is experimental and must be enabled with "
                                        "--enable-feature=promql-experimental-functions",
                                        Text(op.type)));
      return expr;
    }
    wanted = 2;
  }
  if (args.size() != wanted) {
    AddError(expr->range,
             fmt::format("wrong number of arguments for aggregate expression provided, "
                         "expected {}, got {}",
                         wanted, args.size()));
    return expr;
  }
  if (wanted == 2) expr->param = std::move(args[0]);
  expr->expr = std::move(args.back());
  return expr;
}

SyntaxParser::Parsed SyntaxParser::ParseCall(const Token& name) {
  auto call = std::make_unique<Call>();
  int depth = 0;
  if (!ParseArguments(&call->args, &depth)) return {};
  call->range = {name.pos, last_closing_};
  call->function = FindFunction(name.text);
  if (call->function == nullptr) {
    AddError(name.range(), fmt::format("unknown function with name {}", model::QuoteGo(name.text)));
    failed_ = true;
    return {};
  }
  if (call->function->experimental && !options_.experimental_functions) {
    AddError(name.range(), fmt::format("function {} is not enabled", model::QuoteGo(name.text)));
  }
  if (TooDeep(depth + 1, name.range())) return {};
  return {std::move(call), depth + 1};
}

bool SyntaxParser::ParseArguments(std::vector<ExprPtr>* args, int* depth) {
  if (!Expect(TokenType::kLeftParen)) return false;
  if (Accept(TokenType::kRightParen)) return true;
  bool more = true;
  while (more) {
    Parsed arg = ParseExpr(1);
    if (arg.expr == nullptr) return false;
    *depth = std::max(*depth, arg.depth);
    args->push_back(std::move(arg.expr));
    more = false;
    while (Peek().type == TokenType::kComma) {
      const Token comma = Take();
      const TokenType next = Peek().type;
      more = next != TokenType::kRightParen && next != TokenType::kComma;
      if (more) break;
      AddError(comma.range(), "trailing commas not allowed in function call args");
    }
  }
  return Expect(TokenType::kRightParen);
}

std::optional<std::string> SyntaxParser::UnquoteToken(const Token& token) {
  absl::StatusOr<std::string> text = Unquote(token.text);
  if (text.ok()) return *std::move(text);
  AddError(token.range(), fmt::format("error unquoting string {}: {}", model::QuoteGo(token.text),
                                      Message(text.status())));
  failed_ = true;
  return std::nullopt;
}

}  // namespace hearth::promql

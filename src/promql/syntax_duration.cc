// SPDX-License-Identifier: Apache-2.0
// Numbers, durations and arithmetic on durations (inside [] and after offset).
#include <cmath>

#include "base/status.h"
#include "model/duration.h"
#include "promql/literals.h"
#include "promql/syntax.h"

namespace hearth::promql {
namespace {

constexpr int kUnaryPrecedence = 3;

int DurationPrecedence(TokenType type) {
  switch (type) {
    case TokenType::kAdd:
    case TokenType::kSub:
      return 1;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
      return 2;
    case TokenType::kPow:
      return kUnaryPrecedence;
    default:
      return 0;
  }
}

// Beyond 64 bits of nanoseconds.
bool OutOfRange(double seconds) {
  constexpr double kLimit = 9223372036854775808.0 / 1e9;
  return seconds > kLimit || seconds < -kLimit;
}

bool IsSign(TokenType type) { return type == TokenType::kAdd || type == TokenType::kSub; }
bool IsDurationWord(TokenType type) {
  return type == TokenType::kStep || type == TokenType::kRange || type == TokenType::kMinOf ||
         type == TokenType::kMaxOf;
}

ExprPtr Zero(PosRange pos) {
  auto zero = std::make_unique<NumberLiteral>();
  zero->range = pos;
  return zero;
}

ExprPtr WrapInParentheses(ExprPtr expr, PosRange pos) {
  if (expr->kind == ExprKind::kDuration) {
    As<DurationExpr>(*expr).wrapped = true;
    return expr;
  }
  auto wrapper = std::make_unique<DurationExpr>();
  wrapper->op = TokenType::kAdd;
  wrapper->wrapped = true;
  wrapper->start_pos = pos.start;
  wrapper->end_pos = pos.end;
  wrapper->rhs = std::move(expr);
  return wrapper;
}

ExprPtr Negate(ExprPtr expr, int32_t start_pos) {
  auto negated = std::make_unique<DurationExpr>();
  negated->op = TokenType::kSub;
  negated->start_pos = start_pos;
  negated->rhs = std::move(expr);
  return negated;
}

}  // namespace

// NUMBER or DURATION; null (and an error) on anything else.
ExprPtr SyntaxParser::ParseNumberLiteral() {
  const TokenType type = Peek().type;
  if (type != TokenType::kNumber && type != TokenType::kDuration) {
    Unexpected();
    return nullptr;
  }
  const Token token = Take();
  auto literal = std::make_unique<NumberLiteral>();
  literal->range = token.range();
  if (type == TokenType::kDuration) {
    literal->duration = true;
    const absl::StatusOr<int64_t> ms = model::ParseDurationMs(token.text);
    if (ms.ok()) {
      // Go's Duration.Seconds(): whole seconds and the rest apart.
      const int64_t ns = *ms * 1'000'000;
      literal->value =
          static_cast<double>(ns / 1'000'000'000) + static_cast<double>(ns % 1'000'000'000) / 1e9;
    } else {
      AddError(token.range(), Message(ms.status()));
    }
    return literal;
  }
  const absl::StatusOr<double> value = ParseNumber(token.text);
  if (value.ok()) {
    literal->value = *value;
  } else {
    AddError(token.range(), "error parsing number: " + Message(value.status()));
  }
  return literal;
}

// Nothing where no number begins here (no error is added then).
std::optional<double> SyntaxParser::ParseSignedNumber() {
  TokenType sign = TokenType::kAdd;
  if (IsSign(Peek().type)) sign = Take().type;
  const TokenType type = Peek().type;
  if (type != TokenType::kNumber && type != TokenType::kDuration) return std::nullopt;
  const ExprPtr literal = ParseNumberLiteral();
  const double value = As<NumberLiteral>(*literal).value;
  return sign == TokenType::kSub ? -value : value;
}

void SyntaxParser::RequireDurationExpr(const Expr& expr) {
  if (options_.duration_expressions) return;
  AddError(expr.pos(), "experimental duration expression is not enabled");
}

ExprPtr SyntaxParser::CheckedLiteral(ExprPtr literal, PosRange pos) {
  if (literal == nullptr || !OutOfRange(As<NumberLiteral>(*literal).value)) return literal;
  AddError(pos, "duration out of range");
  return Zero(pos);
}

ExprPtr SyntaxParser::ParsePositiveDuration() {
  ExprPtr expr = ParseDurationExpr(1);
  if (expr == nullptr || expr->kind != ExprKind::kNumber) return expr;
  if (As<NumberLiteral>(*expr).value <= 0) {
    AddError(expr->pos(), "duration must be greater than 0");
    return Zero(expr->pos());
  }
  return expr;
}

// After `offset`, arithmetic needs parentheses: `foo offset -2^2` is (foo offset -2)^2.
ExprPtr SyntaxParser::ParseOffsetDuration() {
  const TokenType type = Peek().type;
  if (type == TokenType::kNumber || type == TokenType::kDuration) {
    ExprPtr literal = ParseNumberLiteral();
    const PosRange pos = literal->pos();
    return CheckedLiteral(std::move(literal), pos);
  }
  if (IsDurationWord(type)) return ParseDurationCall();
  if (!IsSign(type)) return ParseDurationExpr(1);
  const Token sign = Take();
  const TokenType next = Peek().type;
  if (next == TokenType::kNumber || next == TokenType::kDuration) {
    ExprPtr literal = ParseNumberLiteral();
    auto& number = As<NumberLiteral>(*literal);
    if (sign.type == TokenType::kSub) number.value *= -1;
    number.range.start = sign.pos;
    return CheckedLiteral(std::move(literal), sign.range());
  }
  ExprPtr operand;
  if (IsDurationWord(next)) {
    operand = ParseDurationCall();
    if (operand == nullptr) return nullptr;
    auto signed_call = std::make_unique<DurationExpr>();
    signed_call->op = sign.type;
    signed_call->start_pos = sign.pos;
    signed_call->rhs = std::move(operand);
    return signed_call;
  }
  if (next == TokenType::kLeftParen) {
    Take();
    operand = ParseDurationExpr(1);
    if (operand == nullptr || !Expect(TokenType::kRightParen)) return nullptr;
    const PosRange pos = operand->pos();
    operand = WrapInParentheses(std::move(operand), pos);
    return sign.type == TokenType::kSub ? Negate(std::move(operand), sign.pos) : std::move(operand);
  }
  operand = ParseDurationExpr(kUnaryPrecedence);
  if (operand == nullptr) return nullptr;
  if (sign.type == TokenType::kSub) return Negate(std::move(operand), sign.pos);
  return operand;
}

ExprPtr SyntaxParser::ParseDurationExpr(int min_precedence) {
  if (TooDeep(++nesting_, Peek().range())) return nullptr;
  ExprPtr lhs = ParseDurationOperand();
  int chain = 0;
  while (lhs != nullptr) {
    const int precedence = DurationPrecedence(Peek().type);
    if (precedence == 0 || precedence < min_precedence) break;
    const Token op = Take();
    if (TooDeep(nesting_ + ++chain, op.range())) return nullptr;
    ExprPtr rhs = ParseDurationExpr(op.type == TokenType::kPow ? precedence : precedence + 1);
    if (rhs == nullptr) return nullptr;
    RequireDurationExpr(*lhs);
    const bool zero = rhs->kind == ExprKind::kNumber && As<NumberLiteral>(*rhs).value == 0;
    if (zero && (op.type == TokenType::kDiv || op.type == TokenType::kMod)) {
      AddError(op.range(), op.type == TokenType::kDiv ? "division by zero" : "modulo by zero");
      lhs = Zero(op.range());
      continue;
    }
    auto binary = std::make_unique<DurationExpr>();
    binary->op = op.type;
    binary->lhs = std::move(lhs);
    binary->rhs = std::move(rhs);
    lhs = std::move(binary);
  }
  --nesting_;
  return lhs;
}

ExprPtr SyntaxParser::ParseDurationOperand() {
  const TokenType type = Peek().type;
  if (IsDurationWord(type)) return ParseDurationCall();
  if (type == TokenType::kLeftParen) return ParseParenDuration();
  if (IsSign(type)) {
    const Token sign = Take();
    ExprPtr operand = ParseDurationExpr(kUnaryPrecedence);
    if (operand == nullptr) return nullptr;
    if (operand->kind == ExprKind::kDuration) {
      return sign.type == TokenType::kSub ? Negate(std::move(operand), sign.pos)
                                          : std::move(operand);
    }
    auto& number = As<NumberLiteral>(*operand);
    if (sign.type == TokenType::kSub) number.value *= -1;
    number.range.start = sign.pos;
    return CheckedLiteral(std::move(operand), sign.range());
  }
  ExprPtr literal = ParseNumberLiteral();
  if (literal == nullptr) return nullptr;
  const PosRange pos = literal->pos();
  return CheckedLiteral(std::move(literal), pos);
}

ExprPtr SyntaxParser::ParseDurationCall() {
  const Token word = Take();
  auto call = std::make_unique<DurationExpr>();
  call->op = word.type;
  call->start_pos = word.pos;
  if (!Expect(TokenType::kLeftParen)) return nullptr;
  if (word.type == TokenType::kMinOf || word.type == TokenType::kMaxOf) {
    call->lhs = ParseDurationExpr(1);
    if (call->lhs == nullptr || !Expect(TokenType::kComma)) return nullptr;
    call->rhs = ParseDurationExpr(1);
    if (call->rhs == nullptr) return nullptr;
  }
  if (!Expect(TokenType::kRightParen)) return nullptr;
  call->end_pos = last_closing_;
  RequireDurationExpr(*call);
  return call;
}

ExprPtr SyntaxParser::ParseParenDuration() {
  const Token open = Take();
  ExprPtr inner = ParseDurationExpr(1);
  if (inner == nullptr || !Expect(TokenType::kRightParen)) return nullptr;
  RequireDurationExpr(*inner);
  return WrapInParentheses(std::move(inner), {open.pos, last_closing_});
}

}  // namespace hearth::promql

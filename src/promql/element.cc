// SPDX-License-Identifier: Apache-2.0
#include "promql/element.h"

#include <cmath>

namespace hearth::promql {
namespace {

bool Compare(TokenType op, double left, double right) {
  switch (op) {
    case TokenType::kEqlC:
      return left == right;
    case TokenType::kNeq:
      return left != right;
    case TokenType::kGtr:
      return left > right;
    case TokenType::kLss:
      return left < right;
    case TokenType::kGte:
      return left >= right;
    case TokenType::kLte:
      return left <= right;
    default:
      return false;
  }
}

double Arithmetic(TokenType op, double left, double right) {
  switch (op) {
    case TokenType::kAdd:
      return left + right;
    case TokenType::kSub:
      return left - right;
    case TokenType::kMul:
      return left * right;
    case TokenType::kDiv:
      return left / right;
    case TokenType::kPow:
      return std::pow(left, right);
    case TokenType::kMod:
      return std::fmod(left, right);
    case TokenType::kAtan2:
      return std::atan2(left, right);
    default:
      return 0;
  }
}

std::string_view TypeName(const Element& element) {
  return element.histogram == nullptr ? "float" : "histogram";
}

ElementResult Incompatible(TokenType op, const Element& left, const Element& right, PosRange pos,
                           Annotations* notes) {
  notes->IncompatibleTypes(TypeName(left), Text(op), TypeName(right), pos);
  return {{}, false, false};
}

ElementResult Scaled(const FloatHistogram& histogram, TokenType op, double factor) {
  auto result = std::make_shared<FloatHistogram>(histogram);
  switch (op) {
    case TokenType::kMul:
      result->Multiply(factor);
      result->Compact();
      break;
    case TokenType::kDiv:
      result->Divide(factor);
      result->Compact();
      break;
    default:
      result->Trim(factor, op == TokenType::kTrimUpper);
      break;
  }
  return {{0, std::move(result)}, true, true};
}

ElementResult BothHistograms(TokenType op, const Element& left, const Element& right, PosRange pos,
                             Annotations* notes) {
  if (op == TokenType::kEqlC || op == TokenType::kNeq) {
    const bool equal = left.histogram->Equals(*right.histogram);
    return {{0, left.histogram}, equal == (op == TokenType::kEqlC), true};
  }
  if (op != TokenType::kAdd && op != TokenType::kSub) {
    return Incompatible(op, left, right, pos, notes);
  }
  const bool add = op == TokenType::kAdd;
  auto result = std::make_shared<FloatHistogram>(*left.histogram);
  const CombineOutcome outcome =
      add ? Add(result.get(), *right.histogram) : Subtract(result.get(), *right.histogram);
  if (outcome.incompatible) {
    notes->IncompatibleBucketLayout(Text(op), pos);
    return {{}, false, false};
  }
  const std::string_view name = add ? "addition" : "subtraction";
  if (outcome.reset_collision) {  // a warning, and the element is dropped
    notes->CounterResetCollision(name, pos);
    return {{}, false, false};
  }
  if (outcome.bounds_reconciled) notes->MismatchedCustomBuckets(name, pos);
  if (!add) result->hint = CounterResetHint::kGauge;
  result->Compact();
  return {{0, std::move(result)}, true, true};
}

}  // namespace

bool ChangesMeaning(TokenType op) {
  switch (op) {
    case TokenType::kAdd:
    case TokenType::kSub:
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kPow:
    case TokenType::kMod:
    case TokenType::kAtan2:
      return true;
    default:
      return false;
  }
}

double ScalarOperation(TokenType op, double left, double right) {
  if (IsComparison(op)) return Compare(op, left, right) ? 1 : 0;
  return Arithmetic(op, left, right);
}

ElementResult ElementOperation(TokenType op, const Element& left, const Element& right,
                               PosRange pos, Annotations* notes) {
  const bool trim = op == TokenType::kTrimUpper || op == TokenType::kTrimLower;
  if (left.histogram == nullptr && right.histogram == nullptr) {
    if (trim) return Incompatible(op, left, right, pos, notes);
    if (IsComparison(op))
      return {{left.value, nullptr}, Compare(op, left.value, right.value), true};
    return {{Arithmetic(op, left.value, right.value), nullptr}, true, true};
  }
  if (left.histogram != nullptr && right.histogram != nullptr) {
    return BothHistograms(op, left, right, pos, notes);
  }
  if (left.histogram == nullptr) {
    if (op != TokenType::kMul) return Incompatible(op, left, right, pos, notes);
    return Scaled(*right.histogram, op, left.value);
  }
  if (op != TokenType::kMul && op != TokenType::kDiv && !trim) {
    return Incompatible(op, left, right, pos, notes);
  }
  return Scaled(*left.histogram, op, right.value);
}

}  // namespace hearth::promql

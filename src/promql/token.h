// SPDX-License-Identifier: Apache-2.0
// The words of PromQL: what the lexer emits, and which of them are operators, aggregations or
// keywords. Syntax trees name their operators by these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::promql {

enum class TokenType : uint8_t {
  kNone,
  kError,
  kEof,
  kComment,
  kIdentifier,
  kMetricIdentifier,
  kNumber,
  kDuration,
  kString,
  // Punctuation.
  kEql,
  kColon,
  kComma,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kLeftParen,
  kRightParen,
  // Operators: kAdd … kAtan2.
  kAdd,
  kDiv,
  kEqlC,
  kEqlRegex,
  kGte,
  kGtr,
  kTrimUpper,  // </
  kTrimLower,  // >/
  kAnd,
  kOr,
  kLss,
  kLte,
  kUnless,
  kMod,
  kMul,
  kNeq,
  kNeqRegex,
  kPow,
  kSub,
  kAt,
  kAtan2,
  // Aggregations: kAvg … kLimitRatio.
  kAvg,
  kBottomK,
  kCount,
  kCountValues,
  kGroup,
  kMax,
  kMin,
  kQuantile,
  kStddev,
  kStdvar,
  kSum,
  kTopK,
  kLimitK,
  kLimitRatio,
  // Keywords: kBool … kWithout.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,
  // Words with a meaning of their own only before "(": kStart … kMinOf.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

bool IsOperator(TokenType type);
bool IsAggregator(TokenType type);
bool IsAggregatorWithParam(TokenType type);  // topk, bottomk, count_values, quantile, limit…
bool IsExperimentalAggregator(TokenType type);
bool IsKeyword(TokenType type);
bool IsComparison(TokenType type);
bool IsSetOperator(TokenType type);
// The word or sign as it is written ("+", "sum", "group_left"); "" for classes such as kString.
std::string_view Text(TokenType type);
// The keyword that `word` is in any case, else kNone. "inf" and "nan" are kNumber.
TokenType LookupKeyword(std::string_view word);

}  // namespace hearth::promql

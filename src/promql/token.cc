// SPDX-License-Identifier: Apache-2.0
#include "promql/token.h"

#include <array>
#include <utility>

#include "base/string_map.h"
#include "base/text.h"

namespace hearth::promql {
namespace {

constexpr std::array<std::pair<TokenType, std::string_view>, 26> kSigns = {{
    {TokenType::kEql, "="},          {TokenType::kColon, ":"},      {TokenType::kComma, ","},
    {TokenType::kLeftBrace, "{"},    {TokenType::kRightBrace, "}"}, {TokenType::kLeftBracket, "["},
    {TokenType::kRightBracket, "]"}, {TokenType::kLeftParen, "("},  {TokenType::kRightParen, ")"},
    {TokenType::kAdd, "+"},          {TokenType::kDiv, "/"},        {TokenType::kEqlC, "=="},
    {TokenType::kEqlRegex, "=~"},    {TokenType::kGte, ">="},       {TokenType::kGtr, ">"},
    {TokenType::kTrimUpper, "</"},   {TokenType::kTrimLower, ">/"}, {TokenType::kLss, "<"},
    {TokenType::kLte, "<="},         {TokenType::kMod, "%"},        {TokenType::kMul, "*"},
    {TokenType::kNeq, "!="},         {TokenType::kNeqRegex, "!~"},  {TokenType::kPow, "^"},
    {TokenType::kSub, "-"},          {TokenType::kAt, "@"},
}};

constexpr std::array<std::pair<TokenType, std::string_view>, 37> kWords = {{
    {TokenType::kAnd, "and"},
    {TokenType::kOr, "or"},
    {TokenType::kUnless, "unless"},
    {TokenType::kAtan2, "atan2"},
    {TokenType::kSum, "sum"},
    {TokenType::kAvg, "avg"},
    {TokenType::kCount, "count"},
    {TokenType::kMin, "min"},
    {TokenType::kMax, "max"},
    {TokenType::kGroup, "group"},
    {TokenType::kStddev, "stddev"},
    {TokenType::kStdvar, "stdvar"},
    {TokenType::kTopK, "topk"},
    {TokenType::kBottomK, "bottomk"},
    {TokenType::kCountValues, "count_values"},
    {TokenType::kQuantile, "quantile"},
    {TokenType::kLimitK, "limitk"},
    {TokenType::kLimitRatio, "limit_ratio"},
    {TokenType::kOffset, "offset"},
    {TokenType::kSmoothed, "smoothed"},
    {TokenType::kAnchored, "anchored"},
    {TokenType::kBy, "by"},
    {TokenType::kWithout, "without"},
    {TokenType::kOn, "on"},
    {TokenType::kIgnoring, "ignoring"},
    {TokenType::kGroupLeft, "group_left"},
    {TokenType::kGroupRight, "group_right"},
    {TokenType::kFill, "fill"},
    {TokenType::kFillLeft, "fill_left"},
    {TokenType::kFillRight, "fill_right"},
    {TokenType::kBool, "bool"},
    {TokenType::kStart, "start"},
    {TokenType::kEnd, "end"},
    {TokenType::kStep, "step"},
    {TokenType::kRange, "range"},
    {TokenType::kMaxOf, "max_of"},
    {TokenType::kMinOf, "min_of"},
}};

const StringMap<TokenType>& Keywords() {
  static const auto* const keywords = [] {
    auto* map = new StringMap<TokenType>;
    for (const auto& [type, word] : kWords) map->emplace(word, type);
    map->emplace("inf", TokenType::kNumber);
    map->emplace("nan", TokenType::kNumber);
    return map;
  }();
  return *keywords;
}

}  // namespace

bool IsOperator(TokenType type) { return type >= TokenType::kAdd && type <= TokenType::kAtan2; }
bool IsAggregator(TokenType type) {
  return type >= TokenType::kAvg && type <= TokenType::kLimitRatio;
}
bool IsAggregatorWithParam(TokenType type) {
  return type == TokenType::kTopK || type == TokenType::kBottomK ||
         type == TokenType::kCountValues || type == TokenType::kQuantile ||
         IsExperimentalAggregator(type);
}
bool IsExperimentalAggregator(TokenType type) {
  return type == TokenType::kLimitK || type == TokenType::kLimitRatio;
}
bool IsKeyword(TokenType type) { return type >= TokenType::kBool && type <= TokenType::kWithout; }
bool IsComparison(TokenType type) {
  return type == TokenType::kEqlC || type == TokenType::kNeq || type == TokenType::kLte ||
         type == TokenType::kLss || type == TokenType::kGte || type == TokenType::kGtr;
}
bool IsSetOperator(TokenType type) {
  return type == TokenType::kAnd || type == TokenType::kOr || type == TokenType::kUnless;
}

std::string_view Text(TokenType type) {
  for (const auto& [sign, text] : kSigns) {
    if (sign == type) return text;
  }
  for (const auto& [word, text] : kWords) {
    if (word == type) return text;
  }
  return "";
}

TokenType LookupKeyword(std::string_view word) {
  const auto found = Keywords().find(ToLowerAscii(word));
  return found == Keywords().end() ? TokenType::kNone : found->second;
}

}  // namespace hearth::promql

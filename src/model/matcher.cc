// SPDX-License-Identifier: Apache-2.0
#include "model/matcher.h"

#include <re2/re2.h>

#include <algorithm>

#include "base/status.h"
#include "model/labels.h"

namespace hearth::model {
namespace {

// Memory that one compiled pattern may take; RE2's default is 8 MiB, a user has no need of it.
constexpr int64_t kRegexMemoryMax = 4 << 20;

// The words of Go's regexp/syntax for what RE2 found wrong: users know them from Prometheus.
std::string_view GoReason(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

std::vector<std::string> LiteralAlternatives(std::string_view pattern) {
  if (pattern.find_first_of("\\.+*?()[]{}^$") != std::string_view::npos) return {};
  std::vector<std::string> literals;
  for (const std::string_view piece : Split(pattern, '|')) literals.emplace_back(piece);
  return literals;
}

}  // namespace

std::string_view Operator(MatchType type) {
  switch (type) {
    case MatchType::kEqual:
      return "=";
    case MatchType::kNotEqual:
      return "!=";
    case MatchType::kRegex:
      return "=~";
    case MatchType::kNotRegex:
      return "!~";
  }
  return "=";
}

absl::StatusOr<AnchoredRegex> AnchoredRegex::Compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryMax);
  // Alone first: "a)|(b" is no pattern, although it would become one between our parentheses.
  const RE2 alone(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!alone.ok()) {
    return InvalidArgument("error parsing regexp: {}: `{}`", GoReason(alone.error_code()),
                           alone.error_arg());
  }
  const std::string anchored = "^(?s:" + std::string(pattern) + ")$";
  auto compiled = std::make_shared<RE2>(anchored, options);
  if (!compiled->ok()) {
    return InvalidArgument("error parsing regexp: {}: `{}`", GoReason(compiled->error_code()),
                           compiled->error_arg());
  }
  AnchoredRegex regex;
  regex.regex_ = std::move(compiled);
  return regex;
}

bool AnchoredRegex::Matches(std::string_view text) const {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex_);
}

absl::StatusOr<Matcher> Matcher::Make(MatchType type, std::string_view name,
                                      std::string_view value) {
  Matcher matcher(type, name, value);
  if (type == MatchType::kRegex || type == MatchType::kNotRegex) {
    matcher.literals_ = LiteralAlternatives(value);
    if (matcher.literals_.empty()) {
      TRY_ASSIGN(AnchoredRegex regex, AnchoredRegex::Compile(value));
      matcher.regex_ = std::make_shared<AnchoredRegex>(std::move(regex));
    }
  }
  return matcher;
}

Matcher Matcher::Equal(std::string_view name, std::string_view value) {
  return Matcher(MatchType::kEqual, name, value);
}

bool Matcher::Matches(std::string_view label_value) const {
  switch (type_) {
    case MatchType::kEqual:
      return label_value == value_;
    case MatchType::kNotEqual:
      return label_value != value_;
    case MatchType::kRegex:
    case MatchType::kNotRegex:
      break;
  }
  const bool matched = regex_ != nullptr ? regex_->Matches(label_value)
                                         : std::find(literals_.begin(), literals_.end(),
                                                     label_value) != literals_.end();
  return matched == (type_ == MatchType::kRegex);
}

std::string Matcher::ToString() const {
  const std::string name = IsLegacyLabelName(name_) ? name_ : QuoteGo(name_);
  return name + std::string(Operator(type_)) + QuoteGo(value_);
}

}  // namespace hearth::model

// SPDX-License-Identifier: Apache-2.0
// PromQL text to tokens, one at a time, as prometheus/promql/parser/lex.go does: what a character
// means depends on whether a brace or a bracket is open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "promql/ast.h"
#include "promql/token.h"

namespace hearth::promql {

struct Token {
  TokenType type = TokenType::kNone;
  int32_t pos = 0;
  std::string_view text;  // of the input; of Lexer::error() for kError
  PosRange range() const { return {pos, pos + static_cast<int32_t>(text.size())}; }
  // How error messages name it: `identifier "foo"`, `<op:+>`, `end of input`.
  std::string Description() const;
};

// `input` must outlive the lexer and its tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}
  // Comments are skipped. After kError or kEof it returns kEof.
  Token Next();
  const std::string& error() const { return error_; }

 private:
  enum class State : uint8_t { kStatements, kBraces, kDuration, kEnd };
  static constexpr int32_t kEofRune = -1;

  int32_t NextRune();
  int32_t PeekRune();
  void Backup() { pos_ -= width_; }
  bool Accept(std::string_view valid);
  bool Is(std::string_view valid);
  void AcceptRun(std::string_view valid);
  void SkipSpaces();

  Token Emit(TokenType type);
  Token Fail(std::string message);
  Token Statement();
  Token Operator(int32_t rune, bool* handled);
  Token Compared(TokenType plain, TokenType equal, TokenType slash);
  Token Bracketed(int32_t rune, bool* handled);
  Token InsideBraces();
  Token DurationPart();
  Token QuotedString(int32_t quote);
  bool Escape(int32_t quote);
  Token RawString();
  Token NumberOrDuration();
  bool ScanNumber();
  bool ScanRestOfDuration();
  bool ScanDurationKeyword(TokenType* type);
  Token KeywordOrIdentifier();
  bool FollowedByParenthesis() const;

  const std::string_view input_;
  size_t pos_ = 0;
  size_t start_ = 0;
  size_t width_ = 0;
  State state_ = State::kStatements;
  int parenthesis_depth_ = 0;
  bool bracket_open_ = false;
  bool got_colon_ = false;
  bool got_duration_ = false;
  std::string error_;
};

// A rune as Go's %q prints it: 'x'. Negative (end of input) is the replacement character.
std::string QuoteRune(int32_t rune);

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
#include "promql/lexer.h"

#include <fmt/core.h>

#include "base/text.h"
#include "model/labels.h"

namespace hearth::promql {
namespace {

constexpr int32_t kRuneError = 0xfffd;
constexpr std::string_view kDigits = "0123456789";

bool IsSpace(int32_t r) { return r == ' ' || r == '\t' || r == '\n' || r == '\r'; }
bool IsDigit(int32_t r) { return r >= '0' && r <= '9'; }
bool IsAlpha(int32_t r) { return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z'); }
bool IsAlphaNumeric(int32_t r) { return IsAlpha(r) || IsDigit(r); }
bool StartsDurationKeyword(int32_t r) {
  const int32_t lower = r | 0x20;
  return IsAlpha(r) && (lower == 's' || lower == 'r' || lower == 'm');
}

int DigitValue(int32_t r) {
  if (r >= '0' && r <= '9') return r - '0';
  if (r >= 'a' && r <= 'f') return r - 'a' + 10;
  if (r >= 'A' && r <= 'F') return r - 'A' + 10;
  return 16;
}

std::string RuneText(int32_t rune) {
  const auto r = static_cast<uint32_t>(rune < 0 ? kRuneError : rune);
  std::string out;
  if (r < 0x80) {
    out.push_back(static_cast<char>(r));
  } else if (r < 0x800) {
    out = {static_cast<char>(0xc0 | r >> 6), static_cast<char>(0x80 | (r & 0x3f))};
  } else if (r < 0x10000) {
    out = {static_cast<char>(0xe0 | r >> 12), static_cast<char>(0x80 | (r >> 6 & 0x3f)),
           static_cast<char>(0x80 | (r & 0x3f))};
  } else {
    out = {static_cast<char>(0xf0 | r >> 18), static_cast<char>(0x80 | (r >> 12 & 0x3f)),
           static_cast<char>(0x80 | (r >> 6 & 0x3f)), static_cast<char>(0x80 | (r & 0x3f))};
  }
  return out;
}

// Go's %#U: U+0061 'a'.
std::string UnicodeName(int32_t rune) {
  return fmt::format("U+{:04X} '{}'", static_cast<uint32_t>(rune), RuneText(rune));
}

std::string_view ClassName(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
      return "identifier";
    case TokenType::kMetricIdentifier:
      return "metric identifier";
    case TokenType::kString:
      return "string";
    case TokenType::kNumber:
      return "number";
    case TokenType::kDuration:
      return "duration";
    default:
      return "error";
  }
}

// As Go's %.10q… for what is longer than ten bytes.
std::string ShortQuote(std::string_view text) {
  if (text.size() <= 10) return model::QuoteGo(text);
  size_t end = 0;
  for (int runes = 0; end < text.size() && runes < 10; ++runes) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
  }
  return model::QuoteGo(text.substr(0, end)) + "...";
}

}  // namespace

std::string QuoteRune(int32_t rune) {
  if (rune < 0) return "'\\ufffd'";
  if (rune == '\'') return "'\\''";
  if (rune == '"') return "'\"'";
  const std::string quoted = model::QuoteGo(RuneText(rune));
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

std::string Token::Description() const {
  if (type == TokenType::kEof) return "end of input";
  const bool identifier = type == TokenType::kIdentifier || type == TokenType::kMetricIdentifier;
  if (!Text(type).empty()) {
    if (IsKeyword(type)) return fmt::format("<{}>", text);
    if (IsOperator(type)) return fmt::format("<op:{}>", text);
    if (IsAggregator(type)) return fmt::format("<aggr:{}>", text);
    return ShortQuote(text);
  }
  return fmt::format("{} {}", ClassName(type),
                     identifier ? model::QuoteGo(text) : ShortQuote(text));
}

int32_t Lexer::NextRune() {
  if (pos_ >= input_.size()) {
    width_ = 0;
    return kEofRune;
  }
  const auto first = static_cast<unsigned char>(input_[pos_]);
  width_ = 1;
  if (first < 0x80) {
    ++pos_;
    return first;
  }
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (!IsValidUtf8(input_.substr(pos_, size)) || input_.size() - pos_ < size) {
    ++pos_;
    return kRuneError;
  }
  uint32_t rune = size == 4 ? first & 0x07u : size == 3 ? first & 0x0fu : first & 0x1fu;
  for (size_t i = 1; i < size; ++i) {
    rune = rune << 6 | (static_cast<unsigned char>(input_[pos_ + i]) & 0x3fu);
  }
  width_ = size;
  pos_ += size;
  return static_cast<int32_t>(rune);
}

int32_t Lexer::PeekRune() {
  const int32_t rune = NextRune();
  Backup();
  return rune;
}

bool Lexer::Accept(std::string_view valid) {
  if (!Is(valid)) return false;
  NextRune();
  return true;
}

bool Lexer::Is(std::string_view valid) {
  const int32_t rune = PeekRune();
  return rune >= 0 && rune < 0x80 && valid.find(static_cast<char>(rune)) != std::string_view::npos;
}

void Lexer::AcceptRun(std::string_view valid) {
  while (Accept(valid)) {
  }
}

void Lexer::SkipSpaces() {
  while (IsSpace(PeekRune())) NextRune();
  start_ = pos_;
}

Token Lexer::Emit(TokenType type) {
  const Token token{type, static_cast<int32_t>(start_), input_.substr(start_, pos_ - start_)};
  start_ = pos_;
  return token;
}

Token Lexer::Fail(std::string message) {
  error_ = std::move(message);
  state_ = State::kEnd;
  return {TokenType::kError, static_cast<int32_t>(start_), error_};
}

Token Lexer::Next() {
  for (;;) {
    if (state_ == State::kEnd) return {TokenType::kEof, static_cast<int32_t>(start_), {}};
    if (state_ == State::kDuration) {
      SkipSpaces();
      return DurationPart();
    }
    if (IsSpace(PeekRune())) {
      SkipSpaces();
      continue;
    }
    if (input_.substr(pos_).starts_with('#')) {
      for (int32_t r = NextRune(); r != '\n' && r != '\r' && r != kEofRune;) r = NextRune();
      Backup();
      start_ = pos_;
      continue;
    }
    return state_ == State::kBraces ? InsideBraces() : Statement();
  }
}

Token Lexer::Compared(TokenType plain, TokenType equal, TokenType slash) {
  if (Accept("=")) return Emit(equal);
  if (slash != TokenType::kNone && Accept("/")) return Emit(slash);
  return Emit(plain);
}

Token Lexer::Operator(int32_t rune, bool* handled) {
  *handled = true;
  switch (rune) {
    case ',':
      return Emit(TokenType::kComma);
    case '*':
      return Emit(TokenType::kMul);
    case '/':
      return Emit(TokenType::kDiv);
    case '%':
      return Emit(TokenType::kMod);
    case '+':
      return Emit(TokenType::kAdd);
    case '-':
      return Emit(TokenType::kSub);
    case '^':
      return Emit(TokenType::kPow);
    case '@':
      return Emit(TokenType::kAt);
    case '=':
      if (Is("~")) return Fail("unexpected character after '=': '~'");
      return Compared(TokenType::kEql, TokenType::kEqlC, TokenType::kNone);
    case '!':
      if (const int32_t next = NextRune(); next != '=') {
        return Fail("unexpected character after '!': " + QuoteRune(next));
      }
      return Emit(TokenType::kNeq);
    case '<':
      return Compared(TokenType::kLss, TokenType::kLte, TokenType::kTrimUpper);
    case '>':
      return Compared(TokenType::kGtr, TokenType::kGte, TokenType::kTrimLower);
    default:
      *handled = false;
      return {};
  }
}

// Parentheses, braces, brackets.
Token Lexer::Bracketed(int32_t rune, bool* handled) {
  *handled = true;
  switch (rune) {
    case '(':
      ++parenthesis_depth_;
      return Emit(TokenType::kLeftParen);
    case ')':
      // Upstream emits the parenthesis and the error both; the error is what is reported.
      if (--parenthesis_depth_ < 0) {
        start_ = pos_;
        return Fail("unexpected right parenthesis ')'");
      }
      return Emit(TokenType::kRightParen);
    case '{':
      state_ = State::kBraces;
      return Emit(TokenType::kLeftBrace);
    case '[':
      if (bracket_open_) return Fail("unexpected left bracket '['");
      bracket_open_ = true;
      got_colon_ = false;
      state_ = State::kDuration;
      return Emit(TokenType::kLeftBracket);
    case ']':
      if (!bracket_open_) return Fail("unexpected right bracket ']'");
      bracket_open_ = false;
      return Emit(TokenType::kRightBracket);
    default:
      *handled = false;
      return {};
  }
}

Token Lexer::Statement() {
  const int32_t r = NextRune();
  if (r == kEofRune) {
    if (parenthesis_depth_ != 0) return Fail("unclosed left parenthesis");
    if (bracket_open_) return Fail("unclosed left bracket");
    state_ = State::kEnd;
    return Emit(TokenType::kEof);
  }
  bool handled = false;
  if (const Token token = Operator(r, &handled); handled) return token;
  if (const Token token = Bracketed(r, &handled); handled) return token;
  if (IsDigit(r) || (r == '.' && IsDigit(PeekRune()))) {
    Backup();
    if (r == '.') pos_ = start_;
    return NumberOrDuration();
  }
  if (r == '"' || r == '\'') return QuotedString(r);
  if (r == '`') return RawString();
  if (IsAlpha(r) || r == ':') {
    if (!bracket_open_) {
      Backup();
      return KeywordOrIdentifier();
    }
    if (r == ':') {
      if (got_colon_) return Fail("unexpected colon ':'");
      got_colon_ = true;
      return Emit(TokenType::kColon);
    }
    TokenType keyword = TokenType::kNone;
    if (StartsDurationKeyword(r) && ScanDurationKeyword(&keyword)) return Emit(keyword);
    return Fail(fmt::format("unexpected character: {}, expected ':'", QuoteRune(r)));
  }
  return Fail("unexpected character: " + QuoteRune(r));
}

Token Lexer::InsideBraces() {
  const int32_t r = NextRune();
  if (r == kEofRune) return Fail("unexpected end of input inside braces");
  if (IsAlpha(r)) {
    while (IsAlphaNumeric(PeekRune())) NextRune();
    return Emit(TokenType::kIdentifier);
  }
  switch (r) {
    case ',':
      return Emit(TokenType::kComma);
    case '"':
    case '\'':
      return QuotedString(r);
    case '`':
      return RawString();
    case '=':
      return Accept("~") ? Emit(TokenType::kEqlRegex) : Emit(TokenType::kEql);
    case '!': {
      const int32_t next = NextRune();
      if (next == '~') return Emit(TokenType::kNeqRegex);
      if (next == '=') return Emit(TokenType::kNeq);
      return Fail("unexpected character after '!' inside braces: " + QuoteRune(next));
    }
    case '{':
      return Fail("unexpected left brace '{'");
    case '}':
      state_ = State::kStatements;
      return Emit(TokenType::kRightBrace);
    default:
      return Fail("unexpected character inside braces: " + QuoteRune(r));
  }
}

// What may follow "[" until the first number.
Token Lexer::DurationPart() {
  const int32_t r = NextRune();
  if (r == kEofRune) return Fail("unexpected end of input in duration expression");
  if (r == ']') {
    bracket_open_ = false;
    got_colon_ = false;
    state_ = State::kStatements;
    return Emit(TokenType::kRightBracket);
  }
  if (r == ':') {
    // Upstream has emitted the colon before it finds the error: the position is behind it.
    if (!got_duration_ || got_colon_) start_ = pos_;
    if (!got_duration_) return Fail("unexpected colon before duration in duration expression");
    if (got_colon_) return Fail("unexpected repeated colon in duration expression");
    got_colon_ = true;
    return Emit(TokenType::kColon);
  }
  bool handled = false;
  if (r == '(' || r == ')') return Bracketed(r, &handled);
  if (r == '+' || r == '-' || r == '*' || r == '/' || r == '%' || r == '^' || r == ',') {
    return Operator(r, &handled);
  }
  TokenType keyword = TokenType::kNone;
  if (StartsDurationKeyword(r) && ScanDurationKeyword(&keyword)) return Emit(keyword);
  if (IsDigit(r) || (r == '.' && IsDigit(PeekRune()))) {
    pos_ = start_;
    got_duration_ = true;
    state_ = State::kStatements;
    return NumberOrDuration();
  }
  return Fail("unexpected character in duration expression: " + QuoteRune(r));
}

// False: error_ says why.
bool Lexer::Escape(int32_t quote) {
  int32_t ch = NextRune();
  size_t n = 0;
  uint32_t base = 16;
  uint32_t max = 0x10ffff;
  if (ch == quote ||
      (ch > 0 &&
       std::string_view("abfnrtv\\").find(static_cast<char>(ch)) != std::string_view::npos &&
       ch < 0x80)) {
    return true;
  }
  if (ch >= '0' && ch <= '7') {
    n = 3;
    base = 8;
    max = 255;
  } else if (ch == 'x' || ch == 'u' || ch == 'U') {
    n = ch == 'x' ? 2 : ch == 'u' ? 4 : 8;
    if (ch == 'x') max = 255;
    ch = NextRune();
  } else {
    error_ = ch == kEofRune ? "escape sequence not terminated"
                            : "unknown escape sequence " + UnicodeName(ch);
    return false;
  }
  uint64_t value = 0;
  for (; n > 0; --n) {
    const auto digit = static_cast<uint32_t>(DigitValue(ch));
    if (digit >= base) {
      error_ = ch == kEofRune
                   ? "escape sequence not terminated"
                   : fmt::format("illegal character {} in escape sequence", UnicodeName(ch));
      return false;
    }
    value = value * base + digit;
    if (n > 1) ch = NextRune();
  }
  if (value > max || (value >= 0xd800 && value < 0xe000)) {
    error_ = "escape sequence is an invalid Unicode code point";
    return false;
  }
  return true;
}

Token Lexer::QuotedString(int32_t quote) {
  for (;;) {
    const int32_t r = NextRune();
    if (r == '\\') {
      if (!Escape(quote)) return Fail(std::move(error_));
    } else if (r == kRuneError) {
      return Fail("invalid UTF-8 rune");
    } else if (r == kEofRune || r == '\n') {
      return Fail("unterminated quoted string");
    } else if (r == quote) {
      return Emit(TokenType::kString);
    }
  }
}

Token Lexer::RawString() {
  for (;;) {
    const int32_t r = NextRune();
    if (r == kRuneError) return Fail("invalid UTF-8 rune");
    if (r == kEofRune) return Fail("unterminated raw string");
    if (r == '`') return Emit(TokenType::kString);
  }
}

Token Lexer::NumberOrDuration() {
  if (ScanNumber()) return Emit(TokenType::kNumber);
  if (ScanRestOfDuration()) return Emit(TokenType::kDuration);
  // What ScanRestOfDuration() refused has been read: it belongs into the message.
  return Fail("bad number or duration syntax: " +
              model::QuoteGo(input_.substr(start_, pos_ - start_)));
}

bool Lexer::ScanRestOfDuration() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (Accept(kDigits)) {
    AcceptRun(kDigits);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (IsAlphaNumeric(NextRune())) return false;
  Backup();
  return true;
}

bool Lexer::ScanNumber() {
  const size_t begin = pos_;
  std::string_view digits = kDigits;
  if (Accept("0") && Accept("xX")) {
    Accept("_");
    digits = "0123456789abcdefABCDEF";
  }
  const bool hex = digits.size() > 10;
  const std::string more = std::string(digits) + "._eE";
  Accept(".");
  Accept(digits);
  bool dot = false;
  bool exponent = false;
  while (Is(more)) {
    if (Is(".") && dot) {
      Accept(".");
      return false;
    }
    if (Is("eE") && exponent) {
      Accept("eE");
      return false;
    }
    if (Accept(".")) {
      dot = true;
      if (Accept("_.") || hex) return false;
    } else if (Accept("eE")) {
      exponent = true;
      Accept("+-");
      if (Accept("._eE") || PeekRune() == kEofRune) return false;
    } else if (Accept("_")) {
      if (Accept("._eE") || PeekRune() == kEofRune) return false;
    } else {
      AcceptRun(digits);
    }
  }
  return pos_ != begin && !IsAlphaNumeric(PeekRune());
}

bool Lexer::ScanDurationKeyword(TokenType* type) {
  while (IsAlpha(PeekRune())) NextRune();
  const std::string word = ToLowerAscii(input_.substr(start_, pos_ - start_));
  *type = LookupKeyword(word);
  return *type == TokenType::kStep || *type == TokenType::kRange || *type == TokenType::kMaxOf ||
         *type == TokenType::kMinOf;
}

bool Lexer::FollowedByParenthesis() const {
  for (size_t i = pos_; i < input_.size(); ++i) {
    if (!IsSpace(static_cast<unsigned char>(input_[i]))) return input_[i] == '(';
  }
  return false;
}

Token Lexer::KeywordOrIdentifier() {
  while (IsAlphaNumeric(PeekRune()) || PeekRune() == ':') NextRune();
  const std::string_view word = input_.substr(start_, pos_ - start_);
  const TokenType keyword = LookupKeyword(word);
  // fill and its kin are ordinary names unless "(" follows, so that old queries keep working.
  const bool fill = keyword == TokenType::kFill || keyword == TokenType::kFillLeft ||
                    keyword == TokenType::kFillRight;
  if (fill && !FollowedByParenthesis()) return Emit(TokenType::kIdentifier);
  if (keyword != TokenType::kNone) return Emit(keyword);
  return Emit(word.find(':') == std::string_view::npos ? TokenType::kIdentifier
                                                       : TokenType::kMetricIdentifier);
}

}  // namespace hearth::promql

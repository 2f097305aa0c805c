// SPDX-License-Identifier: Apache-2.0
#include "rules/template_lexer.h"

#include <fmt/core.h>

#include <algorithm>

#include "model/labels.h"

namespace hearth::rules {
namespace {

using Type = TemplateTokenType;

constexpr std::string_view kLeft = "{{";
constexpr std::string_view kRight = "}}";
constexpr std::string_view kSpaces = " \t\r\n";
constexpr size_t kTrimMarker = 2;  // "- " after the left delimiter, " -" before the right one

bool IsSpace(char c) { return kSpaces.find(c) != std::string_view::npos; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Bytes above ASCII count as letters, but for the ones that Go knows as spaces (see Inside).
bool IsAlphaNumeric(char c) {
  return c == '_' || IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

Type KeywordOf(std::string_view word) {
  static constexpr std::pair<std::string_view, Type> kWords[] = {{"block", Type::kBlock},
                                                                 {"break", Type::kBreak},
                                                                 {"continue", Type::kContinue},
                                                                 {"define", Type::kDefine},
                                                                 {"else", Type::kElse},
                                                                 {"end", Type::kEnd},
                                                                 {"if", Type::kIf},
                                                                 {"nil", Type::kNil},
                                                                 {"range", Type::kRange},
                                                                 {"template", Type::kTemplate},
                                                                 {"with", Type::kWith}};
  for (const auto& [text, type] : kWords) {
    if (text == word) return type;
  }
  return Type::kIdentifier;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<TemplateToken> Run() {
    while (!done_) {
      if (inside_) {
        Inside();
      } else {
        Outside();
      }
    }
    return std::move(tokens_);
  }

 private:
  void Emit(Type type) {
    const std::string_view text = text_.substr(start_, at_ - start_);
    tokens_.push_back({type, start_, line_, std::string(text)});
    Skip();
    if (type == Type::kEof) done_ = true;
  }
  // What is between start_ and at_ is gone; its lines count.
  void Skip() {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(start_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    start_ = at_;
  }
  void Fail(std::string message) {
    tokens_.push_back({Type::kError, start_, line_, std::move(message)});
    done_ = true;
  }
  std::string_view Rest() const { return text_.substr(at_); }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool AtEnd() const { return at_ >= text_.size(); }

  bool HasTrimMarkerBefore(std::string_view rest) const {
    return rest.size() >= kTrimMarker && IsSpace(rest[0]) && rest[1] == '-';
  }
  // True where the right delimiter is next; `trim` where it has a marker.
  bool AtRightDelim(bool* trim) const {
    *trim = false;
    if (HasTrimMarkerBefore(Rest()) && Rest().substr(kTrimMarker).starts_with(kRight)) {
      *trim = true;
      return true;
    }
    return Rest().starts_with(kRight);
  }

  void Outside() {
    const size_t open = text_.find(kLeft, at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
      if (at_ > start_) Emit(Type::kText);
      return Emit(Type::kEof);
    }
    const std::string_view after = text_.substr(open + kLeft.size());
    const bool trim = after.size() >= kTrimMarker && after[0] == '-' && IsSpace(after[1]);
    size_t end = open;
    if (trim) {
      while (end > start_ && IsSpace(text_[end - 1])) --end;
    }
    at_ = end;
    if (at_ > start_) Emit(Type::kText);
    at_ = open;
    Skip();
    at_ = open + kLeft.size();
    const size_t marker = trim ? kTrimMarker : 0;
    if (text_.substr(at_ + marker).starts_with("/*")) {
      at_ += marker;
      Skip();
      return Comment();
    }
    Emit(Type::kLeftDelim);
    at_ += marker;
    Skip();
    inside_ = true;
    parens_ = 0;
  }

  void TrimAfterRightDelim() {
    while (!AtEnd() && IsSpace(Peek())) ++at_;
    Skip();
  }

  void Comment() {
    const size_t close = text_.find("*/", at_ + 2);
    if (close == std::string_view::npos) return Fail("unclosed comment");
    at_ = close + 2;
    bool trim = false;
    if (!AtRightDelim(&trim)) return Fail("comment ends before closing delimiter");
    at_ += (trim ? kTrimMarker : 0) + kRight.size();
    Skip();
    if (trim) TrimAfterRightDelim();
  }

  void RightDelim(bool trim) {
    if (trim) {
      at_ += kTrimMarker;
      Skip();
    }
    at_ += kRight.size();
    Emit(Type::kRightDelim);
    if (trim) TrimAfterRightDelim();
    inside_ = false;
  }

  void Inside() {
    bool trim = false;
    if (AtRightDelim(&trim)) {
      if (parens_ > 0) return Fail("unclosed left paren");
      return RightDelim(trim);
    }
    if (AtEnd()) return Fail("unclosed action");
    const char c = text_[at_++];
    if (IsSpace(c)) return Space();
    switch (c) {
      case '=':
        return Emit(Type::kAssign);
      case ':':
        if (Peek() != '=') return Fail("expected :=");
        ++at_;
        return Emit(Type::kDeclare);
      case '|':
        return Emit(Type::kPipe);
      case '"':
        return Quoted('"', Type::kString, "unterminated quoted string");
      case '`':
        return Raw();
      case '$':
        return Name(Type::kVariable);
      case '\'':
        return Quoted('\'', Type::kCharConstant, "unterminated character constant");
      case '(':
        ++parens_;
        return Emit(Type::kLeftParen);
      case ')':
        if (--parens_ < 0) return Fail("unexpected right paren");
        return Emit(Type::kRightParen);
      default:
        return Word(c);
    }
  }

  void Word(char c) {
    if (c == '.' && !(at_ < text_.size() && IsDigit(text_[at_]))) return Name(Type::kField);
    if (c == '+' || c == '-' || c == '.' || IsDigit(c)) {
      --at_;
      return Number();
    }
    if (IsAlphaNumeric(c) && !Rest().empty() && text_.substr(at_ - 1, 2) == "\xc2\xa0") {
      return Fail("unrecognized character in action: U+00A0");
    }
    if (IsAlphaNumeric(c)) {
      --at_;
      return Identifier();
    }
    if (c >= 0x20 && c < 0x7f) return Emit(Type::kChar);
    Fail(fmt::format("unrecognized character in action: U+{:04X}",
                     static_cast<unsigned>(static_cast<unsigned char>(c))));
  }

  void Space() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    // The last space may begin the right delimiter's trim marker.
    if (at_ > start_ + 1 && Rest().starts_with("-}}")) --at_;
    Emit(Type::kSpace);
  }

  void Quoted(char quote, Type type, std::string_view unterminated) {
    for (;;) {
      if (AtEnd() || Peek() == '\n') return Fail(std::string(unterminated));
      const char c = text_[at_++];
      if (c == quote) return Emit(type);
      if (c != '\\') continue;
      if (AtEnd() || Peek() == '\n') return Fail(std::string(unterminated));
      ++at_;
    }
  }
  void Raw() {
    const size_t close = text_.find('`', at_);
    if (close == std::string_view::npos) return Fail("unterminated raw quoted string");
    at_ = close + 1;
    Emit(Type::kRawString);
  }

  bool AtTerminator() const {
    if (AtEnd() || IsSpace(Peek())) return true;
    return std::string_view(".,|:()").find(Peek()) != std::string_view::npos ||
           Rest().starts_with(kRight);
  }
  std::string BadCharacter() const {
    const char c = Peek();
    return fmt::format("bad character U+{:04X}{}",
                       static_cast<unsigned>(static_cast<unsigned char>(c)),
                       c >= 0x20 && c < 0x7f ? fmt::format(" '{}'", c) : "");
  }

  // After '.' or '$'.
  void Name(Type type) {
    if (AtTerminator()) return Emit(type == Type::kVariable ? type : Type::kDot);
    while (!AtEnd() && IsAlphaNumeric(Peek())) ++at_;
    if (!AtTerminator()) return Fail(BadCharacter());
    Emit(type);
  }

  void Identifier() {
    while (!AtEnd() && IsAlphaNumeric(Peek())) ++at_;
    if (!AtTerminator()) return Fail(BadCharacter());
    const std::string_view word = text_.substr(start_, at_ - start_);
    if (word == "true" || word == "false") return Emit(Type::kBool);
    Emit(KeywordOf(word));
  }

  void Number() {
    const auto accept = [this](std::string_view set) {
      if (AtEnd() || set.find(Peek()) == std::string_view::npos) return false;
      ++at_;
      return true;
    };
    accept("+-");
    std::string_view digits = "0123456789_";
    if (accept("0")) {
      if (accept("xX")) {
        digits = "0123456789abcdefABCDEF_";
      } else if (accept("oO")) {
        digits = "01234567_";
      } else if (accept("bB")) {
        digits = "01_";
      }
    }
    while (accept(digits)) {
    }
    if (accept(".")) {
      while (accept(digits)) {
      }
    }
    const bool exponent =
        (digits.size() == 11 && accept("eE")) || (digits.size() == 23 && accept("pP"));
    if (exponent) {
      accept("+-");
      while (accept("0123456789_")) {
      }
    }
    if (!AtEnd() && IsAlphaNumeric(Peek())) {
      ++at_;
      return Fail("bad number syntax: " + model::QuoteGo(text_.substr(start_, at_ - start_)));
    }
    Emit(Type::kNumber);
  }

  const std::string_view text_;
  std::vector<TemplateToken> tokens_;
  size_t start_ = 0;
  size_t at_ = 0;
  int line_ = 1;
  int parens_ = 0;
  bool inside_ = false;
  bool done_ = false;
};

}  // namespace

std::string TemplateToken::Describe() const {
  constexpr size_t kShown = 10;
  if (type == Type::kEof) return "EOF";
  if (type == Type::kError) return text;
  if (type > Type::kKeyword) return "<" + text + ">";
  if (text.size() > kShown) return model::QuoteGo(text.substr(0, kShown)) + "...";
  return model::QuoteGo(text);
}

std::vector<TemplateToken> LexTemplate(std::string_view text) { return Lexer(text).Run(); }

}  // namespace hearth::rules

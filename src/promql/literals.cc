// SPDX-License-Identifier: Apache-2.0
// Numbers and quoted strings: how Prometheus (through Go's strconv) reads them.
#include "promql/literals.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "base/text.h"
#include "model/labels.h"
#include "promql/parser.h"

namespace hearth::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t rune, std::string* out) {
  if (rune < 0x80) {
    out->push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out->push_back(static_cast<char>(0xc0 | rune >> 6));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  } else if (rune < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | rune >> 12));
    out->push_back(static_cast<char>(0x80 | (rune >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | rune >> 18));
    out->push_back(static_cast<char>(0x80 | (rune >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (rune >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  }
}

// The value of `count` digits of `base` from `*at` on; false where there are fewer.
bool ReadDigits(std::string_view text, size_t count, int base, size_t* at, uint32_t* value) {
  if (text.size() - *at < count) return false;
  const char* const begin = text.data() + *at;
  const auto [end, error] = std::from_chars(begin, begin + count, *value, base);
  if (error != std::errc() || end != begin + count) return false;
  *at += count;
  return true;
}

// One escape; `*at` is behind the backslash.
bool UnquoteEscape(std::string_view text, char quote, size_t* at, std::string* out) {
  if (*at >= text.size()) return false;
  const char c = text[(*at)++];
  constexpr std::string_view kNames = "abfnrtv\\";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
  if (const size_t i = kNames.find(c); i != std::string_view::npos) {
    out->push_back(kValues[i]);
    return true;
  }
  uint32_t value = 0;
  if (c == quote) {
    out->push_back(c);
  } else if (c == 'x') {
    if (!ReadDigits(text, 2, 16, at, &value)) return false;
    out->push_back(static_cast<char>(value));
  } else if (c == 'u' || c == 'U') {
    if (!ReadDigits(text, c == 'u' ? 4 : 8, 16, at, &value)) return false;
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
    AppendUtf8(value, out);
  } else if (c >= '0' && c <= '7') {
    --*at;
    if (!ReadDigits(text, 3, 8, at, &value) || value > 255) return false;
    out->push_back(static_cast<char>(value));
  } else {
    return false;
  }
  return true;
}

// Go: underscores only between digits (a base prefix counts as one).
bool UnderscoresOk(std::string_view text) {
  char before = '^';
  size_t i = 0;
  bool hex = false;
  if (text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    before = '0';
    i = 2;
    hex = true;
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const char lower = static_cast<char>(c | 0x20);
    if (IsDigit(c) || (hex && lower >= 'a' && lower <= 'f')) {
      before = '0';
    } else if (c == '_') {
      if (before != '0') return false;
      before = '_';
    } else {
      if (before == '_') return false;
      before = '!';
    }
  }
  return before != '_';
}

bool ParseWholeNumber(std::string_view text, double* value) {
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const bool hex = text[1] == 'x' || text[1] == 'X';
    base = hex ? 16 : 8;
    text.remove_prefix(hex ? 2 : 1);
  }
  int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole, base);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  *value = static_cast<double>(whole);
  return true;
}

}  // namespace

absl::StatusOr<double> ParseNumber(std::string_view text) {
  std::string plain;
  if (text.find('_') != std::string_view::npos) {
    if (!UnderscoresOk(text)) {
      return InvalidArgument("strconv.ParseFloat: parsing {}: invalid syntax",
                             model::QuoteGo(text));
    }
    for (const char c : text) {
      if (c != '_') plain.push_back(c);
    }
  } else {
    plain = text;
  }
  double value = 0;
  if (ParseWholeNumber(plain, &value)) return value;
  const std::string lower = ToLowerAscii(plain);
  if (lower == "inf") return std::numeric_limits<double>::infinity();
  if (lower == "nan") return std::bit_cast<double>(uint64_t{0x7ff8000000000001});
  const char* const end = plain.data() + plain.size();
  const auto parsed = std::from_chars(plain.data(), end, value);
  if (parsed.ptr != end || plain.empty() || parsed.ec == std::errc::invalid_argument) {
    return InvalidArgument("strconv.ParseFloat: parsing {}: invalid syntax", model::QuoteGo(text));
  }
  if (parsed.ec == std::errc::result_out_of_range) {
    // from_chars does not say which side: tiny numbers are zero, as in Go; large ones an error.
    const size_t exponent = lower.find('e');
    if (exponent != std::string::npos && lower.find('-', exponent) != std::string::npos) return 0.0;
    if (exponent == std::string::npos && lower.starts_with("0.")) return 0.0;
    return InvalidArgument("strconv.ParseFloat: parsing {}: value out of range",
                           model::QuoteGo(text));
  }
  return value;
}

absl::StatusOr<std::string> Unquote(std::string_view quoted) {
  const auto bad = [] { return InvalidArgument("invalid syntax"); };
  if (quoted.size() < 2 || quoted.front() != quoted.back()) return bad();
  const char quote = quoted.front();
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') {
    if (text.find('`') != std::string_view::npos) return bad();
    return std::string(text);
  }
  if (quote != '"' && quote != '\'') return bad();
  if (text.find('\n') != std::string_view::npos) return bad();
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i++];
    if (c == quote) return bad();
    if (c != '\\') {
      out.push_back(c);
    } else if (!UnquoteEscape(text, quote, &i, &out)) {
      return bad();
    }
  }
  return out;
}

}  // namespace hearth::promql

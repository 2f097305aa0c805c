// SPDX-License-Identifier: Apache-2.0
// fmt.Sprint and fmt.Sprintf of Go, for the types that templates have.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "codec/go_float.h"
#include "model/labels.h"
#include "rules/template_functions.h"

namespace hearth::rules {
namespace {

using Value = TemplateValue;

// Wider fields than this are cut: `%999999999d` must not fill the memory (Go's own limit is 1e6).
constexpr int kWidthMax = 1000;

struct Directive {
  bool plus = false;
  bool minus = false;
  bool sharp = false;
  bool space = false;
  bool zero = false;
  int width = -1;
  int precision = -1;
  char verb = 0;
};

size_t CountCharacters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80 ? 1 : 0;
  return count;
}

std::string Pad(const Directive& d, std::string text, bool number) {
  const size_t size = CountCharacters(text);
  if (d.width < 0 || static_cast<size_t>(d.width) <= size) return text;
  const size_t missing = static_cast<size_t>(d.width) - size;
  if (d.minus) return text + std::string(missing, ' ');
  if (!d.zero || !number) return std::string(missing, ' ') + text;
  const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
  return text.insert(sign, missing, '0');
}

std::string BadVerb(const Directive& d, const Value& value) {
  return fmt::format("%!{}({}={})", d.verb, value.valid() ? value.TypeName() : "<nil>",
                     value.valid() ? value.Print() : "");
}

std::string Utf8(int64_t code) {
  const auto c = static_cast<uint32_t>(code);
  if (code < 0 || code > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return "\xef\xbf\xbd";
  std::string out;
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
  return out;
}

std::string Integer(const Directive& d, int64_t value) {
  std::string digits;
  const uint64_t magnitude =
      value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string prefix;
  switch (d.verb) {
    case 'b':
      digits = fmt::format("{:b}", magnitude);
      if (d.sharp) prefix = "0b";
      break;
    case 'o':
    case 'O':
      digits = fmt::format("{:o}", magnitude);
      prefix = d.verb == 'O' ? "0o" : d.sharp ? "0" : "";
      break;
    case 'x':
      digits = fmt::format("{:x}", magnitude);
      if (d.sharp) prefix = "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", magnitude);
      if (d.sharp) prefix = "0X";
      break;
    default:
      digits = std::to_string(magnitude);
  }
  if (d.precision >= 0 && digits.size() < static_cast<size_t>(d.precision)) {
    digits.insert(0, static_cast<size_t>(d.precision) - digits.size(), '0');
  }
  const std::string sign = value < 0 ? "-" : d.plus ? "+" : d.space ? " " : "";
  return Pad(d, sign + prefix + digits, d.precision < 0);
}

std::string Float(const Directive& d, double value) {
  std::string text;
  if (std::isnan(value)) {
    text = "NaN";
  } else if (std::isinf(value)) {
    text = value > 0 ? "+Inf" : "-Inf";
  } else if (d.precision < 0 && (d.verb == 'v' || d.verb == 'g' || d.verb == 'G')) {
    codec::AppendGoGeneral(value, &text);
  } else {
    const char verb = d.verb == 'v' ? 'g' : d.verb == 'F' ? 'f' : d.verb;
    const std::string format = std::string(d.sharp ? "%#" : "%") + ".*" + verb;
    char buffer[1400];  // %f of 1e308 with kWidthMax digits
    std::snprintf(buffer, sizeof(buffer), format.c_str(), d.precision < 0 ? 6 : d.precision, value);
    text = buffer;
  }
  const bool finite = std::isfinite(value);
  if (finite && value >= 0 && !text.starts_with('-')) {
    text.insert(0, d.plus ? "+" : d.space ? " " : "");
  }
  return Pad(d, std::move(text), finite);
}

std::string Text(const Directive& d, std::string text) {
  if (d.precision >= 0 && d.verb != 'x' && d.verb != 'X') {
    size_t bytes = 0;
    for (int left = d.precision; bytes < text.size() && left > 0; --left) {
      do {
        ++bytes;
      } while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0U) == 0x80);
    }
    text.resize(bytes);
  }
  switch (d.verb) {
    case 'q':
      return Pad(
          d,
          d.sharp && text.find('`') == std::string::npos ? "`" + text + "`" : model::QuoteGo(text),
          false);
    case 'x':
    case 'X': {
      std::string out;
      for (const char c : text) {
        out += d.verb == 'x' ? fmt::format("{:02x}", static_cast<unsigned char>(c))
                             : fmt::format("{:02X}", static_cast<unsigned char>(c));
      }
      return Pad(d, std::move(out), false);
    }
    default:
      return Pad(d, std::move(text), false);
  }
}

std::string FormatOne(const Directive& d, const Value& value) {
  if (d.verb == 'T') return Pad(d, value.valid() ? value.TypeName() : "<nil>", false);
  if (!value.valid()) return d.verb == 'v' ? Pad(d, "<nil>", false) : BadVerb(d, value);
  if (const auto* number = value.As<int64_t>()) {
    switch (d.verb) {
      case 'v':
      case 'd':
      case 'b':
      case 'o':
      case 'O':
      case 'x':
      case 'X':
        return Integer(d, *number);
      case 'c':
        return Pad(d, Utf8(*number), false);
      case 'q':
        return Pad(d, "'" + Utf8(*number) + "'", false);
      case 'U':
        return Pad(d, fmt::format("U+{:04X}", static_cast<uint64_t>(*number)), false);
      default:
        return BadVerb(d, value);
    }
  }
  if (const auto* number = value.As<double>()) {
    static constexpr std::string_view kVerbs = "veEfFgG";
    return kVerbs.find(d.verb) != std::string_view::npos ? Float(d, *number) : BadVerb(d, value);
  }
  if (const auto* boolean = value.As<bool>()) {
    if (d.verb != 'v' && d.verb != 't') return BadVerb(d, value);
    return Pad(d, *boolean ? "true" : "false", false);
  }
  const bool as_text =
      d.verb == 'v' || d.verb == 's' || d.verb == 'q' || d.verb == 'x' || d.verb == 'X';
  if (!as_text) return BadVerb(d, value);
  const std::string* text = value.text();
  if (text != nullptr && d.verb == 'v' && d.sharp) return Pad(d, model::QuoteGo(*text), false);
  return Text(d, value.Print());
}

// One Sprintf call.
class Formatter {
 public:
  Formatter(std::string_view format, FunctionArgs args) : format_(format), args_(args) {}

  std::string Run() {
    while (at_ < format_.size()) {
      const size_t percent = format_.find('%', at_);
      out_ += format_.substr(at_, percent - at_);
      if (percent == std::string_view::npos) break;
      at_ = percent + 1;
      Directive d;
      ReadFlags(&d);
      ReadWidth(&d);
      ReadPrecision(&d);
      if (at_ >= format_.size()) {
        out_ += "%!(NOVERB)";
        break;
      }
      d.verb = format_[at_++];
      if (d.verb == '%') {
        out_ += '%';
      } else if (next_ >= args_.size()) {
        out_ += fmt::format("%!{}(MISSING)", d.verb);
      } else {
        out_ += FormatOne(d, args_[next_++]);
      }
    }
    Extra();
    return std::move(out_);
  }

 private:
  bool At(char c) const { return at_ < format_.size() && format_[at_] == c; }
  bool AtDigit() const {
    return at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9';
  }
  void ReadFlags(Directive* d) {
    for (; at_ < format_.size(); ++at_) {
      switch (format_[at_]) {
        case '+':
          d->plus = true;
          break;
        case '-':
          d->minus = true;
          break;
        case '#':
          d->sharp = true;
          break;
        case ' ':
          d->space = true;
          break;
        case '0':
          d->zero = true;
          break;
        default:
          return;
      }
    }
  }
  int Digits() {
    int number = 0;
    for (; AtDigit(); ++at_) number = std::min(number * 10 + (format_[at_] - '0'), kWidthMax);
    return number;
  }
  // `*`: an argument says it. False where that is no small whole number.
  bool Star(int* number) {
    ++at_;
    const auto* given = next_ < args_.size() ? args_[next_].As<int64_t>() : nullptr;
    ++next_;
    if (given == nullptr || *given > kWidthMax || *given < -kWidthMax) return false;
    *number = static_cast<int>(*given);
    return true;
  }
  void ReadWidth(Directive* d) {
    if (AtDigit()) d->width = Digits();
    if (!At('*')) return;
    int width = 0;
    if (!Star(&width)) out_ += "%!(BADWIDTH)";
    d->minus = d->minus || width < 0;
    d->width = std::abs(width);
  }
  void ReadPrecision(Directive* d) {
    if (!At('.')) return;
    ++at_;
    if (!At('*')) {
      d->precision = Digits();
    } else if (!Star(&d->precision) || d->precision < 0) {
      d->precision = -1;
      out_ += "%!(BADPREC)";
    }
  }
  void Extra() {
    if (next_ >= args_.size()) return;
    out_ += "%!(EXTRA ";
    for (size_t i = next_; i < args_.size(); ++i) {
      if (i > next_) out_ += ", ";
      out_ += args_[i].valid() ? args_[i].TypeName() + "=" + args_[i].Print() : "<nil>";
    }
    out_ += ")";
  }

  const std::string_view format_;
  const FunctionArgs args_;
  std::string out_;
  size_t at_ = 0;
  size_t next_ = 0;
};

}  // namespace

std::string PrintGo(FunctionArgs args) {
  std::string out;
  bool previous_text = true;
  for (size_t i = 0; i < args.size(); ++i) {
    // Spaces go between operands when neither is a string.
    const bool text = args[i].text() != nullptr;
    if (i > 0 && !text && !previous_text) out += ' ';
    out += args[i].valid() ? args[i].Print() : "<nil>";
    previous_text = text;
  }
  return out;
}

std::string FormatGo(std::string_view format, FunctionArgs args) {
  return Formatter(format, args).Run();
}

}  // namespace hearth::rules

// SPDX-License-Identifier: Apache-2.0
#include "codec/go_float.h"

#include <absl/strings/charconv.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/text.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Up to 15 digits are exact in a double and need no general algorithm.
bool ParseShortInteger(std::string_view digits, double* value) {
  if (digits.empty() || digits.size() > 15) return false;
  int64_t number = 0;
  for (const char c : digits) {
    if (!IsDigit(c)) return false;
    number = number * 10 + (c - '0');
  }
  *value = static_cast<double>(number);
  return true;
}

bool ParseSpecial(std::string_view text, bool has_sign, double* value) {
  if (EqualsIgnoreCaseAscii(text, "inf") || EqualsIgnoreCaseAscii(text, "infinity")) {
    *value = std::numeric_limits<double>::infinity();
    return true;
  }
  if (has_sign || !EqualsIgnoreCaseAscii(text, "nan")) return false;  // Go: a NaN has no sign
  *value = model::NormalNan();
  return true;
}

bool ParseDecimal(std::string_view text, double* value) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *value, std::chars_format::general);
  if (at != end || error == std::errc::invalid_argument) return false;
  if (error == std::errc()) return true;
  // Out of range: Go takes what underflows as (almost) zero and refuses what overflows.
  const auto again = absl::from_chars(text.data(), end, *value, absl::chars_format::general);
  return again.ptr == end && std::fabs(*value) < 1;
}

// False where there are no digits to print.
bool AppendSpecial(double value, std::string* out) {
  if (std::isnan(value)) {
    out->append("NaN");
  } else if (std::isinf(value)) {
    out->append(value > 0 ? "+Inf" : "-Inf");
  } else {
    return false;
  }
  return true;
}

// The shortest digits that read back as `value`, and where the point stands: 0.digits * 10^point.
struct Digits {
  bool negative = false;
  char text[32];
  int count = 0;
  int point = 0;
};

Digits ShortestDigits(double value) {
  Digits digits;
  char buffer[64];
  const char* end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const char* p = buffer;
  if (*p == '-') {
    digits.negative = true;
    ++p;
  }
  for (; *p != 'e'; ++p) {
    if (*p != '.') digits.text[digits.count++] = *p;
  }
  ++p;
  if (*p == '+') ++p;  // from_chars knows no plus
  std::from_chars(p, end, digits.point);
  ++digits.point;
  return digits;
}

// std::to_chars in fixed notation prints every digit of a large number; Go fills up with zeros.
void AppendFixedDigits(const Digits& digits, std::string* out) {
  if (digits.negative) out->push_back('-');
  const std::string_view text(digits.text, static_cast<size_t>(digits.count));
  if (digits.point <= 0) {
    const bool zero = text == "0";
    out->append(zero ? "0" : "0.");
    if (zero) return;
    out->append(static_cast<size_t>(-digits.point), '0');
    out->append(text);
  } else if (digits.point >= digits.count) {
    out->append(text);
    out->append(static_cast<size_t>(digits.point - digits.count), '0');
  } else {
    out->append(text.substr(0, static_cast<size_t>(digits.point)));
    out->push_back('.');
    out->append(text.substr(static_cast<size_t>(digits.point)));
  }
}

}  // namespace

bool ParseGoFloat(std::string_view text, double* value) {
  std::string_view rest = text;
  const bool has_sign = !rest.empty() && (rest[0] == '-' || rest[0] == '+');
  const bool negative = has_sign && rest[0] == '-';
  if (has_sign) rest.remove_prefix(1);
  if (rest.empty()) return false;
  bool good = false;
  if (IsDigit(rest[0]) || rest[0] == '.') {
    good = ParseShortInteger(rest, value) || ParseDecimal(rest, value);
  } else {
    good = ParseSpecial(rest, has_sign, value);
  }
  if (good && negative) *value = -*value;
  return good;
}

void AppendGoFixed(double value, std::string* out) {
  if (AppendSpecial(value, out)) return;
  // Counters and times are mostly whole numbers; those that fit print directly.
  if (value == std::trunc(value) && std::fabs(value) < 1e15 &&
      !(value == 0 && std::signbit(value))) {
    char buffer[24];
    const auto whole = static_cast<int64_t>(value);
    out->append(buffer, std::to_chars(buffer, buffer + sizeof buffer, whole).ptr);
    return;
  }
  AppendFixedDigits(ShortestDigits(value), out);
}

void AppendGoExponent(double value, std::string* out) {
  if (AppendSpecial(value, out)) return;
  char buffer[64];
  out->append(
      buffer,
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr);
}

void AppendGoGeneral(double value, std::string* out) {
  if (AppendSpecial(value, out)) return;
  // strconv/ftoa.go: with the shortest precision the decision is made as for six digits.
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e6)) {
    AppendGoExponent(value, out);
  } else {
    AppendGoFixed(value, out);
  }
}

std::string FormatGoFixed(double value) {
  std::string out;
  AppendGoFixed(value, &out);
  return out;
}

std::string FormatGoGeneral(double value) {
  std::string out;
  AppendGoGeneral(value, &out);
  return out;
}

std::string FormatOpenMetricsFloat(double value) {
  std::string out;
  if (AppendSpecial(value, &out)) return out;
  AppendGoGeneral(value, &out);
  if (out.find_first_of("e.") == std::string::npos) out += ".0";
  return out;
}

}  // namespace hearth::codec

// SPDX-License-Identifier: Apache-2.0
#include "codec/go_float.h"

#include <absl/strings/charconv.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
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

// Two digits each: 00, 01, … 99.
constexpr std::array<char, 200> MakePairs() {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}
constexpr std::array<char, 200> kPairs = MakePairs();

constexpr std::array<uint64_t, 20> MakePowers() {
  std::array<uint64_t, 20> powers{};
  uint64_t power = 1;
  for (uint64_t& out : powers) {
    out = power;
    power *= 10;
  }
  return powers;
}
constexpr std::array<uint64_t, 20> kPowers = MakePowers();

int CountDigits(uint64_t number) {
  // 1233 / 4096 is a little above log10(2): at most one too few.
  const auto digits = static_cast<size_t>(std::bit_width(number | 1) * 1233) >> 12;
  return static_cast<int>(digits) + (number >= kPowers[digits] || number == 0 ? 1 : 0);
}

void WritePair(uint32_t pair, char* out) { std::memcpy(out, kPairs.data() + size_t{2} * pair, 2); }

// The last `count` digits of `number`; returns the end. Eight at a time, so that divisions are of
// 32 bits and do not wait for each other.
char* WriteDigits(uint64_t number, int count, char* out) {
  char* const end = out + count;
  char* at = end;
  for (; at - out >= 8; number /= 100'000'000) {
    const auto eight = static_cast<uint32_t>(number % 100'000'000);
    at -= 8;
    const uint32_t high = eight / 10'000;
    const uint32_t low = eight % 10'000;
    WritePair(high / 100, at);
    WritePair(high % 100, at + 2);
    WritePair(low / 100, at + 4);
    WritePair(low % 100, at + 6);
  }
  auto rest = static_cast<uint32_t>(number % 100'000'000);
  for (; at - out >= 2; rest /= 100) {
    at -= 2;
    WritePair(rest % 100, at);
  }
  if (at != out) *--at = static_cast<char>('0' + rest % 10);
  return end;
}

// significand * 10^exponent: the shortest decimal that reads back as the (finite, positive) value,
// the nearest one of those. {fmt}'s Dragonbox takes a third of std::to_chars' time; it is not of
// its documented face, so it stands here alone and a test holds it against std::to_chars.
struct Decimal {
  uint64_t significand = 0;
  int exponent = 0;
};
Decimal ShortestDecimal(double magnitude) {
  if (magnitude == 0) return {};
  const auto decimal = fmt::detail::dragonbox::to_decimal(magnitude);
  return {decimal.significand, decimal.exponent};
}

Digits ShortestDigits(double value) {
  Digits digits;
  digits.negative = std::signbit(value);
  const Decimal decimal = ShortestDecimal(std::fabs(value));
  digits.count = CountDigits(decimal.significand);
  WriteDigits(decimal.significand, digits.count, digits.text);
  digits.point = digits.count + decimal.exponent;
  return digits;
}

// Powers of ten that a double holds exactly, as far as they are needed.
constexpr std::array<double, 16> kPowersOfTen = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
// Decimals of up to 15 digits are as many different doubles, so the one that reads back is the
// shortest once its zeros at the end are gone.
constexpr double kFifteenDigits = 1e15;

// False where `magnitude` is not a decimal of 15 digits with at most `decimals` behind the point.
bool ToDecimal(double magnitude, int decimals, Decimal* decimal) {
  const double power = kPowersOfTen[static_cast<size_t>(decimals)];
  const double scaled = magnitude * power + 0.5;
  if (!(scaled < kFifteenDigits)) return false;
  const auto whole = static_cast<int64_t>(scaled);
  // Both are exact, so the quotient is the double nearest to the decimal.
  if (static_cast<double>(whole) / power != magnitude) return false;
  decimal->significand = static_cast<uint64_t>(whole);
  decimal->exponent = -decimals;
  while (decimal->exponent < 0 && decimal->significand % 10 == 0) {
    decimal->significand /= 10;
    ++decimal->exponent;
  }
  return true;
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

bool IsShortFixed(double value) {
  const double magnitude = std::fabs(value);
  return magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
}

char* WriteShortFixed(double value, int* decimals, char* out) {
  if (std::signbit(value)) *out++ = '-';
  const double magnitude = std::fabs(value);
  Decimal decimal;
  if (!ToDecimal(magnitude, *decimals, &decimal)) {
    decimal = ShortestDecimal(magnitude);
    *decimals = std::clamp(-decimal.exponent, 0, static_cast<int>(kPowersOfTen.size()) - 1);
  }
  const int count = CountDigits(decimal.significand);
  const int point = count + decimal.exponent;  // digits before it
  if (decimal.exponent >= 0) {
    out = WriteDigits(decimal.significand, count, out);
    return std::fill_n(out, decimal.exponent, '0');
  }
  if (point <= 0) {
    *out++ = '0';
    *out++ = '.';
    out = std::fill_n(out, -point, '0');
    return WriteDigits(decimal.significand, count, out);
  }
  // The digits behind the point make room for it.
  WriteDigits(decimal.significand, count, out);
  std::memmove(out + point + 1, out + point, static_cast<size_t>(count - point));
  out[point] = '.';
  return out + count + 1;
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

// SPDX-License-Identifier: Apache-2.0
#include "promql/format.h"

#include <charconv>
#include <cmath>

namespace hearth::promql {
namespace {

// Longest fixed notation of a double: 309 digits, or "0." and 324 zeros and 17 digits.
constexpr size_t kFixedBytesMax = 400;

bool AppendSpecial(double value, std::string* out) {
  if (std::isnan(value)) {
    *out += "NaN";
  } else if (std::isinf(value)) {
    *out += value > 0 ? "+Inf" : "-Inf";
  } else {
    return false;
  }
  return true;
}

void AppendWith(double value, std::chars_format format, std::string* out) {
  char buffer[kFixedBytesMax];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr;
  out->append(buffer, static_cast<size_t>(end - buffer));
}

}  // namespace

void AppendValue(double value, std::string* out) {
  if (AppendSpecial(value, out)) return;
  const double magnitude = std::fabs(value);
  const bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  AppendWith(value, exponent ? std::chars_format::scientific : std::chars_format::fixed, out);
}

std::string FormatValue(double value) {
  std::string out;
  AppendValue(value, &out);
  return out;
}

std::string FormatFixed(double value) {
  std::string out;
  if (!AppendSpecial(value, &out)) AppendWith(value, std::chars_format::fixed, &out);
  return out;
}

std::string FormatShortest(double value) {
  std::string out;
  if (AppendSpecial(value, &out)) return out;
  // Go's %v, %g and 'g' with precision -1: the exponent form from 1e6 and below 1e-4.
  const double magnitude = std::fabs(value);
  const bool exponent = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e6);
  AppendWith(value, exponent ? std::chars_format::scientific : std::chars_format::fixed, &out);
  return out;
}

void AppendTime(int64_t time_ms, std::string* out) {
  char buffer[32];
  if (time_ms < 0) out->push_back('-');
  // Unsigned, so that the smallest int64 has a magnitude too.
  const uint64_t magnitude =
      time_ms < 0 ? 0 - static_cast<uint64_t>(time_ms) : static_cast<uint64_t>(time_ms);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude / 1000).ptr;
  out->append(buffer, static_cast<size_t>(end - buffer));
  const unsigned millis = static_cast<unsigned>(magnitude % 1000);
  if (millis == 0) return;
  out->push_back('.');
  out->push_back(static_cast<char>('0' + millis / 100));
  out->push_back(static_cast<char>('0' + millis / 10 % 10));
  out->push_back(static_cast<char>('0' + millis % 10));
}

std::string FormatTime(int64_t time_ms) {
  std::string out;
  AppendTime(time_ms, &out);
  return out;
}

}  // namespace hearth::promql

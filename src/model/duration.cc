// SPDX-License-Identifier: Apache-2.0
#include "model/duration.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/status.h"
#include "base/text.h"
#include "model/labels.h"

namespace hearth::model {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
  bool exact;  // printed only where nothing would remain
};
constexpr int64_t kDayMs = 86'400'000;
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * kDayMs, true},
                                         {"w", 7 * kDayMs, true},
                                         {"d", kDayMs, false},
                                         {"h", 3'600'000, false},
                                         {"m", 60'000, false},
                                         {"s", 1000, false},
                                         {"ms", 1, false}}};
constexpr int64_t kDurationMsMax = std::numeric_limits<int64_t>::max() / 1'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

absl::StatusOr<int64_t> ParseDurationMs(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return InvalidArgument("empty duration string");
  int64_t total = 0;
  size_t unit = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    size_t digits = 0;
    while (digits < rest.size() && IsDigit(rest[digits])) ++digits;
    size_t letters = digits;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    const std::string_view name = rest.substr(digits, letters - digits);
    const bool known =
        std::any_of(kUnits.begin(), kUnits.end(), [name](const Unit& u) { return u.name == name; });
    if (digits > 0 && !name.empty() && !known) {
      return InvalidArgument("unknown unit {} in duration {}", QuoteGo(name), QuoteGo(text));
    }
    // From the biggest to the smallest, each once.
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (digits == 0 || unit == kUnits.size()) {
      return InvalidArgument("not a valid duration string: {}", QuoteGo(text));
    }
    int64_t count = 0;
    if (!ParseInt64(rest.substr(0, digits), &count) || count > kDurationMsMax / kUnits[unit].ms ||
        total > kDurationMsMax - count * kUnits[unit].ms) {
      return OutOfRange("duration out of range");
    }
    total += count * kUnits[unit].ms;
    ++unit;
    rest.remove_prefix(letters);
  }
  return total;
}

std::string FormatDurationMs(int64_t ms) {
  if (ms == 0) return "0s";
  std::string out;
  for (const Unit& unit : kUnits) {
    if (unit.exact && ms % unit.ms != 0) continue;
    if (const int64_t count = ms / unit.ms; count > 0) {
      out += fmt::format("{}{}", count, unit.name);
      ms -= count * unit.ms;
    }
  }
  return out;
}

}  // namespace hearth::model

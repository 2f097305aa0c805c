// SPDX-License-Identifier: Apache-2.0
#include "auth/iso_time.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace hearth::auth {
namespace {

// `count` decimal digits at the front of `text`, taken off it.
bool TakeNumber(std::string_view* text, size_t count, int* value) {
  if (text->size() < count) return false;
  *value = 0;
  for (size_t i = 0; i < count; ++i) {
    char c = (*text)[i];
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  text->remove_prefix(count);
  return true;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

struct Civil {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool ToMs(const Civil& c, int64_t* ms) {
  std::chrono::year_month_day date{std::chrono::year(c.year),
                                   std::chrono::month(static_cast<unsigned>(c.month)),
                                   std::chrono::day(static_cast<unsigned>(c.day))};
  if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return false;
  int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  *ms = (((days * 24 + c.hour) * 60 + c.minute) * 60 + c.second) * 1000;
  return true;
}

Civil FromMs(int64_t ms) {
  int64_t seconds = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
  int64_t days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400;
  int64_t rest = seconds - days * 86400;
  std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int32_t>(days)))};
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(rest / 3600),
          static_cast<int>(rest / 60 % 60),
          static_cast<int>(rest % 60)};
}

// ".123", cut to milliseconds; the digits beyond are passed over.
bool TakeFraction(std::string_view* text, int64_t* ms) {
  *ms = 0;
  if (!TakeChar(text, '.')) return true;
  int64_t scale = 100;
  bool any = false;
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') {
    *ms += (text->front() - '0') * scale;
    scale /= 10;
    any = true;
    text->remove_prefix(1);
  }
  return any;
}

// "Z", "+02:00", "-0700" or nothing.
bool TakeOffset(std::string_view* text, int64_t* offset_ms) {
  *offset_ms = 0;
  if (text->empty() || TakeChar(text, 'Z') || TakeChar(text, 'z')) return true;
  int64_t sign = text->front() == '-' ? -1 : 1;
  if (!TakeChar(text, '+') && !TakeChar(text, '-')) return false;
  int hours = 0, minutes = 0;
  if (!TakeNumber(text, 2, &hours)) return false;
  TakeChar(text, ':');
  if (!text->empty() && !TakeNumber(text, 2, &minutes)) return false;
  *offset_ms = sign * (hours * 60 + minutes) * 60'000;
  return true;
}

}  // namespace

std::string FormatAmzDate(int64_t ms) {
  Civil c = FromMs(ms);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", c.year, c.month, c.day, c.hour, c.minute,
                     c.second);
}

std::string FormatIsoDate(int64_t ms) {
  Civil c = FromMs(ms);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);
}

bool ParseAmzDate(std::string_view text, int64_t* ms) {
  Civil c;
  return TakeNumber(&text, 4, &c.year) && TakeNumber(&text, 2, &c.month) &&
         TakeNumber(&text, 2, &c.day) && TakeChar(&text, 'T') && TakeNumber(&text, 2, &c.hour) &&
         TakeNumber(&text, 2, &c.minute) && TakeNumber(&text, 2, &c.second) &&
         TakeChar(&text, 'Z') && text.empty() && ToMs(c, ms);
}

bool ParseIsoDate(std::string_view text, int64_t* ms) {
  Civil c;
  if (!TakeNumber(&text, 4, &c.year) || !TakeChar(&text, '-') || !TakeNumber(&text, 2, &c.month) ||
      !TakeChar(&text, '-') || !TakeNumber(&text, 2, &c.day)) {
    return false;
  }
  int64_t fraction = 0, offset = 0;
  if (TakeChar(&text, 'T')) {
    if (!TakeNumber(&text, 2, &c.hour) || !TakeChar(&text, ':') ||
        !TakeNumber(&text, 2, &c.minute)) {
      return false;
    }
    if (TakeChar(&text, ':') && !TakeNumber(&text, 2, &c.second)) return false;
    if (!TakeFraction(&text, &fraction) || !TakeOffset(&text, &offset)) return false;
  }
  if (!text.empty() || !ToMs(c, ms)) return false;
  *ms += fraction - offset;
  return true;
}

bool ParseHttpDate(std::string_view text, int64_t* ms) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  size_t comma = text.find(", ");
  if (comma != 3) return false;
  text.remove_prefix(5);
  Civil c;
  if (!TakeNumber(&text, 2, &c.day) || !TakeChar(&text, ' ') || text.size() < 4) return false;
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(0, 3) == kMonths[i]) c.month = static_cast<int>(i) + 1;
  }
  text.remove_prefix(3);
  return TakeChar(&text, ' ') && TakeNumber(&text, 4, &c.year) && TakeChar(&text, ' ') &&
         TakeNumber(&text, 2, &c.hour) && TakeChar(&text, ':') && TakeNumber(&text, 2, &c.minute) &&
         TakeChar(&text, ':') && TakeNumber(&text, 2, &c.second) && text == " GMT" && ToMs(c, ms);
}

}  // namespace hearth::auth

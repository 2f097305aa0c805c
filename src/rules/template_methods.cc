// SPDX-License-Identifier: Apache-2.0
// Methods of the values that templates can hold: time.Time (UTC) and time.Duration.
#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/core.h>

#include <array>
#include <limits>

#include "base/status.h"
#include "rules/template_functions.h"

namespace hearth::rules {
namespace {

using Value = TemplateValue;
using Result = absl::StatusOr<TemplateValue>;

constexpr int64_t kNsPerMs = 1'000'000;

int64_t Ms(const Value& value) { return value.As<TimeValue>()->ms; }
int64_t Ns(const Value& value) { return value.As<DurationValue>()->ns; }
absl::CivilSecond Civil(const Value& value) {
  return absl::ToCivilSecond(absl::FromUnixMillis(Ms(value)), absl::UTCTimeZone());
}
int64_t Milliseconds(const Value& value) { return ((Ms(value) % 1000) + 1000) % 1000; }

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

std::string_view DayName(const absl::CivilSecond& time) {
  // absl counts from Monday.
  const auto day = static_cast<size_t>(absl::GetWeekday(absl::CivilDay(time)));
  return kDays[(day + 1) % kDays.size()];
}

// One part of a layout, longest first (time/format.go nextStdChunk). UTC only.
class Layout {
 public:
  Layout(const Value& time) : time_(Civil(time)), ms_(Milliseconds(time)) {}

  std::string Format(std::string_view layout) const {
    std::string out;
    while (!layout.empty()) {
      size_t used = 0;
      out += Part(layout, &used);
      if (used == 0) {
        out += layout[0];
        used = 1;
      }
      layout.remove_prefix(used);
    }
    return out;
  }

 private:
  std::string Part(std::string_view layout, size_t* used) const {
    const auto is = [&](std::string_view text) {
      if (!layout.starts_with(text)) return false;
      *used = text.size();
      return true;
    };
    const std::string_view month = kMonths[static_cast<size_t>(time_.month() - 1)];
    const int hour12 = time_.hour() % 12 == 0 ? 12 : time_.hour() % 12;
    if (is("January")) return std::string(month);
    if (layout.starts_with("Jan") && is("Jan")) return std::string(month.substr(0, 3));
    if (is("Monday")) return std::string(DayName(time_));
    if (is("Mon")) return std::string(DayName(time_).substr(0, 3));
    if (is("MST")) return "UTC";
    if (is("2006")) return fmt::format("{:04}", time_.year());
    if (is("__2")) return fmt::format("{:3}", absl::GetYearDay(absl::CivilDay(time_)));
    if (is("002")) return fmt::format("{:03}", absl::GetYearDay(absl::CivilDay(time_)));
    if (is("_2006")) return fmt::format("_{:04}", time_.year());
    if (is("_2")) return fmt::format("{:2}", time_.day());
    if (is("01")) return fmt::format("{:02}", time_.month());
    if (is("02")) return fmt::format("{:02}", time_.day());
    if (is("03")) return fmt::format("{:02}", hour12);
    if (is("04")) return fmt::format("{:02}", time_.minute());
    if (is("05")) return fmt::format("{:02}", time_.second());
    if (is("06")) return fmt::format("{:02}", time_.year() % 100);
    if (is("15")) return fmt::format("{:02}", time_.hour());
    if (is("1")) return std::to_string(time_.month());
    if (is("2")) return std::to_string(time_.day());
    if (is("3")) return std::to_string(hour12);
    if (is("4")) return std::to_string(time_.minute());
    if (is("5")) return std::to_string(time_.second());
    if (is("PM")) return time_.hour() >= 12 ? "PM" : "AM";
    if (is("pm")) return time_.hour() >= 12 ? "pm" : "am";
    for (const std::string_view zone : {"Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07"}) {
      if (is(zone)) return "Z";
    }
    if (is("-07:00:00")) return "+00:00:00";
    if (is("-070000")) return "+000000";
    if (is("-07:00")) return "+00:00";
    if (is("-0700")) return "+0000";
    if (is("-07")) return "+00";
    return Fraction(layout, used);
  }

  // ".000" always so many digits, ".999" without zeros at the end.
  std::string Fraction(std::string_view layout, size_t* used) const {
    if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',')) return "";
    const char digit = layout[1];
    if (digit != '0' && digit != '9') return "";
    size_t digits = 0;
    while (1 + digits < layout.size() && layout[1 + digits] == digit) ++digits;
    const bool more =
        1 + digits < layout.size() && layout[1 + digits] >= '0' && layout[1 + digits] <= '9';
    if (more) return "";
    *used = 1 + digits;
    constexpr size_t kDigitsMax = 9;
    std::string text = fmt::format("{:03}000000", ms_).substr(0, std::min(digits, kDigitsMax));
    if (digit == '9') {
      while (!text.empty() && text.back() == '0') text.pop_back();
      if (text.empty()) return "";
    }
    return layout[0] + text;
  }

  const absl::CivilSecond time_;
  const int64_t ms_;
};

Result Format(FunctionArgs args, FunctionContext*) {
  return Value(Layout(args[0]).Format(*args[1].text()));
}
Result Add(FunctionArgs args, FunctionContext*) {
  const auto* delta = args[1].As<DurationValue>();
  return Value(TimeValue{Ms(args[0]) + delta->ns / kNsPerMs});
}
Result AddDate(FunctionArgs args, FunctionContext*) {
  const absl::CivilSecond at = Civil(args[0]);
  const absl::CivilSecond moved(
      at.year() + *args[1].As<int64_t>(), at.month() + *args[2].As<int64_t>(),
      at.day() + *args[3].As<int64_t>(), at.hour(), at.minute(), at.second());
  const int64_t seconds = absl::ToUnixSeconds(absl::FromCivil(moved, absl::UTCTimeZone()));
  return Value(TimeValue{seconds * 1000 + Milliseconds(args[0])});
}
Result Sub(FunctionArgs args, FunctionContext*) {
  constexpr int64_t kBoundMs = std::numeric_limits<int64_t>::max() / kNsPerMs;
  const int64_t ms = std::clamp(Ms(args[0]) - Ms(args[1]), -kBoundMs, kBoundMs);
  return Value(DurationValue{ms * kNsPerMs});
}
Result Before(FunctionArgs args, FunctionContext*) { return Value(Ms(args[0]) < Ms(args[1])); }
Result After(FunctionArgs args, FunctionContext*) { return Value(Ms(args[0]) > Ms(args[1])); }
Result EqualTime(FunctionArgs args, FunctionContext*) { return Value(Ms(args[0]) == Ms(args[1])); }
Result Unix(FunctionArgs args, FunctionContext*) {
  return Value(absl::ToUnixSeconds(absl::FromUnixMillis(Ms(args[0]))));
}
Result UnixMilli(FunctionArgs args, FunctionContext*) { return Value(Ms(args[0])); }
Result UnixMicro(FunctionArgs args, FunctionContext*) { return Value(Ms(args[0]) * 1000); }
Result UnixNano(FunctionArgs args, FunctionContext*) {
  // Wraps where Go's does.
  return Value(static_cast<int64_t>(static_cast<uint64_t>(Ms(args[0])) * 1'000'000U));
}
Result Year(FunctionArgs args, FunctionContext*) { return Value(int64_t{Civil(args[0]).year()}); }
Result Month(FunctionArgs args, FunctionContext*) {
  return Value(std::string(kMonths[static_cast<size_t>(Civil(args[0]).month() - 1)]));
}
Result Day(FunctionArgs args, FunctionContext*) { return Value(int64_t{Civil(args[0]).day()}); }
Result Hour(FunctionArgs args, FunctionContext*) { return Value(int64_t{Civil(args[0]).hour()}); }
Result Minute(FunctionArgs args, FunctionContext*) {
  return Value(int64_t{Civil(args[0]).minute()});
}
Result Second(FunctionArgs args, FunctionContext*) {
  return Value(int64_t{Civil(args[0]).second()});
}
Result Nanosecond(FunctionArgs args, FunctionContext*) {
  return Value(Milliseconds(args[0]) * kNsPerMs);
}
Result Weekday(FunctionArgs args, FunctionContext*) {
  return Value(std::string(DayName(Civil(args[0]))));
}
Result YearDay(FunctionArgs args, FunctionContext*) {
  return Value(int64_t{absl::GetYearDay(absl::CivilDay(Civil(args[0])))});
}
Result Utc(FunctionArgs args, FunctionContext*) { return args[0]; }
Result IsZero(FunctionArgs args, FunctionContext*) {
  constexpr int64_t kYearOneMs = -62135596800000;  // 0001-01-01, Go's zero time
  return Value(Ms(args[0]) == kYearOneMs);
}
Result String(FunctionArgs args, FunctionContext*) { return Value(args[0].Print()); }

template <int64_t kUnitNs>
Result InFloat(FunctionArgs args, FunctionContext*) {
  const int64_t ns = Ns(args[0]);
  return Value(static_cast<double>(ns / kUnitNs) +
               static_cast<double>(ns % kUnitNs) / static_cast<double>(kUnitNs));
}
template <int64_t kUnitNs>
Result InWhole(FunctionArgs args, FunctionContext*) {
  return Value(Ns(args[0]) / kUnitNs);
}
Result Truncate(FunctionArgs args, FunctionContext*) {
  const int64_t unit = args[1].As<DurationValue>()->ns;
  return Value(DurationValue{unit <= 0 ? Ns(args[0]) : Ns(args[0]) - Ns(args[0]) % unit});
}
Result Round(FunctionArgs args, FunctionContext*) {
  const int64_t unit = args[1].As<DurationValue>()->ns;
  const int64_t ns = Ns(args[0]);
  if (unit <= 0) return Value(DurationValue{ns});
  const int64_t rest = ns % unit;
  const int64_t down = ns - rest;
  if (std::abs(rest) < unit - std::abs(rest)) return Value(DurationValue{down});
  int64_t away = 0;
  if (__builtin_add_overflow(down, rest < 0 ? -unit : unit, &away)) away = ns;
  return Value(DurationValue{away});
}
Result Abs(FunctionArgs args, FunctionContext*) {
  const int64_t ns = Ns(args[0]);
  if (ns == std::numeric_limits<int64_t>::min()) {
    return Value(DurationValue{std::numeric_limits<int64_t>::max()});
  }
  return Value(DurationValue{ns < 0 ? -ns : ns});
}

constexpr int64_t kSecondNs = 1'000'000'000;

const std::vector<TemplateFunction>& TimeMethods() {
  static const auto& methods = *new std::vector<TemplateFunction>{
      {{"Add", {ArgType::kDuration}}, Add},
      {{"AddDate", {ArgType::kInt, ArgType::kInt, ArgType::kInt}}, AddDate},
      {{"After", {ArgType::kTime}}, After},
      {{"Before", {ArgType::kTime}}, Before},
      {{"Day", {}}, Day},
      {{"Equal", {ArgType::kTime}}, EqualTime},
      {{"Format", {ArgType::kString}}, Format},
      {{"Hour", {}}, Hour},
      {{"IsZero", {}}, IsZero},
      {{"Minute", {}}, Minute},
      {{"Month", {}}, Month},
      {{"Nanosecond", {}}, Nanosecond},
      {{"Second", {}}, Second},
      {{"String", {}}, String},
      {{"Sub", {ArgType::kTime}}, Sub},
      {{"UTC", {}}, Utc},
      {{"Unix", {}}, Unix},
      {{"UnixMicro", {}}, UnixMicro},
      {{"UnixMilli", {}}, UnixMilli},
      {{"UnixNano", {}}, UnixNano},
      {{"Weekday", {}}, Weekday},
      {{"Year", {}}, Year},
      {{"YearDay", {}}, YearDay},
  };
  return methods;
}

const std::vector<TemplateFunction>& DurationMethods() {
  static const auto& methods = *new std::vector<TemplateFunction>{
      {{"Abs", {}}, Abs},
      {{"Hours", {}}, InFloat<3600 * kSecondNs>},
      {{"Microseconds", {}}, InWhole<1000>},
      {{"Milliseconds", {}}, InWhole<kNsPerMs>},
      {{"Minutes", {}}, InFloat<60 * kSecondNs>},
      {{"Nanoseconds", {}}, InWhole<1>},
      {{"Round", {ArgType::kDuration}}, Round},
      {{"Seconds", {}}, InFloat<kSecondNs>},
      {{"String", {}}, String},
      {{"Truncate", {ArgType::kDuration}}, Truncate},
  };
  return methods;
}

const std::vector<TemplateFunction>& HistogramMethods() {
  static const auto& methods = *new std::vector<TemplateFunction>{{{"String", {}}, String}};
  return methods;
}

}  // namespace

const TemplateFunction* FindMethod(const TemplateValue& receiver, std::string_view name) {
  const std::vector<TemplateFunction>* methods = nullptr;
  if (receiver.As<TimeValue>() != nullptr) methods = &TimeMethods();
  if (receiver.As<DurationValue>() != nullptr) methods = &DurationMethods();
  if (receiver.As<HistogramText>() != nullptr) methods = &HistogramMethods();
  if (methods == nullptr) return nullptr;
  for (const TemplateFunction& method : *methods) {
    if (method.signature.name == name) return &method;
  }
  return nullptr;
}

}  // namespace hearth::rules

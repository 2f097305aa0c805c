// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/parameters.h"

#include <absl/time/time.h>

#include <charconv>
#include <cmath>

#include "base/status.h"
#include "model/duration.h"
#include "promql/parser.h"

namespace hearth::api {
namespace {

// What Prometheus prints for its smallest and largest time (model/timestamp of client libraries).
constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";
constexpr int64_t kMinTimeMs = INT64_MIN / 1'000'000;
constexpr int64_t kMaxTimeMs = INT64_MAX / 1'000'000;

// A float in all of `text`, as Go's strconv.ParseFloat takes it for our purpose.
std::optional<double> ParseFloat(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

absl::Status Invalid(std::string_view name, std::string_view reason) {
  return InvalidArgument("invalid parameter \"{}\": {}", name, reason);
}

}  // namespace

absl::StatusOr<int64_t> ParseTimeMs(std::string_view text) {
  if (const auto seconds = ParseFloat(text)) {
    // Rounded to milliseconds; what no clock will ever show is no time.
    constexpr double kSecondsMax = 9.2e15;
    if (std::isfinite(*seconds) && std::fabs(*seconds) < kSecondsMax / 1000) {
      double whole = 0;
      const double fraction = std::modf(*seconds, &whole);
      return static_cast<int64_t>(whole) * 1000 + static_cast<int64_t>(std::round(fraction * 1000));
    }
    return InvalidArgument("cannot parse \"{}\" to a valid timestamp", text);
  }
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error) &&
      text.find('T') != std::string_view::npos) {
    return absl::ToUnixMillis(time);
  }
  if (text == kMinTimeText) return kMinTimeMs;
  if (text == kMaxTimeText) return kMaxTimeMs;
  return InvalidArgument("cannot parse \"{}\" to a valid timestamp", text);
}

absl::StatusOr<Parameters> Parameters::Of(const net::HttpRequest& request) {
  Parameters parameters;
  const std::string type = net::MediaType(request.headers.Find("Content-Type"));
  const bool has_form = request.method == "POST" || request.method == "PUT";
  if (has_form && type == "application/x-www-form-urlencoded") {
    TRY_ASSIGN(parameters.list_, net::ParseForm(request.body));
  }
  TRY_ASSIGN(std::vector<net::Parameter> query, net::ParseForm(request.query));
  for (net::Parameter& parameter : query) parameters.list_.push_back(std::move(parameter));
  return parameters;
}

std::string_view Parameters::Get(std::string_view name) const {
  for (const net::Parameter& parameter : list_) {
    if (parameter.name == name) return parameter.value;
  }
  return {};
}

bool Parameters::Has(std::string_view name) const {
  for (const net::Parameter& parameter : list_) {
    if (parameter.name == name) return true;
  }
  return false;
}

std::vector<std::string_view> Parameters::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const net::Parameter& parameter : list_) {
    if (parameter.name == name) values.push_back(parameter.value);
  }
  return values;
}

absl::StatusOr<int64_t> Parameters::Time(std::string_view name, int64_t missing_ms) const {
  if (Get(name).empty()) return missing_ms;
  const auto time_ms = ParseTimeMs(Get(name));
  if (time_ms.ok()) return time_ms;
  return Invalid(name,
                 fmt::format("invalid time value for '{}': {}", name, Message(time_ms.status())));
}

absl::StatusOr<int64_t> Parameters::RequiredTime(std::string_view name) const {
  const auto time_ms = ParseTimeMs(Get(name));
  if (!time_ms.ok()) return Invalid(name, Message(time_ms.status()));
  return *time_ms;
}

absl::StatusOr<std::optional<int64_t>> Parameters::DurationValue(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (const auto seconds = ParseFloat(text)) {
    constexpr double kSecondsMax = 9.2e9;  // int64 nanoseconds, as Go's Duration
    if (!std::isfinite(*seconds) || std::fabs(*seconds) > kSecondsMax) {
      return InvalidArgument("cannot parse \"{}\" to a valid duration. It overflows int64", text);
    }
    return static_cast<int64_t>(*seconds * 1000);
  }
  const auto duration_ms = model::ParseDurationMs(text);
  if (!duration_ms.ok()) return InvalidArgument("cannot parse \"{}\" to a valid duration", text);
  return *duration_ms;
}

absl::StatusOr<std::optional<int64_t>> Parameters::Duration(std::string_view name) const {
  auto duration_ms = DurationValue(Get(name));
  if (!duration_ms.ok()) return Invalid(name, Message(duration_ms.status()));
  return duration_ms;
}

absl::StatusOr<size_t> Parameters::Limit(std::string_view name) const {
  const std::string_view text = Get(name);
  if (text.empty()) return size_t{0};
  int64_t limit = 0;
  if (!ParseInt64(text, &limit)) {
    const bool digits = !text.empty() && text.find_first_not_of("+-0123456789") == text.npos;
    return Invalid(name, fmt::format("strconv.Atoi: parsing {}: {}", model::QuoteGo(text),
                                     digits ? "value out of range" : "invalid syntax"));
  }
  if (limit < 0) return Invalid(name, "limit must be non-negative");
  return static_cast<size_t>(limit);
}

absl::StatusOr<std::vector<std::vector<model::Matcher>>> Parameters::Selectors() const {
  std::vector<std::vector<model::Matcher>> selectors;
  for (const std::string_view text : All("match[]")) {
    auto matchers = promql::ParseMetricSelector(text);
    TRY(matchers.status());
    bool selective = false;
    for (const model::Matcher& matcher : *matchers) {
      selective = selective || !matcher.MatchesEmpty();
    }
    if (!selective) {
      return InvalidArgument("match[] must contain at least one non-empty matcher");
    }
    selectors.push_back(*std::move(matchers));
  }
  return selectors;
}

absl::StatusOr<storage::TimeRange> Parameters::Range() const {
  TRY_ASSIGN(const int64_t start_ms, Time("start", kMinTimeMs));
  TRY_ASSIGN(const int64_t end_ms, Time("end", kMaxTimeMs));
  return storage::TimeRange{start_ms, end_ms};
}

}  // namespace hearth::api

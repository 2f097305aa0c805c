// SPDX-License-Identifier: Apache-2.0
// Parameters of Prometheus' HTTP API: query string and form body merged, and the texts and errors
// of times, durations, selectors and limits as web/api/v1/api.go has them. Errors are
// InvalidArgument with the words `invalid parameter "time": …`.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/matcher.h"
#include "net/http.h"
#include "storage/querier.h"

namespace hearth::api {

// What the path names, as a parameter.
inline constexpr std::string_view kPathParameter = "\x01path";

class Parameters {
 public:
  // GET takes the query string; POST with a form body has the body's values before the query's.
  static absl::StatusOr<Parameters> Of(const net::HttpRequest& request);

  // The first value, "" where there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string_view> All(std::string_view name) const;

  // For what the path names: it is found before what was sent.
  void AddFirst(std::string_view name, std::string_view value) {
    list_.insert(list_.begin(), {std::string(name), std::string(value)});
  }

  // Milliseconds; `missing` where the parameter is absent or empty.
  absl::StatusOr<int64_t> Time(std::string_view name, int64_t missing_ms) const;
  absl::StatusOr<int64_t> RequiredTime(std::string_view name) const;
  // Milliseconds, from "15", "0.5" (seconds) or "1m30s"; nullopt where absent.
  absl::StatusOr<std::optional<int64_t>> Duration(std::string_view name) const;
  // The same of a text, with errors that name no parameter.
  static absl::StatusOr<std::optional<int64_t>> DurationValue(std::string_view text);
  // A count of at least 0; 0 where absent: no limit. Words as Go's strconv.Atoi.
  absl::StatusOr<size_t> Limit(std::string_view name) const;
  // Every match[], parsed. Errors have no "invalid parameter" before them: endpoints differ.
  absl::StatusOr<std::vector<std::vector<model::Matcher>>> Selectors() const;
  // start and end of the metadata endpoints; everything where absent. May be empty (start > end).
  absl::StatusOr<storage::TimeRange> Range() const;

 private:
  std::vector<net::Parameter> list_;
};

// Prometheus' ParseTime: float seconds, RFC 3339, and the texts of its extreme times.
absl::StatusOr<int64_t> ParseTimeMs(std::string_view text);

}  // namespace hearth::api

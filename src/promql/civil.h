// SPDX-License-Identifier: Apache-2.0
// Unix seconds as calendar fields, UTC.
#pragma once

#include <absl/time/civil_time.h>

#include <cstdint>
#include <string>

namespace hearth::promql {

inline absl::CivilSecond CivilUtc(int64_t unix_seconds) {
  return absl::CivilSecond(1970, 1, 1, 0, 0, 0) + unix_seconds;
}
std::string FormatRfc3339(int64_t unix_seconds);  // 2006-01-02T15:04:05Z

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// Unix seconds as calendar fields, UTC.
#pragma once

#include <absl/time/civil_time.h>

#include <cstdint>
#include <string>

namespace hearth::promql {

// As Go's time package: what lies before its first year is seen 2^64 seconds later. That is where
// NaN and infinities end up, which convert to the smallest int64.
absl::CivilSecond CivilUtc(int64_t unix_seconds);
std::string FormatRfc3339(int64_t unix_seconds);  // 2006-01-02T15:04:05Z

}  // namespace hearth::promql

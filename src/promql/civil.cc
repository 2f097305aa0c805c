// SPDX-License-Identifier: Apache-2.0
#include "promql/civil.h"

#include <fmt/core.h>

namespace hearth::promql {

namespace {

// Go's time.go: internal years begin at 1, absolute ones on 1 March of -292277022400.
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kUnixToInternal = 62'135'596'800;
constexpr int64_t kAbsoluteYears = 292'277'022'400;
constexpr int64_t kAbsoluteToInternal =
    -(kAbsoluteYears / 400 * 146'097 + 306) * kSecondsPerDay;  // 306: March through December
constexpr int64_t kFirstUnixSecond = kAbsoluteToInternal - kUnixToInternal;

}  // namespace

absl::CivilSecond CivilUtc(int64_t unix_seconds) {
  if (unix_seconds >= kFirstUnixSecond) {
    return absl::CivilSecond(1970, 1, 1, 0, 0, 0) + unix_seconds;
  }
  const auto days = static_cast<int64_t>(static_cast<uint64_t>(unix_seconds) / kSecondsPerDay);
  const auto rest = static_cast<int64_t>(static_cast<uint64_t>(unix_seconds) % kSecondsPerDay);
  return absl::CivilSecond(absl::CivilDay(1970, 1, 1) + days) + rest;
}

std::string FormatRfc3339(int64_t unix_seconds) {
  const absl::CivilSecond t = CivilUtc(unix_seconds);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year(), t.month(), t.day(), t.hour(),
                     t.minute(), t.second());
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
#include "promql/civil.h"

#include <fmt/core.h>

namespace hearth::promql {

std::string FormatRfc3339(int64_t unix_seconds) {
  const absl::CivilSecond t = CivilUtc(unix_seconds);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.year(), t.month(), t.day(), t.hour(),
                     t.minute(), t.second());
}

}  // namespace hearth::promql

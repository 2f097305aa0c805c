// SPDX-License-Identifier: Apache-2.0
// Durations as Prometheus writes them (prometheus/common/model.Duration): "1h30m", "5ms"; the units
// y, w, d, h, m, s, ms from large to small, each once. Stateless functions, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::model {

// Milliseconds; "0" is zero. InvalidArgument with upstream's words; OutOfRange beyond 292 years
// (Go's time.Duration is nanoseconds in 64 bits).
absl::StatusOr<int64_t> ParseDurationMs(std::string_view text);
// "1h30m"; "0s" for nothing. Years and weeks only where nothing would remain.
std::string FormatDurationMs(int64_t ms);

}  // namespace hearth::model

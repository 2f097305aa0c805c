// SPDX-License-Identifier: Apache-2.0
// What start timestamps (remote write 2.0, OTLP) tell about counters: 0 is an unknown start. Rules
// of isStartTimestampReset and checkStartTimeOverlap in promql/functions.go at 3.14.
#pragma once

#include <cstdint>

namespace hearth::promql {

struct StartedAt {
  int64_t time_ms = 0;
  int64_t start_ms = 0;
};

// Whether the counter began anew between the two samples.
inline bool StartedAnew(StartedAt before, StartedAt now) {
  if (now.start_ms == 0 || now.start_ms >= now.time_ms) return false;  // unknown, or impossible
  if (now.start_ms != before.time_ms) return now.start_ms > before.time_ms;
  // It starts where the sample before was taken: a delta, unless that one's own start is unknown.
  if (before.start_ms > before.time_ms) return false;
  return before.start_ms != 0 && before.start_ms != before.time_ms;
}

// Whether two senders' data got mixed: a start before the sample before, and not that one's start.
inline bool StartOverlaps(StartedAt before, StartedAt now) {
  return now.start_ms != 0 && now.start_ms < before.time_ms && now.start_ms != before.start_ms;
}

}  // namespace hearth::promql

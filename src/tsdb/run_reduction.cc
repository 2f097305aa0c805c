// SPDX-License-Identifier: Apache-2.0
#include "tsdb/run_reduction.h"

#include <algorithm>

#include "base/status.h"

namespace hearth::tsdb {
namespace {

using storage::WindowValue;

// Whether one of `count` bounds, the first and each `step` later, parts the run: what is at a bound
// is on its left.
bool Cuts(int64_t first_ms, int64_t step_ms, int64_t count, const SampleRun& run) {
  if (run.last_ms <= first_ms || count == 0) return false;
  int64_t next = 0;
  if (run.first_ms > first_ms) {
    if (step_ms <= 0) return false;
    const auto distance = static_cast<uint64_t>(run.first_ms) - static_cast<uint64_t>(first_ms);
    const auto step = static_cast<uint64_t>(step_ms);
    const uint64_t steps = distance / step + (distance % step != 0 ? 1 : 0);
    if (steps >= static_cast<uint64_t>(count)) return false;
    next = static_cast<int64_t>(steps * step);
  }
  return first_ms + next < run.last_ms;
}

bool AnyCuts(const storage::Windows& windows, storage::TimeRange range, const SampleRun& run) {
  if (run.first_ms < range.min_ms || run.last_ms > range.max_ms) return true;
  return Cuts(windows.first_end_ms, windows.step_ms, windows.count, run) ||
         Cuts(windows.first_end_ms - windows.range_ms, windows.step_ms, windows.count, run);
}

uint8_t PointsOf(WindowValue value, const SampleRun& run) {
  if (run.marked) return 0;
  switch (value) {
    case WindowValue::kCount:
      return 1;
    case WindowValue::kFirst:
    case WindowValue::kLast:
    case WindowValue::kMin:
    case WindowValue::kMax:
      return run.summed ? 1 : 0;
    case WindowValue::kIncrease:
      // Without NaN and resets the last is not below the first.
      if ((run.flags & (kColumnResets | kColumnNan)) != 0) return 0;
      [[fallthrough]];
    case WindowValue::kEnds:
      return run.summed ? static_cast<uint8_t>(std::min<uint32_t>(run.count, 2)) : 0;
  }
  return 0;
}

}  // namespace

bool ReduceRuns(const storage::Windows& windows, storage::TimeRange range,
                std::span<SampleRun> runs) {
  bool any = false;
  for (SampleRun& run : runs) {
    run.points = AnyCuts(windows, range, run) ? 0 : PointsOf(windows.value, run);
    any = any || run.points > 0;
  }
  return any;
}

void PointTimes(WindowValue value, const SampleRun& run, int64_t* times_ms) {
  times_ms[0] = value == WindowValue::kLast ? run.last_ms : run.first_ms;
  if (run.points > 1) times_ms[1] = run.last_ms;
}

absl::Status ReadPoints(WindowValue value, const SampleRun& run, SeriesSource* source,
                        double* values) {
  values[0] = 0;
  if (value == WindowValue::kCount) return absl::OkStatus();
  ColumnStatistics statistics;
  TRY(source->ReadStatistics(run, &statistics));
  switch (value) {
    case WindowValue::kLast:
      values[0] = statistics.last;
      break;
    case WindowValue::kMin:
      values[0] = statistics.min;
      break;
    case WindowValue::kMax:
      values[0] = statistics.max;
      break;
    default:
      values[0] = statistics.first;
  }
  if (run.points > 1) values[1] = statistics.last;
  return absl::OkStatus();
}

}  // namespace hearth::tsdb

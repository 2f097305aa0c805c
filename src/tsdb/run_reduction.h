// SPDX-License-Identifier: Apache-2.0
// Which runs of a series a query need not decode: all samples of the run lie in the same of its
// windows (storage::SelectHints::windows), and statistics tell what it takes of them. One or two
// samples then stand for the run, such that every window gives the same bits.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <span>

#include "storage/querier.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

// Sets `points` of each run; returns whether one is above 0. `range` is what is visible.
bool ReduceRuns(const storage::Windows& windows, storage::TimeRange range,
                std::span<SampleRun> runs);

// Of a run with points: where they lie, and their values.
void PointTimes(storage::WindowValue value, const SampleRun& run, int64_t* times_ms);
absl::Status ReadPoints(storage::WindowValue value, const SampleRun& run, SeriesSource* source,
                        double* values);

}  // namespace hearth::tsdb

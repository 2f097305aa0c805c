// SPDX-License-Identifier: Apache-2.0
// `anchored` and `smoothed` selectors: values at the very bounds of the range, taken from the
// sample before (anchored) or interpolated (smoothed).
#pragma once

#include <vector>

#include "promql/range_function.h"

namespace hearth::promql {

// The window's floats as a range vector of its own: a sample at each bound and those between.
// Nothing where no sample is after the start.
void ExtendSamples(const Window& window, std::vector<int64_t>* times, std::vector<double>* values);

// The value at `time_ms` on the line through (t1, v1) and (t2, v2); a counter that fell is taken to
// have started from zero.
double Interpolate(int64_t t1, double v1, int64_t t2, double v2, int64_t time_ms, bool counter);
// Null where the two do not fit each other (a note has been made).
HistogramPtr InterpolateHistograms(const HistogramPoint& p1, const HistogramPoint& p2,
                                   int64_t time_ms, bool counter, RangeEnv* env);

// The histogram at `time_ms` between its neighbours; null where there is none before it, or they
// do not fit each other.
HistogramPtr SmoothedHistogram(const Window& window, int64_t time_ms, RangeEnv* env);

}  // namespace hearth::promql

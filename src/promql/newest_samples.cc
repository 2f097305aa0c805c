// SPDX-License-Identifier: Apache-2.0
#include "promql/newest_samples.h"

#include <algorithm>

#include "model/value.h"
#include "promql/float_scan.h"

namespace hearth::promql {

void NewestSamples::FindPicks(const SeriesInput& series, Line* line) const {
  line->reads.assign(references_.size(), 0);
  line->cells.assign(references_.size(), Cell::kNone);
  line->count = 0;
  uint32_t next = 0;  // the first sample later than the step looks
  for (size_t step = 0; step < references_.size(); ++step) {
    while (next < series.times.size() && series.times[next] <= references_[step]) ++next;
    if (next == 0 || series.times[next - 1] <= references_[step] - lookback_ms_) continue;
    line->reads[step] = next - 1;
    line->cells[step] = Cell::kFloat;
    ++line->count;
  }
}

size_t NewestSamples::Fill(const SeriesInput& series) {
  any_histogram_ = false;
  if (!series.histograms.empty()) return FillBoth(series);
  return FillFloats(series,
                    kept_.Get(series.timeline, [&](Line* line) { FindPicks(series, line); }));
}

size_t NewestSamples::FillFloats(const SeriesInput& series, const Line& line) {
  row_cells_ = line.cells.data();
  if (series.values.empty()) return line.count;
  const double* const in = series.values.data();
  for (size_t step = 0; step < line.reads.size(); ++step) values_[step] = in[line.reads[step]];
  if (!series.marked || !HasMarker(values_)) return line.count;
  size_t count = 0;
  for (size_t step = 0; step < line.reads.size(); ++step) {
    const bool good = line.cells[step] != Cell::kNone && !model::IsStaleNan(values_[step]);
    cells_[step] = good ? Cell::kFloat : Cell::kNone;
    count += good ? 1 : 0;
  }
  row_cells_ = cells_.data();
  return count;
}

size_t NewestSamples::FillBoth(const SeriesInput& series) {
  row_cells_ = cells_.data();
  std::fill(cells_.begin(), cells_.end(), Cell::kNone);
  size_t found = 0;
  size_t next = 0;  // the first sample later than the step looks
  size_t next_histogram = 0;
  for (size_t step = 0; step < references_.size(); ++step) {
    const int64_t reference = references_[step];
    const int64_t oldest = reference - lookback_ms_;  // itself too old
    while (next < series.times.size() && series.times[next] <= reference) ++next;
    while (next_histogram < series.histograms.size() &&
           series.histograms[next_histogram].time_ms <= reference) {
      ++next_histogram;
    }
    const int64_t time = next > 0 ? series.times[next - 1] : model::kMinTimeMs;
    if (next_histogram > 0) {
      const HistogramPoint& point = series.histograms[next_histogram - 1];
      if (point.time_ms > time) {
        if (point.time_ms <= oldest || model::IsStaleNan(point.histogram->sum)) continue;
        histograms_.resize(references_.size());
        histograms_[step] = point.histogram;
        cells_[step] = Cell::kHistogram;
        any_histogram_ = true;
        ++found;
        continue;
      }
    }
    if (next == 0 || time <= oldest || model::IsStaleNan(series.values[next - 1])) continue;
    values_[step] = series.values[next - 1];
    cells_[step] = Cell::kFloat;
    ++found;
  }
  return found;
}

}  // namespace hearth::promql

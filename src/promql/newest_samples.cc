// SPDX-License-Identifier: Apache-2.0
#include "promql/newest_samples.h"

#include <algorithm>

#include "model/value.h"

namespace hearth::promql {

void NewestSamples::FindPicks(const SeriesInput& series) {
  picked_.assign(references_.size(), Cell::kNone);
  picked_count_ = 0;
  picked_cells_ = false;
  uint32_t next = 0;  // the first sample later than the step looks
  for (size_t step = 0; step < references_.size(); ++step) {
    while (next < series.times.size() && series.times[next] <= references_[step]) ++next;
    picks_[step] = 0;
    if (next == 0 || series.times[next - 1] <= references_[step] - lookback_ms_) continue;
    picks_[step] = next;
    picked_[step] = Cell::kFloat;
    ++picked_count_;
  }
}

size_t NewestSamples::Fill(const SeriesInput& series) {
  any_histogram_ = false;
  if (!series.histograms.empty()) return FillBoth(series);
  if (series.timeline == 0 || series.timeline != timeline_) {
    FindPicks(series);
    timeline_ = series.timeline;
  }
  return FillFloats(series);
}

size_t NewestSamples::FillFloats(const SeriesInput& series) {
  if (!picked_cells_) std::copy(picked_.begin(), picked_.end(), cells_.begin());
  picked_cells_ = true;
  if (series.values.empty()) return picked_count_;
  size_t markers = 0;
  for (size_t step = 0; step < picks_.size(); ++step) {
    if (picks_[step] == 0) continue;
    values_[step] = series.values[picks_[step] - 1];
    markers += model::IsStaleNan(values_[step]) ? 1 : 0;
  }
  if (markers == 0) return picked_count_;
  picked_cells_ = false;
  for (size_t step = 0; step < picks_.size(); ++step) {
    if (picks_[step] != 0 && model::IsStaleNan(values_[step])) cells_[step] = Cell::kNone;
  }
  return picked_count_ - markers;
}

size_t NewestSamples::FillBoth(const SeriesInput& series) {
  timeline_ = 0;
  picked_cells_ = false;
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

// SPDX-License-Identifier: Apache-2.0
// rate, increase and delta of one float series at all steps. How far a window is extrapolated
// depends on its timestamps alone (unless the counter would fall below zero), so it is found once
// for all series that share a timeline; what is left for each value is a subtraction, a division
// and a multiplication. Bit for bit what rate.cc computes window by window.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "promql/range_window.h"

namespace hearth::promql {

class RateRow {
 public:
  // Null where the function is none of these, or windows are anchored or smoothed.
  static std::unique_ptr<RateRow> For(std::string_view function, const VectorSelector* selector,
                                      int64_t range_ms, size_t steps);

  // `bounds` is bound to the series. Fills the values of each step whose window holds two samples;
  // returns whether there is one.
  bool Fill(const SeriesInput& series, const WindowBounds& bounds, double* values);
  // Which steps have a value in the row filled last.
  const Cell* cells() const { return line_->cells.data(); }
  // Samples in all windows of the series filled last.
  int64_t samples_used() const { return line_->samples_used; }

 private:
  // One window: everything about it that its values cannot change.
  struct Extent {
    uint32_t first = 0;
    uint32_t last = 0;
    double sampled = 0;   // seconds between the first and the last sample
    double to_start = 0;  // seconds that are extrapolated before …
    double to_end = 0;    // … and after them
    double factor = 0;
    uint32_t step = 0;
    bool far_start = false;  // to_start is more than sampled
  };

  // Windows one after the other, each a sample further than the one before: where steps are as far
  // apart as samples, they are a run of values.
  struct Run {
    uint32_t begin = 0;  // in extents
    uint32_t end = 0;
  };
  // What the timestamps say of a whole row.
  struct Line {
    std::vector<Extent> extents;
    std::vector<Run> runs;        // of all extents
    std::vector<double> factors;  // of each extent …
    std::vector<double> limits;   // … infinite where far_start, else minus infinity
    std::vector<Cell> cells;
    int64_t samples_used = 0;
  };

  RateRow(bool counter, bool per_second, int64_t range_ms, size_t steps)
      : counter_(counter), per_second_(per_second), range_ms_(range_ms), kept_(steps) {}
  void Measure(const SeriesInput& series, const WindowBounds& bounds, Line* line) const;
  static void FindRuns(Line* line);
  template <bool kResets>
  void FillCounter(const double* in, const Run& run, double* values) const;
  void FillWithoutResets(const double* in, double* values) const;
  double FactorOf(const Extent& extent, double to_start) const;
  // Index of the newest reset at or before each sample, 0 where there is none; false: no reset.
  bool FindResets(std::span<const double> values);

  const bool counter_;
  const bool per_second_;
  const int64_t range_ms_;
  PerTimeline<Line> kept_;
  const Line* line_ = nullptr;  // of the series filled last
  std::vector<uint32_t> newest_reset_;
};

}  // namespace hearth::promql

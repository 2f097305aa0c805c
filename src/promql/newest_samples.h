// SPDX-License-Identifier: Apache-2.0
// An instant selector's row of one series: at each step its newest sample, unless that is older
// than the lookback or a staleness marker. Where a step looks depends on the timestamps alone, so
// it is found once for all series that share a timeline. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "promql/evaluator.h"
#include "promql/per_timeline.h"

namespace hearth::promql {

class NewestSamples {
 public:
  NewestSamples(size_t steps, int64_t lookback_ms)
      : lookback_ms_(lookback_ms),
        references_(steps),
        kept_(steps),
        values_(steps),
        cells_(steps) {}
  // Where a step looks; never decreases from step to step.
  void SetReference(size_t step, int64_t reference_ms) { references_[step] = reference_ms; }

  // Makes the row of a series and returns how many steps have a value. A series that comes without
  // values has the right cells.
  size_t Fill(const SeriesInput& series);
  const double* values() const { return values_.data(); }
  const Cell* cells() const { return row_cells_; }
  const HistogramPtr* histograms() const { return any_histogram_ ? histograms_.data() : nullptr; }

 private:
  // What the timestamps say.
  struct Line {
    std::vector<uint32_t> reads;  // index of each step's sample, any where none is young enough
    std::vector<Cell> cells;      // if none of them is a marker
    size_t count = 0;             // of steps that have one
  };
  void FindPicks(const SeriesInput& series, Line* line) const;
  size_t FillFloats(const SeriesInput& series, const Line& line);
  size_t FillBoth(const SeriesInput& series);

  const int64_t lookback_ms_;
  std::vector<int64_t> references_;
  PerTimeline<Line> kept_;
  std::vector<double> values_;
  std::vector<Cell> cells_;
  const Cell* row_cells_ = nullptr;  // the row's: cells_ or a line's
  std::vector<HistogramPtr> histograms_;
  bool any_histogram_ = false;
};

}  // namespace hearth::promql

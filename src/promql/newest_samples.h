// SPDX-License-Identifier: Apache-2.0
// An instant selector's row of one series: at each step its newest sample, unless that is older
// than the lookback or a staleness marker. Where a step looks depends on the timestamps alone, so
// it is found once for all series that share a timeline. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "promql/evaluator.h"

namespace hearth::promql {

class NewestSamples {
 public:
  NewestSamples(size_t steps, int64_t lookback_ms)
      : lookback_ms_(lookback_ms),
        references_(steps),
        picks_(steps),
        values_(steps),
        cells_(steps) {}
  // Where a step looks; never decreases from step to step.
  void SetReference(size_t step, int64_t reference_ms) { references_[step] = reference_ms; }

  // Makes the row of a series and returns how many steps have a value. A series that comes without
  // values has the right cells.
  size_t Fill(const SeriesInput& series);
  const double* values() const { return values_.data(); }
  const Cell* cells() const { return cells_.data(); }
  const HistogramPtr* histograms() const { return any_histogram_ ? histograms_.data() : nullptr; }

 private:
  void FindPicks(const SeriesInput& series);
  size_t FillFloats(const SeriesInput& series);
  size_t FillBoth(const SeriesInput& series);

  const int64_t lookback_ms_;
  std::vector<int64_t> references_;
  uint64_t timeline_ = 0;        // of …
  std::vector<uint32_t> picks_;  // … index + 1 of each step's sample, 0: none that is young enough
  std::vector<Cell> picked_;     // … cells if none of them is a marker
  size_t picked_count_ = 0;
  bool picked_cells_ = false;  // cells_ are picked_ already
  std::vector<double> values_;
  std::vector<Cell> cells_;
  std::vector<HistogramPtr> histograms_;
  bool any_histogram_ = false;
};

}  // namespace hearth::promql

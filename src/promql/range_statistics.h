// SPDX-License-Identifier: Apache-2.0
// Range functions over series of which some samples stand for many (storage::SelectHints::windows):
// what the store knows of a run of samples saves their decoding. Bit for bit what the function
// gives of all the samples. Not thread-safe.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/range_function.h"
#include "promql/range_window.h"
#include "storage/querier.h"

namespace hearth::promql {

class RangeStatistics {
 public:
  // Null where the function looks at more of a window than statistics tell, and for anchored and
  // smoothed windows and those of subqueries (`selector` null).
  static std::unique_ptr<RangeStatistics> For(std::string_view function,
                                              const VectorSelector* selector, int64_t range_ms,
                                              size_t steps);
  // What to ask the store for. `count` windows that end at `first_end_ms` and each `step_ms` later.
  storage::Windows WindowsOf(int64_t first_end_ms, int64_t step_ms, size_t count) const;

  // `bounds` is bound to the series, which has samples_before. Fills the values of the steps that
  // cells() names; returns whether there is one.
  bool Fill(const SeriesInput& series, const WindowBounds& bounds, RangeEnv* env, double* values);
  const Cell* cells() const { return cells_.data(); }
  int64_t samples_used() const { return samples_used_; }  // in all windows of that series

 private:
  RangeStatistics(std::pair<std::string_view, storage::WindowValue> what, RangeFunction function,
                  int64_t range_ms, size_t steps)
      : value_(what.second),
        function_(function),
        range_ms_(range_ms),
        per_second_(what.first == "rate"),
        counts_(what.first == "count_over_time"),
        cells_(steps) {}
  bool Extrapolated(const Window& window, size_t samples, double* value) const;

  const storage::WindowValue value_;
  const RangeFunction function_;
  const int64_t range_ms_;
  const bool per_second_;
  const bool counts_;
  std::vector<Cell> cells_;
  int64_t samples_used_ = 0;
};

}  // namespace hearth::promql

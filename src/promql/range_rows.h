// SPDX-License-Identifier: Apache-2.0
// The rows of a call with a range vector: the windows of every series, folded by a range function.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "promql/range_function.h"
#include "promql/range_window.h"
#include "promql/rate_row.h"
#include "promql/row_maker.h"

namespace hearth::promql {

// Where the windows of a range argument lie.
struct RangeShape {
  const VectorSelector* selector = nullptr;  // null: a subquery
  Steps steps;
  int64_t range_ms = 0;
  int64_t lookback_ms = 0;
  bool fixed = false;        // by @: the same window at all steps
  int64_t first_end_ms = 0;  // where the first step's window ends
  int64_t EndOf(size_t step) const {
    return fixed ? first_end_ms : first_end_ms + (steps.At(step) - steps.start_ms);
  }
  WindowBounds MakeBounds() const;
};

// What is to be done with each series.
struct RangeCall {
  std::string_view name;
  RangeFunction function = nullptr;
  std::vector<std::vector<double>> scalars = {};  // the other arguments: one a step
  bool counter = false;
  bool keeps_name = false;
  // Only whether a window has a sample counts, and that is a value.
  bool presence = false;
  bool type_and_unit_labels = false;
  PosRange pos = {};  // of the first argument, for annotations
};

// Counts the windows of the series that `bounds` is bound to; `used` samples are in all of them.
void CountWindows(const RangeShape& shape, const SeriesInput& series, int64_t used,
                  WindowBounds* bounds, StepCounts* counts);

// Both outlive what is made; drop_name says whether the call, or its argument, loses the name.
std::unique_ptr<RowMaker> MakeRangeRows(const RangeShape& shape, const RangeCall& call);

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// What makes rows of the series of a selector, one after the other. It keeps what it found out
// about timelines; each thread has one of its own, and all make the same rows.
#pragma once

#include <functional>
#include <memory>

#include "promql/annotations.h"
#include "promql/evaluator.h"
#include "promql/grid.h"
#include "promql/step_counts.h"

namespace hearth::promql {

class RowMaker {
 public:
  virtual ~RowMaker() = default;
  // The row of a series, valid until the next call; no cells where it has none. The samples that it
  // took are added to `counts`, what there is to say to `notes`.
  virtual RowView Make(const SeriesInput& series, StepCounts* counts, Annotations* notes) = 0;
};

// Thread-safe; what it refers to outlives the evaluation of the selector.
using MakeRowMaker = std::function<std::unique_ptr<RowMaker>()>;

}  // namespace hearth::promql

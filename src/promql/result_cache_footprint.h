// SPDX-License-Identifier: Apache-2.0
// Which expressions may be answered in pieces, and what of the store one step of them looks at.
//
// An expression may be where its value at a step depends on that step and on the samples around it
// alone, so that pieces put side by side are, byte for byte, the answer to the whole. What rules
// one out (docs/adr/0007):
//   - @, start(), end(), range(), step(), durations that are computed: they look at the query
//   - selectors of more than one metric: rows that are equal without their names are an error over
//     all steps together; likewise `or` in a subquery
//   - parameters of aggregations and range functions that are no plain numbers: upstream looks at
//     all of them at once
//   - sums and whatever else depends on the order of rows, over rows whose order depends on which
//   of
//     them came first: over groups, `or`, matching that may make two rows one
//   - label_replace, label_join, info, sort…, count_values, limitk, limit_ratio, anchored, smoothed
//     and all that is not known here
#pragma once

#include <cstdint>
#include <optional>

#include "promql/ast.h"

namespace hearth::promql {

struct Footprint {
  // A step at time t looks at samples within [t + oldest_ms, t + newest_ms] and at no others.
  int64_t oldest_ms = INT64_MAX;
  int64_t newest_ms = INT64_MIN;
  int64_t finest_step_ms = 0;  // of its subqueries; 0: none
  bool buckets = false;        // classic histograms: bounds that are equal are added up
};

// Not set: the expression is evaluated whole, each time.
std::optional<Footprint> FootprintOf(const Expr& expr, int64_t lookback_ms,
                                     int64_t default_interval_ms);

}  // namespace hearth::promql

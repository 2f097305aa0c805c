// SPDX-License-Identifier: Apache-2.0
// What is done to a tree once, before it is evaluated (upstream's PreprocessExpr): start(), end(),
// range(), step() become numbers, duration expressions become durations, @ start()/end() become
// times, and parts with the same value at all steps are marked.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>

#include "promql/ast.h"

namespace hearth::promql {

// `step_ms` 0: an instant query. InvalidArgument where a duration expression has no valid value.
absl::StatusOr<ExprPtr> Prepare(const Expr& expr, int64_t start_ms, int64_t end_ms,
                                int64_t step_ms);

}  // namespace hearth::promql

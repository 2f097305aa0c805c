// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "promql/evaluator.h"

namespace hearth::promql {

absl::StatusOr<Value> Evaluator::EvalInfo(const Call& call) {
  return FailedPrecondition("unknown function with name \"{}\"", call.function->name);
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// Runs Prometheus' .test files (promql/promqltest/README.md there): load, load_with_nhcb, clear,
// eval instant and range with their expectations, over a MemoryStore.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "promql/engine.h"

namespace hearth::promql {

struct ScriptResult {
  size_t passed = 0;
  size_t total = 0;
  std::vector<std::string> failures;  // "line 12: …"
};
// A status where the script itself is broken. Each eval counts once; instant ones run again as a
// range query.
absl::StatusOr<ScriptResult> RunTestScript(std::string_view script, const Engine& engine);
// An engine with every feature on, as upstream runs these files.
Engine MakeTestEngine();

}  // namespace hearth::promql

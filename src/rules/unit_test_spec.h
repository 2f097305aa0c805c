// SPDX-License-Identifier: Apache-2.0
// What a unit test file says, read and checked.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "rules/rule_file.h"

namespace hearth::rules {

struct ExpectedAlert {
  TextPairs labels;
  TextPairs annotations;
};
struct AlertTest {
  int64_t eval_time_ms = 0;
  std::string alertname;
  std::vector<ExpectedAlert> expected;
};
struct ExpectedSample {
  std::string labels;
  double value = 0;
  std::string histogram;  // not empty: `value` does not count
};
struct ExpressionTest {
  std::string expr;
  int64_t eval_time_ms = 0;
  std::vector<ExpectedSample> expected;
};
struct TestSpec {
  std::string name;
  int64_t interval_ms = 0;
  int64_t start_ms = 0;
  std::vector<std::pair<std::string, std::string>> series;  // series, values
  std::vector<AlertTest> alerts;
  std::vector<ExpressionTest> expressions;
  TextPairs external_labels;
  std::string external_url;
};
struct UnitTestSpec {
  std::vector<std::string> rule_files;  // as written
  int64_t evaluation_interval_ms = 60'000;
  std::vector<std::string> group_eval_order;
  bool fuzzy_compare = false;
  std::vector<TestSpec> tests;
};

// Strict: unknown keys are errors, with their line.
absl::StatusOr<UnitTestSpec> ParseUnitTestSpec(std::string_view text);

}  // namespace hearth::rules

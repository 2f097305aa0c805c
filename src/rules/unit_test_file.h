// SPDX-License-Identifier: Apache-2.0
// Unit tests of rules in promtool's format (docs/configuration/unit_testing_rules.md of Prometheus
// 3.14): series and rules in, alerts and values out, with promtool's verdict. Everything runs in
// memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace hearth::rules {

struct UnitTestOptions {
  std::vector<std::string> run;        // regular expressions of test names; empty: all
  bool diff = false;                   // what is missing and what is unexpected, line by line
  bool ignore_unknown_fields = false;  // in rule files
  bool experimental_functions = false;
  bool delayed_name_removal = false;
  bool extended_range_selectors = false;
  int64_t lookback_ms = 300'000;
};

struct UnitTestCase {
  std::string name;
  std::vector<std::string> errors;  // as promtool words them; empty: passed
};

struct UnitTestOutcome {
  std::vector<std::string> errors;    // of the file and of all its cases, in order
  std::vector<std::string> warnings;  // a pattern that matches no file
  std::vector<UnitTestCase> cases;
  bool ok() const { return errors.empty(); }
};

UnitTestOutcome RunUnitTestFile(FileSystem& files, const std::string& path,
                                const UnitTestOptions& options);
// The JUnit report of several files.
std::string JunitReport(const std::vector<std::pair<std::string, UnitTestOutcome>>& outcomes);

}  // namespace hearth::rules

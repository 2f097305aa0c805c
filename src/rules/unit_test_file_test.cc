// SPDX-License-Identifier: Apache-2.0
#include "rules/unit_test_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> ErrorsOf(FileSystem& files, const std::string& path,
                                  const UnitTestOptions& options = {}) {
  return RunUnitTestFile(files, path, options).errors;
}

TEST(UnitTestFile, TheSevenAlertsFireInTimeAndResolve) {
  for (const char* name : {"application", "kubernetes", "nodes"}) {
    const std::string path = std::string(HEARTH_ROOT_DIR "/rules/tests/") + name + ".yaml";
    EXPECT_THAT(ErrorsOf(RealFileSystem(), path), IsEmpty()) << path;
  }
}

// Verdicts of promtool 3.14 on Prometheus' own files.
TEST(UnitTestFile, JudgesPromtoolsFilesAsPromtool) {
  const std::string folder = HEARTH_ROOT_DIR "/../shared/data/rules-unittest/";
  if (!RealFileSystem().Exists(folder + "unittest.yml")) GTEST_SKIP() << "not there: " << folder;
  for (const char* name :
       {"unittest", "at-modifier-test", "negative-offset-test", "long-period", "start-time-test"}) {
    EXPECT_THAT(ErrorsOf(RealFileSystem(), folder + name + ".yml"), IsEmpty()) << name;
  }
  for (const char* name :
       {"bad-input-series", "bad-promql", "bad-rules-error-test", "bad-rules-syntax-test",
        "rules_run", "rules_run_extrafields", "rules_run_fuzzy", "rules_run_no_fuzzy"}) {
    EXPECT_FALSE(ErrorsOf(RealFileSystem(), folder + name + ".yml").empty()) << name;
  }
  UnitTestOptions options;
  options.ignore_unknown_fields = true;
  EXPECT_THAT(ErrorsOf(RealFileSystem(), folder + "rules_run_extrafields.yml", options), IsEmpty());
  options.run = {"correct"};
  EXPECT_THAT(ErrorsOf(RealFileSystem(), folder + "rules_run.yml", options), IsEmpty());
}

TEST(UnitTestFile, SaysWhatDiffers) {
  TemporaryDirectory directory;
  const auto write = [&](const char* name, std::string_view text) {
    const std::string path = JoinPath(directory.path(), name);
    EXPECT_TRUE(RealFileSystem().WriteFileAtomic(path, text).ok());
    return path;
  };
  write("r.yaml", "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n");
  const std::string path = write("t.yaml", R"(rule_files: [r.yaml]
tests:
- name: n
  input_series: [{series: 'up{job="x"}', values: 0}]
  alert_rule_test:
  - {eval_time: 0m, alertname: A, exp_alerts: [{exp_labels: {job: "y"}}]}
  promql_expr_test:
  - {expr: up, eval_time: 0m, exp_samples: [{labels: up, value: 1}]}
)");
  EXPECT_THAT(
      ErrorsOf(RealFileSystem(), path),
      ElementsAre(HasSubstr("    name: n,\n    alertname: A, time: 0s, \n        exp:[\n"),
                  "    expr: \"up\", time: 0s,\n        exp: {__name__=\"up\"} 1E+00\n        got: "
                  "{__name__=\"up\", job=\"x\"} 0E+00"));
  UnitTestOptions options;
  options.diff = true;
  EXPECT_THAT(ErrorsOf(RealFileSystem(), path, options)[0],
              HasSubstr("- Labels:{alertname=\"A\", job=\"y\"}"));
  EXPECT_THAT(ErrorsOf(RealFileSystem(), path, options)[0],
              HasSubstr("+ Labels:{alertname=\"A\", job=\"x\"}"));
}

}  // namespace
}  // namespace hearth::rules

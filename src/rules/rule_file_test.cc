// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::rules {
namespace {

using testing::HasSubstr;

TEST(RuleFile, ReadsGroupsWithAllTheirFields) {
  const RuleFile file = ParseRuleFile(R"(groups:
- name: g
  interval: 30s
  limit: 5
  labels: {team: a}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1m
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.job }} is down"}
)",
                                      "r.yaml");
  ASSERT_THAT(file.errors, testing::IsEmpty());
  ASSERT_EQ(file.groups.size(), 1U);
  const Group& group = file.groups[0];
  EXPECT_EQ(group.interval_ms, 30'000);
  EXPECT_EQ(group.limit, 5);
  ASSERT_EQ(group.rules.size(), 2U);
  EXPECT_EQ(group.rules[1].for_ms, 300'000);
  EXPECT_EQ(group.rules[1].keep_firing_for_ms, 60'000);
  EXPECT_EQ(group.rules[1].annotations[0].second, "{{ $labels.job }} is down");
  EXPECT_EQ(group.rules[1].line, 9);
}

TEST(RuleFile, NamesEveryMistakeWithItsLine) {
  const struct {
    const char* text;
    const char* want;
  } rows[] = {
      {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n",
       "r.yaml:5: group \"g\", rule 1"},
      {"groups:\n- name: g\n  rules:\n  - expr: up\n", "one of 'record' or 'alert' must be set"},
      {"groups:\n- name: g\n  rules:\n  - {record: a, alert: b, expr: up}\n", "only one of"},
      {"groups:\n- name: g\n  rules:\n  - {record: a}\n", "'expr' must be set"},
      {"groups:\n- name: g\n  rules:\n  - {record: a, expr: up, for: 1m}\n", "invalid field 'for'"},
      {"groups:\n- name: g\n- name: g\n", "is repeated in the same file"},
      {"groups:\n- rules: []\n", "Groupname must not be empty"},
      {"groups:\n- name: g\n  interval: soon\n", "not a valid duration string: \"soon\""},
      {"groups:\n- name: g\n  colour: red\n", "field colour not found"},
      {"rules: []\n", "field rules not found"},
      {"groups: [\n", "r.yaml: line"},
      {"groups:\n- name: g\n  rules:\n  - {alert: A, expr: up, labels: {__name__: x}}\n",
       "invalid label name: __name__"},
  };
  for (const auto& row : rows) {
    const RuleFile file = ParseRuleFile(row.text, "r.yaml");
    EXPECT_THAT(file.errors, testing::Contains(HasSubstr(row.want))) << row.text;
  }
}

}  // namespace
}  // namespace hearth::rules

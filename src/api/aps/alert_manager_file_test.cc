// SPDX-License-Identifier: Apache-2.0
#include "api/aps/alert_manager_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::api {
namespace {

constexpr char kGood[] = R"(template_files:
  a.tmpl: |
    {{ define "x" }}y{{ end }}
alertmanager_config: |
  route:
    receiver: default
    routes:
      - matchers: ["severity=page"]
        receiver: pager
  receivers:
    - name: default
    - name: pager
      sns_configs: []
)";

TEST(AlertManagerFile, TakesAmpsForm) {
  const absl::Status status = CheckAlertManagerFile(kGood);
  EXPECT_TRUE(status.ok()) << status;
}

TEST(AlertManagerFile, NamesLineAndReason) {
  struct Row {
    const char* text;
    const char* message;
  };
  constexpr Row kRows[] = {
      {"", "must be a map"},
      {"route: {}\n", "line 1, column 1: field route is not known"},
      {"template_files: {}\n", "alertmanager_config must be a text"},
      {"alertmanager_config:\n  route: {}\n", "must be a text"},
      {"alertmanager_config: |\n  receivers: []\n", "no route provided"},
      {"alertmanager_config: |\n  route:\n    receiver: x\n  receivers: []\n",
       "alertmanager_config: line 2, column 13: undefined receiver \"x\""},
      {"alertmanager_config: |\n  route: {}\n  receivers: []\n", "must name a receiver"},
      {"alertmanager_config: |\n  route:\n    receiver: a\n  receivers:\n  - name: a\n"
       "  - name: a\n",
       "line 5, column 9: the receiver name \"a\" is not unique"},
      {"alertmanager_config: |\n  route:\n    receiver: a\n    routes:\n    - receiver: b\n"
       "  receivers:\n  - name: a\n",
       "undefined receiver \"b\""},
      {"alertmanager_config: |\n  rout: {}\n", "field rout is not known"},
      {"alertmanager_config: |\n  route: [\n", "alertmanager_config: line"},
      {"template_files: [a]\nalertmanager_config: \"\"\n", "template_files must be a map"},
      {"a: b: c\n", "line 1"},
  };
  for (const Row& row : kRows) {
    const absl::Status status = CheckAlertManagerFile(row.text);
    EXPECT_FALSE(status.ok()) << row.text;
    EXPECT_THAT(Message(status), testing::HasSubstr(row.message)) << row.text;
  }
}

}  // namespace
}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
#include "scrape/relabel.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/exposition.h"
#include "scrape/config.h"

namespace hearth::scrape {
namespace {

struct RelabelCase {
  size_t line = 0;
  std::string labels;
  std::string rules;
  std::string expected;  // "labels …", "dropped", "error …"
};

std::vector<RelabelCase> ReadCases() {
  const auto text = RealFileSystem().ReadFile(HEARTH_SOURCE_DIR "/testdata/relabel.test");
  EXPECT_TRUE(text.ok()) << text.status();
  std::vector<RelabelCase> cases;
  RelabelCase current;
  bool in_rules = false;
  size_t number = 0;
  for (const std::string_view line : Split(*text, '\n')) {
    ++number;
    if (line.empty() || line.starts_with('#')) {
      if (!current.expected.empty()) cases.push_back(std::move(current));
      if (!current.expected.empty() || line.empty()) current = {};
      in_rules = false;
    } else if (line == "rules") {
      in_rules = true;
    } else if (in_rules && line.starts_with(' ')) {
      current.rules += "  " + std::string(line) + "\n";
    } else if (in_rules) {
      current.expected = line;
    } else {
      current.labels = line.substr(std::string_view("labels").size());
      current.line = number;
    }
  }
  return cases;
}

model::Labels ParseLabels(std::string_view inner) {
  const std::string text = fmt::format("m{{{}}} 1\n", TrimSpace(inner));
  codec::ExpositionParser parser(text, codec::ExpositionFormat::kText);
  EXPECT_TRUE(parser.Next().ok()) << text;
  model::LabelsBuilder labels(model::Labels::FromPairs(parser.labels()));
  labels.Delete(model::kMetricName);
  return labels.Build();
}

std::string ResultOf(const RelabelCase& row) {
  const auto loaded =
      ParseConfig("scrape_configs:\n- job_name: x\n  relabel_configs:\n" + row.rules, "f.yml", "");
  if (!loaded.ok()) {
    const std::string message = Message(loaded.status());
    const size_t path_end = message.find("]: ");
    const size_t action = message.find("action: ");
    if (path_end != std::string::npos) return "error " + message.substr(path_end + 3);
    return "error " + (action != std::string::npos ? message.substr(action + 8) : message);
  }
  model::LabelsBuilder labels(ParseLabels(row.labels));
  if (!Relabel(loaded->config.jobs[0].relabel, &labels)) return "dropped";
  const std::string text = labels.Build().ToString();
  return "labels " + text.substr(1, text.size() - 2);
}

TEST(Relabel, FollowsTheCasesOfTheFile) {
  const auto cases = ReadCases();
  EXPECT_GT(cases.size(), 35U);
  for (const RelabelCase& row : cases) {
    std::string expected = row.expected;
    if (expected.starts_with("labels")) {
      const std::string text = ParseLabels(expected.substr(6)).ToString();
      expected = "labels " + text.substr(1, text.size() - 2);
    }
    EXPECT_EQ(ResultOf(row), expected) << "relabel.test:" << row.line;
  }
}

}  // namespace
}  // namespace hearth::scrape

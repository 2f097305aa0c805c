// SPDX-License-Identifier: Apache-2.0
// Rule files in Prometheus' format (model/rulefmt): read, and checked as promtool does, expressions
// and templates included. Pure functions, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/parser.h"

namespace hearth::rules {

using TextPairs = std::vector<std::pair<std::string, std::string>>;  // in the file's order

struct Rule {
  std::string record;  // one of record and alert is set
  std::string alert;
  std::string expr;
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  TextPairs labels;
  TextPairs annotations;
  int line = 0;
  const std::string& name() const { return alert.empty() ? record : alert; }
  bool alerting() const { return !alert.empty(); }
  // The same rule; where it stands does not count.
  friend bool operator==(const Rule& a, const Rule& b);
};

struct Group {
  std::string name;
  std::string file;
  int64_t interval_ms = 0;                 // 0: the configuration's evaluation_interval
  std::optional<int64_t> query_offset_ms;  // unset: the workspace's
  int64_t limit = 0;                       // series or alerts a rule may make; 0: no limit
  TextPairs labels;
  std::vector<Rule> rules;
  std::vector<std::string> errors;  // those of RuleFile::errors that are about this group
  friend bool operator==(const Group& a, const Group& b);  // errors do not count
};

struct RuleFileOptions {
  bool ignore_unknown_fields = false;  // promtool's --ignore-unknown-fields
  promql::ParserOptions parser;        // feature switches
};

struct RuleFile {
  std::vector<Group> groups;
  // One line each, "FILE:LINE: group "g", rule 2, "Alert": what is wrong". A file with errors has
  // the groups that could be read.
  std::vector<std::string> errors;
};

// Never fails as a whole: a file that is no YAML has one error and no groups.
RuleFile ParseRuleFile(std::string_view text, std::string_view file_name,
                       const RuleFileOptions& options = {});

// Rules of one name, labels and kind that stand more than once, as promtool's lint counts them.
struct DuplicateRule {
  std::string name;
  TextPairs labels;  // sorted
};
std::vector<DuplicateRule> FindDuplicates(const std::vector<Group>& groups);

}  // namespace hearth::rules

// SPDX-License-Identifier: Apache-2.0
// One rule of an EvaluatedGroup: what was parsed of it and what it remembers. Guarded by the
// group's mutex where View reads it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "promql/ast.h"
#include "rules/evaluated_group.h"

namespace hearth::rules {

struct EvaluatedGroup::State {
  Rule rule;
  promql::ExprPtr expr;
  std::string query;     // canonical text, which is also what positions of warnings refer to
  model::Labels labels;  // the group's and the rule's own
  std::vector<std::pair<std::string, AlertTemplate>> label_templates;
  std::vector<std::pair<std::string, AlertTemplate>> annotation_templates;

  // Only the evaluating thread:
  Series previous;        // written by the last evaluation
  bool restored = false;  // ALERTS may be written
  // Under the group's mutex:
  std::map<std::string, Alert> active;  // by packed labels
  Health health = Health::kUnknown;
  std::string last_error;
  double evaluation_seconds = 0;
  int64_t last_evaluation_ms = kNever;

  // What CopyStateFrom matches rules by.
  std::string Identity() const { return rule.name() + labels.ToString(); }
};

inline constexpr std::string_view kAlertName = "alertname";
inline constexpr std::string_view kAlertState = "alertstate";
inline constexpr std::string_view kAlertsMetric = "ALERTS";
inline constexpr std::string_view kForStateMetric = "ALERTS_FOR_STATE";

}  // namespace hearth::rules

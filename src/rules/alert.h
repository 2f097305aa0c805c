// SPDX-License-Identifier: Apache-2.0
// Alerts as rules make them, and what the API and notifications see of rules and groups. Plain
// values. Times are milliseconds since 1970; kNever where something has not happened.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "rules/rule_file.h"

namespace hearth::rules {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

enum class AlertState { kUnknown, kInactive, kPending, kFiring };
std::string_view Name(AlertState state);  // "unknown", "inactive", "pending", "firing"

enum class Health { kUnknown, kGood, kBad };
std::string_view Name(Health health);  // "unknown", "ok", "err"

// One label set for which an alerting rule's expression has a value.
struct Alert {
  AlertState state = AlertState::kPending;
  model::Labels labels;
  TextPairs annotations;  // sorted by name
  double value = 0;       // at the last evaluation
  int64_t active_at_ms = kNever;
  int64_t fired_at_ms = kNever;
  int64_t resolved_at_ms = kNever;
  int64_t last_sent_ms = kNever;
  int64_t valid_until_ms = kNever;
  int64_t keep_firing_since_ms = kNever;
};

// What is sent to an Alertmanager.
struct AlertNotice {
  model::Labels labels;
  TextPairs annotations;
  int64_t starts_at_ms = 0;
  int64_t ends_at_ms = 0;  // resolved then; in the future while it fires
  std::string generator_url;
};
// Called from evaluating threads, several at a time; must be quick.
using AlertSink =
    std::function<void(std::string_view workspace, const std::vector<AlertNotice>& alerts)>;

struct RuleView {
  bool alerting = false;
  std::string name;
  std::string query;  // canonical text
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  model::Labels labels;  // the group's and its own, templates as they were written
  TextPairs annotations;
  AlertState state = AlertState::kUnknown;
  std::vector<Alert> alerts;  // pending and firing, sorted by labels
  Health health = Health::kUnknown;
  std::string last_error;
  double evaluation_seconds = 0;
  int64_t last_evaluation_ms = kNever;
};

struct GroupView {
  std::string name;
  std::string file;
  int64_t interval_ms = 0;
  int64_t limit = 0;
  double evaluation_seconds = 0;
  int64_t last_evaluation_ms = kNever;
  uint64_t iterations_missed = 0;
  // Why the newest text of this group is not in use: "file:12: …"; then the last good one goes on.
  std::vector<std::string> load_errors;
  std::vector<RuleView> rules;
};

// A rule that could not be evaluated, or whose results were not stored; valid during the call.
struct RuleFailure {
  std::string_view file;  // or namespace
  std::string_view group;
  std::string_view rule;
  std::string_view error;
};
using FailureSink = std::function<void(const RuleFailure&)>;

}  // namespace hearth::rules

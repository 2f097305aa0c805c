// SPDX-License-Identifier: Apache-2.0
#include "rules/unit_test_spec.h"

#include <absl/time/time.h>

#include <cmath>

#include "base/status.h"
#include "codec/go_float.h"
#include "codec/yaml.h"
#include "promql/parser.h"

namespace hearth::rules {
namespace {

using codec::YamlNode;

absl::Status CheckKeys(const YamlNode& node, std::initializer_list<std::string_view> known,
                       std::string_view what) {
  if (!node.is_map()) return node.Error(std::string(what) + " must be a map");
  for (const auto& [key, value] : node.entries()) {
    bool found = false;
    for (const std::string_view name : known) found = found || name == key.text();
    if (!found) {
      return key.Error("field " + key.text() + " not found in " + std::string(what));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadText(const YamlNode& map, std::string_view key, std::string* out) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr) return absl::OkStatus();
  TRY_ASSIGN(*out, node->AsText());
  return absl::OkStatus();
}

absl::Status ReadDuration(const YamlNode& map, std::string_view key, int64_t* out) {
  std::string text;
  TRY(ReadText(map, key, &text));
  if (text.empty()) return absl::OkStatus();
  const auto ms = promql::ParseDurationMs(text);
  if (!ms.ok()) {
    return map.Find(key)->Error(std::string(key) + ": not a valid duration string: " + text);
  }
  *out = *ms;
  return absl::OkStatus();
}

absl::Status ReadTexts(const YamlNode& map, std::string_view key, std::vector<std::string>* out) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr || node->is_null()) return absl::OkStatus();
  if (!node->is_sequence()) return node->Error(std::string(key) + " must be a list");
  for (const YamlNode& item : node->items()) {
    TRY_ASSIGN(std::string text, item.AsText());
    out->push_back(std::move(text));
  }
  return absl::OkStatus();
}

absl::Status ReadPairs(const YamlNode& map, std::string_view key, TextPairs* out) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr || node->is_null()) return absl::OkStatus();
  if (!node->is_map()) return node->Error(std::string(key) + " must be a map");
  for (const auto& [name, value] : node->entries()) {
    TRY_ASSIGN(std::string text, value.AsText());
    out->emplace_back(name.text(), std::move(text));
  }
  return absl::OkStatus();
}

// Calls `read` with each item of the list.
template <typename Read>
absl::Status ReadList(const YamlNode& map, std::string_view key, Read read) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr || node->is_null()) return absl::OkStatus();
  if (!node->is_sequence()) return node->Error(std::string(key) + " must be a list");
  for (const YamlNode& item : node->items()) TRY(read(item));
  return absl::OkStatus();
}

// RFC 3339 or seconds since 1970.
absl::Status ReadTime(const YamlNode& map, std::string_view key, int64_t* out) {
  std::string text;
  TRY(ReadText(map, key, &text));
  if (text.empty()) return absl::OkStatus();
  double seconds = 0;
  constexpr double kSecondsMax = 9e15;
  if (codec::ParseGoFloat(text, &seconds) && std::abs(seconds) < kSecondsMax) {
    *out = static_cast<int64_t>(std::round(seconds * 1000));
    return absl::OkStatus();
  }
  absl::Time time;
  std::string reason;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &reason)) {
    return map.Find(key)->Error("cannot parse \"" + text + "\" to a valid timestamp");
  }
  *out = absl::ToUnixMillis(time);
  return absl::OkStatus();
}

absl::StatusOr<AlertTest> ReadAlertTest(const YamlNode& node) {
  AlertTest test;
  if (node.is_null()) return test;
  TRY(CheckKeys(node, {"eval_time", "alertname", "exp_alerts"}, "an alert_rule_test"));
  TRY(ReadDuration(node, "eval_time", &test.eval_time_ms));
  TRY(ReadText(node, "alertname", &test.alertname));
  const auto read_exp_alerts = [&](const YamlNode& item) -> absl::Status {
    ExpectedAlert& alert = test.expected.emplace_back();
    if (item.is_null()) return absl::OkStatus();
    TRY(CheckKeys(item, {"exp_labels", "exp_annotations"}, "an expected alert"));
    TRY(ReadPairs(item, "exp_labels", &alert.labels));
    return ReadPairs(item, "exp_annotations", &alert.annotations);
  };
  TRY(ReadList(node, "exp_alerts", read_exp_alerts));
  return test;
}

absl::StatusOr<ExpressionTest> ReadExpressionTest(const YamlNode& node) {
  ExpressionTest test;
  if (node.is_null()) return test;
  TRY(CheckKeys(node, {"expr", "eval_time", "exp_samples"}, "a promql_expr_test"));
  TRY(ReadText(node, "expr", &test.expr));
  TRY(ReadDuration(node, "eval_time", &test.eval_time_ms));
  const auto read_exp_samples = [&](const YamlNode& item) -> absl::Status {
    ExpectedSample& sample = test.expected.emplace_back();
    if (item.is_null()) return absl::OkStatus();
    TRY(CheckKeys(item, {"labels", "value", "histogram"}, "an expected sample"));
    TRY(ReadText(item, "labels", &sample.labels));
    TRY(ReadText(item, "histogram", &sample.histogram));
    const YamlNode* value = item.Find("value");
    if (value == nullptr || value->is_null()) return absl::OkStatus();
    TRY_ASSIGN(sample.value, value->AsDouble());
    return absl::OkStatus();
  };
  TRY(ReadList(node, "exp_samples", read_exp_samples));
  return test;
}

absl::StatusOr<TestSpec> ReadTest(const YamlNode& node) {
  TestSpec test;
  if (node.is_null()) return test;
  TRY(CheckKeys(node,
                {"interval", "input_series", "alert_rule_test", "promql_expr_test",
                 "external_labels", "external_url", "name", "start_timestamp"},
                "a test"));
  TRY(ReadText(node, "name", &test.name));
  TRY(ReadDuration(node, "interval", &test.interval_ms));
  TRY(ReadTime(node, "start_timestamp", &test.start_ms));
  TRY(ReadPairs(node, "external_labels", &test.external_labels));
  TRY(ReadText(node, "external_url", &test.external_url));
  const auto read_input_series = [&](const YamlNode& item) -> absl::Status {
    auto& [series, values] = test.series.emplace_back();
    if (item.is_null()) return absl::OkStatus();
    TRY(CheckKeys(item, {"series", "values"}, "an input series"));
    TRY(ReadText(item, "series", &series));
    return ReadText(item, "values", &values);
  };
  TRY(ReadList(node, "input_series", read_input_series));
  const auto read_alert_rule_test = [&](const YamlNode& item) -> absl::Status {
    TRY_ASSIGN(AlertTest alert, ReadAlertTest(item));
    test.alerts.push_back(std::move(alert));
    return absl::OkStatus();
  };
  TRY(ReadList(node, "alert_rule_test", read_alert_rule_test));
  const auto read_promql_expr_test = [&](const YamlNode& item) -> absl::Status {
    TRY_ASSIGN(ExpressionTest expression, ReadExpressionTest(item));
    test.expressions.push_back(std::move(expression));
    return absl::OkStatus();
  };
  TRY(ReadList(node, "promql_expr_test", read_promql_expr_test));
  return test;
}

}  // namespace

absl::StatusOr<UnitTestSpec> ParseUnitTestSpec(std::string_view text) {
  TRY_ASSIGN(const YamlNode root, codec::ParseYaml(text));
  UnitTestSpec spec;
  if (root.is_null()) return spec;
  TRY(CheckKeys(root,
                {"rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"},
                "the file"));
  TRY(ReadTexts(root, "rule_files", &spec.rule_files));
  TRY(ReadTexts(root, "group_eval_order", &spec.group_eval_order));
  TRY(ReadDuration(root, "evaluation_interval", &spec.evaluation_interval_ms));
  if (spec.evaluation_interval_ms == 0) spec.evaluation_interval_ms = 60'000;
  if (const YamlNode* fuzzy = root.Find("fuzzy_compare"); fuzzy != nullptr && !fuzzy->is_null()) {
    TRY_ASSIGN(spec.fuzzy_compare, fuzzy->AsBool());
  }
  const auto read_tests = [&](const YamlNode& item) -> absl::Status {
    TRY_ASSIGN(TestSpec test, ReadTest(item));
    spec.tests.push_back(std::move(test));
    return absl::OkStatus();
  };
  TRY(ReadList(root, "tests", read_tests));
  return spec;
}

}  // namespace hearth::rules

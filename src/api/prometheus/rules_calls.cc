// SPDX-License-Identifier: Apache-2.0
// rules, alerts, alertmanagers (web/api/v1/api.go of Prometheus 3.14): what the workspace's rules
// are and do.
#include <absl/time/time.h>
#include <fmt/core.h>

#include <algorithm>

#include "api/prometheus/answers.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "codec/go_float.h"
#include "codec/json_writer.h"
#include "crypto/hash.h"
#include "rules/rule_book.h"

namespace hearth::api {
namespace {

// RFC 3339 as Go's time.Time marshals; its zero time where something never was.
std::string Rfc3339(int64_t ms) {
  if (ms == rules::kNever) return "0001-01-01T00:00:00Z";
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMillis(ms),
                          absl::UTCTimeZone());
}

class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(*out) { out_ += '{'; }
  void Text(std::string_view key, std::string_view value) {
    Key(key);
    AppendJsonStringHtmlSafe(value, &out_);
  }
  void Raw(std::string_view key, std::string_view json) {
    Key(key);
    out_ += json;
  }
  void Seconds(std::string_view key, int64_t ms) {
    Raw(key, fmt::format("{}", static_cast<double>(ms) / 1000));
  }
  void End() { out_ += '}'; }

 private:
  void Key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    AppendJsonStringHtmlSafe(key, &out_);
    out_ += ':';
  }
  std::string& out_;
  bool first_ = true;
};

std::string LabelsJson(model::LabelsView labels) {
  std::string out;
  JsonObject object(&out);
  for (const model::Label& label : labels) object.Text(label.name, label.value);
  object.End();
  return out;
}

std::string PairsJson(const rules::TextPairs& pairs) {
  std::string out;
  JsonObject object(&out);
  for (const auto& [name, value] : pairs) object.Text(name, value);
  object.End();
  return out;
}

std::string AlertsJson(const std::vector<rules::Alert>& alerts) {
  std::string out = "[";
  for (const rules::Alert& alert : alerts) {
    if (out.size() > 1) out += ',';
    JsonObject object(&out);
    object.Raw("labels", LabelsJson(alert.labels));
    object.Raw("annotations", PairsJson(alert.annotations));
    object.Text("state", rules::Name(alert.state));
    object.Text("activeAt", Rfc3339(alert.active_at_ms));
    if (alert.keep_firing_since_ms != rules::kNever) {
      object.Text("keepFiringSince", Rfc3339(alert.keep_firing_since_ms));
    }
    std::string value;
    codec::AppendGoExponent(alert.value, &value);
    object.Text("value", value);
    object.End();
  }
  return out + "]";
}

std::string RuleJson(const rules::RuleView& rule, bool exclude_alerts) {
  std::string out;
  JsonObject object(&out);
  if (rule.alerting) object.Text("state", rules::Name(rule.state));
  object.Text("name", rule.name);
  object.Text("query", rule.query);
  if (rule.alerting) {
    object.Seconds("duration", rule.for_ms);
    object.Seconds("keepFiringFor", rule.keep_firing_for_ms);
  }
  object.Raw("labels", LabelsJson(rule.labels));
  if (rule.alerting) {
    object.Raw("annotations", PairsJson(rule.annotations));
    object.Raw("alerts", exclude_alerts ? "null" : AlertsJson(rule.alerts));
  }
  object.Text("health", rules::Name(rule.health));
  if (!rule.last_error.empty()) object.Text("lastError", rule.last_error);
  object.Raw("evaluationTime", fmt::format("{}", rule.evaluation_seconds));
  object.Text("lastEvaluation", Rfc3339(rule.last_evaluation_ms));
  object.Text("type", rule.alerting ? "alerting" : "recording");
  object.End();
  return out;
}

// The filters of one request.
struct RuleFilter {
  std::string type;
  std::vector<std::string_view> rule_names;
  std::vector<std::string_view> groups;
  std::vector<std::string_view> files;
  std::vector<std::vector<model::Matcher>> matchers;
  bool exclude_alerts = false;
  int64_t group_limit = 0;  // 0: all
  std::string next_token;

  static bool In(const std::vector<std::string_view>& list, std::string_view name) {
    return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
  }
  bool Wants(const rules::RuleView& rule) const {
    if (type == "alert" && !rule.alerting) return false;
    if (type == "record" && rule.alerting) return false;
    if (!In(rule_names, rule.name)) return false;
    if (matchers.empty()) return true;
    return std::any_of(matchers.begin(), matchers.end(), [&](const auto& all) {
      return std::all_of(all.begin(), all.end(), [&](const model::Matcher& matcher) {
        return matcher.Matches(rule.labels.Get(matcher.name()));
      });
    });
  }
};

absl::StatusOr<bool> ParseBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "true"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"", "0", "f", "false"}) {
    if (text == no) return false;
  }
  return InvalidArgument(
      "invalid parameter \"exclude_alerts\": error converting exclude_alerts: strconv.ParseBool: "
      "parsing {}: invalid syntax",
      model::QuoteGo(text));
}

absl::StatusOr<RuleFilter> ReadFilter(const Parameters& parameters) {
  RuleFilter filter;
  filter.type = ToLowerAscii(parameters.Get("type"));
  if (!filter.type.empty() && filter.type != "alert" && filter.type != "record") {
    return InvalidArgument("invalid parameter \"type\": not supported value {}",
                           model::QuoteGo(filter.type));
  }
  filter.rule_names = parameters.All("rule_name[]");
  filter.groups = parameters.All("rule_group[]");
  filter.files = parameters.All("file[]");
  TRY_ASSIGN(filter.matchers, parameters.Selectors());
  TRY_ASSIGN(filter.exclude_alerts, ParseBool(ToLowerAscii(parameters.Get("exclude_alerts"))));
  filter.next_token = parameters.Get("group_next_token");
  const std::string_view limit = parameters.Get("group_limit");
  if (limit.empty()) {
    if (filter.next_token.empty()) return filter;
    return InvalidArgument(
        "invalid parameter \"group_next_token\": group_limit needs to be present in order to "
        "paginate over the groups");
  }
  if (!ParseInt64(limit, &filter.group_limit)) {
    return InvalidArgument(
        "invalid parameter \"group_limit\": group_limit needs to be a valid number: "
        "strconv.ParseInt: parsing {}: invalid syntax",
        model::QuoteGo(limit));
  }
  if (filter.group_limit <= 0) {
    return InvalidArgument(
        "invalid parameter \"group_limit\": group_limit needs to be greater than 0");
  }
  return filter;
}

std::string GroupJson(const rules::GroupView& group, const std::string& rules) {
  std::string out;
  JsonObject object(&out);
  object.Text("name", group.name);
  object.Text("file", group.file);
  object.Raw("rules", "[" + rules + "]");
  object.Seconds("interval", group.interval_ms);
  object.Raw("limit", std::to_string(group.limit));
  object.Raw("evaluationTime", fmt::format("{}", group.evaluation_seconds));
  object.Text("lastEvaluation", Rfc3339(group.last_evaluation_ms));
  // hearth's own: why the newest text of the group is not in use.
  if (!group.load_errors.empty()) {
    std::string errors;
    for (const std::string& error : group.load_errors) {
      errors += errors.empty() ? "[" : ",";
      AppendJsonStringHtmlSafe(error, &errors);
    }
    object.Raw("loadErrors", errors + "]");
  }
  object.End();
  return out;
}

// Of a group that misses evaluations because one takes longer than its interval; else "".
std::string SlowWarning(const rules::GroupView& group) {
  const double interval_seconds = static_cast<double>(group.interval_ms) / 1000;
  if (group.iterations_missed == 0 || group.evaluation_seconds <= interval_seconds) return "";
  return fmt::format(
      "{}: group {}: {} evaluations were missed: the last one took {:.3g} s of an interval of {:g} "
      "s. Give the group a longer interval, or spread its rules over several",
      group.file, model::QuoteGo(group.name), group.iterations_missed, group.evaluation_seconds,
      interval_seconds);
}

std::string NextToken(const rules::GroupView& group) {
  return crypto::Sha256Hex(group.file + ";" + group.name);
}

}  // namespace

net::HttpResponse PrometheusApi::Rules(const Call& call, const Parameters& parameters) {
  const auto filter = ReadFilter(parameters);
  if (!filter.ok()) return BadData(filter.status());
  const rules::RuleBook* book = call.workspace.rules();
  const auto groups = book == nullptr ? std::vector<rules::GroupView>{} : book->Groups();
  std::string list;
  std::string next_token;
  int64_t shown = 0;
  bool found_token = filter->next_token.empty();
  for (const rules::GroupView& group : groups) {
    if (!found_token && filter->next_token != NextToken(group)) continue;
    found_token = true;
    if (!RuleFilter::In(filter->groups, group.name)) continue;
    if (!RuleFilter::In(filter->files, group.file)) continue;
    std::string rules;
    for (const rules::RuleView& rule : group.rules) {
      if (!filter->Wants(rule)) continue;
      rules += (rules.empty() ? "" : ",") + RuleJson(rule, filter->exclude_alerts);
    }
    if (rules.empty()) continue;
    if (filter->group_limit > 0 && shown == filter->group_limit) {
      next_token = NextToken(group);
      break;
    }
    list += (list.empty() ? "" : ",") + GroupJson(group, rules);
    ++shown;
  }
  if (!found_token) {
    return BadData(InvalidArgument(
        "invalid parameter \"group_next_token\": invalid group_next_token '{}'. were rule groups "
        "changed?",
        filter->next_token));
  }
  std::string data = R"({"groups":[)" + list + "]";
  if (!next_token.empty()) data += R"(,"groupNextToken":")" + next_token + "\"";
  // Texts that are not in use, while what was good before goes on, and groups that are too slow.
  std::vector<std::string> warnings;
  if (book != nullptr) warnings = book->Errors();
  for (const rules::GroupView& group : groups) {
    if (std::string warning = SlowWarning(group); !warning.empty()) {
      warnings.push_back(std::move(warning));
    }
  }
  return Success(data + "}", warnings);
}

net::HttpResponse PrometheusApi::Alerts(const Call& call, const Parameters&) {
  std::string list;
  if (const rules::RuleBook* book = call.workspace.rules(); book != nullptr) {
    for (const rules::GroupView& group : book->Groups()) {
      for (const rules::RuleView& rule : group.rules) {
        if (rule.alerts.empty()) continue;
        const std::string alerts = AlertsJson(rule.alerts);
        list += (list.empty() ? "" : ",") + alerts.substr(1, alerts.size() - 2);
      }
    }
  }
  return Success(R"({"alerts":[)" + list + "]}");
}

net::HttpResponse PrometheusApi::Alertmanagers(const Call& call, const Parameters&) {
  AlertmanagersView view;
  if (call.collector != nullptr && call.collector->alertmanagers) {
    view = call.collector->alertmanagers();
  }
  const auto list = [](const std::vector<std::string>& urls) {
    std::string out = "[";
    for (const std::string& url : urls) {
      if (out.size() > 1) out += ',';
      JsonObject object(&out);
      object.Text("url", url);
      object.End();
    }
    return out + "]";
  };
  return Success(fmt::format(R"({{"activeAlertmanagers":{},"droppedAlertmanagers":{}}})",
                             list(view.active), list(view.dropped)));
}

}  // namespace hearth::api

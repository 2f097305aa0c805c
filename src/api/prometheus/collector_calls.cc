// SPDX-License-Identifier: Apache-2.0
// targets, rules, alerts: what the embedded collector does and which rules were given.
#include <fmt/core.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "codec/json_writer.h"
#include "promql/parser.h"

#include <absl/time/time.h>

namespace hearth::api {
namespace {

// RFC 3339 with nanoseconds as Go's time.Time marshals; the zero time where `ms` is 0.
std::string Rfc3339(int64_t ms) {
  if (ms == 0) return "0001-01-01T00:00:00Z";
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
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
  void Labels(std::string_view key, model::LabelsView labels) {
    Key(key);
    codec::AppendLabels(labels, &out_);
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

std::string PairsJson(const rules::TextPairs& pairs) {
  std::string out;
  JsonObject object(&out);
  for (const auto& [name, value] : pairs) object.Text(name, value);
  object.End();
  return out;
}

void AppendTarget(const scrape::TargetStatus& target, std::string* out) {
  JsonObject object(out);
  object.Labels("discoveredLabels", target.discovered);
  object.Labels("labels", target.labels);
  object.Text("scrapePool", target.job);
  object.Text("scrapeUrl", target.scrape_url);
  object.Text("globalUrl", target.global_url);
  object.Text("lastError", target.last_error);
  object.Text("lastScrape", Rfc3339(target.last_scrape_ms));
  object.Raw("lastScrapeDuration", fmt::format("{}", target.last_duration_seconds));
  object.Text("health", scrape::Name(target.health));
  object.Text("scrapeInterval", promql::FormatDurationMs(target.interval_ms));
  object.Text("scrapeTimeout", promql::FormatDurationMs(target.timeout_ms));
  object.End();
}

void AppendRule(const rules::Rule& rule, std::string* out) {
  JsonObject object(out);
  const bool alerting = !rule.alert.empty();
  if (alerting) object.Text("state", "unknown");
  object.Text("name", rule.name());
  object.Text("query", rule.expr);
  if (alerting) {
    object.Raw("duration", fmt::format("{}", static_cast<double>(rule.for_ms) / 1000));
    object.Raw("keepFiringFor",
               fmt::format("{}", static_cast<double>(rule.keep_firing_for_ms) / 1000));
  }
  object.Raw("labels", PairsJson(rule.labels));
  if (alerting) {
    object.Raw("annotations", PairsJson(rule.annotations));
    object.Raw("alerts", "[]");
  }
  object.Text("health", "unknown");
  object.Raw("evaluationTime", "0");
  object.Text("lastEvaluation", Rfc3339(0));
  object.Text("type", alerting ? "alerting" : "recording");
  object.End();
}

const std::string kNotEvaluated =
    "rules are loaded and shown, but not evaluated yet: this version has no rule evaluator";

}  // namespace

net::HttpResponse PrometheusApi::Targets(const Call& call, const Parameters& parameters) {
  const std::string_view state = parameters.Get("state");
  const std::string_view pool = parameters.Get("scrapePool");
  scrape::TargetsSnapshot snapshot;
  if (call.collector != nullptr && call.collector->targets) snapshot = call.collector->targets();
  std::string active = "[";
  if (state.empty() || state == "any" || state == "active") {
    for (const scrape::TargetStatus& target : snapshot.active) {
      if (!pool.empty() && target.job != pool) continue;
      if (active.size() > 1) active += ',';
      AppendTarget(target, &active);
    }
  }
  std::string dropped = "[";
  if (state.empty() || state == "any" || state == "dropped") {
    for (const scrape::DroppedTarget& target : snapshot.dropped) {
      if (!pool.empty() && target.job != pool) continue;
      if (dropped.size() > 1) dropped += ',';
      JsonObject object(&dropped);
      object.Labels("discoveredLabels", target.discovered);
      object.Text("scrapePool", target.job);
      object.End();
    }
  }
  std::string counts;
  JsonObject object(&counts);
  for (const auto& [job, count] : snapshot.dropped_counts) object.Raw(job, std::to_string(count));
  object.End();
  return Success(
      fmt::format(R"({{"activeTargets":{}],"droppedTargets":{}],"droppedTargetCounts":{}}})",
                  active, dropped, counts));
}

net::HttpResponse PrometheusApi::Rules(const Call& call, const Parameters& parameters) {
  const std::string_view type = parameters.Get("type");
  if (!type.empty() && type != "alert" && type != "record") {
    return BadData(InvalidArgument("not supported value \"{}\"", type));
  }
  std::string groups = "[";
  bool any = false;
  if (call.collector != nullptr && call.collector->rule_groups) {
    for (const rules::Group& group : *call.collector->rule_groups()) {
      std::string list = "[";
      for (const rules::Rule& rule : group.rules) {
        if (type == "alert" && rule.alert.empty()) continue;
        if (type == "record" && rule.record.empty()) continue;
        if (list.size() > 1) list += ',';
        AppendRule(rule, &list);
      }
      if (groups.size() > 1) groups += ',';
      any = true;
      JsonObject object(&groups);
      object.Text("name", group.name);
      object.Text("file", group.file);
      object.Raw("rules", list + "]");
      object.Raw("interval", fmt::format("{}", static_cast<double>(group.interval_ms) / 1000));
      object.Raw("limit", std::to_string(group.limit));
      object.Raw("evaluationTime", "0");
      object.Text("lastEvaluation", Rfc3339(0));
      object.End();
    }
  }
  std::vector<std::string> warnings;
  if (any) warnings.push_back(kNotEvaluated);
  return Success(R"({"groups":)" + groups + "]}", warnings);
}

net::HttpResponse PrometheusApi::Alerts(const Call& call, const Parameters&) {
  std::vector<std::string> warnings;
  if (call.collector != nullptr && call.collector->rule_groups &&
      !call.collector->rule_groups()->empty()) {
    warnings.push_back(kNotEvaluated);
  }
  return Success(R"({"alerts":[]})", warnings);
}

}  // namespace hearth::api

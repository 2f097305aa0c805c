// SPDX-License-Identifier: Apache-2.0
// targets, their metadata, scrape pools: what the embedded collector does (web/api/v1/api.go). A
// workspace other than the default one scrapes nothing, and says so by empty lists.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "codec/json_writer.h"
#include "model/duration.h"
#include "promql/parser.h"
#include "scrape/config_yaml.h"

namespace hearth::api {
namespace {

void AppendTarget(const scrape::TargetStatus& target, std::string* out) {
  JsonObject object(out);
  object.Labels("discoveredLabels", target.discovered);
  object.Labels("labels", target.labels);
  object.Text("scrapePool", target.job);
  object.Text("scrapeUrl", target.scrape_url);
  object.Text("globalUrl", target.global_url);
  object.Text("lastError", target.last_error);
  object.Text("lastScrape", Rfc3339(target.last_scrape_ms));
  object.Raw("lastScrapeDuration", JsonNumber(target.last_duration_seconds));
  object.Text("health", scrape::Name(target.health));
  object.Text("scrapeInterval", model::FormatDurationMs(target.interval_ms));
  object.Text("scrapeTimeout", model::FormatDurationMs(target.timeout_ms));
  object.End();
}

scrape::TargetsSnapshot SnapshotOf(const CollectorView* collector) {
  if (collector == nullptr || !collector->targets) return {};
  return collector->targets();
}

std::shared_ptr<const scrape::Config> ConfigOf(const CollectorView* collector) {
  if (collector == nullptr || !collector->config) return nullptr;
  return collector->config();
}

const scrape::JobConfig* FindPool(const scrape::Config* config, std::string_view name) {
  if (config == nullptr) return nullptr;
  for (const scrape::JobConfig& job : config->jobs) {
    if (job.job_name == name) return &job;
  }
  return nullptr;
}

absl::Status NoPool(std::string_view name) {
  return InvalidArgument("error retrieving scrape config: scrape pool {} not found",
                         model::QuoteGo(name));
}

bool MatchesAll(const std::vector<model::Matcher>& matchers, model::LabelsView labels) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const model::Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

// strconv.Atoi, with the words of the two metadata endpoints.
absl::StatusOr<int64_t> CountOr(const Parameters& parameters, std::string_view name,
                                int64_t missing) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return missing;
  int64_t value = 0;
  if (!ParseInt64(text, &value)) return InvalidArgument("{} must be a number", name);
  return value;
}

void AppendTargetMetadata(model::LabelsView target, const model::Metadata& metadata, bool with_name,
                          std::string* out) {
  if (out->size() > 1) *out += ',';
  JsonObject object(out);
  object.Labels("target", target);
  if (with_name) object.Text("metric", metadata.metric);
  object.Text("type", model::Name(metadata.type));
  object.Text("help", metadata.help);
  object.Text("unit", metadata.unit);
  object.End();
}

std::string RuleJson(const scrape::RelabelConfig& rule) {
  std::string out;
  JsonObject object(&out);
  if (!rule.source_labels.empty()) {
    std::string names;
    codec::AppendTextArray(rule.source_labels, &names);
    object.Raw("source_labels", names);
  }
  object.Text("separator", rule.separator);
  object.Text("regex", rule.regex);
  if (rule.modulus != 0) object.Raw("modulus", std::to_string(rule.modulus));
  if (!rule.target_label.empty()) object.Text("target_label", rule.target_label);
  object.Text("replacement", rule.replacement);
  object.Text("action", scrape::Name(rule.action));
  object.End();
  return out;
}

absl::StatusOr<model::Labels> LabelsFromJson(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    return InvalidArgument("error parsing labels: a JSON object of strings is expected");
  }
  std::vector<model::Label> pairs;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) {
      return InvalidArgument("error parsing labels: the value of {} is no string",
                             model::QuoteGo(name));
    }
    pairs.push_back({name, value.get_ref<const std::string&>()});
  }
  return model::Labels::FromPairs(std::move(pairs));
}

}  // namespace

net::HttpResponse PrometheusApi::Targets(const Call& call, const Parameters& parameters) {
  const std::string state = ToLowerAscii(parameters.Get("state"));
  const std::string_view pool = parameters.Get("scrapePool");
  const scrape::TargetsSnapshot snapshot = SnapshotOf(call.collector);
  const bool show_dropped = state.empty() || state == "any" || state == "dropped";
  std::string active = "[";
  if (state.empty() || state == "any" || state == "active") {
    for (const scrape::TargetStatus& target : snapshot.active) {
      if (!pool.empty() && target.job != pool) continue;
      if (active.size() > 1) active += ',';
      AppendTarget(target, &active);
    }
  }
  std::string dropped = "[";
  std::string counts;
  JsonObject count_object(&counts);
  if (show_dropped) {
    for (const scrape::DroppedTarget& target : snapshot.dropped) {
      if (!pool.empty() && target.job != pool) continue;
      if (dropped.size() > 1) dropped += ',';
      JsonObject object(&dropped);
      object.Labels("discoveredLabels", target.discovered);
      object.Text("scrapePool", target.job);
      object.End();
    }
    for (const auto& [job, count] : snapshot.dropped_counts) {
      count_object.Raw(job, std::to_string(count));
    }
  }
  count_object.End();
  return Success(
      fmt::format(R"({{"activeTargets":{}],"droppedTargets":{}],"droppedTargetCounts":{}}})",
                  active, dropped, show_dropped ? counts : "null"));
}

net::HttpResponse PrometheusApi::TargetMetadata(const Call& call, const Parameters& parameters) {
  const auto limit = CountOr(parameters, "limit", -1);
  if (!limit.ok()) return BadData(limit.status());
  std::vector<model::Matcher> matchers;
  if (const std::string_view match = parameters.Get("match_target"); !match.empty()) {
    auto parsed = promql::ParseMetricSelector(match);
    if (!parsed.ok()) {
      return BadData(
          InvalidArgument("invalid parameter \"match_target\": {}", Message(parsed.status())));
    }
    matchers = *std::move(parsed);
  }
  const std::string_view metric = parameters.Get("metric");
  std::string data = "[";
  int64_t count = 0;
  if (call.collector != nullptr && call.collector->target_metadata) {
    for (const scrape::TargetMetadata& target : call.collector->target_metadata()) {
      if (*limit >= 0 && count >= *limit) break;
      if (!MatchesAll(matchers, target.labels)) continue;
      for (const model::Metadata& metadata : target.metadata) {
        if (!metric.empty() && metadata.metric != metric) continue;
        AppendTargetMetadata(target.labels, metadata, metric.empty(), &data);
        ++count;
      }
    }
  }
  return Success(data + "]");
}

net::HttpResponse PrometheusApi::ScrapePools(const Call& call, const Parameters&) {
  std::vector<std::string> names;
  if (const auto config = ConfigOf(call.collector)) {
    for (const scrape::JobConfig& job : config->jobs) names.push_back(job.job_name);
  }
  std::sort(names.begin(), names.end());
  std::string data;
  codec::AppendTextArray(names, &data);
  return Success(R"({"scrapePools":)" + data + "}");
}

net::HttpResponse PrometheusApi::ScrapePoolConfig(const Call& call, const Parameters& parameters) {
  const std::string_view pool = parameters.Get("scrapePool");
  if (pool.empty()) return BadData(InvalidArgument("no scrapePool parameter provided"));
  const auto config = ConfigOf(call.collector);
  const scrape::JobConfig* job = FindPool(config.get(), pool);
  if (job == nullptr) return BadData(NoPool(pool));
  std::string data;
  JsonObject object(&data);
  object.Text("yaml", scrape::JobYaml(*job));
  object.End();
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::RelabelSteps(const Call& call, const Parameters& parameters) {
  const std::string_view pool = parameters.Get("scrapePool");
  if (pool.empty()) return BadData(InvalidArgument("no scrapePool parameter provided"));
  const std::string_view text = parameters.Get("labels");
  if (text.empty()) return BadData(InvalidArgument("no labels parameter provided"));
  const auto labels = LabelsFromJson(text);
  if (!labels.ok()) return BadData(labels.status());
  const auto config = ConfigOf(call.collector);
  const scrape::JobConfig* job = FindPool(config.get(), pool);
  if (job == nullptr) return BadData(NoPool(pool));
  model::LabelsBuilder builder(*labels);
  bool keep = true;
  std::string data = R"({"steps":[)";
  for (const scrape::RelabelRule& rule : job->relabel) {
    keep = keep && rule.Apply(&builder);
    if (!data.ends_with('[')) data += ',';
    JsonObject object(&data);
    object.Raw("rule", RuleJson(rule.config()));
    object.Labels("output", keep ? builder.Build() : model::Labels());
    object.Bool("keep", keep);
    object.End();
  }
  return Success(data + "]}");
}

}  // namespace hearth::api

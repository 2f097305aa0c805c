// SPDX-License-Identifier: Apache-2.0
// status/*, features, notifications: what a server tells about itself (web/api/v1/api.go). What is
// Go's own (GOGC, goroutines) is answered with what comes nearest, so that Prometheus' UI can show
// it.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "model/duration.h"
#include "promql/token.h"
#include "scrape/config_yaml.h"

namespace hearth::api {
namespace {

constexpr int64_t kTopDefault = 10;          // entries of each list of status/tsdb
constexpr int64_t kTopMax = 10'000;          // as upstream
constexpr size_t kCountedMax = 100'000'000;  // label pairs looked at before lists are cut short

using Counts = std::map<std::string, uint64_t, std::less<>>;

void Count(std::string_view name, uint64_t n, Counts* counts) {
  const auto found = counts->find(name);
  if (found == counts->end()) {
    counts->emplace(name, n);
  } else {
    found->second += n;
  }
}

// The largest first; equal ones by name.
std::string TopJson(const Counts& counts, size_t limit) {
  std::vector<std::pair<uint64_t, std::string_view>> list;
  list.reserve(counts.size());
  for (const auto& [name, count] : counts) list.emplace_back(count, name);
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (list.size() > limit) list.resize(limit);
  std::string out = "[";
  for (const auto& [count, name] : list) {
    if (out.size() > 1) out += ',';
    JsonObject object(&out);
    object.Text("name", name);
    object.Raw("value", std::to_string(count));
    object.End();
  }
  return out + "]";
}

// Cardinality as upstream counts it from its postings (tsdb/index/postings.go Stats).
struct Cardinality {
  Counts series_by_metric;
  Counts values_by_label;
  Counts bytes_by_label;
  Counts series_by_pair;
  size_t pairs = 0;  // distinct
};

// What upstream's label sets take for a pair: both texts with their lengths.
uint64_t PairBytes(const model::Label& label) {
  const auto bytes = [](std::string_view text) {
    return text.size() + (text.size() < 255 ? 1 : 4);
  };
  return bytes(label.name) + bytes(label.value);
}

void CountSeries(model::LabelsView labels, Cardinality* cardinality) {
  for (const model::Label& label : labels) {
    const auto& [name, value] = label;
    if (name == model::kMetricName) Count(value, 1, &cardinality->series_by_metric);
    Count(name, PairBytes(label), &cardinality->bytes_by_label);
    const std::string pair = fmt::format("{}={}", name, value);
    const auto found = cardinality->series_by_pair.find(pair);
    if (found != cardinality->series_by_pair.end()) {
      ++found->second;
      continue;
    }
    cardinality->series_by_pair.emplace(pair, 1);
    ++cardinality->pairs;
    Count(name, 1, &cardinality->values_by_label);
  }
}

// Metric by metric, so that no more than one metric's label sets are held at a time.
absl::StatusOr<Cardinality> CountAll(const storage::Querier& querier, storage::TimeRange range,
                                     const net::HttpRequest& request) {
  Cardinality cardinality;
  TRY_ASSIGN(const std::vector<std::string> metrics,
             querier.LabelValues(model::kMetricName, range, {}, 0));
  for (const std::string& metric : metrics) {
    if (request.IsCancelled()) return Cancelled("the client went away");
    if (cardinality.pairs > kCountedMax) break;
    TRY_ASSIGN(const std::vector<model::Labels> all,
               querier.Series(range, {{model::Matcher::Equal(model::kMetricName, metric)}}, 0));
    for (const model::Labels& labels : all) CountSeries(labels, &cardinality);
  }
  return cardinality;
}

using Features = std::map<std::string, std::map<std::string, bool>>;

void AddLanguage(const promql::Options& options, Features* features) {
  std::map<std::string, bool>& language = (*features)["promql"];
  std::map<std::string, bool>& operators = (*features)["promql_operators"];
  for (int i = 0; i <= static_cast<int>(promql::TokenType::kMinOf); ++i) {
    const auto type = static_cast<promql::TokenType>(i);
    const std::string text(promql::Text(type));
    if (text.empty()) continue;
    if (promql::IsOperator(type)) operators[text] = true;
    if (promql::IsAggregator(type)) {
      operators[text] =
          !promql::IsExperimentalAggregator(type) || options.parser.experimental_functions;
    }
    if (!promql::IsKeyword(type)) continue;
    const bool extended =
        type == promql::TokenType::kAnchored || type == promql::TokenType::kSmoothed;
    const bool fill = text.starts_with("fill");
    language[text] = extended ? options.parser.extended_range_selectors
                     : fill   ? options.parser.fill_modifiers
                              : true;
  }
  for (const std::string_view always :
       {"at_modifier", "negative_offset", "per_query_lookback_delta", "subqueries"}) {
    language[std::string(always)] = true;
  }
  language["delayed_name_removal"] = options.delayed_name_removal;
  language["type_and_unit_labels"] = options.type_and_unit_labels;
  language["duration_expr"] = options.parser.duration_expressions;
  language["per_step_stats"] = true;
  for (const promql::Function& function : promql::AllFunctions()) {
    (*features)["promql_functions"][std::string(function.name)] =
        !function.experimental || options.parser.experimental_functions;
  }
}

}  // namespace

net::HttpResponse PrometheusApi::BuildInfo(const Call&, const Parameters&) {
  // `version` is Prometheus' whose API this is: clients choose features by it.
  std::string data = fmt::format(
      R"({{"version":"3.14.0","revision":"{}","branch":"hearth","buildUser":"hearth {}",)"
      R"("buildDate":"","goVersion":"none"}})",
      options_.revision, options_.version);
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::StatusConfig(const Call& call, const Parameters&) {
  std::shared_ptr<const scrape::Config> config;
  if (call.collector != nullptr && call.collector->config) config = call.collector->config();
  std::string data;
  JsonObject object(&data);
  object.Text("yaml", scrape::ConfigYaml(config != nullptr ? *config : scrape::Config()));
  object.End();
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::StatusFlags(const Call&, const Parameters&) {
  std::string data;
  JsonObject object(&data);
  for (const auto& [name, value] : options_.server.flags) object.Text(name, value);
  object.End();
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::RuntimeInfo(const Call& call, const Parameters&) {
  const ServerView& server = options_.server;
  const tsdb::Stats stats = call.workspace.db().stats();
  ServerView::LastReload reload{true, server.start_time_ms};
  if (server.last_reload) reload = server.last_reload();
  std::string data;
  JsonObject object(&data);
  object.Text("startTime", Rfc3339(server.start_time_ms));
  object.Text("CWD", server.working_directory);
  object.Text("hostname", server.host_name);
  object.Text("serverTime", Rfc3339(clock_.NowMs()));
  object.Bool("reloadConfigSuccess", reload.success);
  object.Text("lastConfigTime", Rfc3339(reload.time_ms));
  object.Int("corruptionCount", static_cast<int64_t>(stats.quarantined_frames));
  object.Int("goroutineCount", 0);
  object.Int("GOMAXPROCS", server.cpus);
  object.Raw("GOMEMLIMIT", std::to_string(server.memory_limit_bytes));
  object.Text("GOGC", "");
  object.Text("GODEBUG", "");
  object.Text("storageRetention", model::FormatDurationMs(call.workspace.retention_ms()));
  object.End();
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::StatusTsdb(const Call& call, const Parameters& parameters) {
  int64_t limit = kTopDefault;
  if (const std::string_view text = parameters.Get("limit"); !text.empty()) {
    if (!ParseInt64(text, &limit) || limit < 1) {
      return BadData(InvalidArgument("limit must be a positive number"));
    }
    if (limit > kTopMax) return BadData(InvalidArgument("limit must not exceed {}", kTopMax));
  }
  const tsdb::Stats stats = call.workspace.db().stats();
  // What upstream's head holds: the last two to three hours.
  constexpr int64_t kHeadMs = 3 * 3600 * 1000;
  const int64_t newest = stats.newest_ms;
  const auto counted = CountAll(call.workspace.querier(), {newest - kHeadMs, newest}, call.request);
  if (!counted.ok()) return QueryError(counted.status());
  const auto top = static_cast<size_t>(limit);
  std::string head;
  JsonObject head_object(&head);
  head_object.Raw("numSeries", std::to_string(stats.series));
  head_object.Raw("numLabelPairs", std::to_string(counted->pairs));
  head_object.Raw("chunkCount", std::to_string(stats.head_chunks));
  head_object.Int("minTime", std::max(stats.oldest_ms, newest - kHeadMs));
  head_object.Int("maxTime", newest);
  head_object.End();
  std::string data;
  JsonObject object(&data);
  object.Raw("headStats", head);
  object.Raw("seriesCountByMetricName", TopJson(counted->series_by_metric, top));
  object.Raw("labelValueCountByLabelName", TopJson(counted->values_by_label, top));
  object.Raw("memoryInBytesByLabelName", TopJson(counted->bytes_by_label, top));
  object.Raw("seriesCountByLabelValuePair", TopJson(counted->series_by_pair, top));
  object.End();
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::WalReplay(const Call&, const Parameters&) {
  // Requests are answered once the log was replayed: there is nothing left to do.
  return Success(R"({"min":0,"max":0,"current":0})");
}

net::HttpResponse PrometheusApi::FeatureList(const Call&, const Parameters&) {
  Features features;
  features["api"] = {{"admin", gate_.options().enabled && !options_.aws_fidelity},
                     {"exclude_alerts", true},
                     {"label_values_match", true},
                     {"lifecycle", false},
                     {"otlp_write_receiver", true},
                     {"query_stats", true},
                     {"query_warnings", true},
                     {"remote_write_receiver", true},
                     {"search", false},
                     {"time_range_labels", true},
                     {"time_range_series", true}};
  features["otlp_receiver"] = {{"delta_conversion", true}, {"native_delta_ingestion", false}};
  features["prometheus"] = {{"agent_mode", false}, {"hearth", true}, {"server_mode", true}};
  features["rules"] = {{"keep_firing_for", true}, {"query_offset", true}};
  features["service_discovery_providers"] = {{"file", true}, {"http", true}, {"static", true}};
  features["tsdb"] = {{"exemplar_storage", true}, {"native_histograms", true}};
  AddLanguage(engine_.options(), &features);
  // Operators are shown as they are, without HTML's escapes (upstream's featuresData).
  std::string data = "{";
  for (const auto& [category, list] : features) {
    if (data.size() > 1) data += ',';
    AppendJsonString(category, &data);
    data += ":{";
    for (const auto& [name, enabled] : list) {
      if (data.back() != '{') data += ',';
      AppendJsonString(name, &data);
      data += enabled ? ":true" : ":false";
    }
    data += '}';
  }
  return Success(data + "}");
}

net::HttpResponse PrometheusApi::Notifications(const Call&, const Parameters&) {
  return Success("[]");  // hearth raises none: what is wrong is in the log and in the metrics
}

net::HttpResponse PrometheusApi::NotificationsLive(const Call&, const Parameters&) {
  net::HttpResponse response;
  response.status = 204;  // as upstream where there is nothing to subscribe to
  return response;
}

}  // namespace hearth::api

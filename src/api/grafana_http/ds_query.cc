// SPDX-License-Identifier: Apache-2.0
// POST /api/ds/query: queries of Prometheus data sources, answered with data frames as Grafana's
// own plug-in makes them. Sources: https://grafana.com/docs/grafana/latest/developers/http_api/
// data_source/#query-a-data-source and https://grafana.com/developers/plugin-tools/
// reference/data-frames
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/json.h"
#include "api/grafana_http/provisioning.h"
#include "api/grafana_http/source_client.h"
#include "base/status.h"
#include "grafana/json_text.h"

namespace hearth::api::grafana_http {
namespace {

constexpr size_t kQueriesMax = 100;     // of one call: a panel has some
constexpr int64_t kPointsMax = 11'000;  // Prometheus' limit of a series
constexpr int64_t kMinStepMs = 15'000;  // Grafana's default scrape interval

struct Range {
  int64_t from_ms = 0;
  int64_t to_ms = 0;
};

// "now", "now-1h", "now+30s", or milliseconds.
absl::StatusOr<int64_t> ParseMoment(std::string_view text, int64_t now_ms) {
  int64_t ms = 0;
  if (ParseInt64(text, &ms)) return ms;
  if (text == "now") return now_ms;
  if (text.starts_with("now-") || text.starts_with("now+")) {
    TRY_ASSIGN(const int64_t span, ParseDuration(text.substr(4)));
    return text[3] == '-' ? now_ms - span : now_ms + span;
  }
  return InvalidArgument("\"{}\" is no time: milliseconds, now or now-1h", text);
}

absl::StatusOr<Range> ReadRange(const Call& call, Body& body) {
  const auto moment = [&](const char* key, std::string_view otherwise) -> absl::StatusOr<int64_t> {
    const Json* value = body.Find(key);
    if (value == nullptr) return ParseMoment(otherwise, call.request.received_ms);
    if (value->is_number_integer()) return value->get<int64_t>();
    if (!value->is_string()) return InvalidArgument("{} must be a text", key);
    return ParseMoment(value->get_ref<const std::string&>(), call.request.received_ms);
  };
  Range range;
  TRY_ASSIGN(range.from_ms, moment("from", "now-1h"));
  TRY_ASSIGN(range.to_ms, moment("to", "now"));
  constexpr int64_t kFarthest = int64_t{1} << 50;  // the year 37,648
  if (std::max(std::abs(range.from_ms), std::abs(range.to_ms)) > kFarthest) {
    return InvalidArgument("from and to are beyond any clock");
  }
  if (range.to_ms < range.from_ms) return InvalidArgument("from is after to");
  return range;
}

// Grafana's round intervals: the first bound above `ms` tells.
int64_t RoundStep(int64_t ms) {
  constexpr std::pair<int64_t, int64_t> kSteps[] = {{15, 10},
                                                    {35, 20},
                                                    {75, 50},
                                                    {150, 100},
                                                    {350, 200},
                                                    {750, 500},
                                                    {1500, 1000},
                                                    {3500, 2000},
                                                    {7500, 5000},
                                                    {12500, 10000},
                                                    {17500, 15000},
                                                    {25000, 20000},
                                                    {45000, 30000},
                                                    {90000, 60000},
                                                    {210000, 120000},
                                                    {450000, 300000},
                                                    {750000, 600000},
                                                    {1050000, 900000},
                                                    {1500000, 1200000},
                                                    {2700000, 1800000},
                                                    {5400000, 3600000},
                                                    {9000000, 7200000},
                                                    {16200000, 10800000},
                                                    {32400000, 21600000},
                                                    {86400000, 43200000},
                                                    {604800000, 86400000},
                                                    {1814400000, 604800000}};
  for (const auto& [bound, step] : kSteps) {
    if (ms < bound) return step;
  }
  return ms < 3'628'800'000 ? 2'592'000'000 : 31'536'000'000;
}

// One of `queries`.
struct Query {
  std::string ref = "A";
  std::string source;
  std::string expression;
  std::string legend;
  bool instant = false;
  bool range = true;
  bool hidden = false;
  int64_t step_ms = kMinStepMs;
  int64_t scrape_ms = kMinStepMs;
};

absl::StatusOr<int64_t> Span(const std::string& text, int64_t otherwise) {
  // A variable that nobody filled in is as good as nothing.
  if (text.empty() || text.find('$') != std::string::npos) return otherwise;
  return ParseDuration(text.starts_with('>') ? text.substr(1) : text);
}

absl::StatusOr<Query> ReadQuery(const Json& json) {
  if (!json.is_object()) return InvalidArgument("queries must be a list of objects");
  Body body(json, "queries.");
  Query query;
  query.ref = body.Text("refId");
  if (query.ref.empty()) query.ref = "A";
  query.expression = body.Text("expr");
  query.legend = body.Text("legendFormat");
  query.hidden = body.Flag("hide");
  query.instant = body.Flag("instant");
  query.range = body.Flag("range", !query.instant);
  if (!query.instant && !query.range) query.range = true;
  const Json source = body.Object("datasource");
  const auto uid = source.find("uid");
  if (uid != source.end() && uid->is_string()) query.source = uid->get<std::string>();
  TRY(body.status());
  return query;
}

// What the data source and the panel say of the step; Grafana's rule.
absl::Status SetStep(Body body, const catalog::DataSource& source, const Range& range,
                     Query* query) {
  const Json data = Stored(source.json_data);
  const auto interval = data.find("timeInterval");
  TRY_ASSIGN(
      query->scrape_ms,
      Span(interval != data.end() && interval->is_string() ? interval->get<std::string>() : "",
           kMinStepMs));
  const int64_t panel_ms = body.Number("intervalMs");
  const int64_t points = std::clamp<int64_t>(body.Number("maxDataPoints", 1500), 1, kPointsMax);
  TRY_ASSIGN(const int64_t least,
             Span(body.Text("interval"), std::max(panel_ms, query->scrape_ms)));
  TRY(body.status());
  const int64_t span = range.to_ms - range.from_ms;
  int64_t step = span / points;
  step = step <= least ? least : RoundStep(step);
  // Never more points than Prometheus gives.
  const int64_t safe = span / kPointsMax;
  query->step_ms = std::max({step, safe > step ? RoundStep(safe) : 0, int64_t{1}});
  while (span / query->step_ms >= kPointsMax) query->step_ms *= 2;
  return absl::OkStatus();
}

void ReplaceAll(std::string* text, std::string_view from, const std::string& to) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size()) {
    text->replace(at, from.size(), to);
  }
}

// $__interval and its like, longest names first.
std::string Interpolate(const Query& query, const Range& range) {
  const int64_t rate_ms = std::max(query.step_ms + query.scrape_ms, 4 * query.scrape_ms);
  const int64_t span_ms = range.to_ms - range.from_ms;
  const std::pair<std::string_view, std::string> values[] = {
      {"__rate_interval_ms", std::to_string(rate_ms)},
      {"__rate_interval", FormatDuration(rate_ms)},
      {"__interval_ms", std::to_string(query.step_ms)},
      {"__interval", FormatDuration(query.step_ms)},
      {"__range_ms", std::to_string(span_ms)},
      {"__range_s", std::to_string(span_ms / 1000)},
      {"__range", fmt::format("{}s", span_ms / 1000)}};
  std::string text = query.expression;
  for (const auto& [name, value] : values) {
    ReplaceAll(&text, fmt::format("${{{}}}", name), value);
    ReplaceAll(&text, fmt::format("${}", name), value);
  }
  return text;
}

// "{{job}} of {{ instance }}" over a series' labels.
std::string Legend(const Query& query, const Json& labels) {
  if (query.legend == "__auto") return "";  // the client's business
  std::string out;
  if (query.legend.empty()) {
    for (const auto& [name, value] : labels.items()) {
      if (name == "__name__") continue;
      out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ", ", name, value.get<std::string>());
    }
    const std::string metric = labels.value("__name__", "");
    if (!out.empty()) return metric + "{" + out + "}";
    return metric.empty() ? query.expression : metric;
  }
  std::string_view rest = query.legend;
  for (;;) {
    const size_t open = rest.find("{{");
    const size_t close = open == std::string_view::npos ? open : rest.find("}}", open);
    if (close == std::string_view::npos) return out + std::string(rest);
    out += rest.substr(0, open);
    const auto label = labels.find(std::string(TrimSpace(rest.substr(open + 2, close - open - 2))));
    if (label != labels.end()) out += label->get<std::string>();
    rest.remove_prefix(close + 2);
  }
}

// Values of a frame; what JSON has no number for stands in `entities` by its index.
struct Column {
  Json values = Json::array();
  Json entities = Json::object();

  void Add(const std::string& text) {
    const double value = std::strtod(text.c_str(), nullptr);
    if (std::isfinite(value)) {
      values.push_back(value);
      return;
    }
    const char* kind = std::isnan(value) ? "NaN" : value > 0 ? "Inf" : "NegInf";
    if (!entities.contains(kind)) entities[kind] = Json::array();
    entities[kind].push_back(values.size());
    values.push_back(nullptr);
  }
};

Json Frame(const Query& query, const std::string& executed, const std::string& type,
           const Json& labels, const Json& points) {
  Json times = Json::array();
  Column column;
  for (const Json& point : points) {
    if (!point.is_array() || point.size() != 2 || !point[0].is_number()) continue;
    times.push_back(static_cast<int64_t>(std::llround(point[0].get<double>() * 1000)));
    column.Add(point[1].is_string() ? point[1].get<std::string>() : "NaN");
  }
  const bool many = type == "matrix";
  const std::string name = Legend(query, labels);
  Json config = Json::object();
  if (!name.empty()) config["displayNameFromDS"] = name;
  Json own = labels;
  Json value = {{"name", "Value"},
                {"type", "number"},
                {"typeInfo", {{"frame", "float64"}}},
                {"labels", std::move(own)},
                {"config", std::move(config)}};
  Json time = {{"name", "Time"}, {"type", "time"}, {"typeInfo", {{"frame", "time.Time"}}}};
  if (many) time["config"] = {{"interval", query.step_ms}};
  Json data = {{"values", {std::move(times), std::move(column.values)}}};
  if (!column.entities.empty()) data["entities"] = {nullptr, std::move(column.entities)};
  return {{"schema",
           {{"refId", query.ref},
            {"meta",
             {{"type", many ? "timeseries-multi" : "numeric-multi"},
              {"typeVersion", {0, 1}},
              {"custom", {{"resultType", type}}},
              {"executedQueryString", executed}}},
            {"fields", {std::move(time), std::move(value)}}}},
          {"data", std::move(data)}};
}

absl::StatusOr<Json> FramesOf(const Query& query, const std::string& executed, const Json& answer) {
  const auto data = answer.find("data");
  if (TextOf(answer, "status") != "success" || data == answer.end() || !data->is_object()) {
    const std::string type = TextOf(answer, "errorType");
    const std::string error = TextOf(answer, "error");
    return InvalidArgument("{}: {}", type.empty() ? "error" : type,
                           error.empty() ? "the data source gave no result" : error);
  }
  const std::string type = TextOf(*data, "resultType");
  const Json result = data->value("result", Json::array());
  Json frames = Json::array();
  if (type == "scalar" || type == "string") {
    frames.push_back(Frame(query, executed, type, Json::object(), Json::array({result})));
    return frames;
  }
  for (const Json& series : result) {
    if (!series.is_object()) continue;
    Json labels = Json::object();
    const Json metric = series.value("metric", Json::object());
    for (const auto& [name, value] : metric.items()) {
      if (value.is_string()) labels[name] = value;
    }
    const Json points = type == "matrix" ? series.value("values", Json::array())
                                         : Json::array({series.value("value", Json::array())});
    frames.push_back(Frame(query, executed, type, labels, points));
  }
  return frames;
}

std::string Encoded(std::string_view text) { return PercentEncode(text, false); }

std::string Seconds(int64_t ms) { return fmt::format("{}.{:03}", ms / 1000, std::abs(ms % 1000)); }

// One request to the data source: a range, or the moment of the range's end.
absl::StatusOr<Json> Ask(Face& face, const Call& call, const catalog::DataSource& source,
                         const Query& query, const Range& range, bool instant) {
  const std::string expression = Interpolate(query, range);
  SourceRequest request;
  request.method = "POST";
  request.content_type = "application/x-www-form-urlencoded";
  if (instant) {
    request.path = "/api/v1/query";
    request.body = "query=" + Encoded(expression) + "&time=" + Seconds(range.to_ms);
  } else {
    // On multiples of the step, so that points stay where they are when the range moves on.
    const int64_t start = range.from_ms / query.step_ms * query.step_ms;
    const int64_t end = range.to_ms / query.step_ms * query.step_ms;
    request.path = "/api/v1/query_range";
    request.body = "query=" + Encoded(expression) + "&start=" + Seconds(start) +
                   "&end=" + Seconds(end) + "&step=" + Seconds(query.step_ms);
  }
  TRY_ASSIGN(auto answer, AskSource(face, call, source, std::move(request)));
  TRY_ASSIGN(const std::string body, WholeBody(std::move(answer)));
  // Another server's bytes: copies of a value that nests without end would end the process.
  if (const absl::Status status = grafana::CheckJson(body); !status.ok()) {
    return InvalidArgument("the data source answered no JSON: {}", hearth::Message(status));
  }
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("the data source answered no JSON");
  if (json.contains("message")) {
    const std::string message = TextOf(json, "message");
    return PermissionDenied("{}", message.empty() ? "refused" : message);
  }
  const std::string executed =
      instant ? fmt::format("Expr: {}", expression)
              : fmt::format("Expr: {}\nStep: {}", expression, FormatDuration(query.step_ms));
  return FramesOf(query, executed, json);
}

absl::StatusOr<Json> RunOne(Face& face, const Call& call, const Json& json, const Range& range) {
  TRY_ASSIGN(Query query, ReadQuery(json));
  catalog::DataSource source;
  if (query.source.empty()) {
    Body body(json, "queries.");
    const int64_t id = body.Number("datasourceId");
    TRY(body.status());
    TRY_ASSIGN(source, QueryableSource(face, call, std::to_string(id), true));
  } else {
    TRY_ASSIGN(source, QueryableSource(face, call, query.source, false));
  }
  if (!IsPrometheus(source)) {
    return Unimplemented("hearth queries data sources of type prometheus, not {}", source.type);
  }
  if (query.expression.empty()) return InvalidArgument("queries.expr is required");
  TRY(SetStep(Body(json, "queries."), source, range, &query));
  Json frames = Json::array();
  for (const bool instant : {false, true}) {
    if (instant ? !query.instant : !query.range) continue;
    TRY_ASSIGN(Json some, Ask(face, call, source, query, range, instant));
    for (Json& frame : some) frames.push_back(std::move(frame));
  }
  return frames;
}

Answer Run(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const Json queries = body.Array("queries");
  TRY_ASSIGN(const Range range, ReadRange(call, body));
  TRY(body.status());
  if (queries.empty()) return InvalidArgument("no queries found in query");
  if (queries.size() > kQueriesMax) {
    return InvalidArgument("{} queries of one call exceed the limit of {}", queries.size(),
                           kQueriesMax);
  }
  Json results = Json::object();
  bool failed = false;
  for (const Json& json : queries) {
    const auto hidden = json.is_object() ? json.find("hide") : json.end();
    if (json.is_object() && hidden != json.end() && *hidden == true) continue;
    const std::string ref = json.is_object() && json.contains("refId") && json["refId"].is_string()
                                ? json["refId"].get<std::string>()
                                : "A";
    const auto frames = RunOne(face, call, json, range);
    if (frames.ok()) {
      results[ref] = {{"status", 200}, {"frames", *frames}};
      continue;
    }
    failed = true;
    const int status = Refuse(frames.status()).status;
    results[ref] = {{"error", hearth::Message(frames.status())},
                    {"errorSource", "downstream"},
                    {"status", status},
                    {"frames", Json::array()}};
  }
  return Reply({{"results", std::move(results)}}, failed ? 400 : 200);
}

}  // namespace

std::vector<Route> QueryRoutes() {
  return {{"POST", "ds/query", Role::kViewer, "datasources:query", Run}};
}

}  // namespace hearth::api::grafana_http

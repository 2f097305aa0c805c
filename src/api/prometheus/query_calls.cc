// SPDX-License-Identifier: Apache-2.0
// query, query_range, format_query.
#include <fmt/core.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/ast_json.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/json_writer.h"
#include "promql/parser.h"

namespace hearth::api {
namespace {

constexpr int64_t kPointsMax = 11'000;

absl::Status Invalid(std::string_view name, std::string_view reason) {
  return InvalidArgument("invalid parameter \"{}\": {}", name, reason);
}

// timeout and lookback_delta.
absl::StatusOr<promql::QueryContext> ContextOf(const Parameters& parameters) {
  promql::QueryContext context;
  TRY_ASSIGN(const auto timeout_ms, parameters.Duration("timeout"));
  if (timeout_ms) context.timeout_ms = std::max<int64_t>(*timeout_ms, 1);
  const auto lookback_ms = parameters.DurationValue(parameters.Get("lookback_delta"));
  if (!lookback_ms.ok()) {
    return InvalidArgument("error parsing lookback delta duration: {}",
                           Message(lookback_ms.status()));
  }
  if (*lookback_ms && **lookback_ms > 0) context.lookback_ms = *lookback_ms;
  context.per_step_stats = parameters.Get("stats") == "all";
  return context;
}

// As Go prints a time.Duration of an hour or more: "2400h0m0s".
std::string GoDuration(int64_t ms) {
  const int64_t seconds = ms / 1000;
  const double rest = static_cast<double>(seconds % 60) + static_cast<double>(ms % 1000) / 1000;
  return fmt::format("{}h{}m{}s", seconds / 3600, seconds / 60 % 60, rest);
}

// A parse error is the parameter's fault, as Prometheus words it. AMP words a time-out its own way
// (aws-contract.md §11.3).
net::HttpResponse QueryFailed(const absl::Status& status, Plane plane) {
  if (plane == Plane::kWorkspace && promql::KindOf(status) == promql::ErrorKind::kTimeout) {
    // After AMP's words what the engine says of the selector that cost most.
    const std::string message = Message(status);
    const size_t more = std::min(message.find(';'), message.size());
    return ApiError(422, "execution",
                    "query timed out - consider simplifying your query" + message.substr(more));
  }
  if (promql::KindOf(status) == promql::ErrorKind::kBadData) {
    return BadData(Invalid("query", Message(status)));
  }
  return QueryError(status);
}

struct RangeOf {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
};

absl::StatusOr<RangeOf> ReadRange(const Parameters& parameters) {
  RangeOf range;
  TRY_ASSIGN(range.start_ms, parameters.RequiredTime("start"));
  TRY_ASSIGN(range.end_ms, parameters.RequiredTime("end"));
  if (range.end_ms < range.start_ms) {
    return Invalid("end", "end timestamp must not be before start time");
  }
  TRY_ASSIGN(const auto step_ms, parameters.Duration("step"));
  if (!step_ms) return Invalid("step", "cannot parse \"\" to a valid duration");
  if (*step_ms <= 0) {
    return Invalid("step",
                   "zero or negative query resolution step widths are not accepted. Try a positive "
                   "integer");
  }
  range.step_ms = *step_ms;
  if ((range.end_ms - range.start_ms) / range.step_ms > kPointsMax) {
    return InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return range;
}

// Series beyond `limit` are cut, with Prometheus' warning.
template <typename List>
void Truncate(size_t limit, List* list, std::vector<std::string>* warnings) {
  if (limit == 0 || list->size() <= limit) return;
  list->resize(limit);
  warnings->push_back("results truncated due to limit");
}

// statsParamWarning of web/api/v1/api.go.
std::string StatsWarning(std::string_view value) {
  if (value.empty() || value == "true" || value == "all") return "";
  return fmt::format(
      "value {} for parameter \"stats\" is deprecated and will be rejected in the next major "
      "release, use \"true\" or \"all\"",
      model::QuoteGo(value));
}

net::HttpResponse Answer(promql::Result result, size_t limit, std::string_view stats,
                         const RunningQueries::Entry& range, promql::QueryBudget* budget) {
  std::vector<std::string> warnings = result.warnings;
  Truncate(limit, &result.vector, &warnings);
  Truncate(limit, &result.matrix, &warnings);
  if (std::string warning = StatsWarning(stats); !warning.empty()) {
    warnings.push_back(std::move(warning));
  }
  const std::string counted =
      stats.empty() ? "" : StatsJson(result.stats, range.start_ms, range.step_ms);
  return QueryAnswer(std::move(result), counted, warnings, budget);
}

// Who asked, for whoever looks at the list of running queries.
std::string CallerName(const access::Caller& caller) {
  return caller.principal == nullptr ? "" : caller.principal->arn;
}

struct LoggedRange {
  bool range = false;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
};

// Into the workspace's query log, where its control plane asked for one.
void LogQuery(const net::HttpRequest& request, const Parameters& parameters,
              const LoggedRange& range, const promql::Result& result,
              workspace::Workspace* workspace) {
  const std::string query(parameters.Get("query"));
  workspace::QueryRecord record;
  record.query = query;
  record.range = range.range;
  record.start_ms = range.start_ms;
  record.end_ms = range.end_ms;
  record.step_ms = range.step_ms;
  record.user_agent = request.headers.Find("User-Agent");
  record.dashboard_uid = request.headers.Find("X-Dashboard-Uid");
  record.panel_id = request.headers.Find("X-Panel-Id");
  record.samples = result.stats.total_queryable_samples;
  workspace->LogQuery(record);
}

}  // namespace

absl::StatusOr<promql::Result> PrometheusApi::ValueOf(const Call& call,
                                                      const Parameters& parameters,
                                                      const RunningQueries::Entry& range,
                                                      const promql::QueryContext& context) const {
  const std::string_view query = parameters.Get("query");
  const storage::Querier& querier = call.workspace.querier();
  if (range.step_ms == 0) return engine_.Instant(querier, query, range.start_ms, context);
  // Statistics are asked for by whoever wants to know what the evaluation takes.
  const std::string_view nocache = parameters.Get("nocache");
  const bool may_be_cached = nocache.empty() || nocache == "0" || nocache == "false";
  if (options_.result_cache == nullptr || !may_be_cached || !parameters.Get("stats").empty()) {
    return engine_.Range(querier, query, range.start_ms, range.end_ms, range.step_ms, context);
  }
  return options_.result_cache->Range(querier, call.workspace.db(), query, range.start_ms,
                                      range.end_ms, range.step_ms, context);
}

net::HttpResponse PrometheusApi::Evaluate(const Call& call, const Parameters& parameters,
                                          RunningQueries::Entry entry, promql::QueryContext context,
                                          size_t limit) {
  const std::string_view query = parameters.Get("query");
  entry.workspace = call.workspace.id();
  entry.query = query;
  entry.caller = CallerName(call.caller);
  entry.cancelled = call.request.cancelled;
  context.cancelled = call.request.cancelled.get();
  context.expendable = true;
  const promql::QueryOrigin origin{call.request.peer_address, call.request.method,
                                   call.request.path, "", ""};
  context.origin = &origin;
  const RunningQueries::Entry range = entry;
  const auto handle = running_.Add(std::move(entry));
  const int64_t begin_ns = clock_.MonotonicNs();
  auto result = ValueOf(call, parameters, range, context);
  query_seconds_.Observe(static_cast<double>(clock_.MonotonicNs() - begin_ns) / 1e9);
  if (!result.ok()) return QueryFailed(result.status(), call.plane);
  call.workspace.CountQuery(result->stats.total_queryable_samples);
  LogQuery(call.request, parameters,
           {range.step_ms != 0, range.start_ms, range.end_ms, range.step_ms}, *result,
           &call.workspace);
  return Answer(*std::move(result), limit, parameters.Get("stats"), range,
                engine_.options().budget);
}

net::HttpResponse PrometheusApi::Query(const Call& call, const Parameters& parameters) {
  const auto limit = parameters.Limit("limit");
  if (!limit.ok()) return BadData(limit.status());
  const auto time_ms = parameters.Time("time", clock_.NowMs());
  if (!time_ms.ok()) return BadData(time_ms.status());
  const auto context = ContextOf(parameters);
  if (!context.ok()) return BadData(context.status());
  RunningQueries::Entry entry;
  entry.start_ms = entry.end_ms = *time_ms;
  return Evaluate(call, parameters, std::move(entry), *context, *limit);
}

net::HttpResponse PrometheusApi::QueryRange(const Call& call, const Parameters& parameters) {
  const auto limit = parameters.Limit("limit");
  if (!limit.ok()) return BadData(limit.status());
  const auto range = ReadRange(parameters);
  if (!range.ok()) return BadData(range.status());
  const auto context = ContextOf(parameters);
  if (!context.ok()) return BadData(context.status());
  const int64_t length_ms = range->end_ms - range->start_ms;
  if (call.plane == Plane::kWorkspace && length_ms > options_.query_range_max_ms) {
    return ApiError(400, "bad_data",
                    fmt::format("the query time range exceeds the limit (query length: {}, limit: "
                                "{})",
                                GoDuration(length_ms), GoDuration(options_.query_range_max_ms)));
  }
  RunningQueries::Entry entry;
  entry.start_ms = range->start_ms;
  entry.end_ms = range->end_ms;
  entry.step_ms = range->step_ms;
  return Evaluate(call, parameters, std::move(entry), *context, *limit);
}

net::HttpResponse PrometheusApi::ParsedQuery(const Parameters& parameters, bool as_tree) const {
  const auto expr = promql::ParseExpr(parameters.Get("query"), engine_.options().parser);
  if (!expr.ok()) return BadData(Invalid("query", Message(expr.status())));
  if (as_tree) return Success(AstJson(**expr));
  std::string data;
  AppendJsonStringHtmlSafe((*expr)->Pretty(), &data);
  return Success(std::move(data));
}

net::HttpResponse PrometheusApi::FormatQuery(const Call&, const Parameters& parameters) {
  return ParsedQuery(parameters, /*as_tree=*/false);
}

net::HttpResponse PrometheusApi::ParseQuery(const Call&, const Parameters& parameters) {
  return ParsedQuery(parameters, /*as_tree=*/true);
}

net::HttpResponse PrometheusApi::StatusQueries(const Call& call, const Parameters&) {
  std::string data = R"({"queries":[)";
  for (const RunningQueries::Entry& entry : running_.List(call.workspace.id())) {
    if (data.back() != '[') data += ',';
    JsonObject object(&data);
    object.Text("id", std::to_string(entry.id));
    object.Text("query", entry.query);
    object.Text("caller", entry.caller);
    object.Text("startedAt", Rfc3339(entry.started_ms));
    object.Raw("runningSeconds",
               JsonNumber(static_cast<double>(clock_.MonotonicNs() - entry.started_ns) / 1e9));
    object.Raw("start", codec::FormatTimeText(entry.start_ms));
    object.Raw("end", codec::FormatTimeText(entry.end_ms));
    object.Raw("step", codec::FormatTimeText(entry.step_ms));
    object.End();
  }
  return Success(data + "]}");
}

net::HttpResponse PrometheusApi::CancelQuery(const Call& call, const Parameters& parameters) {
  const std::string_view text = parameters.Get(kPathParameter);
  uint64_t id = 0;
  if (!ParseUint64(text, &id) || !running_.Cancel(call.workspace.id(), id)) {
    return ApiError(404, "not_found",
                    fmt::format("no query with id {} runs in workspace {} (any more)",
                                model::QuoteGo(text), call.workspace.id()));
  }
  net::HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace hearth::api

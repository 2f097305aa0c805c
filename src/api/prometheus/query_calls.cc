// SPDX-License-Identifier: Apache-2.0
// query, query_range, format_query.
#include <fmt/core.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "promql/parser.h"

namespace hearth::api {
namespace {

constexpr int64_t kPointsMax = 11'000;

absl::Status Invalid(std::string_view name, std::string_view reason) {
  return InvalidArgument("invalid parameter \"{}\": {}", name, reason);
}

// timeout and lookback_delta. `cancelled` is the connection's.
absl::StatusOr<promql::QueryContext> ContextOf(const net::HttpRequest& request,
                                               const Parameters& parameters) {
  promql::QueryContext context;
  context.cancelled = request.cancelled.get();
  TRY_ASSIGN(const auto timeout_ms, parameters.Duration("timeout"));
  if (timeout_ms) context.timeout_ms = std::max<int64_t>(*timeout_ms, 1);
  TRY_ASSIGN(context.lookback_ms, parameters.Duration("lookback_delta"));
  if (context.lookback_ms && *context.lookback_ms <= 0) context.lookback_ms.reset();
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
    return ApiError(422, "execution", "query timed out - consider simplifying your query");
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

net::HttpResponse Answer(promql::Result result, size_t limit, bool stats) {
  std::vector<std::string> warnings = result.warnings;
  Truncate(limit, &result.vector, &warnings);
  Truncate(limit, &result.matrix, &warnings);
  return Success(ResultJson(result, stats), warnings, result.infos);
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

net::HttpResponse PrometheusApi::Query(const Call& call, const Parameters& parameters) {
  const auto limit = parameters.Limit("limit");
  if (!limit.ok()) return BadData(limit.status());
  const auto time_ms = parameters.Time("time", clock_.NowMs());
  if (!time_ms.ok()) return BadData(time_ms.status());
  const auto context = ContextOf(call.request, parameters);
  if (!context.ok()) return BadData(context.status());
  const int64_t begin_ns = clock_.MonotonicNs();
  auto result =
      engine_.Instant(call.workspace.querier(), parameters.Get("query"), *time_ms, *context);
  query_seconds_.Observe(static_cast<double>(clock_.MonotonicNs() - begin_ns) / 1e9);
  if (!result.ok()) return QueryFailed(result.status(), call.plane);
  call.workspace.CountQuery(result->stats.total_queryable_samples);
  LogQuery(call.request, parameters, {false, *time_ms, *time_ms, 0}, *result, &call.workspace);
  return Answer(*std::move(result), *limit, !parameters.Get("stats").empty());
}

net::HttpResponse PrometheusApi::QueryRange(const Call& call, const Parameters& parameters) {
  const auto limit = parameters.Limit("limit");
  if (!limit.ok()) return BadData(limit.status());
  const auto range = ReadRange(parameters);
  if (!range.ok()) return BadData(range.status());
  const auto context = ContextOf(call.request, parameters);
  if (!context.ok()) return BadData(context.status());
  const int64_t length_ms = range->end_ms - range->start_ms;
  if (call.plane == Plane::kWorkspace && length_ms > options_.query_range_max_ms) {
    return ApiError(400, "bad_data",
                    fmt::format("the query time range exceeds the limit (query length: {}, limit: "
                                "{})",
                                GoDuration(length_ms), GoDuration(options_.query_range_max_ms)));
  }
  const int64_t begin_ns = clock_.MonotonicNs();
  auto result = engine_.Range(call.workspace.querier(), parameters.Get("query"), range->start_ms,
                              range->end_ms, range->step_ms, *context);
  query_seconds_.Observe(static_cast<double>(clock_.MonotonicNs() - begin_ns) / 1e9);
  if (!result.ok()) return QueryFailed(result.status(), call.plane);
  call.workspace.CountQuery(result->stats.total_queryable_samples);
  LogQuery(call.request, parameters, {true, range->start_ms, range->end_ms, range->step_ms},
           *result, &call.workspace);
  return Answer(*std::move(result), *limit, !parameters.Get("stats").empty());
}

net::HttpResponse PrometheusApi::FormatQuery(const Call&, const Parameters& parameters) {
  const auto expr = promql::ParseExpr(parameters.Get("query"), engine_.options().parser);
  if (!expr.ok()) return BadData(Invalid("query", Message(expr.status())));
  std::string data;
  AppendJsonStringHtmlSafe((*expr)->String(), &data);
  return Success(std::move(data));
}

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/prometheus_api.h"

#include <fmt/core.h>

#include <array>

#include "access/aws_errors.h"
#include "api/prometheus/answers.h"
#include "api/prometheus/parameters.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::api {

namespace {

constexpr std::string_view kOtlpPath = "/api/v1/otlp/v1/metrics";

}  // namespace

struct PrometheusApi::Route {
  std::string_view path;
  std::string_view action;   // IAM action on the workspace
  std::string_view methods;  // besides HEAD where there is GET
  Method method;
};

const PrometheusApi::Route* PrometheusApi::FindRoute(std::string_view path,
                                                     std::string* path_parameter) {
  constexpr std::string_view kGet = "GET";
  constexpr std::string_view kBoth = "GET, POST";
  constexpr std::string_view kChange = "POST, PUT";
  using Api = PrometheusApi;
  static constexpr std::array kRoutes = {
      Route{"/federate", "aps:QueryMetrics", kGet, &Api::Federate},
      Route{"/api/v1/query", "aps:QueryMetrics", kBoth, &Api::Query},
      Route{"/api/v1/query_range", "aps:QueryMetrics", kBoth, &Api::QueryRange},
      Route{"/api/v1/query_exemplars", "aps:QueryMetrics", kBoth, &Api::QueryExemplars},
      Route{"/api/v1/read", "aps:QueryMetrics", "POST", &Api::RemoteRead},
      Route{"/api/v1/format_query", "aps:QueryMetrics", kBoth, &Api::FormatQuery},
      Route{"/api/v1/parse_query", "aps:QueryMetrics", kBoth, &Api::ParseQuery},
      Route{"/api/v1/labels", "aps:GetLabels", kBoth, &Api::Labels},
      Route{"/api/v1/series", "aps:GetSeries", kBoth, &Api::Series},
      Route{"/api/v1/metadata", "aps:GetMetricMetadata", kGet, &Api::Metadata},
      Route{"/api/v1/targets", "aps:GetLabels", kGet, &Api::Targets},
      Route{"/api/v1/targets/metadata", "aps:GetMetricMetadata", kGet, &Api::TargetMetadata},
      Route{"/api/v1/targets/relabel_steps", "aps:GetLabels", kGet, &Api::RelabelSteps},
      Route{"/api/v1/scrape_pools", "aps:GetLabels", kGet, &Api::ScrapePools},
      Route{"/api/v1/scrape_pools/config", "aps:GetLabels", kGet, &Api::ScrapePoolConfig},
      Route{"/api/v1/rules", "aps:ListRules", kGet, &Api::Rules},
      Route{"/api/v1/alerts", "aps:ListAlerts", kGet, &Api::Alerts},
      Route{"/api/v1/alertmanagers", "aps:ListAlerts", kGet, &Api::Alertmanagers},
      Route{"/api/v1/status/buildinfo", "aps:GetLabels", kGet, &Api::BuildInfo},
      Route{"/api/v1/status/config", "aps:GetLabels", kGet, &Api::StatusConfig},
      Route{"/api/v1/status/flags", "aps:GetLabels", kGet, &Api::StatusFlags},
      Route{"/api/v1/status/runtimeinfo", "aps:GetLabels", kGet, &Api::RuntimeInfo},
      Route{"/api/v1/status/tsdb", "aps:GetSeries", kGet, &Api::StatusTsdb},
      Route{"/api/v1/status/walreplay", "aps:GetLabels", kGet, &Api::WalReplay},
      Route{"/api/v1/status/queries", "aps:QueryMetrics", kGet, &Api::StatusQueries},
      Route{"/api/v1/features", "aps:GetLabels", kGet, &Api::FeatureList},
      Route{"/api/v1/notifications", "aps:GetLabels", kGet, &Api::Notifications},
      Route{"/api/v1/notifications/live", "aps:GetLabels", kGet, &Api::NotificationsLive},
      // AMP has no such calls, so their actions are hearth's own: aps:* on the workspace holds
      // them, as it holds the workspace's deletion; AWS' managed policies for ingest and query do
      // not.
      Route{"/api/v1/admin/tsdb/delete_series", "aps:DeleteSeries", kChange, &Api::DeleteSeries},
      Route{"/api/v1/admin/tsdb/clean_tombstones", "aps:CleanTombstones", kChange,
            &Api::CleanTombstones},
      Route{"/api/v1/admin/tsdb/snapshot", "aps:CreateSnapshot", kChange, &Api::Snapshot},
      Route{"/api/v1/admin/tsdb/export", "aps:ExportSamples", kBoth, &Api::Export},
      Route{"/api/v1/admin/tsdb/import", "aps:ImportSamples", kBoth, &Api::Import},
  };
  static constexpr Route kLabelValues{"/api/v1/label/", "aps:GetLabels", kGet, &Api::LabelValues};
  static constexpr Route kCancel{"/api/v1/status/queries/", "aps:CancelQuery", "DELETE",
                                 &Api::CancelQuery};
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
  }
  // The part of `path` between `prefix` and `suffix`, where it is one segment.
  const auto segment = [&](std::string_view prefix, std::string_view suffix) {
    if (!path.starts_with(prefix) || !path.ends_with(suffix) ||
        path.size() <= prefix.size() + suffix.size()) {
      return false;
    }
    const std::string_view name =
        path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
    return name.find('/') == std::string_view::npos && PercentDecode(name, false, path_parameter);
  };
  if (segment(kLabelValues.path, "/values")) return &kLabelValues;
  if (segment(kCancel.path, "")) return &kCancel;
  return nullptr;
}

PrometheusApi::PrometheusApi(PrometheusApiOptions options, const access::Gate& gate,
                             const promql::Engine& engine, const Clock& clock, Registry& metrics)
    : options_(std::move(options)),
      gate_(gate),
      engine_(engine),
      clock_(clock),
      streams_(metrics),
      metrics_(metrics),
      running_(clock, metrics),
      deltas_({}, clock, metrics),
      samples_received_(metrics.AddCounter("hearth_api_samples_received_total",
                                           "Samples that came in by remote write.")),
      query_seconds_(metrics.AddHistogram(
          "hearth_api_query_duration_seconds",
          "Time to evaluate a query, without reading or writing it.", LatencyBuckets())),
      federation_errors_(
          metrics.AddCounter("hearth_api_federation_errors_total",
                             "Federation requests that the store or a limit has ended.")) {}

bool PrometheusApi::IsWrite(std::string_view path) {
  return path == "/api/v1/write" || path == "/api/v1/remote_write" || path == kOtlpPath;
}

bool PrometheusApi::IsRootPath(std::string_view path) {
  return path.starts_with("/api/v1/") || path == "/federate";
}

net::HttpResponse PrometheusApi::Handle(const net::HttpRequest& request, std::string_view path,
                                        Plane plane, const access::Caller& caller,
                                        workspace::Workspace& workspace,
                                        const CollectorView* collector) {
  const Call call{request, plane, caller, workspace, collector};
  std::string path_parameter;
  const Route* route = FindRoute(path, &path_parameter);
  const bool write = IsWrite(path);
  // What does not exist is refused as what may not be seen: first the policy, then the path.
  const std::string_view action =
      write ? "aps:RemoteWrite" : (route != nullptr ? route->action : "aps:QueryMetrics");
  const auto policy = workspace.resource_policy();
  const auto settings = workspace.settings();
  if (const auto refusal = gate_.AuthorizeOn(
          caller, action,
          {workspace.arn(), workspace.account(), policy.get(), &settings->row.tags})) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  if (write) {
    if (request.method != "POST") {
      net::HttpResponse response = net::TextResponse(405, "writing is POST\n");
      response.headers.Set("Allow", "POST");
      return response;
    }
    return path == kOtlpPath ? OtlpMetrics(call) : Write(call);
  }
  if (route == nullptr) {
    return ApiError(404, "not_found", fmt::format("hearth does not serve {} (yet)", path));
  }
  const std::string_view method = request.method == "HEAD" ? "GET" : request.method;
  if (route->methods.find(method) == std::string_view::npos) {
    net::HttpResponse response = net::TextResponse(405, "method not allowed\n");
    response.headers.Set("Allow", route->methods);
    return response;
  }
  auto parameters = Parameters::Of(request);
  if (!parameters.ok()) return BadData(parameters.status());
  if (!path_parameter.empty()) parameters->AddFirst(kPathParameter, path_parameter);
  return (this->*route->method)(call, *parameters);
}

}  // namespace hearth::api

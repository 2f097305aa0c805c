// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/prometheus_api.h"

#include <fmt/core.h>

#include <array>

#include "access/aws_errors.h"
#include "api/prometheus/answers.h"
#include "api/prometheus/parameters.h"
#include "base/status.h"

namespace hearth::api {

struct PrometheusApi::Route {
  std::string_view path;
  std::string_view action;  // IAM action on the workspace
  bool post;                // POST with a form body too
  Method method;
};

const PrometheusApi::Route* PrometheusApi::FindRoute(std::string_view path,
                                                     std::string* label_name) {
  static constexpr std::array kRoutes = {
      Route{"/api/v1/query", "aps:QueryMetrics", true, &PrometheusApi::Query},
      Route{"/api/v1/query_range", "aps:QueryMetrics", true, &PrometheusApi::QueryRange},
      Route{"/api/v1/format_query", "aps:QueryMetrics", true, &PrometheusApi::FormatQuery},
      Route{"/api/v1/labels", "aps:GetLabels", true, &PrometheusApi::Labels},
      Route{"/api/v1/series", "aps:GetSeries", true, &PrometheusApi::Series},
      Route{"/api/v1/metadata", "aps:GetMetricMetadata", false, &PrometheusApi::Metadata},
      Route{"/api/v1/status/buildinfo", "aps:GetLabels", false, &PrometheusApi::BuildInfo},
      Route{"/api/v1/targets", "aps:GetLabels", false, &PrometheusApi::Targets},
      Route{"/api/v1/rules", "aps:ListRules", false, &PrometheusApi::Rules},
      Route{"/api/v1/alerts", "aps:ListAlerts", false, &PrometheusApi::Alerts},
      Route{"/api/v1/alertmanagers", "aps:ListAlerts", false, &PrometheusApi::Alertmanagers},
  };
  static constexpr Route kLabelValues{"/api/v1/label/", "aps:GetLabels", false,
                                      &PrometheusApi::LabelValues};
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
  }
  constexpr std::string_view kValues = "/values";
  if (path.starts_with(kLabelValues.path) && path.ends_with(kValues) &&
      path.size() > kLabelValues.path.size() + kValues.size()) {
    const std::string_view name = path.substr(
        kLabelValues.path.size(), path.size() - kLabelValues.path.size() - kValues.size());
    if (name.find('/') == std::string_view::npos && PercentDecode(name, false, label_name)) {
      return &kLabelValues;
    }
  }
  return nullptr;
}

PrometheusApi::PrometheusApi(PrometheusApiOptions options, const access::Gate& gate,
                             const promql::Engine& engine, const Clock& clock, Registry& metrics)
    : options_(std::move(options)),
      gate_(gate),
      engine_(engine),
      clock_(clock),
      metrics_(metrics),
      samples_received_(metrics.AddCounter("hearth_api_samples_received_total",
                                           "Samples that came in by remote write.")),
      query_seconds_(metrics.AddHistogram(
          "hearth_api_query_duration_seconds",
          "Time to evaluate a query, without reading or writing it.", LatencyBuckets())) {}

bool PrometheusApi::IsWrite(std::string_view path) {
  return path == "/api/v1/write" || path == "/api/v1/remote_write";
}

bool PrometheusApi::IsRootPath(std::string_view path) {
  return path.starts_with("/api/v1/") || path == "/federate";
}

net::HttpResponse PrometheusApi::Handle(const net::HttpRequest& request, std::string_view path,
                                        Plane plane, const access::Caller& caller,
                                        workspace::Workspace& workspace,
                                        const CollectorView* collector) {
  const Call call{request, plane, caller, workspace, collector};
  std::string label_name;
  const Route* route = FindRoute(path, &label_name);
  const bool write = IsWrite(path);
  // What does not exist is refused as what may not be seen: first the policy, then the path.
  const std::string_view action =
      write ? "aps:RemoteWrite" : (route != nullptr ? route->action : "aps:QueryMetrics");
  if (const auto refusal =
          gate_.AuthorizeOn(caller, action, workspace.arn(), workspace.account(),
                            workspace.resource_policy().get())) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  if (write) return Write(call);
  if (route == nullptr) {
    return ApiError(404, "not_found", fmt::format("hearth does not serve {} (yet)", path));
  }
  const bool method_ok = request.method == "GET" || request.method == "HEAD" ||
                         (route->post && request.method == "POST");
  if (!method_ok) {
    net::HttpResponse response = net::TextResponse(405, "method not allowed\n");
    response.headers.Set("Allow", route->post ? "GET, POST" : "GET");
    return response;
  }
  auto parameters = Parameters::Of(request);
  if (!parameters.ok()) return BadData(parameters.status());
  if (!label_name.empty()) parameters->Add("label", label_name);
  return (this->*route->method)(call, *parameters);
}

}  // namespace hearth::api

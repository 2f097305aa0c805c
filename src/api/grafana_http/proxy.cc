// SPDX-License-Identifier: Apache-2.0
// The data-source proxy, resources and health: what a browser or another client of Grafana asks a
// data source for.
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/json.h"
#include "api/grafana_http/source_client.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

// What follows the first `pieces` pieces of the path, as it was sent: "/api/v1/query" of
// "/api/datasources/proxy/uid/AMP/api/v1/query" after 5.
std::string_view After(std::string_view raw_path, int pieces) {
  size_t at = 0;
  while (pieces-- > 0) {
    at = raw_path.find('/', at + 1);
    if (at == std::string_view::npos) return "/";
  }
  return raw_path.substr(at);
}

// Another server that cannot be asked is a gateway's trouble, not ours.
Answer Gateway(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return Message(502, hearth::Message(status));
    case absl::StatusCode::kDeadlineExceeded:
      return Message(504, hearth::Message(status));
    default:
      return status;
  }
}

Handler Proxy(bool by_id, int pieces) {
  return [by_id, pieces](Face& face, const Call& call) -> Answer {
    TRY_ASSIGN(const auto source, QueryableSource(face, call, call.argument(), by_id));
    SourceRequest request;
    request.method = call.request.method;
    request.path = After(call.raw_path, pieces);
    request.query = call.request.query;
    request.content_type = call.request.headers.Find("Content-Type");
    request.accept = call.request.headers.Find("Accept");
    request.body = call.request.body;
    auto answer = AskSource(face, call, source, std::move(request));
    if (!answer.ok()) return Gateway(answer.status());
    return *std::move(answer);
  };
}

Answer Unhealthy(std::string_view why) {
  return Reply({{"message", why}, {"status", "ERROR"}}, 400);
}

// As Grafana's own plug-in: a query that needs no data.
Answer Health(Face& face, const Call& call) {
  TRY_ASSIGN(const auto source, QueryableSource(face, call, call.argument(), false));
  if (!IsPrometheus(source)) {
    return Message(
        404, fmt::format("hearth cannot tell the health of data sources of type {}", source.type));
  }
  SourceRequest request;
  request.method = "POST";
  request.path = "/api/v1/query";
  request.content_type = "application/x-www-form-urlencoded";
  request.body = "query=1%2B1";
  auto answer = AskSource(face, call, source, std::move(request));
  if (!answer.ok()) return Unhealthy(hearth::Message(answer.status()));
  const int status = answer->status;
  TRY_ASSIGN(const std::string body, WholeBody(*std::move(answer)));
  if (status != 200 || TextOf(Stored(body), "status") != "success") {
    return Unhealthy(fmt::format("{} - {}", status, body.substr(0, 500)));
  }
  return Reply({{"message", "Successfully queried the Prometheus API."},
                {"status", "OK"},
                {"details", {{"application", "Prometheus"}}}});
}

}  // namespace

std::vector<Route> ProxyRoutes() {
  const std::string_view query = "datasources:query";
  std::vector<Route> routes = {
      {"GET", "datasources/uid/:uid/health", Role::kViewer, query, Health}};
  for (const std::string_view method : {"GET", "POST"}) {
    routes.push_back(
        {method, "datasources/proxy/uid/:uid/*", Role::kViewer, query, Proxy(false, 5)});
    routes.push_back({method, "datasources/proxy/:id/*", Role::kViewer, query, Proxy(true, 4)});
    routes.push_back(
        {method, "datasources/uid/:uid/resources/*", Role::kViewer, query, Proxy(false, 5)});
  }
  return routes;
}

}  // namespace hearth::api::grafana_http

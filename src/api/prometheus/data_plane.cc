// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/data_plane.h"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "access/aws_errors.h"
#include "base/status.h"

namespace hearth::api {
namespace {

constexpr std::string_view kService = "aps";

// Clients write the endpoint with and without its slash: "//" and a trailing "/" mean nothing.
std::string Normalise(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '/' && !out.empty() && out.back() == '/') continue;
    out += c;
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

net::HttpResponse NoSuchWorkspace(std::string_view id) {
  return access::AwsJsonError(
      404, "ResourceNotFoundException", "Workspace not found",
      fmt::format(R"("resourceId":{},"resourceType":"workspace")", model::QuoteGo(id)));
}

struct AlertmanagerRoute {
  std::string_view method;
  std::string_view prefix;
  std::string_view action;
};
constexpr std::array kAlertmanagerRoutes = {
    AlertmanagerRoute{"POST", "/alertmanager/api/v2/alerts", "aps:CreateAlertManagerAlerts"},
    AlertmanagerRoute{"GET", "/alertmanager/api/v2/alerts/groups",
                      "aps:ListAlertManagerAlertGroups"},
    AlertmanagerRoute{"GET", "/alertmanager/api/v2/alerts", "aps:ListAlertManagerAlerts"},
    AlertmanagerRoute{"GET", "/alertmanager/api/v2/receivers", "aps:ListAlertManagerReceivers"},
    AlertmanagerRoute{"GET", "/alertmanager/api/v2/silences", "aps:ListAlertManagerSilences"},
    AlertmanagerRoute{"POST", "/alertmanager/api/v2/silences", "aps:PutAlertManagerSilences"},
    AlertmanagerRoute{"GET", "/alertmanager/api/v2/silence/", "aps:GetAlertManagerSilence"},
    AlertmanagerRoute{"DELETE", "/alertmanager/api/v2/silence/", "aps:DeleteAlertManagerSilence"},
    AlertmanagerRoute{"GET", "/alertmanager/api/v2/status", "aps:GetAlertManagerStatus"},
};

// An answer that is produced piece by piece, and the workspace that it reads: gone in this order.
struct KeptProducer {
  std::shared_ptr<workspace::Workspace> workspace;
  net::BodyProducer produce;
};

// Which of AMP's request rates a path falls under (aws-contract.md §11.1).
workspace::CallKind KindOf(std::string_view path) {
  using workspace::CallKind;
  if (PrometheusApi::IsWrite(path)) return CallKind::kWrite;
  if (path == "/api/v1/query" || path == "/api/v1/query_range") return CallKind::kQuery;
  const bool metadata = path == "/api/v1/series" || path == "/api/v1/labels" ||
                        path == "/api/v1/metadata" || path.starts_with("/api/v1/label/");
  return metadata ? CallKind::kMetadata : CallKind::kOther;
}

}  // namespace

net::HttpResponse DataPlane::HandleRoot(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, kService);
  if (who.refusal) return access::AwsJsonRefusal(*who.refusal, true);
  return Serve(request, default_workspace_, Normalise(request.path), Plane::kRoot, who.caller);
}

net::HttpResponse DataPlane::HandleWorkspace(const net::HttpRequest& request, std::string_view id,
                                             std::string_view path) {
  const access::Identified who = gate_.Identify(request, kService);
  if (who.refusal) return access::AwsJsonRefusal(*who.refusal, false);
  return Serve(request, id, Normalise(path), Plane::kWorkspace, who.caller);
}

net::HttpResponse DataPlane::HandleAs(const net::HttpRequest& request, std::string_view id,
                                      std::string_view path, const access::Caller& caller) {
  return Serve(request, id, Normalise(path), Plane::kWorkspace, caller);
}

net::HttpResponse DataPlane::Serve(const net::HttpRequest& request, std::string_view id,
                                   std::string_view path, Plane plane,
                                   const access::Caller& caller) {
  const auto workspace = workspaces_.Find(id);
  if (workspace == nullptr) {
    // Whoever may not see it learns nothing of whether it exists.
    const std::string arn =
        fmt::format("arn:aws:aps:{}:{}:workspace/{}", caller.region, gate_.options().account, id);
    const bool write = PrometheusApi::IsWrite(path);
    if (const auto refusal =
            gate_.Authorize(caller, write ? "aps:RemoteWrite" : "aps:QueryMetrics", arn)) {
      return access::AwsJsonRefusal(*refusal, false);
    }
    return NoSuchWorkspace(id);
  }
  if (caller.via == access::Via::kSigV4 && caller.region != workspace->region()) {
    access::Refusal refusal{access::RefusalKind::kMismatch,
                            fmt::format("Credential should be scoped to a valid Region, not '{}'. "
                                        "Workspace {} is in {}",
                                        caller.region, workspace->id(), workspace->region()),
                            ""};
    return access::AwsJsonRefusal(refusal, false);
  }
  if (!workspace->TakeCall(KindOf(path))) {
    net::HttpResponse response = net::JsonResponse(429, R"({"message":"Rate exceeded"})");
    response.headers.Set("Retry-After", "1");
    return response;
  }
  if (path.starts_with("/alertmanager/")) return Alertmanager(request, path, caller, *workspace);
  const bool collector = id == default_workspace_;
  net::HttpResponse response =
      api_.Handle(request, path, plane, caller, *workspace, collector ? &collector_ : nullptr);
  if (response.producer) {
    const auto kept = std::make_shared<KeptProducer>();
    kept->workspace = workspace;
    kept->produce = std::move(response.producer);
    response.producer = [kept](std::string* out) { return kept->produce(out); };
  }
  return response;
}

net::HttpResponse DataPlane::Alertmanager(const net::HttpRequest& request, std::string_view path,
                                          const access::Caller& caller,
                                          const workspace::Workspace& workspace) {
  for (const AlertmanagerRoute& route : kAlertmanagerRoutes) {
    const bool prefix = route.prefix.ends_with('/');
    const bool same = prefix ? path.starts_with(route.prefix) : path == route.prefix;
    if (request.method != route.method || !same) continue;
    const auto policy = workspace.resource_policy();
    const auto settings = workspace.settings();
    if (const auto refusal = gate_.AuthorizeOn(
            caller, route.action,
            {workspace.arn(), workspace.account(), policy.get(), &settings->row.tags})) {
      return access::AwsJsonRefusal(*refusal, false);
    }
    return access::AwsJsonError(
        501, "NotImplementedException",
        fmt::format("The Alertmanager of a workspace is not part of this version of hearth ({})",
                    route.action));
  }
  return access::AwsJsonError(404, "ResourceNotFoundException",
                              fmt::format("No Alertmanager API at {}", path));
}

}  // namespace hearth::api

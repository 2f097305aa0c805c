// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/grafana_http.h"

#include <fmt/core.h>

#include "api/grafana_http/answers.h"
#include "auth/basic.h"
#include "base/status.h"

namespace hearth::api {
namespace {

std::string GrafanaRole(std::string_view role) {
  if (role == "ADMIN") return "Admin";
  return role == "EDITOR" ? "Editor" : "Viewer";
}

// A page of another site must not act with the cookie: where a browser says whence it comes, it
// must be from here.
bool ForeignOrigin(const net::HttpRequest& request) {
  const std::string_view origin = request.headers.Find("Origin");
  if (request.method == "GET" || request.method == "HEAD" || origin.empty()) return false;
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ||
         origin.substr(scheme + 3) != request.headers.Find("Host");
}

}  // namespace

GrafanaHttp::GrafanaHttp(GrafanaHttpOptions options, catalog::Catalog& catalog,
                         const access::Gate& gate, catalog::IdentityStore& identities,
                         grafana::Sessions& sessions, OwnQuery own_query, Page page)
    : options_(std::move(options)),
      catalog_(catalog),
      gate_(gate),
      identities_(identities),
      sessions_(sessions),
      bearer_(catalog),
      own_query_(std::move(own_query)),
      page_(std::move(page)) {}

std::string_view GrafanaHttp::Call::Parameter(std::string_view name) const {
  for (const net::Parameter& parameter : query) {
    if (parameter.name == name) return parameter.value;
  }
  return {};
}

absl::StatusOr<GrafanaHttp::User> GrafanaHttp::Identify(
    const net::HttpRequest& request, const catalog::GrafanaWorkspace& workspace) const {
  if (!gate_.options().enabled) return User{"root", "Admin"};
  if (const std::string_view authorization = request.headers.Find("Authorization");
      !authorization.empty()) {
    if (const std::string token = grafana::Bearer::TokenOf(authorization); !token.empty()) {
      TRY_ASSIGN(const grafana::BearerUser bearer, bearer_.Identify(token, workspace.id));
      return User{bearer.login, GrafanaRole(bearer.role)};
    }
    if (!auth::ParseBasic(authorization)) return Unauthenticated("Invalid API key");
    const access::Identified who = gate_.Identify(request, "grafana");
    if (who.refusal) return Unauthenticated("{}", who.refusal->message);
    if (const auto refusal =
            gate_.Authorize(who.caller, "grafana:*", catalog::GrafanaWorkspaceArn(workspace))) {
      return PermissionDenied("{}", refusal->message);
    }
    return User{who.caller.principal->arn, "Admin"};
  }
  const auto session = sessions_.Find(request);
  if (!session.ok()) return Unauthenticated("Unauthorized");
  const bool here = session->workspace.empty() || session->workspace == workspace.id;
  if (!here || session->account != workspace.account) {
    return Unauthenticated("This session is for another workspace ({})", session->workspace);
  }
  if (ForeignOrigin(request)) return PermissionDenied("Origin not allowed");
  return User{session->principal, GrafanaRole(session->role)};
}

net::HttpResponse GrafanaHttp::Handle(const net::HttpRequest& request,
                                      const catalog::GrafanaWorkspace& workspace,
                                      std::string_view path) {
  if (path != "/api" && !path.starts_with("/api/")) return page_(request);
  if (path == "/api/health") {
    return net::JsonResponse(
        200, fmt::format(R"({{"database":"ok","version":"{}","commit":""}})", options_.version));
  }
  const auto user = Identify(request, workspace);
  if (!user.ok()) {
    const bool denied = absl::IsPermissionDenied(user.status());
    return GrafanaMessage(denied ? 403 : 401, Message(user.status()));
  }
  auto query = net::ParseForm(request.query);
  if (!query.ok()) return GrafanaMessage(400, Message(query.status()));
  std::vector<std::string> segments;
  for (const std::string_view raw : Split(path.substr(1), '/')) {
    std::string segment;
    if (!PercentDecode(raw, false, &segment)) return GrafanaMessage(400, "bad path");
    if (!segment.empty()) segments.push_back(std::move(segment));
  }
  return Route({request, workspace, *user, *std::move(query)}, segments, path);
}

net::HttpResponse GrafanaHttp::Route(const Call& call, const std::vector<std::string>& segments,
                                     std::string_view raw_path) {
  const std::string_view first = segments.size() > 1 ? std::string_view(segments[1]) : "";
  if (first == "datasources") return DataSources(call, segments, raw_path);
  if (call.request.method != "GET" && call.request.method != "HEAD") {
    return GrafanaMessage(501,
                          fmt::format("{} {} is not part of this version of hearth: dashboards "
                                      "come from files (hearth.yaml)",
                                      call.request.method, raw_path));
  }
  if (first == "frontend" && segments.size() == 3 && segments[2] == "settings") {
    return FrontendSettings(call);
  }
  if (first == "user" && segments.size() == 2) return CurrentUser(call);
  if (first == "org" && segments.size() == 2) {
    return net::JsonResponse(200, R"({"id":1,"name":"Main Org."})");
  }
  if (first == "search" && segments.size() == 2) return Search(call);
  if (first == "folders") return Folders(call, segments);
  if (first == "dashboards" && segments.size() == 4 && segments[2] == "uid") {
    return Dashboard(call, segments[3]);
  }
  return GrafanaMessage(404, "Not found");
}

}  // namespace hearth::api

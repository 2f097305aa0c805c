// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/face.h"

#include <fmt/core.h>

#include "api/grafana_http/answers.h"
#include "auth/basic.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

// Dashboards ask for some dozens of panels at once; more than these wait or are refused.
constexpr size_t kTransfersMax = 512;
constexpr size_t kConnectionsIdleMax = 64;
constexpr size_t kConnectionsPerHostMax = 32;

// A page of another site must not act with the cookie: where a browser says whence it comes, it
// must be from here.
bool ForeignOrigin(const net::HttpRequest& request) {
  const std::string_view origin = request.headers.Find("Origin");
  if (request.method == "GET" || request.method == "HEAD" || origin.empty()) return false;
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ||
         origin.substr(scheme + 3) != request.headers.Find("Host");
}

// Whether `segments` (from the first piece on) fit; the ':' pieces go to `arguments`.
bool Fits(const std::vector<std::string_view>& pieces, const std::vector<std::string>& segments,
          std::vector<std::string>* arguments) {
  arguments->clear();
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i] == "*") return true;
    if (i >= segments.size()) return false;
    if (pieces[i].starts_with(':')) {
      arguments->push_back(segments[i]);
    } else if (pieces[i] != segments[i]) {
      return false;
    }
  }
  return pieces.size() == segments.size();
}

// The picture of a user: a disc whose colour follows the link. No picture is kept anywhere.
net::HttpResponse Avatar(std::string_view name) {
  unsigned hue = 0;
  for (const char c : name) hue = (hue * 31 + static_cast<unsigned char>(c)) % 360;
  net::HttpResponse response;
  response.headers.Set("Content-Type", "image/svg+xml");
  response.body = fmt::format(
      R"svg(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" )svg"
      R"svg(cy="16" r="16" fill="hsl({},60%,45%)"/></svg>)svg",
      hue);
  return response;
}

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kAdmin:
      return "Admin";
    case Role::kEditor:
      return "Editor";
    case Role::kViewer:
      return "Viewer";
    case Role::kNone:
      break;
  }
  return "None";
}

bool ParseRole(std::string_view name, Role* role) {
  for (const Role each : {Role::kNone, Role::kViewer, Role::kEditor, Role::kAdmin}) {
    if (EqualsIgnoreCaseAscii(name, RoleName(each))) {
      *role = each;
      return true;
    }
  }
  return false;
}

std::string_view Call::Parameter(std::string_view name) const {
  for (const net::Parameter& parameter : query) {
    if (parameter.name == name) return parameter.value;
  }
  return {};
}

std::vector<std::string_view> Call::Parameters(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const net::Parameter& parameter : query) {
    if (parameter.name == name && !parameter.value.empty()) values.push_back(parameter.value);
  }
  return values;
}

absl::StatusOr<int64_t> Call::Number(std::string_view name, int64_t otherwise, int64_t low,
                                     int64_t high) const {
  const std::string_view text = Parameter(name);
  if (text.empty()) return otherwise;
  int64_t number = 0;
  if (!ParseInt64(text, &number) || number < low || number > high) {
    return InvalidArgument("{} must be a whole number from {} to {}", name, low, high);
  }
  return number;
}

Face::Face(GrafanaHttpOptions options, catalog::Catalog& catalog, const access::Gate& gate,
           catalog::IdentityStore& identities, grafana::Sessions& sessions, OwnQuery own_query,
           Page page, Registry& metrics)
    : options_(std::move(options)),
      catalog_(catalog),
      gate_(gate),
      identities_(identities),
      sessions_(sessions),
      bearer_(catalog),
      own_query_(std::move(own_query)),
      page_(std::move(page)),
      client_({options_.data_source_addresses, kTransfersMax, kConnectionsIdleMax,
               kConnectionsPerHostMax, "Grafana/" + options_.version, "data_sources"},
              metrics) {
  const auto add = [this](std::vector<Route> routes) {
    for (Route& route : routes) {
      std::vector<std::string_view> pieces = Split(route.pattern, '/');
      std::vector<Entry>& entries = routes_[std::string(pieces[0])];
      entries.push_back({std::move(route), std::move(pieces)});
    }
  };
  for (const auto& family : {SettingsRoutes,
                             ProxyRoutes,
                             DataSourceRoutes,
                             FolderRoutes,
                             DashboardVersionRoutes,
                             DashboardRoutes,
                             SearchRoutes,
                             PermissionRoutes,
                             TeamRoutes,
                             PeopleRoutes,
                             PreferenceRoutes,
                             AnnotationRoutes,
                             LibraryRoutes,
                             PlaylistRoutes,
                             PublicDashboardRoutes,
                             ServiceAccountRoutes,
                             ContactRoutes,
                             PolicyRoutes,
                             RuleRoutes,
                             QueryRoutes}) {
    add(family());
  }
}

// The row of a user, made when seen for the first time: ids are what permissions and stars know.
absl::StatusOr<User> Face::Known(const catalog::GrafanaWorkspace& workspace, std::string_view login,
                                 Role role) {
  const auto find = [&](catalog::Reader& reader) {
    return catalog::FindItemsByName(reader, workspace.id, "user", login);
  };
  TRY_ASSIGN(std::vector<catalog::GrafanaItem> found, catalog_.Read(find));
  if (found.empty()) {
    TRY_ASSIGN(found, catalog_.Write([&](catalog::Transaction& transaction)
                                         -> absl::StatusOr<std::vector<catalog::GrafanaItem>> {
      TRY_ASSIGN(std::vector<catalog::GrafanaItem> again, find(transaction));
      if (!again.empty()) return again;
      catalog::GrafanaItem item;
      item.workspace = workspace.id;
      item.kind = "user";
      item.name = login;
      item.unique_name = true;
      item.json = fmt::format(R"({{"role":"{}"}})", RoleName(role));
      TRY(catalog::CreateItem(transaction, &item));
      again.push_back(std::move(item));
      return again;
    }));
  }
  User user;
  user.id = found[0].id;
  user.uid = found[0].uid;
  user.login = user.name = login;
  user.role = role;
  return user;
}

absl::StatusOr<User> Face::IdentifyToken(const std::string& token,
                                         const catalog::GrafanaWorkspace& workspace) const {
  TRY_ASSIGN(const grafana::BearerUser bearer, bearer_.Identify(token, workspace.id));
  User user;
  user.id = bearer.service_account;
  user.uid = bearer.uid;
  user.login = bearer.login;
  user.name = bearer.name;
  user.service_account = true;
  ParseRole(bearer.role, &user.role);
  return user;
}

absl::StatusOr<User> Face::Identify(const net::HttpRequest& request,
                                    const catalog::GrafanaWorkspace& workspace) {
  if (!gate_.options().enabled) return Known(workspace, "root", Role::kAdmin);
  if (const std::string_view authorization = request.headers.Find("Authorization");
      !authorization.empty()) {
    if (const std::string token = grafana::Bearer::TokenOf(authorization); !token.empty()) {
      return IdentifyToken(token, workspace);
    }
    if (!auth::ParseBasic(authorization)) return Unauthenticated("Invalid API key");
    const access::Identified who = gate_.Identify(request, "grafana");
    if (who.refusal) return Unauthenticated("{}", who.refusal->message);
    if (const auto refusal =
            gate_.Authorize(who.caller, "grafana:*", catalog::GrafanaWorkspaceArn(workspace))) {
      return PermissionDenied("{}", refusal->message);
    }
    return Known(workspace, who.caller.principal->arn, Role::kAdmin);
  }
  const auto session = sessions_.Find(request);
  if (!session.ok()) return Unauthenticated("Unauthorized");
  const bool here = session->workspace.empty() || session->workspace == workspace.id;
  if (!here || session->account != workspace.account) {
    return Unauthenticated("This session is for another workspace ({})", session->workspace);
  }
  if (ForeignOrigin(request)) return PermissionDenied("Origin not allowed");
  Role role = Role::kViewer;
  ParseRole(session->role, &role);
  return Known(workspace, session->principal, role);
}

net::HttpResponse Face::Handle(const net::HttpRequest& request,
                               const catalog::GrafanaWorkspace& workspace, std::string_view path) {
  if (path.starts_with("/avatar/")) return Avatar(path.substr(8));
  if (path != "/api" && !path.starts_with("/api/")) return page_(request);
  if (path == "/api/health") {
    return net::JsonResponse(
        200, fmt::format(R"({{"commit":"","database":"ok","version":"{}"}})", options_.version));
  }
  return HandleApi(request, workspace, path);
}

net::HttpResponse Face::HandleApi(const net::HttpRequest& request,
                                  const catalog::GrafanaWorkspace& workspace,
                                  std::string_view path) {
  const auto user = Identify(request, workspace);
  if (!user.ok()) {
    if (absl::IsPermissionDenied(user.status())) return Refuse(user.status());
    if (absl::IsUnauthenticated(user.status())) return Refuse(user.status());
    log::Error("grafana", "a caller cannot be identified",
               {{"error", hearth::Message(user.status())}});
    return Refuse(user.status());
  }
  if (const std::string_view org = request.headers.Find("X-Grafana-Org-Id");
      !org.empty() && org != "0" && org != "1") {
    return Message(403, fmt::format("organization {} does not exist: a workspace has one, id 1",
                                    org.substr(0, 20)));
  }
  auto query = net::ParseForm(request.query);
  if (!query.ok()) return Refuse(query.status());
  std::vector<std::string> segments;
  for (const std::string_view raw : Split(path.substr(std::string_view("/api").size()), '/')) {
    std::string segment;
    // A NUL is in no name of ours, and no column of the catalog holds it.
    if (!PercentDecode(raw, false, &segment) || segment.find('\0') != std::string::npos ||
        !IsValidUtf8(segment)) {
      return Message(400, "the path is not percent-encoded UTF-8");
    }
    if (!segment.empty()) segments.push_back(std::move(segment));
  }
  // Links carry the path by which the workspace was reached: its id, its alias, or none at all
  // where it has a host of its own.
  std::string_view base = request.path;
  base.remove_suffix(std::min(base.size(), path.size()));
  return Run({request, workspace, *user, base, path, *std::move(query)}, segments);
}

net::HttpResponse Face::Run(Call call, const std::vector<std::string>& segments) {
  const auto entries = segments.empty() ? routes_.end() : routes_.find(segments[0]);
  if (entries == routes_.end()) return Message(404, "Not found");
  const std::string_view method = call.request.method == "HEAD" ? "GET" : call.request.method;
  for (const Entry& entry : entries->second) {
    if (entry.route.method != method) continue;
    if (!Fits(entry.pieces, segments, &call.arguments)) continue;
    if (call.user.role < entry.route.role) return AccessDenied(entry.route.permission);
    Answer answer = entry.route.handle(*this, call);
    if (answer.ok()) return *std::move(answer);
    if (IsOurTrouble(answer.status())) {
      log::Error(
          "grafana", "a request failed",
          {{"path", std::string(call.raw_path)}, {"error", hearth::Message(answer.status())}});
    }
    return Refuse(answer.status());
  }
  return Message(404, "Not found");
}

}  // namespace hearth::api::grafana_http

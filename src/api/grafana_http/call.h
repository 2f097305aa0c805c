// SPDX-License-Identifier: Apache-2.0
// One request of Grafana's API on its way to a handler: who calls, on which workspace, with which
// arguments; and what handlers work on. Private to api/grafana_http.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/grafana_http/grafana_http.h"
#include "catalog/catalog.h"
#include "catalog/grafana_objects.h"
#include "net/http.h"

namespace hearth::api::grafana_http {

// Grafana's basic roles, each including those before it.
enum class Role { kNone, kViewer, kEditor, kAdmin };
std::string_view RoleName(Role role);               // "Viewer"
bool ParseRole(std::string_view name, Role* role);  // any case

struct User {
  int64_t id = 0;  // users and service accounts share one sequence
  std::string uid;
  std::string login;
  std::string name;
  std::string email;
  Role role = Role::kNone;
  bool service_account = false;
};

struct Call {
  const net::HttpRequest& request;
  const catalog::GrafanaWorkspace& workspace;
  const User& user;
  std::string_view base;      // the workspace's path before "/api", for links: "/g-0123456789"
  std::string_view raw_path;  // from "/api" on, as sent
  std::vector<net::Parameter> query;
  std::vector<std::string> arguments{};  // the ':' pieces of the route, decoded

  std::string_view Parameter(std::string_view name) const;  // the first, "" where there is none
  std::vector<std::string_view> Parameters(std::string_view name) const;
  // A number in [low, high], or `otherwise` where it was not sent. InvalidArgument names it.
  absl::StatusOr<int64_t> Number(std::string_view name, int64_t otherwise, int64_t low,
                                 int64_t high) const;
  const std::string& argument(size_t i = 0) const { return arguments[i]; }
  const std::string& id() const { return workspace.id; }
};

using Answer = absl::StatusOr<net::HttpResponse>;
using Handler = std::function<Answer(Face& face, const Call& call)>;

// "GET" "folders/:uid/permissions"; a trailing '*' takes the rest of the path.
struct Route {
  std::string_view method;
  std::string_view pattern;
  Role role = Role::kViewer;
  std::string_view permission;  // Grafana's name of the action, for the refusal
  Handler handle;
};

// The families.
std::vector<Route> SettingsRoutes();
std::vector<Route> DataSourceRoutes();
std::vector<Route> ProxyRoutes();
std::vector<Route> FolderRoutes();
std::vector<Route> DashboardRoutes();
std::vector<Route> DashboardVersionRoutes();
std::vector<Route> SearchRoutes();
std::vector<Route> PermissionRoutes();
std::vector<Route> TeamRoutes();
std::vector<Route> PeopleRoutes();
std::vector<Route> PreferenceRoutes();
std::vector<Route> AnnotationRoutes();
std::vector<Route> LibraryRoutes();
std::vector<Route> PlaylistRoutes();
std::vector<Route> PublicDashboardRoutes();
std::vector<Route> ServiceAccountRoutes();
std::vector<Route> ContactRoutes();
std::vector<Route> PolicyRoutes();
std::vector<Route> RuleRoutes();
std::vector<Route> QueryRoutes();

}  // namespace hearth::api::grafana_http

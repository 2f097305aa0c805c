// SPDX-License-Identifier: Apache-2.0
// What a client asks first: who am I, which organisation, which data sources are there.
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

Answer FrontendSettings(Face& face, const Call& call) {
  TRY_ASSIGN(const auto sources, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListDataSources(reader, call.id());
  }));
  Json by_name = Json::object();
  std::string default_name;
  for (const catalog::DataSource& source : sources) {
    by_name[source.name] = DataSourceJson(source);
    if (source.is_default) default_name = source.name;
  }
  return Reply(
      {{"buildInfo", {{"version", face.options().version}, {"commit", ""}, {"edition", "hearth"}}},
       {"appSubUrl", call.base},
       {"workspace", {{"id", call.workspace.id}, {"name", call.workspace.name}}},
       {"defaultDatasource", default_name},
       {"datasources", std::move(by_name)}});
}

Answer CurrentUser(Face&, const Call& call) {
  const User& user = call.user;
  return Reply({{"id", user.id},
                {"uid", user.uid},
                {"login", user.login},
                {"name", user.name},
                {"email", user.email},
                {"theme", ""},
                {"orgId", 1},
                {"orgRole", RoleName(user.role)},
                {"isGrafanaAdmin", false},
                {"isDisabled", false},
                {"isExternal", true},
                {"authLabels", Json::array()},
                {"avatarUrl", AvatarUrl(call, user.login)}});
}

Answer CurrentOrg(Face&, const Call&) {
  return Reply({{"id", 1},
                {"name", "Main Org."},
                {"address",
                 {{"address1", ""},
                  {"address2", ""},
                  {"city", ""},
                  {"zipCode", ""},
                  {"state", ""},
                  {"country", ""}}}});
}

Answer OrgsOfUser(Face&, const Call& call) {
  return Reply(
      Json::array({{{"orgId", 1}, {"name", "Main Org."}, {"role", RoleName(call.user.role)}}}));
}

}  // namespace

std::vector<Route> SettingsRoutes() {
  return {
      {"GET", "frontend/settings", Role::kNone, "", FrontendSettings},
      {"GET", "user", Role::kNone, "", CurrentUser},
      {"GET", "user/orgs", Role::kNone, "", OrgsOfUser},
      {"GET", "org", Role::kViewer, "orgs:read", CurrentOrg},
  };
}

}  // namespace hearth::api::grafana_http

// SPDX-License-Identifier: Apache-2.0
// The history of a dashboard: list, one, restore; by uid and by the numeric id of older clients.
// Source: https://grafana.com/docs/grafana/latest/developers/http_api/dashboard_versions/
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/dashboard_save.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"
#include "grafana/json_text.h"

namespace hearth::api::grafana_http {
namespace {

absl::StatusOr<catalog::Dashboard> Find(catalog::Reader& reader, const Call& call, bool by_id,
                                        Level wanted) {
  int64_t id = 0;
  if (by_id && !ParseInt64(call.argument(), &id)) return InvalidArgument("id is invalid");
  TRY_ASSIGN(auto dashboard, by_id ? catalog::GetDashboardById(reader, call.id(), id)
                                   : catalog::GetDashboard(reader, call.id(), call.argument()));
  TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
  TRY(access.RequireDashboard(dashboard, wanted,
                              wanted == kEdit ? "dashboards:write" : "dashboards:read"));
  return dashboard;
}

Json Shape(const catalog::Dashboard& dashboard, const catalog::DashboardVersion& version) {
  return {{"id", version.version},
          {"dashboardId", dashboard.id},
          {"dashboardUID", dashboard.uid},
          {"uid", dashboard.uid},
          {"parentVersion", version.version - 1},
          {"restoredFrom", 0},
          {"version", version.version},
          {"created", Rfc3339(version.created_ms)},
          {"createdBy", version.created_by},
          {"message", version.message}};
}

Answer List(Face& face, const Call& call, bool by_id) {
  TRY_ASSIGN(const int64_t limit, call.Number("limit", 1000, 0, 1'000'000));
  TRY_ASSIGN(const int64_t start, call.Number("start", 0, 0, 1'000'000));
  Json versions = Json::array();
  const auto status = face.catalog().Read([&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto dashboard, Find(reader, call, by_id, kEdit));
    TRY_ASSIGN(const auto all, catalog::ListDashboardVersions(reader, call.id(), dashboard.uid));
    for (size_t i = static_cast<size_t>(start); i < all.size(); ++i) {
      if (limit > 0 && static_cast<int64_t>(versions.size()) == limit) break;
      versions.push_back(Shape(dashboard, all[i]));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return WithDashboardWord(status);
  return Reply({{"continueToken", ""}, {"versions", std::move(versions)}});
}

Answer One(Face& face, const Call& call, bool by_id) {
  int64_t number = 0;
  if (!ParseInt64(call.argument(1), &number)) return InvalidArgument("version is invalid");
  std::string body;
  const auto status = face.catalog().Read([&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto dashboard, Find(reader, call, by_id, kEdit));
    TRY_ASSIGN(const auto version,
               catalog::GetDashboardVersion(reader, call.id(), dashboard.uid, number));
    // "data" as text: byte for byte what was saved.
    body = Dump(Shape(dashboard, version));
    body.pop_back();
    body += R"(,"data":)" +
            grafana::WithJsonMembers(version.json, {{"uid", Dump(dashboard.uid)},
                                                    {"id", std::to_string(dashboard.id)},
                                                    {"version", std::to_string(version.version)}}) +
            "}";
    return absl::OkStatus();
  });
  if (absl::IsNotFound(status)) return Message(404, "Dashboard version not found");
  TRY(status);
  return net::JsonResponse(200, std::move(body));
}

Answer Restore(Face& face, const Call& call, bool by_id) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const int64_t number = body.Number("version");
  TRY(body.status());
  const auto saved = face.catalog().Write(
      [&](catalog::Transaction& transaction) -> absl::StatusOr<catalog::Dashboard> {
        TRY_ASSIGN(const auto dashboard, Find(transaction, call, by_id, kEdit));
        TRY_ASSIGN(const auto version, Named(catalog::GetDashboardVersion(transaction, call.id(),
                                                                          dashboard.uid, number),
                                             "Dashboard version not found"));
        if (version.version == dashboard.version) {
          return InvalidArgument("Current dashboard is identical to the specified version");
        }
        // The text of then under the names of now, or a dashboard saved without a uid would become
        // another one.
        const std::string json = grafana::WithJsonMembers(
            version.json, {{"uid", Dump(dashboard.uid)},
                           {"id", std::to_string(dashboard.id)},
                           {"version", std::to_string(dashboard.version)}});
        return SaveDashboardAs(
            transaction, call,
            {json, dashboard.folder_uid, fmt::format("Restored from version {}", number), true});
      });
  if (absl::IsNotFound(saved.status())) return Message(404, hearth::Message(saved.status()));
  if (!saved.ok()) return WithDashboardWord(saved.status());
  return SavedAnswer(call, *saved);
}

Handler With(Answer (*handle)(Face&, const Call&, bool), bool by_id) {
  return [handle, by_id](Face& face, const Call& call) { return handle(face, call, by_id); };
}

}  // namespace

std::vector<Route> DashboardVersionRoutes() {
  const std::string_view read = "dashboards:read";
  const std::string_view write = "dashboards:write";
  return {
      {"GET", "dashboards/uid/:uid/versions", Role::kViewer, read, With(List, false)},
      {"GET", "dashboards/uid/:uid/versions/:version", Role::kViewer, read, With(One, false)},
      {"POST", "dashboards/uid/:uid/restore", Role::kViewer, write, With(Restore, false)},
      {"GET", "dashboards/id/:id/versions", Role::kViewer, read, With(List, true)},
      {"GET", "dashboards/id/:id/versions/:version", Role::kViewer, read, With(One, true)},
      {"POST", "dashboards/id/:id/restore", Role::kViewer, write, With(Restore, true)},
  };
}

}  // namespace hearth::api::grafana_http

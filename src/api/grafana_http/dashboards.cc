// SPDX-License-Identifier: Apache-2.0
// /api/dashboards: save, read, delete. Source: https://grafana.com/docs/grafana/latest/
// developers/http_api/dashboard/ and aws-contract.md §13, trap 4. The text of a dashboard is never
// printed anew: it is stored and given back as it came.
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/dashboard_save.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/shapes.h"
#include "base/json_text.h"
#include "base/status.h"
#include "catalog/grafana_items.h"
#include "grafana/json_text.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kMissing = "Dashboard not found";

Answer Save(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  DashboardSave save;
  save.json = grafana::FindJsonMember(call.request.body, "dashboard");
  save.folder_uid = body.Text("folderUid");
  save.message = body.Text("message");
  save.overwrite = body.Flag("overwrite");
  const int64_t folder_id = body.Number("folderId");
  if (!body.Object("dashboard").is_object() || !body.Has("dashboard")) {
    return InvalidArgument("bad request data: dashboard is required");
  }
  if (body.Flag("isFolder")) {
    return InvalidArgument("a folder is made by POST /api/folders, not as a dashboard");
  }
  TRY(body.status());
  constexpr size_t kMessageBytesMax = 500;  // Grafana's limit of a commit message
  if (save.message.size() > kMessageBytesMax) {
    return InvalidArgument("a message of {} bytes exceeds the limit of {} bytes",
                           save.message.size(), kMessageBytesMax);
  }
  const auto saved = face.catalog().Write(
      [&](catalog::Transaction& transaction) -> absl::StatusOr<catalog::Dashboard> {
        if (save.folder_uid.empty() && folder_id > 0) {
          const auto folder = catalog::GetFolderById(transaction, call.id(), folder_id);
          if (!folder.ok()) return InvalidArgument("folder not found: {}", folder_id);
          save.folder_uid = folder->uid;
        }
        return SaveDashboardAs(transaction, call, save);
      });
  if (!saved.ok()) return WithDashboardWord(saved.status());
  return SavedAnswer(call, *saved);
}

Json Meta(const Call& call, const catalog::Dashboard& dashboard,
          const std::optional<catalog::Folder>& folder, Level level) {
  const bool edit = level >= kEdit;
  const Json may = {{"canAdd", edit}, {"canEdit", edit}, {"canDelete", edit}};
  return {{"type", "db"},
          {"canSave", edit},
          {"canEdit", edit},
          {"canAdmin", level >= kAdmin},
          {"canStar", true},
          {"canDelete", edit},
          {"slug", Slug(dashboard.title)},
          {"url", DashboardUrl(call, dashboard)},
          {"expires", "0001-01-01T00:00:00Z"},
          {"created", Rfc3339(dashboard.created_ms)},
          {"updated", Rfc3339(dashboard.updated_ms)},
          {"updatedBy", dashboard.updated_by},
          {"createdBy", dashboard.created_by},
          {"version", dashboard.version},
          {"hasAcl", false},
          {"isFolder", false},
          {"apiVersion", "v1beta1"},
          {"folderId", folder ? folder->id : 0},
          {"folderUid", dashboard.folder_uid},
          {"folderTitle", folder ? folder->title : "Dashboards"},
          {"folderUrl", folder ? FolderUrl(call, *folder) : ""},
          {"provisioned", dashboard.provisioned},
          {"provisionedExternalId", ""},
          {"annotationsPermissions", {{"dashboard", may}, {"organization", may}}}};
}

// {"meta": …, "dashboard": …}, the latter as text with the three members that clients count on
// (aws-contract.md §13, trap 4).
net::HttpResponse Whole(const Json& meta, const catalog::Dashboard& dashboard) {
  std::string uid;
  AppendJsonString(dashboard.uid, &uid);
  return net::JsonResponse(
      200, fmt::format(R"({{"meta":{},"dashboard":{}}})", Dump(meta),
                       grafana::WithJsonMembers(dashboard.json,
                                                {{"uid", uid},
                                                 {"id", std::to_string(dashboard.id)},
                                                 {"version", std::to_string(dashboard.version)}})));
}

Answer Get(Face& face, const Call& call) {
  const auto answer =
      face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<net::HttpResponse> {
        TRY_ASSIGN(const auto dashboard, catalog::GetDashboard(reader, call.id(), call.argument()));
        TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
        TRY(access.RequireDashboard(dashboard, kView, "dashboards:read"));
        std::optional<catalog::Folder> folder;
        if (!dashboard.folder_uid.empty()) {
          TRY_ASSIGN(folder, catalog::GetFolder(reader, call.id(), dashboard.folder_uid));
        }
        return Whole(Meta(call, dashboard, folder, access.Dashboard(dashboard)), dashboard);
      });
  if (!answer.ok()) return WithDashboardWord(answer.status());
  return *answer;
}

Answer Delete(Face& face, const Call& call) {
  const auto dashboard = face.catalog().Write(
      [&](catalog::Transaction& transaction) -> absl::StatusOr<catalog::Dashboard> {
        TRY_ASSIGN(auto found,
                   Named(catalog::GetDashboard(transaction, call.id(), call.argument()), kMissing));
        TRY_ASSIGN(const AccessList access, AccessList::Load(transaction, call));
        TRY(access.RequireDashboard(found, kEdit, "dashboards:delete"));
        if (found.provisioned) {
          return InvalidArgument("provisioned dashboard cannot be deleted");
        }
        TRY(DropBelongings(transaction, call.id(), found.uid));
        TRY(catalog::DeleteDashboard(transaction, call.id(), found.uid));
        return found;
      });
  if (!dashboard.ok()) return WithDashboardWord(dashboard.status());
  return Reply({{"id", dashboard->id},
                {"message", fmt::format("Dashboard {} deleted", dashboard->title)},
                {"title", dashboard->title},
                {"uid", dashboard->uid}});
}

Answer Tags(Face& face, const Call& call) {
  TRY_ASSIGN(const auto dashboards, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListDashboards(reader, call.id());
  }));
  std::map<std::string, int64_t> counts;
  for (const catalog::Dashboard& dashboard : dashboards) {
    for (const std::string& tag : dashboard.tags) ++counts[tag];
  }
  Json list = Json::array();
  for (const auto& [tag, count] : counts) list.push_back({{"term", tag}, {"count", count}});
  return Reply(list);
}

// Who chose a home dashboard gets sent there; else the default one, which is empty here.
Answer Home(Face& face, const Call& call) {
  std::string home;
  const auto find = [&](catalog::Reader& reader) -> absl::Status {
    for (const std::string& owner : {fmt::format("user/{}", call.user.id), std::string("org")}) {
      const auto item = catalog::GetItem(reader, call.id(), "preferences", owner);
      if (absl::IsNotFound(item.status())) continue;
      TRY(item);
      const std::string uid = Stored(item->json).value("homeDashboardUID", "");
      const auto board = catalog::GetDashboard(reader, call.id(), uid);
      if (!board.ok()) continue;
      home = DashboardUrl(call, *board);
      return absl::OkStatus();
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(find));
  if (!home.empty()) return Reply({{"redirectUri", home}});
  return Reply({{"meta",
                 {{"canSave", false},
                  {"canEdit", false},
                  {"canStar", false},
                  {"slug", ""},
                  {"folderUid", ""},
                  {"type", "db"}}},
                {"dashboard", {{"title", "Home"}, {"panels", Json::array()}}}});
}

}  // namespace

absl::Status DropBelongings(catalog::Transaction& transaction, std::string_view workspace,
                            std::string_view dashboard) {
  for (const char* kind : {"library_connection", "public_dashboard", "star"}) {
    TRY(catalog::DeleteItemsOf(transaction, workspace, kind, dashboard));
  }
  return DropGrants(transaction, workspace, "dashboards", dashboard);
}

std::vector<Route> DashboardRoutes() {
  return {
      {"POST", "dashboards/db", Role::kViewer, "dashboards:create", Save},
      {"GET", "dashboards/uid/:uid", Role::kViewer, "dashboards:read", Get},
      {"DELETE", "dashboards/uid/:uid", Role::kViewer, "dashboards:delete", Delete},
      {"GET", "dashboards/tags", Role::kViewer, "dashboards:read", Tags},
      {"GET", "dashboards/home", Role::kViewer, "dashboards:read", Home},
  };
}

}  // namespace hearth::api::grafana_http

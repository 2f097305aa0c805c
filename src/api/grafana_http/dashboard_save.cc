// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/dashboard_save.h"

#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"
#include "catalog/grafana_items.h"
#include "grafana/json_text.h"
#include "grafana/provision.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kMissing = "Dashboard not found";
constexpr std::string_view kMismatch = "The dashboard has been changed by someone else";

// What the JSON says of itself beside title and tags.
struct Own {
  int64_t id = 0;
  std::optional<int64_t> version;
};

absl::StatusOr<int64_t> OwnNumber(std::string_view json, std::string_view name) {
  const std::string_view text = grafana::FindJsonMember(json, name);
  if (text.empty() || text == "null") return 0;
  int64_t number = 0;
  if (!ParseInt64(text, &number)) {
    return InvalidArgument("bad request data: dashboard.{} must be a whole number", name);
  }
  return number;
}

// The row that is meant: by id where one is given, else by uid; none makes a new one.
absl::StatusOr<std::optional<catalog::Dashboard>> Stored(catalog::Reader& reader, const Call& call,
                                                         int64_t id, const std::string& uid) {
  if (!uid.empty()) {
    const auto found = catalog::GetDashboard(reader, call.id(), uid);
    if (found.ok()) {
      if (id > 0 && found->id != id) {
        return InvalidArgument("Dashboard with the same uid already exists: {}", uid);
      }
      return std::optional(*found);
    }
    if (!absl::IsNotFound(found.status())) return found.status();
  }
  if (id <= 0) return std::optional<catalog::Dashboard>();
  TRY_ASSIGN(auto found, Named(catalog::GetDashboardById(reader, call.id(), id), kMissing));
  return std::optional(std::move(found));
}

absl::Status CheckLimits(const catalog::Dashboard& dashboard) {
  constexpr size_t kTagsMax = 200;
  if (dashboard.title.size() > kTitleBytesMax) {
    return InvalidArgument("a dashboard title of {} bytes exceeds the limit of {} bytes",
                           dashboard.title.size(), kTitleBytesMax);
  }
  if (dashboard.title.find('\0') != std::string::npos) {
    return InvalidArgument("bad request data: dashboard.title must not hold the character U+0000");
  }
  if (dashboard.tags.size() > kTagsMax) {
    return InvalidArgument("{} tags of a dashboard exceed the limit of {}", dashboard.tags.size(),
                           kTagsMax);
  }
  return CheckUid(dashboard.uid);
}

absl::Status CheckFolder(catalog::Transaction& transaction, const Call& call,
                         const AccessList& access, const std::string& uid) {
  if (!uid.empty()) {
    const auto folder = catalog::GetFolder(transaction, call.id(), uid);
    if (absl::IsNotFound(folder.status())) return InvalidArgument("folder not found: {}", uid);
    TRY(folder);
  }
  return access.RequireFolder(uid, kEdit, "dashboards:create");
}

// Library panels that a dashboard shows, so that they know where they are used.
absl::Status Connect(catalog::Transaction& transaction, const catalog::Dashboard& dashboard,
                     const Json& document) {
  TRY(catalog::DeleteItemsOf(transaction, dashboard.workspace, "library_connection",
                             dashboard.uid));
  const auto panels = document.find("panels");
  if (panels == document.end() || !panels->is_array()) return absl::OkStatus();
  for (const Json& panel : *panels) {
    if (!panel.is_object()) continue;
    const auto library = panel.find("libraryPanel");
    if (library == panel.end() || !library->is_object()) continue;
    const auto uid = library->find("uid");
    if (uid == library->end() || !uid->is_string()) continue;
    if (!CheckUid(uid->get_ref<const std::string&>()).ok()) continue;  // no element of ours
    catalog::GrafanaItem item;
    item.workspace = dashboard.workspace;
    item.kind = "library_connection";
    item.parent = dashboard.uid;
    item.name = uid->get<std::string>();
    item.uid = dashboard.uid + "/" + item.name;
    item.created_by = dashboard.updated_by;
    TRY(catalog::PutItem(transaction, &item));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<catalog::Dashboard> SaveDashboardAs(catalog::Transaction& transaction,
                                                   const Call& call, const DashboardSave& save) {
  const Json document = Json::parse(save.json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    return InvalidArgument("bad request data: dashboard must be a JSON object");
  }
  if (const auto title = document.find("title");
      title == document.end() || !title->is_string() ||
      TrimSpace(title->get_ref<const std::string&>()).empty()) {
    return InvalidArgument("Dashboard title cannot be empty");
  }
  TRY_ASSIGN(catalog::Dashboard dashboard, grafana::ReadDashboard(save.json, "dashboard"));
  TRY_ASSIGN(const int64_t id, OwnNumber(save.json, "id"));
  TRY_ASSIGN(const int64_t version, OwnNumber(save.json, "version"));
  TRY(CheckLimits(dashboard));
  dashboard.workspace = call.id();
  dashboard.folder_uid = save.folder_uid == "general" ? "" : save.folder_uid;
  dashboard.message = save.message;
  dashboard.updated_by = call.user.login;
  TRY_ASSIGN(const AccessList access, AccessList::Load(transaction, call));
  TRY_ASSIGN(const auto stored, Stored(transaction, call, id, dashboard.uid));
  if (stored) {
    if (stored->provisioned) return InvalidArgument("Cannot save provisioned dashboard");
    TRY(access.RequireDashboard(*stored, kEdit, "dashboards:write"));
    if (!save.overwrite && version != stored->version) {
      return absl::AbortedError(ToAbsl(kMismatch));
    }
    if (dashboard.folder_uid != stored->folder_uid) {
      TRY(CheckFolder(transaction, call, access, dashboard.folder_uid));
    }
    dashboard.uid = stored->uid;
    dashboard.revision = stored->revision;
  } else {
    TRY(CheckFolder(transaction, call, access, dashboard.folder_uid));
    TRY_ASSIGN(const auto all, catalog::ListDashboards(transaction, call.id()));
    if (all.size() >= kDashboardsMax) {
      return ResourceExhausted("Quota reached: a workspace has at most {} dashboards",
                               kDashboardsMax);
    }
    dashboard.created_by = call.user.login;
  }
  TRY(catalog::SaveDashboard(transaction, &dashboard));
  TRY(Connect(transaction, dashboard, document));
  if (!stored) {
    TRY(GrantDefaults(transaction, call, "dashboards", dashboard.uid, dashboard.folder_uid.empty(),
                      /*creator=*/true));
  }
  return dashboard;
}

Answer WithDashboardWord(const absl::Status& status) {
  if (absl::IsNotFound(status)) return StatusMessage(404, kMissing, "not-found");
  if (absl::IsAborted(status)) return StatusMessage(412, kMismatch, "version-mismatch");
  if (absl::IsInvalidArgument(status) &&
      hearth::Message(status) == "Dashboard title cannot be empty") {
    return StatusMessage(400, hearth::Message(status), "empty-name");
  }
  return status;
}

std::string DashboardUrl(const Call& call, const catalog::Dashboard& dashboard) {
  return fmt::format("{}/d/{}/{}", call.base, dashboard.uid, Slug(dashboard.title));
}

net::HttpResponse SavedAnswer(const Call& call, const catalog::Dashboard& dashboard) {
  return Reply({{"folderUid", dashboard.folder_uid},
                {"id", dashboard.id},
                {"slug", Slug(dashboard.title)},
                {"status", "success"},
                {"uid", dashboard.uid},
                {"url", DashboardUrl(call, dashboard)},
                {"version", dashboard.version}});
}

}  // namespace hearth::api::grafana_http

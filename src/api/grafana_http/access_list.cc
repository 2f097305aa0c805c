// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/access_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/json.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kKind = "permission";

std::string ParentOf(std::string_view resource, std::string_view key) {
  return fmt::format("{}/{}", resource, key);
}

Level LevelOf(std::string_view permission) {
  if (permission == "Admin") return kAdmin;
  if (permission == "Edit") return kEdit;
  return permission == "View" || permission == "Query" ? kView : kNoAccess;
}

absl::Status Denied(std::string_view permission) {
  return PermissionDenied(
      "You'll need additional permissions to perform this action. Permissions needed: {}",
      permission);
}

}  // namespace

absl::StatusOr<std::vector<Grant>> ListGrants(catalog::Reader& reader, std::string_view workspace,
                                              std::string_view resource, std::string_view key) {
  TRY_ASSIGN(const auto items,
             catalog::ListItemsOf(reader, workspace, kKind, ParentOf(resource, key)));
  std::vector<Grant> grants;
  for (const catalog::GrafanaItem& item : items) {
    const size_t slash = item.name.find('/');
    grants.push_back({item.name.substr(0, slash), item.name.substr(slash + 1),
                      Stored(item.json).value("permission", "")});
  }
  return grants;
}

absl::Status SetGrant(catalog::Transaction& transaction, std::string_view workspace,
                      std::string_view resource, std::string_view key, const Grant& grant) {
  catalog::GrafanaItem item;
  item.workspace = workspace;
  item.kind = kKind;
  item.parent = ParentOf(resource, key);
  item.name = ParentOf(grant.subject, grant.who);
  item.uid = item.parent + "/" + item.name;
  if (grant.permission.empty()) {
    const absl::Status status = catalog::DeleteItem(transaction, workspace, kKind, item.uid);
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }
  item.json = Dump({{"permission", grant.permission}});
  return catalog::PutItem(transaction, &item);
}

absl::Status DropGrants(catalog::Transaction& transaction, std::string_view workspace,
                        std::string_view resource, std::string_view key) {
  return catalog::DeleteItemsOf(transaction, workspace, kKind, ParentOf(resource, key)).status();
}

absl::Status GrantDefaults(catalog::Transaction& transaction, const Call& call,
                           std::string_view resource, std::string_view key, bool roles,
                           bool creator) {
  if (creator) {
    TRY(SetGrant(transaction, call.id(), resource, key,
                 {"users", std::to_string(call.user.id), "Admin"}));
  }
  if (!roles) return absl::OkStatus();
  TRY(SetGrant(transaction, call.id(), resource, key, {"builtInRoles", "Editor", "Edit"}));
  return SetGrant(transaction, call.id(), resource, key, {"builtInRoles", "Viewer", "View"});
}

absl::StatusOr<AccessList> AccessList::Load(catalog::Reader& reader, const Call& call) {
  AccessList list;
  list.role_ = call.user.role;
  if (list.role_ == Role::kAdmin) return list;
  std::set<std::string> mine = {fmt::format("users/{}", call.user.id)};
  for (const Role role : {Role::kViewer, Role::kEditor}) {
    if (role <= list.role_) mine.insert(fmt::format("builtInRoles/{}", RoleName(role)));
  }
  TRY_ASSIGN(const auto memberships, catalog::FindItemsByName(reader, call.id(), "team_member",
                                                              std::to_string(call.user.id)));
  for (const catalog::GrafanaItem& member : memberships) mine.insert("teams/" + member.parent);
  TRY_ASSIGN(const auto entries, catalog::ListItems(reader, call.id(), kKind));
  for (const catalog::GrafanaItem& entry : entries) {
    if (!mine.contains(entry.name)) continue;
    Level& level = list.levels_[entry.parent];
    level = std::max(level, LevelOf(Stored(entry.json).value("permission", "")));
  }
  TRY_ASSIGN(const auto folders, catalog::ListFolders(reader, call.id()));
  for (const catalog::Folder& folder : folders) {
    list.parents_[folder.uid] = folder.parent_uid;
    if (folder.created_by.empty()) list.provisioned_.insert(folder.uid);
  }
  return list;
}

Level AccessList::RoleLevel() const {
  switch (role_) {
    case Role::kAdmin:
      return kAdmin;
    case Role::kEditor:
      return kEdit;
    case Role::kViewer:
      return kView;
    case Role::kNone:
      break;
  }
  return kNoAccess;
}

Level AccessList::Own(std::string_view resource, std::string_view key, bool provisioned) const {
  const auto found = levels_.find(ParentOf(resource, key));
  const Level own = found == levels_.end() ? kNoAccess : found->second;
  return provisioned ? std::max(own, RoleLevel()) : own;
}

Level AccessList::Folder(std::string_view uid) const {
  if (role_ == Role::kAdmin || uid.empty()) return RoleLevel();
  Level level = kNoAccess;
  std::string at(uid);
  for (size_t depth = 0; !at.empty() && depth <= parents_.size(); ++depth) {
    level = std::max(level, Own("folders", at, provisioned_.contains(at)));
    const auto parent = parents_.find(at);
    at = parent == parents_.end() ? "" : parent->second;
  }
  return level;
}

Level AccessList::Dashboard(const catalog::Dashboard& dashboard) const {
  if (role_ == Role::kAdmin) return kAdmin;
  const Level own = Own("dashboards", dashboard.uid, dashboard.provisioned);
  return dashboard.folder_uid.empty() ? own : std::max(own, Folder(dashboard.folder_uid));
}

Level AccessList::DataSource(std::string_view uid) const {
  return role_ == Role::kAdmin ? kAdmin : Own("datasources", uid, false);
}

absl::Status AccessList::RequireFolder(std::string_view uid, Level wanted,
                                       std::string_view permission) const {
  return Folder(uid) >= wanted ? absl::OkStatus() : Denied(permission);
}

absl::Status AccessList::RequireDashboard(const catalog::Dashboard& dashboard, Level wanted,
                                          std::string_view permission) const {
  return Dashboard(dashboard) >= wanted ? absl::OkStatus() : Denied(permission);
}

}  // namespace hearth::api::grafana_http

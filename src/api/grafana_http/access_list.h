// SPDX-License-Identifier: Apache-2.0
// Who may do what with a folder, a dashboard, a data source, a service account: entries that give a
// user, a team or a basic role a permission, as Grafana's managed permissions. A dashboard has its
// own entries and those of every folder above it. An org Admin may do everything.
// Private to api/grafana_http.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/grafana_http/call.h"
#include "base/string_map.h"
#include "catalog/grafana_objects.h"

namespace hearth::api::grafana_http {

// Grafana's numbers.
enum Level { kNoAccess = 0, kView = 1, kEdit = 2, kAdmin = 4 };

// To whom and what: {"users", "4"}, {"teams", "3"}, {"builtInRoles", "Editor"}.
struct Grant {
  std::string subject;
  std::string who;
  std::string permission;  // "View", "Edit", "Admin", "Query"; "" in SetGrant: takes it away
};

// `resource` is "folders", "dashboards", "datasources" or "serviceaccounts"; `key` its uid or id.
absl::StatusOr<std::vector<Grant>> ListGrants(catalog::Reader& reader, std::string_view workspace,
                                              std::string_view resource, std::string_view key);
absl::Status SetGrant(catalog::Transaction& transaction, std::string_view workspace,
                      std::string_view resource, std::string_view key, const Grant& grant);
absl::Status DropGrants(catalog::Transaction& transaction, std::string_view workspace,
                        std::string_view resource, std::string_view key);
// What a new object starts with: Editors edit, Viewers view (not in a folder, whose entries count),
// and where `creator` its maker is its Admin.
absl::Status GrantDefaults(catalog::Transaction& transaction, const Call& call,
                           std::string_view resource, std::string_view key, bool roles,
                           bool creator);

class AccessList {
 public:
  static absl::StatusOr<AccessList> Load(catalog::Reader& reader, const Call& call);

  // "" is General: Viewers view, Editors edit.
  Level Folder(std::string_view uid) const;
  Level Dashboard(const catalog::Dashboard& dashboard) const;
  // What its own entries give; none where it has none.
  Level DataSource(std::string_view uid) const;
  // PermissionDenied, in Grafana's words, below `wanted`.
  absl::Status RequireFolder(std::string_view uid, Level wanted, std::string_view permission) const;
  absl::Status RequireDashboard(const catalog::Dashboard& dashboard, Level wanted,
                                std::string_view permission) const;

 private:
  Level RoleLevel() const;
  Level Own(std::string_view resource, std::string_view key, bool provisioned) const;

  Role role_ = Role::kNone;
  StringMap<Level> levels_;         // "folders/uid" → the caller's highest
  StringMap<std::string> parents_;  // folders
  StringSet provisioned_;           // folders that files brought: they have the default entries
};

}  // namespace hearth::api::grafana_http

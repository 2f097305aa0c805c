// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "catalog/grafana_access.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns = "workspace, user_type, user_id, role, created_ms, revision";

std::string ObjectId(const GrafanaPermission& permission) {
  return fmt::format("{}/permission/{}/{}", permission.workspace, permission.user_type,
                     permission.user_id);
}

}  // namespace

absl::StatusOr<std::vector<GrafanaPermission>> ListGrafanaPermissions(
    Reader& reader, const GrafanaPermissionQuery& query) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(
                 kColumns,
                 "FROM grafana_permissions WHERE workspace = ?"
                 " AND (? = '' OR user_type = ?) AND (? = '' OR user_id = ?)"
                 " AND (user_type > ? OR (user_type = ? AND user_id > ?))"
                 " ORDER BY user_type, user_id LIMIT ?",
                 {query.workspace, query.user_type, query.user_type, query.user_id, query.user_id,
                  query.after_type, query.after_type, query.after_id, query.limit}));
  std::vector<GrafanaPermission> permissions;
  for (const sql::Row& row : rows) {
    permissions.push_back(
        {row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Number(4), row.Number(5)});
  }
  return permissions;
}

absl::Status PutGrafanaPermission(Transaction& transaction, GrafanaPermission* permission) {
  GrafanaPermissionQuery query;
  query.workspace = permission->workspace;
  query.user_type = permission->user_type;
  query.user_id = permission->user_id;
  TRY_ASSIGN(const std::vector<GrafanaPermission> found,
             ListGrafanaPermissions(transaction, query));
  if (found.empty()) {
    permission->created_ms = transaction.now_ms();
    permission->revision = 1;
    TRY(transaction.session()
            .Execute(fmt::format("INSERT INTO grafana_permissions ({}) VALUES (?, ?, ?, ?, ?, ?)",
                                 kColumns),
                     {permission->workspace, permission->user_type, permission->user_id,
                      permission->role, permission->created_ms, permission->revision})
            .status());
    return transaction.Record("grafana_permission", "create", "", ObjectId(*permission), 1);
  }
  permission->created_ms = found.front().created_ms;
  permission->revision = found.front().revision;
  if (found.front().role == permission->role) return absl::OkStatus();
  ++permission->revision;
  TRY(transaction.session()
          .Execute("UPDATE grafana_permissions SET role = ?, revision = ?"
                   " WHERE workspace = ? AND user_type = ? AND user_id = ?",
                   {permission->role, permission->revision, permission->workspace,
                    permission->user_type, permission->user_id})
          .status());
  return transaction.Record("grafana_permission", "update", "", ObjectId(*permission),
                            permission->revision);
}

absl::Status DeleteGrafanaPermission(Transaction& transaction,
                                     const GrafanaPermission& permission) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute("DELETE FROM grafana_permissions WHERE workspace = ?"
                                           " AND user_type = ? AND user_id = ? AND role = ?",
                                           {permission.workspace, permission.user_type,
                                            permission.user_id, permission.role}));
  if (changed == 0) {
    return NotFound("{} {} does not have the role {}", permission.user_type, permission.user_id,
                    permission.role);
  }
  return transaction.Record("grafana_permission", "delete", "", ObjectId(permission), 1);
}

}  // namespace hearth::catalog

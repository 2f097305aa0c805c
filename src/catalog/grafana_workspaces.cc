// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/grafana_objects.h"
#include "catalog/grafana_settings.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "id, account, region, name, description, status, account_access_type, permission_type,"
    " role_arn, grafana_version, authentication_providers, data_sources,"
    " notification_destinations, configuration, settings, tags, created_ms, modified_ms, revision";

GrafanaWorkspace FromRow(const sql::Row& row) {
  GrafanaWorkspace workspace;
  workspace.id = row.Text(0);
  workspace.account = row.Text(1);
  workspace.region = row.Text(2);
  workspace.name = row.Text(3);
  workspace.description = row.Text(4);
  workspace.status = row.Text(5);
  workspace.account_access_type = row.Text(6);
  workspace.permission_type = row.Text(7);
  workspace.role_arn = row.Text(8);
  workspace.grafana_version = row.Text(9);
  workspace.authentication_providers = DecodeList(row.Text(10));
  workspace.data_sources = DecodeList(row.Text(11));
  workspace.notification_destinations = DecodeList(row.Text(12));
  workspace.configuration = row.Text(13);
  DecodeGrafanaSettings(row.Text(14), &workspace);
  workspace.tags = DecodeMap(row.Text(15));
  workspace.created_ms = row.Number(16);
  workspace.modified_ms = row.Number(17);
  workspace.revision = row.Number(18);
  return workspace;
}

absl::StatusOr<std::vector<GrafanaWorkspace>> Find(Reader& reader, std::string_view rest,
                                                   const sql::Values& values) {
  TRY_ASSIGN(std::vector<sql::Row> rows, reader.session().Select(kColumns, rest, values));
  std::vector<GrafanaWorkspace> workspaces;
  for (const sql::Row& row : rows) workspaces.push_back(FromRow(row));
  return workspaces;
}

std::string What(std::string_view id) { return fmt::format("workspace {}", id); }

}  // namespace

std::string GrafanaWorkspaceArn(const GrafanaWorkspace& workspace) {
  return fmt::format("arn:aws:grafana:{}:{}:/workspaces/{}", workspace.region, workspace.account,
                     workspace.id);
}

absl::StatusOr<GrafanaWorkspace> GetGrafanaWorkspace(Reader& reader, std::string_view id) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kColumns, "FROM grafana_workspaces WHERE id = ?", {id}, What(id)));
  return FromRow(row);
}

absl::StatusOr<std::vector<GrafanaWorkspace>> ListGrafanaWorkspaces(Reader& reader,
                                                                    std::string_view account,
                                                                    std::string_view region,
                                                                    std::string_view after,
                                                                    int limit) {
  return Find(reader,
              "FROM grafana_workspaces WHERE account = ? AND (? = '' OR region = ?) AND id > ?"
              " ORDER BY id LIMIT ?",
              {account, region, region, after, limit});
}

absl::StatusOr<std::vector<GrafanaWorkspace>> FindGrafanaWorkspacesByName(Reader& reader,
                                                                          std::string_view account,
                                                                          std::string_view region,
                                                                          std::string_view name) {
  return Find(reader,
              "FROM grafana_workspaces WHERE account = ? AND region = ? AND name = ?"
              " ORDER BY created_ms, id",
              {account, region, name});
}

absl::Status CreateGrafanaWorkspace(Transaction& transaction, GrafanaWorkspace* workspace) {
  if (workspace->id.empty()) {
    workspace->id = "g-" + transaction.rng().Text(10, "0123456789abcdef");
  }
  workspace->created_ms = transaction.now_ms();
  workspace->modified_ms = transaction.now_ms();
  workspace->revision = 1;
  TRY(transaction.session()
          .Execute(
              fmt::format("INSERT INTO grafana_workspaces ({}) VALUES"
                          " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          kColumns),
              {workspace->id, workspace->account, workspace->region, workspace->name,
               workspace->description, workspace->status, workspace->account_access_type,
               workspace->permission_type, workspace->role_arn, workspace->grafana_version,
               EncodeList(workspace->authentication_providers), EncodeList(workspace->data_sources),
               EncodeList(workspace->notification_destinations), workspace->configuration,
               EncodeGrafanaSettings(*workspace), EncodeMap(workspace->tags), workspace->created_ms,
               workspace->modified_ms, workspace->revision})
          .status());
  return transaction.Record("grafana_workspace", "create", workspace->account, workspace->id, 1);
}

absl::Status UpdateGrafanaWorkspace(Transaction& transaction, GrafanaWorkspace* workspace) {
  TRY_ASSIGN(
      int64_t changed,
      transaction.session().Execute(
          "UPDATE grafana_workspaces SET name = ?, description = ?, status = ?,"
          " account_access_type = ?, permission_type = ?, role_arn = ?, grafana_version = ?,"
          " authentication_providers = ?, data_sources = ?, notification_destinations = ?,"
          " configuration = ?, settings = ?, tags = ?, modified_ms = ?, revision = revision + 1"
          " WHERE id = ? AND revision = ?",
          {workspace->name, workspace->description, workspace->status,
           workspace->account_access_type, workspace->permission_type, workspace->role_arn,
           workspace->grafana_version, EncodeList(workspace->authentication_providers),
           EncodeList(workspace->data_sources), EncodeList(workspace->notification_destinations),
           workspace->configuration, EncodeGrafanaSettings(*workspace), EncodeMap(workspace->tags),
           transaction.now_ms(), workspace->id, workspace->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "grafana_workspaces", "id = ?",
                         {workspace->id}, What(workspace->id)));
  workspace->modified_ms = transaction.now_ms();
  ++workspace->revision;
  return transaction.Record("grafana_workspace", "update", workspace->account, workspace->id,
                            workspace->revision);
}

absl::Status DeleteGrafanaWorkspace(Transaction& transaction, std::string_view id,
                                    int64_t revision) {
  TRY_ASSIGN(GrafanaWorkspace workspace, GetGrafanaWorkspace(transaction, id));
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "DELETE FROM grafana_workspaces WHERE id = ? AND (? = 0 OR revision = ?)",
                 {id, revision, revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "grafana_workspaces", "id = ?", {id},
                         What(id)));
  for (std::string_view table :
       {"data_sources", "folders", "dashboards", "dashboard_versions", "settings", "sign_in_links",
        "grafana_items", "grafana_service_accounts", "grafana_tokens", "grafana_permissions"}) {
    TRY(transaction.session()
            .Execute(fmt::format("DELETE FROM {} WHERE workspace = ?", table), {id})
            .status());
  }
  // Its numbers too: "g-…/data-source".
  TRY(transaction.session()
          .Execute("DELETE FROM counters WHERE SUBSTR(name, 1, LENGTH(CAST(? AS TEXT))) = ?",
                   {fmt::format("{}/", id), fmt::format("{}/", id)})
          .status());
  return transaction.Record("grafana_workspace", "delete", workspace.account, id,
                            workspace.revision);
}

absl::StatusOr<GrafanaWorkspace> EnsureGrafanaWorkspace(Transaction& transaction,
                                                        std::string_view account,
                                                        std::string_view region,
                                                        std::string_view name) {
  TRY_ASSIGN(std::vector<GrafanaWorkspace> found,
             FindGrafanaWorkspacesByName(transaction, account, region, name));
  if (!found.empty()) return std::move(found.front());
  GrafanaWorkspace workspace;
  workspace.account = std::string(account);
  workspace.region = std::string(region);
  workspace.name = std::string(name);
  workspace.authentication_providers = {"AWS_SSO"};
  workspace.data_sources = {"PROMETHEUS"};
  TRY(CreateGrafanaWorkspace(transaction, &workspace));
  return workspace;
}

std::string NewGrafanaUid(Rng& rng) {
  return rng.Text(1, "abcdefghijklmnopqrstuvwxyz") +
         rng.Text(13, "abcdefghijklmnopqrstuvwxyz0123456789");
}

absl::StatusOr<std::string> GetSetting(Reader& reader, std::string_view workspace,
                                       std::string_view key) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne("content", "FROM settings WHERE workspace = ? AND name = ?",
                                        {workspace, key}, fmt::format("setting {}", key)));
  return row.Text(0);
}

absl::Status PutSetting(Transaction& transaction, std::string_view workspace, std::string_view key,
                        std::string_view value) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             transaction.session().Select(
                 "revision", "FROM settings WHERE workspace = ? AND name = ?", {workspace, key}));
  int64_t revision = rows.empty() ? 1 : rows.front().Number(0) + 1;
  std::string_view statement =
      rows.empty()
          ? "INSERT INTO settings (content, revision, workspace, name) VALUES (?, ?, ?, ?)"
          : "UPDATE settings SET content = ?, revision = ? WHERE workspace = ? AND name = ?";
  TRY(transaction.session().Execute(statement, {value, revision, workspace, key}).status());
  return transaction.Record("setting", rows.empty() ? "create" : "update", "",
                            fmt::format("{}/{}", workspace, key), revision);
}

}  // namespace hearth::catalog

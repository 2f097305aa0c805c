// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/grafana_objects.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

// `json` last: lists leave it out.
constexpr std::string_view kListColumns =
    "workspace, id, uid, folder_uid, title, tags, message, created_by, updated_by, provisioned,"
    " created_ms, updated_ms, version, revision";
constexpr std::string_view kColumns =
    "workspace, id, uid, folder_uid, title, tags, message, created_by, updated_by, provisioned,"
    " created_ms, updated_ms, version, revision, json";

Dashboard FromRow(const sql::Row& row, bool with_json) {
  Dashboard dashboard;
  dashboard.workspace = row.Text(0);
  dashboard.id = row.Number(1);
  dashboard.uid = row.Text(2);
  dashboard.folder_uid = row.Text(3);
  dashboard.title = row.Text(4);
  dashboard.tags = DecodeList(row.Text(5));
  dashboard.message = row.Text(6);
  dashboard.created_by = row.Text(7);
  dashboard.updated_by = row.Text(8);
  dashboard.provisioned = row.Flag(9);
  dashboard.created_ms = row.Number(10);
  dashboard.updated_ms = row.Number(11);
  dashboard.version = row.Number(12);
  dashboard.revision = row.Number(13);
  if (with_json) dashboard.json = row.Text(14);
  return dashboard;
}

std::string What(std::string_view uid) { return fmt::format("dashboard {}", uid); }

absl::Status InsertDashboard(Transaction& transaction, Dashboard* dashboard) {
  if (dashboard->uid.empty()) dashboard->uid = NewGrafanaUid(transaction.rng());
  TRY_ASSIGN(dashboard->id,
             transaction.NextNumber(fmt::format("{}/dashboard", dashboard->workspace)));
  dashboard->created_ms = transaction.now_ms();
  dashboard->updated_ms = transaction.now_ms();
  dashboard->version = 1;
  dashboard->revision = 1;
  return transaction.session()
      .Execute(
          fmt::format("INSERT INTO dashboards ({})"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      kColumns),
          {dashboard->workspace, dashboard->id, dashboard->uid, dashboard->folder_uid,
           dashboard->title, EncodeList(dashboard->tags), dashboard->message, dashboard->created_by,
           dashboard->updated_by, dashboard->provisioned, dashboard->created_ms,
           dashboard->updated_ms, dashboard->version, dashboard->revision, dashboard->json})
      .status();
}

// Sets *new_version where the JSON differs from what is stored.
absl::Status ReplaceDashboard(Transaction& transaction, Dashboard* dashboard, bool* new_version) {
  TRY_ASSIGN(Dashboard stored, GetDashboard(transaction, dashboard->workspace, dashboard->uid));
  *new_version = stored.json != dashboard->json;
  dashboard->id = stored.id;
  dashboard->created_ms = stored.created_ms;
  dashboard->created_by = stored.created_by;
  dashboard->version = stored.version + (*new_version ? 1 : 0);
  TRY_ASSIGN(
      int64_t changed,
      transaction.session().Execute(
          "UPDATE dashboards SET folder_uid = ?, title = ?, tags = ?, message = ?,"
          " updated_by = ?, provisioned = ?, updated_ms = ?, version = ?, json = ?,"
          " revision = revision + 1 WHERE workspace = ? AND uid = ? AND revision = ?",
          {dashboard->folder_uid, dashboard->title, EncodeList(dashboard->tags), dashboard->message,
           dashboard->updated_by, dashboard->provisioned, transaction.now_ms(), dashboard->version,
           dashboard->json, dashboard->workspace, dashboard->uid, dashboard->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "dashboards", "workspace = ? AND uid = ?",
                         {dashboard->workspace, dashboard->uid}, What(dashboard->uid)));
  dashboard->updated_ms = transaction.now_ms();
  ++dashboard->revision;
  return absl::OkStatus();
}

absl::Status AppendVersion(Transaction& transaction, const Dashboard& dashboard) {
  std::string_view author =
      dashboard.updated_by.empty() ? dashboard.created_by : dashboard.updated_by;
  TRY(transaction.session()
          .Execute("INSERT INTO dashboard_versions (workspace, uid, version, created_ms,"
                   " created_by, message, json, revision) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                   {dashboard.workspace, dashboard.uid, dashboard.version, transaction.now_ms(),
                    author, dashboard.message, dashboard.json})
          .status());
  return transaction.session()
      .Execute("DELETE FROM dashboard_versions WHERE workspace = ? AND uid = ? AND version <= ?",
               {dashboard.workspace, dashboard.uid, dashboard.version - kDashboardVersionsMax})
      .status();
}

}  // namespace

absl::StatusOr<Dashboard> GetDashboard(Reader& reader, std::string_view workspace,
                                       std::string_view uid) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(kColumns, "FROM dashboards WHERE workspace = ? AND uid = ?",
                                        {workspace, uid}, What(uid)));
  return FromRow(row, /*with_json=*/true);
}

absl::StatusOr<Dashboard> GetDashboardById(Reader& reader, std::string_view workspace, int64_t id) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(kColumns, "FROM dashboards WHERE workspace = ? AND id = ?",
                                        {workspace, id}, fmt::format("dashboard {}", id)));
  return FromRow(row, /*with_json=*/true);
}

absl::StatusOr<std::vector<Dashboard>> ListDashboards(Reader& reader, std::string_view workspace) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      reader.session().Select(
          kListColumns, "FROM dashboards WHERE workspace = ? ORDER BY title, id", {workspace}));
  std::vector<Dashboard> dashboards;
  for (const sql::Row& row : rows) dashboards.push_back(FromRow(row, /*with_json=*/false));
  return dashboards;
}

absl::Status SaveDashboard(Transaction& transaction, Dashboard* dashboard) {
  bool create = dashboard->revision == 0;
  bool new_version = true;
  if (create) {
    TRY(InsertDashboard(transaction, dashboard));
  } else {
    TRY(ReplaceDashboard(transaction, dashboard, &new_version));
  }
  if (new_version) TRY(AppendVersion(transaction, *dashboard));
  return transaction.Record("dashboard", create ? "create" : "update", "",
                            fmt::format("{}/{}", dashboard->workspace, dashboard->uid),
                            dashboard->revision);
}

absl::Status DeleteDashboard(Transaction& transaction, std::string_view workspace,
                             std::string_view uid, int64_t revision) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute("DELETE FROM dashboards WHERE workspace = ? AND uid = ?"
                                           " AND (? = 0 OR revision = ?)",
                                           {workspace, uid, revision, revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "dashboards", "workspace = ? AND uid = ?",
                         {workspace, uid}, What(uid)));
  TRY(transaction.session()
          .Execute("DELETE FROM dashboard_versions WHERE workspace = ? AND uid = ?",
                   {workspace, uid})
          .status());
  return transaction.Record("dashboard", "delete", "", fmt::format("{}/{}", workspace, uid),
                            revision);
}

absl::StatusOr<std::vector<DashboardVersion>> ListDashboardVersions(Reader& reader,
                                                                    std::string_view workspace,
                                                                    std::string_view uid) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select("version, created_ms, created_by, message",
                                     "FROM dashboard_versions WHERE workspace = ? AND uid = ?"
                                     " ORDER BY version DESC",
                                     {workspace, uid}));
  std::vector<DashboardVersion> versions;
  for (const sql::Row& row : rows) {
    versions.push_back({row.Number(0), row.Number(1), row.Text(2), row.Text(3), ""});
  }
  return versions;
}

absl::StatusOr<DashboardVersion> GetDashboardVersion(Reader& reader, std::string_view workspace,
                                                     std::string_view uid, int64_t version) {
  TRY_ASSIGN(
      sql::Row row,
      reader.session().SelectOne(
          "version, created_ms, created_by, message, json",
          "FROM dashboard_versions WHERE workspace = ? AND uid = ? AND version = ?",
          {workspace, uid, version}, fmt::format("version {} of dashboard {}", version, uid)));
  return DashboardVersion{row.Number(0), row.Number(1), row.Text(2), row.Text(3), row.Text(4)};
}

absl::StatusOr<Dashboard> EnsureDashboard(Transaction& transaction, const Dashboard& dashboard) {
  Dashboard wanted = dashboard;
  wanted.revision = 0;
  absl::StatusOr<Dashboard> stored = GetDashboard(transaction, dashboard.workspace, dashboard.uid);
  if (stored.ok()) {
    if (stored->json == dashboard.json && stored->folder_uid == dashboard.folder_uid &&
        stored->title == dashboard.title) {
      return stored;
    }
    wanted.revision = stored->revision;
  } else if (!absl::IsNotFound(stored.status())) {
    return stored;
  }
  TRY(SaveDashboard(transaction, &wanted));
  return wanted;
}

}  // namespace hearth::catalog

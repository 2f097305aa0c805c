// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/status.h"
#include "base/text.h"
#include "catalog/grafana_objects.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "workspace, id, uid, title, parent_uid, description, created_by, updated_by, created_ms,"
    " updated_ms, revision";
// Grafana's own limit of nested folders.
constexpr int kFolderDepthMax = 4;

Folder FromRow(const sql::Row& row) {
  return {row.Text(0), row.Number(1), row.Text(2),   row.Text(3),   row.Text(4),   row.Text(5),
          row.Text(6), row.Text(7),   row.Number(8), row.Number(9), row.Number(10)};
}

std::string ObjectId(std::string_view workspace, std::string_view uid) {
  return fmt::format("{}/{}", workspace, uid);
}

// The parent exists, is not the folder itself, does not lie below it, and is not too deep.
absl::Status CheckParent(Reader& reader, const Folder& folder) {
  std::string parent = folder.parent_uid;
  for (int depth = 1; !parent.empty(); ++depth) {
    if (parent == folder.uid) {
      return InvalidArgument("folder {} cannot be its own parent", folder.uid);
    }
    if (depth > kFolderDepthMax) {
      return InvalidArgument("folders can be nested {} deep at most", kFolderDepthMax);
    }
    absl::StatusOr<Folder> above = GetFolder(reader, folder.workspace, parent);
    if (absl::IsNotFound(above.status())) {
      return InvalidArgument("parent folder {} does not exist", parent);
    }
    TRY(above);
    parent = above->parent_uid;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Folder> GetFolder(Reader& reader, std::string_view workspace, std::string_view uid) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(kColumns, "FROM folders WHERE workspace = ? AND uid = ?",
                                        {workspace, uid}, fmt::format("folder {}", uid)));
  return FromRow(row);
}

absl::StatusOr<Folder> GetFolderById(Reader& reader, std::string_view workspace, int64_t id) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(kColumns, "FROM folders WHERE workspace = ? AND id = ?",
                                        {workspace, id}, fmt::format("folder {}", id)));
  return FromRow(row);
}

absl::StatusOr<std::vector<Folder>> ListFolders(Reader& reader, std::string_view workspace) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(
                 kColumns, "FROM folders WHERE workspace = ? ORDER BY title, id", {workspace}));
  std::vector<Folder> folders;
  for (const sql::Row& row : rows) folders.push_back(FromRow(row));
  return folders;
}

absl::Status CreateFolder(Transaction& transaction, Folder* folder) {
  if (folder->uid.empty()) folder->uid = NewGrafanaUid(transaction.rng());
  TRY(CheckParent(transaction, *folder));
  TRY_ASSIGN(folder->id, transaction.NextNumber(fmt::format("{}/folder", folder->workspace)));
  folder->created_ms = transaction.now_ms();
  folder->updated_ms = transaction.now_ms();
  folder->revision = 1;
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO folders ({})"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {folder->workspace, folder->id, folder->uid, folder->title, folder->parent_uid,
                    folder->description, folder->created_by, folder->updated_by, folder->created_ms,
                    folder->updated_ms, folder->revision})
          .status());
  return transaction.Record("folder", "create", "", ObjectId(folder->workspace, folder->uid), 1);
}

absl::Status UpdateFolder(Transaction& transaction, Folder* folder) {
  TRY(CheckParent(transaction, *folder));
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE folders SET title = ?, parent_uid = ?, description = ?, updated_by = ?,"
                 " updated_ms = ?, revision = revision + 1"
                 " WHERE workspace = ? AND uid = ? AND revision = ?",
                 {folder->title, folder->parent_uid, folder->description, folder->updated_by,
                  transaction.now_ms(), folder->workspace, folder->uid, folder->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "folders", "workspace = ? AND uid = ?",
                         {folder->workspace, folder->uid}, fmt::format("folder {}", folder->uid)));
  folder->updated_ms = transaction.now_ms();
  ++folder->revision;
  return transaction.Record("folder", "update", "", ObjectId(folder->workspace, folder->uid),
                            folder->revision);
}

absl::StatusOr<std::vector<std::string>> DeleteFolder(Transaction& transaction,
                                                      std::string_view workspace,
                                                      std::string_view uid, int64_t revision) {
  TRY_ASSIGN(Folder folder, GetFolder(transaction, workspace, uid));
  if (revision != 0 && revision != folder.revision) {
    return absl::AbortedError(
        ToAbsl(fmt::format("folder {} was changed by someone else meanwhile (it is at revision {})",
                           uid, folder.revision)));
  }
  TRY_ASSIGN(std::vector<Folder> all, ListFolders(transaction, workspace));
  std::vector<std::string> going = {std::string(uid)};
  for (size_t i = 0; i < going.size(); ++i) {
    for (const Folder& child : all) {
      bool seen = std::find(going.begin(), going.end(), child.uid) != going.end();
      if (child.parent_uid == going[i] && !seen) going.push_back(child.uid);
    }
  }
  std::vector<std::string> dashboards;
  for (const std::string& folder_uid : going) {
    TRY_ASSIGN(std::vector<sql::Row> rows,
               transaction.session().Select(
                   "uid", "FROM dashboards WHERE workspace = ? AND folder_uid = ?",
                   {workspace, folder_uid}));
    for (const sql::Row& row : rows) {
      TRY(DeleteDashboard(transaction, workspace, row.Text(0)));
      dashboards.push_back(row.Text(0));
    }
    TRY(transaction.session()
            .Execute("DELETE FROM folders WHERE workspace = ? AND uid = ?", {workspace, folder_uid})
            .status());
    TRY(transaction.Record("folder", "delete", "", ObjectId(workspace, folder_uid), revision));
  }
  return dashboards;
}

absl::StatusOr<Folder> EnsureFolder(Transaction& transaction, std::string_view workspace,
                                    std::string_view title) {
  TRY_ASSIGN(std::vector<Folder> folders, ListFolders(transaction, workspace));
  for (Folder& folder : folders) {
    if (folder.title == title && folder.parent_uid.empty()) return std::move(folder);
  }
  Folder folder;
  folder.workspace = std::string(workspace);
  folder.title = std::string(title);
  TRY(CreateFolder(transaction, &folder));
  return folder;
}

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "catalog/grafana_items.h"

#include "base/status.h"
#include "base/text.h"
#include "catalog/grafana_objects.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "workspace, kind, uid, id, parent, name, unique_key, from_ms, to_ms, json, created_by,"
    " updated_by, created_ms, updated_ms, revision";

// Names that must be unique stand in a column with a constraint; others leave their own uid there.
// The prefixes keep a name from meeting a uid.
std::string UniqueKey(const GrafanaItem& item) {
  return item.unique_name ? "n:" + item.name : "u:" + item.uid;
}

GrafanaItem FromRow(const sql::Row& row) {
  GrafanaItem item;
  item.workspace = row.Text(0);
  item.kind = row.Text(1);
  item.uid = row.Text(2);
  item.id = row.Number(3);
  item.parent = row.Text(4);
  item.name = row.Text(5);
  item.unique_name = row.Text(6).starts_with("n:");
  item.from_ms = row.Number(7);
  item.to_ms = row.Number(8);
  item.json = row.Text(9);
  item.created_by = row.Text(10);
  item.updated_by = row.Text(11);
  item.created_ms = row.Number(12);
  item.updated_ms = row.Number(13);
  item.revision = row.Number(14);
  return item;
}

absl::StatusOr<std::vector<GrafanaItem>> Find(Reader& reader, std::string_view condition,
                                              const sql::Values& values,
                                              std::string_view order = "id") {
  TRY_ASSIGN(const std::vector<sql::Row> rows,
             reader.session().Select(
                 kColumns,
                 fmt::format("FROM grafana_items WHERE workspace = ? AND kind = ?{} ORDER BY {}",
                             condition, order),
                 values));
  std::vector<GrafanaItem> items;
  items.reserve(rows.size());
  for (const sql::Row& row : rows) items.push_back(FromRow(row));
  return items;
}

std::string What(std::string_view kind, std::string_view uid) {
  return fmt::format("{} {}", kind, uid);
}

std::string ObjectId(std::string_view workspace, std::string_view uid) {
  return fmt::format("{}/{}", workspace, uid);
}

absl::Status CheckName(Transaction& transaction, const GrafanaItem& item) {
  if (!item.unique_name) return absl::OkStatus();
  TRY_ASSIGN(const auto same, FindItemsByName(transaction, item.workspace, item.kind, item.name));
  for (const GrafanaItem& other : same) {
    if (other.uid != item.uid) {
      return AlreadyExists("{} with the name {} already exists", item.kind, item.name);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GrafanaItem> GetItem(Reader& reader, std::string_view workspace,
                                    std::string_view kind, std::string_view uid) {
  TRY_ASSIGN(const sql::Row row,
             reader.session().SelectOne(
                 kColumns, "FROM grafana_items WHERE workspace = ? AND kind = ? AND uid = ?",
                 {workspace, kind, uid}, What(kind, uid)));
  return FromRow(row);
}

absl::StatusOr<GrafanaItem> GetItemById(Reader& reader, std::string_view workspace,
                                        std::string_view kind, int64_t id) {
  TRY_ASSIGN(const sql::Row row,
             reader.session().SelectOne(
                 kColumns, "FROM grafana_items WHERE workspace = ? AND kind = ? AND id = ?",
                 {workspace, kind, id}, What(kind, std::to_string(id))));
  return FromRow(row);
}

absl::StatusOr<std::vector<GrafanaItem>> FindItemsByName(Reader& reader, std::string_view workspace,
                                                         std::string_view kind,
                                                         std::string_view name) {
  return Find(reader, " AND name = ?", {workspace, kind, name});
}

absl::StatusOr<std::vector<GrafanaItem>> ListItems(Reader& reader, std::string_view workspace,
                                                   std::string_view kind) {
  return Find(reader, "", {workspace, kind});
}

absl::StatusOr<std::vector<GrafanaItem>> ListItemsOf(Reader& reader, std::string_view workspace,
                                                     std::string_view kind,
                                                     std::string_view parent) {
  return Find(reader, " AND parent = ?", {workspace, kind, parent});
}

absl::StatusOr<std::vector<GrafanaItem>> ListItemsBetween(Reader& reader,
                                                          std::string_view workspace,
                                                          std::string_view kind, int64_t from_ms,
                                                          int64_t to_ms) {
  return Find(reader, " AND to_ms >= ? AND from_ms <= ?", {workspace, kind, from_ms, to_ms},
              "to_ms DESC, id DESC");
}

absl::StatusOr<int64_t> CountItems(Reader& reader, std::string_view workspace,
                                   std::string_view kind) {
  TRY_ASSIGN(
      const sql::Row row,
      reader.session().SelectOne("COUNT(*)", "FROM grafana_items WHERE workspace = ? AND kind = ?",
                                 {workspace, kind}, kind));
  return row.Number(0);
}

absl::Status CreateItem(Transaction& transaction, GrafanaItem* item) {
  if (item->uid.empty()) item->uid = NewGrafanaUid(transaction.rng());
  const auto stored = GetItem(transaction, item->workspace, item->kind, item->uid);
  if (stored.ok()) return AlreadyExists("{} {} already exists", item->kind, item->uid);
  TRY(CheckName(transaction, *item));
  if (item->id == 0) {
    TRY_ASSIGN(item->id, transaction.NextNumber(fmt::format("{}/{}", item->workspace, item->kind)));
  }
  item->created_ms = item->updated_ms = transaction.now_ms();
  item->revision = 1;
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO grafana_items ({})"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {item->workspace, item->kind, item->uid, item->id, item->parent, item->name,
                    UniqueKey(*item), item->from_ms, item->to_ms, item->json, item->created_by,
                    item->updated_by, item->created_ms, item->updated_ms, item->revision})
          .status());
  return transaction.Record(item->kind, "create", "", ObjectId(item->workspace, item->uid), 1);
}

absl::Status UpdateItem(Transaction& transaction, GrafanaItem* item) {
  TRY(CheckName(transaction, *item));
  TRY_ASSIGN(const int64_t changed,
             transaction.session().Execute(
                 "UPDATE grafana_items SET parent = ?, name = ?, unique_key = ?, from_ms = ?,"
                 " to_ms = ?, json = ?, updated_by = ?, updated_ms = ?, revision = revision + 1"
                 " WHERE workspace = ? AND kind = ? AND uid = ? AND revision = ?",
                 {item->parent, item->name, UniqueKey(*item), item->from_ms, item->to_ms,
                  item->json, item->updated_by, transaction.now_ms(), item->workspace, item->kind,
                  item->uid, item->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "grafana_items",
                         "workspace = ? AND kind = ? AND uid = ?",
                         {item->workspace, item->kind, item->uid}, What(item->kind, item->uid)));
  item->updated_ms = transaction.now_ms();
  ++item->revision;
  return transaction.Record(item->kind, "update", "", ObjectId(item->workspace, item->uid),
                            item->revision);
}

absl::Status PutItem(Transaction& transaction, GrafanaItem* item) {
  const auto stored = GetItem(transaction, item->workspace, item->kind, item->uid);
  if (absl::IsNotFound(stored.status())) return CreateItem(transaction, item);
  TRY(stored);
  item->id = stored->id;
  item->created_by = stored->created_by;
  item->created_ms = stored->created_ms;
  item->revision = stored->revision;
  return UpdateItem(transaction, item);
}

absl::Status DeleteItem(Transaction& transaction, std::string_view workspace, std::string_view kind,
                        std::string_view uid) {
  TRY_ASSIGN(const int64_t changed,
             transaction.session().Execute(
                 "DELETE FROM grafana_items WHERE workspace = ? AND kind = ? AND uid = ?",
                 {workspace, kind, uid}));
  if (changed == 0) return NotFound("{} does not exist", What(kind, uid));
  return transaction.Record(kind, "delete", "", ObjectId(workspace, uid), 0);
}

absl::StatusOr<int64_t> DeleteItemsOf(Transaction& transaction, std::string_view workspace,
                                      std::string_view kind, std::string_view parent) {
  TRY_ASSIGN(const auto items, ListItemsOf(transaction, workspace, kind, parent));
  for (const GrafanaItem& item : items) TRY(DeleteItem(transaction, workspace, kind, item.uid));
  return static_cast<int64_t>(items.size());
}

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "catalog/iam_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/text.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kNamed = "account = ? AND name_key = ?";

// IAM's words, which its face passes on.
std::string What(const NamedTable& table, NamedRow row) {
  return fmt::format("{} {}", table.noun, row.name);
}

absl::Status Record(Transaction& transaction, const NamedTable& table, std::string_view what,
                    NamedRow row, int64_t revision) {
  return transaction.Record(fmt::format("iam_{}", table.noun), what, row.account, row.name,
                            revision);
}

// "?, ?, ?" for these columns and one more.
std::string Marks(std::string_view columns) {
  std::string marks = "?";
  for (auto commas = std::count(columns.begin(), columns.end(), ',') + 1; commas > 0; --commas) {
    marks += ", ?";
  }
  return marks;
}

}  // namespace

std::string NameKey(std::string_view name) { return ToLowerAscii(name); }

std::string_view PolicyOwnerName(PolicyOwner kind) {
  switch (kind) {
    case PolicyOwner::kUser:
      return "user";
    case PolicyOwner::kGroup:
      return "group";
    case PolicyOwner::kRole:
      break;
  }
  return "role";
}

std::string NewUniqueId(std::string_view prefix, Rng& rng) {
  return std::string(prefix) + rng.Text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

absl::StatusOr<sql::Row> SelectNamed(Reader& reader, const NamedTable& table, NamedRow row) {
  return reader.session().SelectOne(table.columns,
                                    fmt::format("FROM {} WHERE {}", table.table, kNamed),
                                    {row.account, NameKey(row.name)}, What(table, row));
}

absl::StatusOr<std::vector<sql::Row>> SelectByPath(Reader& reader, const NamedTable& table,
                                                   std::string_view account,
                                                   std::string_view path_prefix,
                                                   std::string_view after, int limit) {
  return reader.session().Select(table.columns,
                                 fmt::format("FROM {} WHERE account = ?"
                                             " AND SUBSTR(path, 1, LENGTH(CAST(? AS TEXT))) = ?"
                                             " AND name_key > ? ORDER BY name_key LIMIT ?",
                                             table.table),
                                 {account, path_prefix, path_prefix, NameKey(after), limit});
}

absl::Status InsertNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         sql::Values values) {
  values.insert(values.begin(), NameKey(row.name));
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO {} (name_key, {}) VALUES ({})", table.table,
                               table.columns, Marks(table.columns)),
                   values)
          .status());
  return Record(transaction, table, "create", row, 1);
}

absl::Status UpdateNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         std::string_view assignments, sql::Values values, int64_t* revision) {
  const sql::Values named = {row.account, NameKey(row.name)};
  values.insert(values.end(), named.begin(), named.end());
  values.emplace_back(*revision);
  TRY_ASSIGN(const int64_t changed,
             transaction.session().Execute(
                 fmt::format("UPDATE {} SET {}, revision = revision + 1 WHERE {} AND revision = ?",
                             table.table, assignments, kNamed),
                 values));
  TRY(sql::CheckRevision(transaction.session(), changed, table.table, kNamed, named,
                         What(table, row)));
  return Record(transaction, table, "update", row, ++*revision);
}

absl::Status RenameNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         PolicyOwner kind, std::string_view to, int64_t* revision) {
  TRY(transaction.session()
          .Execute(fmt::format("UPDATE {} SET name = ?, name_key = ?, revision = revision + 1"
                               " WHERE {}",
                               table.table, kNamed),
                   {to, NameKey(to), row.account, NameKey(row.name)})
          .status());
  for (const std::string_view policies : {"iam_inline_policies", "iam_attachments"}) {
    TRY(transaction.session()
            .Execute(fmt::format("UPDATE {} SET owner_key = ? WHERE account = ? AND kind = ?"
                                 " AND owner_key = ?",
                                 policies),
                     {NameKey(to), row.account, PolicyOwnerName(kind), NameKey(row.name)})
            .status());
  }
  return Record(transaction, table, "update", {row.account, to}, ++*revision);
}

absl::Status DeleteNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         int64_t revision) {
  TRY(transaction.session()
          .Execute(fmt::format("DELETE FROM {} WHERE {}", table.table, kNamed),
                   {row.account, NameKey(row.name)})
          .status());
  return Record(transaction, table, "delete", row, revision);
}

absl::StatusOr<bool> HasRows(Transaction& transaction, std::string_view table,
                             std::string_view where, const sql::Values& values) {
  TRY_ASSIGN(const std::vector<sql::Row> rows,
             transaction.session().Select(
                 "account", fmt::format("FROM {} WHERE {} LIMIT 1", table, where), values));
  return !rows.empty();
}

absl::Status CheckNoPolicies(Transaction& transaction, PolicyOwner kind, NamedRow row) {
  const sql::Values owner = {row.account, PolicyOwnerName(kind), NameKey(row.name)};
  constexpr std::string_view kOwner = "account = ? AND kind = ? AND owner_key = ?";
  TRY_ASSIGN(const bool inlined, HasRows(transaction, "iam_inline_policies", kOwner, owner));
  if (inlined) return FailedPrecondition("Cannot delete entity, must delete policies first.");
  TRY_ASSIGN(const bool attached, HasRows(transaction, "iam_attachments", kOwner, owner));
  if (attached) return FailedPrecondition("Cannot delete entity, must detach all policies first.");
  return absl::OkStatus();
}

}  // namespace hearth::catalog

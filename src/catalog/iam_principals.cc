// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/iam.h"
#include "catalog/iam_rows.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kUserColumns =
    "account, name, path, id, boundary_arn, tags, created_ms, revision";
constexpr std::string_view kRoleColumns =
    "account, name, path, id, description, trust_policy, boundary_arn, max_session_seconds, tags,"
    " created_ms, revision";

IamUser UserFromRow(const sql::Row& row) {
  return {row.Text(0),   row.Text(1),  row.Text(2),
          row.Text(3),   row.Text(4),  DecodeMap(row.Text(5)),
          row.Number(6), row.Number(7)};
}

IamRole RoleFromRow(const sql::Row& row) {
  return {row.Text(0),   row.Text(1),   row.Text(2),
          row.Text(3),   row.Text(4),   row.Text(5),
          row.Text(6),   row.Number(7), DecodeMap(row.Text(8)),
          row.Number(9), row.Number(10)};
}

// IAM's words, which its face passes on.
std::string UserWhat(std::string_view name) { return fmt::format("user {}", name); }
std::string RoleWhat(std::string_view name) { return fmt::format("role {}", name); }

// IAM's DeleteConflict: inline and attached policies must go first.
absl::Status CheckNoPolicies(Transaction& transaction, PolicyOwner kind, std::string_view account,
                             std::string_view name) {
  for (std::string_view table : {"iam_inline_policies", "iam_attachments"}) {
    TRY_ASSIGN(
        std::vector<sql::Row> rows,
        transaction.session().Select(
            "account",
            fmt::format("FROM {} WHERE account = ? AND kind = ? AND owner_key = ? LIMIT 1", table),
            {account, PolicyOwnerName(kind), NameKey(name)}));
    if (!rows.empty()) {
      return FailedPrecondition("Cannot delete entity, must {} first.", table == "iam_attachments"
                                                                            ? "detach all policies"
                                                                            : "delete policies");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<IamUser> GetUser(Reader& reader, std::string_view account, std::string_view name) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kUserColumns, "FROM iam_users WHERE account = ? AND name_key = ?",
                               {account, NameKey(name)}, UserWhat(name)));
  return UserFromRow(row);
}

absl::StatusOr<std::vector<IamUser>> ListUsers(Reader& reader, std::string_view account,
                                               std::string_view path_prefix, std::string_view after,
                                               int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kUserColumns,
                                     "FROM iam_users WHERE account = ?"
                                     " AND SUBSTR(path, 1, LENGTH(CAST(? AS TEXT))) = ?"
                                     " AND name_key > ? ORDER BY name_key LIMIT ?",
                                     {account, path_prefix, path_prefix, NameKey(after), limit}));
  std::vector<IamUser> users;
  for (const sql::Row& row : rows) users.push_back(UserFromRow(row));
  return users;
}

absl::Status CreateUser(Transaction& transaction, IamUser* user) {
  user->id = NewUniqueId("AIDA", transaction.rng());
  user->created_ms = transaction.now_ms();
  user->revision = 1;
  TRY(transaction.session()
          .Execute("INSERT INTO iam_users (account, name_key, name, path, id, boundary_arn, tags,"
                   " created_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   {user->account, NameKey(user->name), user->name, user->path, user->id,
                    user->boundary_arn, EncodeMap(user->tags), user->created_ms, user->revision})
          .status());
  return transaction.Record("iam_user", "create", user->account, user->name, 1);
}

absl::Status UpdateUser(Transaction& transaction, IamUser* user) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE iam_users SET path = ?, boundary_arn = ?, tags = ?,"
                 " revision = revision + 1 WHERE account = ? AND name_key = ? AND revision = ?",
                 {user->path, user->boundary_arn, EncodeMap(user->tags), user->account,
                  NameKey(user->name), user->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "iam_users",
                         "account = ? AND name_key = ?", {user->account, NameKey(user->name)},
                         UserWhat(user->name)));
  ++user->revision;
  return transaction.Record("iam_user", "update", user->account, user->name, user->revision);
}

absl::Status DeleteUser(Transaction& transaction, std::string_view account, std::string_view name) {
  TRY_ASSIGN(IamUser user, GetUser(transaction, account, name));
  TRY_ASSIGN(std::vector<sql::Row> keys,
             transaction.session().Select(
                 "id", "FROM access_keys WHERE account = ? AND user_name = ? LIMIT 1",
                 {account, user.name}));
  if (!keys.empty()) {
    return FailedPrecondition("Cannot delete entity, must delete access keys first.");
  }
  TRY(CheckNoPolicies(transaction, PolicyOwner::kUser, account, name));
  TRY(transaction.session()
          .Execute("DELETE FROM iam_group_members WHERE account = ? AND user_key = ?",
                   {account, NameKey(name)})
          .status());
  TRY(transaction.session()
          .Execute("DELETE FROM iam_users WHERE account = ? AND name_key = ?",
                   {account, NameKey(name)})
          .status());
  return transaction.Record("iam_user", "delete", account, user.name, user.revision);
}

absl::StatusOr<IamRole> GetRole(Reader& reader, std::string_view account, std::string_view name) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kRoleColumns, "FROM iam_roles WHERE account = ? AND name_key = ?",
                               {account, NameKey(name)}, RoleWhat(name)));
  return RoleFromRow(row);
}

absl::StatusOr<std::vector<IamRole>> ListRoles(Reader& reader, std::string_view account,
                                               std::string_view path_prefix, std::string_view after,
                                               int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kRoleColumns,
                                     "FROM iam_roles WHERE account = ?"
                                     " AND SUBSTR(path, 1, LENGTH(CAST(? AS TEXT))) = ?"
                                     " AND name_key > ? ORDER BY name_key LIMIT ?",
                                     {account, path_prefix, path_prefix, NameKey(after), limit}));
  std::vector<IamRole> roles;
  for (const sql::Row& row : rows) roles.push_back(RoleFromRow(row));
  return roles;
}

absl::Status CreateRole(Transaction& transaction, IamRole* role) {
  role->id = NewUniqueId("AROA", transaction.rng());
  role->created_ms = transaction.now_ms();
  role->revision = 1;
  TRY(transaction.session()
          .Execute(
              "INSERT INTO iam_roles (account, name_key, name, path, id, description,"
              " trust_policy, boundary_arn, max_session_seconds, tags, created_ms, revision)"
              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
              {role->account, NameKey(role->name), role->name, role->path, role->id,
               role->description, role->trust_policy, role->boundary_arn, role->max_session_seconds,
               EncodeMap(role->tags), role->created_ms, role->revision})
          .status());
  return transaction.Record("iam_role", "create", role->account, role->name, 1);
}

absl::Status UpdateRole(Transaction& transaction, IamRole* role) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE iam_roles SET path = ?, description = ?, trust_policy = ?,"
                 " boundary_arn = ?, max_session_seconds = ?, tags = ?, revision = revision + 1"
                 " WHERE account = ? AND name_key = ? AND revision = ?",
                 {role->path, role->description, role->trust_policy, role->boundary_arn,
                  role->max_session_seconds, EncodeMap(role->tags), role->account,
                  NameKey(role->name), role->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "iam_roles",
                         "account = ? AND name_key = ?", {role->account, NameKey(role->name)},
                         RoleWhat(role->name)));
  ++role->revision;
  return transaction.Record("iam_role", "update", role->account, role->name, role->revision);
}

absl::Status DeleteRole(Transaction& transaction, std::string_view account, std::string_view name) {
  TRY_ASSIGN(IamRole role, GetRole(transaction, account, name));
  TRY(CheckNoPolicies(transaction, PolicyOwner::kRole, account, name));
  TRY(transaction.session()
          .Execute("DELETE FROM iam_roles WHERE account = ? AND name_key = ?",
                   {account, NameKey(name)})
          .status());
  return transaction.Record("iam_role", "delete", account, role.name, role.revision);
}

}  // namespace hearth::catalog

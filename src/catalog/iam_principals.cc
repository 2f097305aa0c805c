// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/iam.h"
#include "catalog/iam_rows.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr NamedTable kUsers = {"iam_users", "user",
                               "account, name, path, id, boundary_arn, tags, created_ms, revision"};
constexpr NamedTable kRoles = {
    "iam_roles", "role",
    "account, name, path, id, description, trust_policy, boundary_arn, max_session_seconds, tags,"
    " created_ms, revision"};

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

}  // namespace

absl::StatusOr<IamUser> GetUser(Reader& reader, std::string_view account, std::string_view name) {
  TRY_ASSIGN(const sql::Row row, SelectNamed(reader, kUsers, {account, name}));
  return UserFromRow(row);
}

absl::StatusOr<std::vector<IamUser>> ListUsers(Reader& reader, std::string_view account,
                                               std::string_view path_prefix, std::string_view after,
                                               int limit) {
  TRY_ASSIGN(const auto rows, SelectByPath(reader, kUsers, account, path_prefix, after, limit));
  std::vector<IamUser> users;
  for (const sql::Row& row : rows) users.push_back(UserFromRow(row));
  return users;
}

absl::Status CreateUser(Transaction& transaction, IamUser* user) {
  user->id = NewUniqueId("AIDA", transaction.rng());
  user->created_ms = transaction.now_ms();
  user->revision = 1;
  return InsertNamed(transaction, kUsers, {user->account, user->name},
                     {user->account, user->name, user->path, user->id, user->boundary_arn,
                      EncodeMap(user->tags), user->created_ms, user->revision});
}

absl::Status UpdateUser(Transaction& transaction, IamUser* user) {
  return UpdateNamed(transaction, kUsers, {user->account, user->name},
                     "path = ?, boundary_arn = ?, tags = ?",
                     {user->path, user->boundary_arn, EncodeMap(user->tags)}, &user->revision);
}

absl::Status RenameUser(Transaction& transaction, IamUser* user, std::string_view name) {
  TRY(RenameNamed(transaction, kUsers, {user->account, user->name}, PolicyOwner::kUser, name,
                  &user->revision));
  TRY(transaction.session()
          .Execute("UPDATE iam_group_members SET user_key = ? WHERE account = ? AND user_key = ?",
                   {NameKey(name), user->account, NameKey(user->name)})
          .status());
  TRY(transaction.session()
          .Execute("UPDATE access_keys SET user_name = ? WHERE account = ? AND user_name = ?",
                   {name, user->account, user->name})
          .status());
  user->name = std::string(name);
  return absl::OkStatus();
}

absl::Status DeleteUser(Transaction& transaction, std::string_view account, std::string_view name) {
  TRY_ASSIGN(const IamUser user, GetUser(transaction, account, name));
  TRY_ASSIGN(const bool keys, HasRows(transaction, "access_keys", "account = ? AND user_name = ?",
                                      {account, user.name}));
  if (keys) return FailedPrecondition("Cannot delete entity, must delete access keys first.");
  TRY(CheckNoPolicies(transaction, PolicyOwner::kUser, {account, name}));
  TRY(transaction.session()
          .Execute("DELETE FROM iam_group_members WHERE account = ? AND user_key = ?",
                   {account, NameKey(name)})
          .status());
  return DeleteNamed(transaction, kUsers, {account, user.name}, user.revision);
}

absl::StatusOr<IamRole> GetRole(Reader& reader, std::string_view account, std::string_view name) {
  TRY_ASSIGN(const sql::Row row, SelectNamed(reader, kRoles, {account, name}));
  return RoleFromRow(row);
}

absl::StatusOr<std::vector<IamRole>> ListRoles(Reader& reader, std::string_view account,
                                               std::string_view path_prefix, std::string_view after,
                                               int limit) {
  TRY_ASSIGN(const auto rows, SelectByPath(reader, kRoles, account, path_prefix, after, limit));
  std::vector<IamRole> roles;
  for (const sql::Row& row : rows) roles.push_back(RoleFromRow(row));
  return roles;
}

absl::Status CreateRole(Transaction& transaction, IamRole* role) {
  role->id = NewUniqueId("AROA", transaction.rng());
  role->created_ms = transaction.now_ms();
  role->revision = 1;
  return InsertNamed(transaction, kRoles, {role->account, role->name},
                     {role->account, role->name, role->path, role->id, role->description,
                      role->trust_policy, role->boundary_arn, role->max_session_seconds,
                      EncodeMap(role->tags), role->created_ms, role->revision});
}

absl::Status UpdateRole(Transaction& transaction, IamRole* role) {
  return UpdateNamed(transaction, kRoles, {role->account, role->name},
                     "path = ?, description = ?, trust_policy = ?, boundary_arn = ?,"
                     " max_session_seconds = ?, tags = ?",
                     {role->path, role->description, role->trust_policy, role->boundary_arn,
                      role->max_session_seconds, EncodeMap(role->tags)},
                     &role->revision);
}

absl::Status DeleteRole(Transaction& transaction, std::string_view account, std::string_view name) {
  TRY_ASSIGN(const IamRole role, GetRole(transaction, account, name));
  TRY(CheckNoPolicies(transaction, PolicyOwner::kRole, {account, name}));
  return DeleteNamed(transaction, kRoles, {account, role.name}, role.revision);
}

}  // namespace hearth::catalog

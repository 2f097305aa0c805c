// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/iam.h"
#include "catalog/iam_rows.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr NamedTable kGroups = {"iam_groups", "group",
                                "account, name, path, id, created_ms, revision"};

IamGroup GroupFromRow(const sql::Row& row) {
  return {row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Number(4), row.Number(5)};
}

}  // namespace

absl::StatusOr<IamGroup> GetGroup(Reader& reader, std::string_view account, std::string_view name) {
  TRY_ASSIGN(const sql::Row row, SelectNamed(reader, kGroups, {account, name}));
  return GroupFromRow(row);
}

absl::StatusOr<std::vector<IamGroup>> ListGroups(Reader& reader, std::string_view account,
                                                 std::string_view path_prefix,
                                                 std::string_view after, int limit) {
  TRY_ASSIGN(const auto rows, SelectByPath(reader, kGroups, account, path_prefix, after, limit));
  std::vector<IamGroup> groups;
  for (const sql::Row& row : rows) groups.push_back(GroupFromRow(row));
  return groups;
}

absl::Status CreateGroup(Transaction& transaction, IamGroup* group) {
  group->id = NewUniqueId("AGPA", transaction.rng());
  group->created_ms = transaction.now_ms();
  group->revision = 1;
  return InsertNamed(
      transaction, kGroups, {group->account, group->name},
      {group->account, group->name, group->path, group->id, group->created_ms, group->revision});
}

absl::Status UpdateGroup(Transaction& transaction, IamGroup* group) {
  return UpdateNamed(transaction, kGroups, {group->account, group->name}, "path = ?", {group->path},
                     &group->revision);
}

absl::Status RenameGroup(Transaction& transaction, IamGroup* group, std::string_view name) {
  TRY(RenameNamed(transaction, kGroups, {group->account, group->name}, PolicyOwner::kGroup, name,
                  &group->revision));
  TRY(transaction.session()
          .Execute("UPDATE iam_group_members SET group_key = ? WHERE account = ? AND group_key = ?",
                   {NameKey(name), group->account, NameKey(group->name)})
          .status());
  group->name = std::string(name);
  return absl::OkStatus();
}

absl::Status DeleteGroup(Transaction& transaction, std::string_view account,
                         std::string_view name) {
  TRY_ASSIGN(const IamGroup group, GetGroup(transaction, account, name));
  TRY_ASSIGN(const bool members,
             HasRows(transaction, "iam_group_members", "account = ? AND group_key = ?",
                     {account, NameKey(name)}));
  if (members) {
    return FailedPrecondition("Cannot delete entity, must remove users from group first.");
  }
  TRY(CheckNoPolicies(transaction, PolicyOwner::kGroup, {account, name}));
  return DeleteNamed(transaction, kGroups, {account, group.name}, group.revision);
}

absl::Status AddGroupMember(Transaction& transaction, std::string_view account,
                            std::string_view group, std::string_view user) {
  TRY(GetGroup(transaction, account, group));
  TRY(GetUser(transaction, account, user));
  TRY_ASSIGN(bool member, HasRows(transaction, "iam_group_members",
                                  "account = ? AND group_key = ? AND user_key = ?",
                                  {account, NameKey(group), NameKey(user)}));
  if (member) return absl::OkStatus();
  TRY(transaction.session()
          .Execute("INSERT INTO iam_group_members (account, group_key, user_key, revision)"
                   " VALUES (?, ?, ?, 1)",
                   {account, NameKey(group), NameKey(user)})
          .status());
  return transaction.Record("iam_group_member", "create", account,
                            fmt::format("{}/{}", group, user), 1);
}

absl::Status RemoveGroupMember(Transaction& transaction, std::string_view account,
                               std::string_view group, std::string_view user) {
  TRY(GetGroup(transaction, account, group));
  TRY(GetUser(transaction, account, user));
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute("DELETE FROM iam_group_members WHERE account = ?"
                                           " AND group_key = ? AND user_key = ?",
                                           {account, NameKey(group), NameKey(user)}));
  if (changed == 0) return NotFound("user {} is not in group {}", user, group);
  return transaction.Record("iam_group_member", "delete", account,
                            fmt::format("{}/{}", group, user), 1);
}

absl::StatusOr<std::vector<IamUser>> ListGroupMembers(Reader& reader, std::string_view account,
                                                      std::string_view group) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select("user_key",
                                     "FROM iam_group_members WHERE account = ? AND group_key = ?"
                                     " ORDER BY user_key",
                                     {account, NameKey(group)}));
  std::vector<IamUser> users;
  for (const sql::Row& row : rows) {
    TRY_ASSIGN(IamUser user, GetUser(reader, account, row.Text(0)));
    users.push_back(std::move(user));
  }
  return users;
}

absl::StatusOr<std::vector<IamGroup>> ListGroupsOfUser(Reader& reader, std::string_view account,
                                                       std::string_view user) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select("group_key",
                                     "FROM iam_group_members WHERE account = ? AND user_key = ?"
                                     " ORDER BY group_key",
                                     {account, NameKey(user)}));
  std::vector<IamGroup> groups;
  for (const sql::Row& row : rows) {
    TRY_ASSIGN(IamGroup group, GetGroup(reader, account, row.Text(0)));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/iam.h"
#include "catalog/iam_rows.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kGroupColumns = "account, name, path, id, created_ms, revision";

IamGroup GroupFromRow(const sql::Row& row) {
  return {row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Number(4), row.Number(5)};
}

std::string GroupWhat(std::string_view name) { return fmt::format("group {}", name); }

// Whether any row of `table` has this owner.
absl::StatusOr<bool> HasRows(Transaction& transaction, std::string_view table,
                             std::string_view where, const sql::Values& values) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             transaction.session().Select(
                 "account", fmt::format("FROM {} WHERE {} LIMIT 1", table, where), values));
  return !rows.empty();
}

// Inline policies and attachments follow their owner to its new name.
absl::Status MovePolicies(Transaction& transaction, PolicyOwner kind, std::string_view account,
                          std::string_view from, std::string_view to) {
  for (std::string_view table : {"iam_inline_policies", "iam_attachments"}) {
    TRY(transaction.session()
            .Execute(fmt::format("UPDATE {} SET owner_key = ? WHERE account = ? AND kind = ?"
                                 " AND owner_key = ?",
                                 table),
                     {NameKey(to), account, PolicyOwnerName(kind), NameKey(from)})
            .status());
  }
  return absl::OkStatus();
}

absl::Status MoveMembers(Transaction& transaction, std::string_view column,
                         std::string_view account, std::string_view from, std::string_view to) {
  return transaction.session()
      .Execute(
          fmt::format("UPDATE iam_group_members SET {0} = ? WHERE account = ? AND {0} = ?", column),
          {NameKey(to), account, NameKey(from)})
      .status();
}

// The row itself; a name that differs in case only is free.
absl::Status RenameRow(Transaction& transaction, std::string_view table, std::string_view account,
                       std::string_view from, std::string_view to) {
  return transaction.session()
      .Execute(fmt::format("UPDATE {} SET name = ?, name_key = ?, revision = revision + 1"
                           " WHERE account = ? AND name_key = ?",
                           table),
               {to, NameKey(to), account, NameKey(from)})
      .status();
}

}  // namespace

absl::StatusOr<IamGroup> GetGroup(Reader& reader, std::string_view account, std::string_view name) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kGroupColumns, "FROM iam_groups WHERE account = ? AND name_key = ?",
                               {account, NameKey(name)}, GroupWhat(name)));
  return GroupFromRow(row);
}

absl::StatusOr<std::vector<IamGroup>> ListGroups(Reader& reader, std::string_view account,
                                                 std::string_view path_prefix,
                                                 std::string_view after, int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kGroupColumns,
                                     "FROM iam_groups WHERE account = ?"
                                     " AND SUBSTR(path, 1, LENGTH(CAST(? AS TEXT))) = ?"
                                     " AND name_key > ? ORDER BY name_key LIMIT ?",
                                     {account, path_prefix, path_prefix, NameKey(after), limit}));
  std::vector<IamGroup> groups;
  for (const sql::Row& row : rows) groups.push_back(GroupFromRow(row));
  return groups;
}

absl::Status CreateGroup(Transaction& transaction, IamGroup* group) {
  group->id = NewUniqueId("AGPA", transaction.rng());
  group->created_ms = transaction.now_ms();
  group->revision = 1;
  TRY(transaction.session()
          .Execute("INSERT INTO iam_groups (account, name_key, name, path, id, created_ms,"
                   " revision) VALUES (?, ?, ?, ?, ?, ?, 1)",
                   {group->account, NameKey(group->name), group->name, group->path, group->id,
                    group->created_ms})
          .status());
  return transaction.Record("iam_group", "create", group->account, group->name, 1);
}

absl::Status UpdateGroup(Transaction& transaction, IamGroup* group) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE iam_groups SET path = ?, revision = revision + 1"
                 " WHERE account = ? AND name_key = ? AND revision = ?",
                 {group->path, group->account, NameKey(group->name), group->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "iam_groups",
                         "account = ? AND name_key = ?", {group->account, NameKey(group->name)},
                         GroupWhat(group->name)));
  ++group->revision;
  return transaction.Record("iam_group", "update", group->account, group->name, group->revision);
}

absl::Status RenameGroup(Transaction& transaction, IamGroup* group, std::string_view name) {
  TRY(RenameRow(transaction, "iam_groups", group->account, group->name, name));
  TRY(MovePolicies(transaction, PolicyOwner::kGroup, group->account, group->name, name));
  TRY(MoveMembers(transaction, "group_key", group->account, group->name, name));
  group->name = std::string(name);
  ++group->revision;
  return transaction.Record("iam_group", "update", group->account, group->name, group->revision);
}

absl::Status RenameUser(Transaction& transaction, IamUser* user, std::string_view name) {
  TRY(RenameRow(transaction, "iam_users", user->account, user->name, name));
  TRY(MovePolicies(transaction, PolicyOwner::kUser, user->account, user->name, name));
  TRY(MoveMembers(transaction, "user_key", user->account, user->name, name));
  TRY(transaction.session()
          .Execute("UPDATE access_keys SET user_name = ? WHERE account = ? AND user_name = ?",
                   {name, user->account, user->name})
          .status());
  user->name = std::string(name);
  ++user->revision;
  return transaction.Record("iam_user", "update", user->account, user->name, user->revision);
}

absl::Status DeleteGroup(Transaction& transaction, std::string_view account,
                         std::string_view name) {
  TRY_ASSIGN(IamGroup group, GetGroup(transaction, account, name));
  TRY_ASSIGN(bool members, HasRows(transaction, "iam_group_members",
                                   "account = ? AND group_key = ?", {account, NameKey(name)}));
  if (members) {
    return FailedPrecondition("Cannot delete entity, must remove users from group first.");
  }
  const sql::Values owner = {account, PolicyOwnerName(PolicyOwner::kGroup), NameKey(name)};
  constexpr std::string_view kOwner = "account = ? AND kind = ? AND owner_key = ?";
  TRY_ASSIGN(bool inline_policies, HasRows(transaction, "iam_inline_policies", kOwner, owner));
  if (inline_policies) {
    return FailedPrecondition("Cannot delete entity, must delete policies first.");
  }
  TRY_ASSIGN(bool attached, HasRows(transaction, "iam_attachments", kOwner, owner));
  if (attached) {
    return FailedPrecondition("Cannot delete entity, must detach all policies first.");
  }
  TRY(transaction.session()
          .Execute("DELETE FROM iam_groups WHERE account = ? AND name_key = ?",
                   {account, NameKey(name)})
          .status());
  return transaction.Record("iam_group", "delete", account, group.name, group.revision);
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

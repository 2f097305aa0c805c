// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/grafana_access.h"
#include "catalog/grafana_objects.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "workspace, id, uid, name, login, role, disabled, created_ms, updated_ms, revision";

GrafanaServiceAccount FromRow(const sql::Row& row) {
  GrafanaServiceAccount account;
  account.workspace = row.Text(0);
  account.id = row.Number(1);
  account.uid = row.Text(2);
  account.name = row.Text(3);
  account.login = row.Text(4);
  account.role = row.Text(5);
  account.disabled = row.Flag(6);
  account.created_ms = row.Number(7);
  account.updated_ms = row.Number(8);
  account.revision = row.Number(9);
  return account;
}

std::string What(int64_t id) { return fmt::format("service account {}", id); }
std::string ObjectId(std::string_view workspace, int64_t id) {
  return fmt::format("{}/service-account/{}", workspace, id);
}

// Grafana's: "sa-<org>-" and the name in lower case; our workspaces are organisation 1.
std::string LoginOf(std::string_view name) {
  std::string login = "sa-1-" + ToLowerAscii(name);
  for (char& c : login) {
    if (c == ' ') c = '-';
  }
  return login;
}

absl::Status CheckLoginIsFree(Reader& reader, const GrafanaServiceAccount& account) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select("id",
                                     "FROM grafana_service_accounts WHERE workspace = ?"
                                     " AND login = ? AND id <> ?",
                                     {account.workspace, account.login, account.id}));
  if (rows.empty()) return absl::OkStatus();
  return AlreadyExists("service account {} already exists", account.name);
}

}  // namespace

absl::StatusOr<int64_t> NextGrafanaUserId(Transaction& transaction, std::string_view workspace) {
  return transaction.NextNumber(fmt::format("{}/user", workspace));
}

absl::StatusOr<GrafanaServiceAccount> GetGrafanaServiceAccount(Reader& reader,
                                                               std::string_view workspace,
                                                               int64_t id) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(
                 kColumns, "FROM grafana_service_accounts WHERE workspace = ? AND id = ?",
                 {workspace, id}, What(id)));
  return FromRow(row);
}

absl::StatusOr<std::vector<GrafanaServiceAccount>> ListGrafanaServiceAccounts(
    Reader& reader, std::string_view workspace, int64_t after, int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kColumns,
                                     "FROM grafana_service_accounts WHERE workspace = ? AND id > ?"
                                     " ORDER BY id LIMIT ?",
                                     {workspace, after, limit}));
  std::vector<GrafanaServiceAccount> accounts;
  for (const sql::Row& row : rows) accounts.push_back(FromRow(row));
  return accounts;
}

absl::StatusOr<int64_t> CountGrafanaServiceAccounts(Reader& reader, std::string_view workspace) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               "COUNT(*)", "FROM grafana_service_accounts WHERE workspace = ?",
                               {workspace}, "count"));
  return row.Number(0);
}

absl::Status CreateGrafanaServiceAccount(Transaction& transaction, GrafanaServiceAccount* account) {
  account->id = 0;
  account->login = LoginOf(account->name);
  TRY(CheckLoginIsFree(transaction, *account));
  TRY_ASSIGN(account->id, NextGrafanaUserId(transaction, account->workspace));
  account->uid = NewGrafanaUid(transaction.rng());
  account->created_ms = transaction.now_ms();
  account->updated_ms = transaction.now_ms();
  account->revision = 1;
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO grafana_service_accounts ({}) VALUES"
                               " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {account->workspace, account->id, account->uid, account->name, account->login,
                    account->role, account->disabled, account->created_ms, account->updated_ms,
                    account->revision})
          .status());
  return transaction.Record("grafana_service_account", "create", "",
                            ObjectId(account->workspace, account->id), 1);
}

absl::Status UpdateGrafanaServiceAccount(Transaction& transaction, GrafanaServiceAccount* account) {
  account->login = LoginOf(account->name);
  TRY(CheckLoginIsFree(transaction, *account));
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE grafana_service_accounts SET name = ?, login = ?, role = ?, disabled = ?,"
                 " updated_ms = ?, revision = revision + 1"
                 " WHERE workspace = ? AND id = ? AND revision = ?",
                 {account->name, account->login, account->role, account->disabled,
                  transaction.now_ms(), account->workspace, account->id, account->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "grafana_service_accounts",
                         "workspace = ? AND id = ?", {account->workspace, account->id},
                         What(account->id)));
  account->updated_ms = transaction.now_ms();
  ++account->revision;
  return transaction.Record("grafana_service_account", "update", "",
                            ObjectId(account->workspace, account->id), account->revision);
}

absl::Status DeleteGrafanaServiceAccount(Transaction& transaction, std::string_view workspace,
                                         int64_t id, int64_t revision) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute("DELETE FROM grafana_service_accounts WHERE"
                                           " workspace = ? AND id = ? AND (? = 0 OR revision = ?)",
                                           {workspace, id, revision, revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "grafana_service_accounts",
                         "workspace = ? AND id = ?", {workspace, id}, What(id)));
  TRY(transaction.session()
          .Execute("DELETE FROM grafana_tokens WHERE workspace = ? AND service_account = ?",
                   {workspace, id})
          .status());
  return transaction.Record("grafana_service_account", "delete", "", ObjectId(workspace, id),
                            revision);
}

}  // namespace hearth::catalog

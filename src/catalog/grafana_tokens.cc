// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "catalog/grafana_access.h"
#include "catalog/sql.h"
#include "crypto/hash.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kColumns =
    "workspace, id, service_account, name, role, created_ms, expires_ms, last_used_ms, revision";
constexpr std::string_view kAlive = "(expires_ms = 0 OR expires_ms > ?)";

GrafanaToken FromRow(const sql::Row& row) {
  GrafanaToken token;
  token.workspace = row.Text(0);
  token.id = row.Number(1);
  token.service_account = row.Number(2);
  token.name = row.Text(3);
  token.role = row.Text(4);
  token.created_ms = row.Number(5);
  token.expires_ms = row.Number(6);
  token.last_used_ms = row.Number(7);
  token.revision = row.Number(8);
  return token;
}

std::string_view KindOf(int64_t service_account) {
  return service_account == 0 ? "api_key" : "token";
}

std::string ObjectId(std::string_view workspace, int64_t id) {
  return fmt::format("{}/token/{}", workspace, id);
}

// One that ended may be in the way of its name.
absl::Status FreeName(Transaction& transaction, const GrafanaToken& token) {
  const std::string_view kind = KindOf(token.service_account);
  TRY(transaction.session()
          .Execute("DELETE FROM grafana_tokens WHERE workspace = ? AND kind = ? AND name = ?"
                   " AND expires_ms <> 0 AND expires_ms <= ?",
                   {token.workspace, kind, token.name, transaction.now_ms()})
          .status());
  TRY_ASSIGN(std::vector<sql::Row> rows,
             transaction.session().Select(
                 "id", "FROM grafana_tokens WHERE workspace = ? AND kind = ? AND name = ?",
                 {token.workspace, kind, token.name}));
  if (rows.empty()) return absl::OkStatus();
  return AlreadyExists("{} with the name {} already exists in the workspace",
                       kind == "token" ? "service account token" : "API key", token.name);
}

}  // namespace

absl::StatusOr<std::vector<GrafanaToken>> ListGrafanaTokens(Reader& reader,
                                                            std::string_view workspace,
                                                            int64_t service_account, int64_t after,
                                                            int limit) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(
                 kColumns,
                 fmt::format("FROM grafana_tokens WHERE workspace = ? AND service_account = ?"
                             " AND id > ? AND {} ORDER BY id LIMIT ?",
                             kAlive),
                 {workspace, service_account, after, reader.now_ms(), limit}));
  std::vector<GrafanaToken> tokens;
  for (const sql::Row& row : rows) tokens.push_back(FromRow(row));
  return tokens;
}

absl::StatusOr<int64_t> CountGrafanaTokens(Reader& reader, std::string_view workspace,
                                           bool api_keys) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(
                 "COUNT(*)",
                 fmt::format("FROM grafana_tokens WHERE workspace = ? AND kind = ? AND {}", kAlive),
                 {workspace, KindOf(api_keys ? 0 : 1), reader.now_ms()}, "count"));
  return row.Number(0);
}

absl::Status CreateGrafanaToken(Transaction& transaction, GrafanaToken* token,
                                std::string_view secret) {
  if (token->service_account != 0) {
    TRY(GetGrafanaServiceAccount(transaction, token->workspace, token->service_account));
  }
  TRY(FreeName(transaction, *token));
  TRY_ASSIGN(token->id, transaction.NextNumber(fmt::format("{}/token", token->workspace)));
  token->created_ms = transaction.now_ms();
  token->last_used_ms = 0;
  token->revision = 1;
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO grafana_tokens ({}, kind, hash) VALUES"
                               " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {token->workspace, token->id, token->service_account, token->name, token->role,
                    token->created_ms, token->expires_ms, token->last_used_ms, token->revision,
                    KindOf(token->service_account), crypto::Sha256Hex(secret)})
          .status());
  return transaction.Record("grafana_token", "create", "", ObjectId(token->workspace, token->id),
                            1);
}

absl::Status DeleteGrafanaToken(Transaction& transaction, std::string_view workspace,
                                int64_t service_account, int64_t id) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 fmt::format("DELETE FROM grafana_tokens WHERE workspace = ? AND id = ?"
                             " AND service_account = ? AND {}",
                             kAlive),
                 {workspace, id, service_account, transaction.now_ms()}));
  if (changed == 0) return NotFound("token {} does not exist", id);
  return transaction.Record("grafana_token", "delete", "", ObjectId(workspace, id), 1);
}

absl::Status DeleteGrafanaApiKey(Transaction& transaction, std::string_view workspace,
                                 std::string_view name) {
  TRY_ASSIGN(sql::Row row,
             transaction.session().SelectOne(
                 "id", "FROM grafana_tokens WHERE workspace = ? AND kind = ? AND name = ?",
                 {workspace, KindOf(0), name}, fmt::format("API key {}", name)));
  return DeleteGrafanaToken(transaction, workspace, 0, row.Number(0));
}

absl::StatusOr<GrafanaTokenOwner> FindGrafanaToken(Reader& reader, std::string_view secret) {
  // By a hash of what is guessed: the time that the index takes says nothing about a secret.
  const std::string hash = crypto::Sha256Hex(secret);
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(fmt::format("{}, hash", kColumns),
                                        "FROM grafana_tokens WHERE hash = ?", {hash}, "token"));
  if (!crypto::ConstantTimeEquals(row.Text(9), hash)) return NotFound("token does not exist");
  GrafanaTokenOwner owner;
  owner.token = FromRow(row);
  if (owner.token.expires_ms != 0 && owner.token.expires_ms <= reader.now_ms()) {
    return DeadlineExceeded("token {} has expired", owner.token.name);
  }
  if (owner.token.service_account != 0) {
    TRY_ASSIGN(owner.account, GetGrafanaServiceAccount(reader, owner.token.workspace,
                                                       owner.token.service_account));
  }
  return owner;
}

absl::Status TouchGrafanaToken(Transaction& transaction, const GrafanaToken& token) {
  return transaction.session()
      .Execute("UPDATE grafana_tokens SET last_used_ms = ? WHERE workspace = ? AND id = ?",
               {transaction.now_ms(), token.workspace, token.id})
      .status();
}

absl::StatusOr<int64_t> PurgeGrafanaTokens(Transaction& transaction) {
  return transaction.session().Execute(
      "DELETE FROM grafana_tokens WHERE expires_ms <> 0 AND expires_ms <= ?",
      {transaction.now_ms()});
}

}  // namespace hearth::catalog

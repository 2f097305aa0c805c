// SPDX-License-Identifier: Apache-2.0
#include "catalog/credentials.h"

#include "auth/session.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/sql.h"
#include "crypto/secret.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kKeyColumns =
    "id, account, user_name, sealed_secret, active, created_ms, revision";

std::string SealContext(std::string_view access_key_id) {
  return fmt::format("access-key:{}", access_key_id);
}

absl::StatusOr<AccessKey> KeyFromRow(Reader& reader, const sql::Row& row) {
  AccessKey key;
  key.id = row.Text(0);
  key.account = row.Text(1);
  key.user_name = row.Text(2);
  TRY_ASSIGN(key.secret, OpenWithRootKey(reader, row.Text(3), SealContext(key.id)));
  key.active = row.Flag(4);
  key.created_ms = row.Number(5);
  key.revision = row.Number(6);
  return key;
}

absl::Status EnsureAccount(Transaction& transaction, std::string_view account) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      transaction.session().Select("revision", "FROM accounts WHERE account = ?", {account}));
  if (!rows.empty()) return absl::OkStatus();
  TRY(transaction.session()
          .Execute("INSERT INTO accounts (account, created_ms, revision) VALUES (?, ?, 1)",
                   {account, transaction.now_ms()})
          .status());
  return transaction.Record("account", "create", account, account, 1);
}

}  // namespace

absl::StatusOr<std::string> GetSecret(Reader& reader, std::string_view name) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne("content", "FROM secrets WHERE name = ?",
                                                      {name}, fmt::format("secret {}", name)));
  std::string bytes;
  if (!Base64Decode(row.Text(0), &bytes)) return DataLoss("secret {} is not base64", name);
  return bytes;
}

absl::Status PutSecret(Transaction& transaction, std::string_view name, std::string_view value) {
  std::string text = Base64Encode(value);
  TRY_ASSIGN(
      int64_t changed,
      transaction.session().Execute(
          "UPDATE secrets SET content = ?, revision = revision + 1 WHERE name = ?", {text, name}));
  if (changed == 0) {
    TRY(transaction.session()
            .Execute("INSERT INTO secrets (name, content, created_ms, revision)"
                     " VALUES (?, ?, ?, 1)",
                     {name, text, transaction.now_ms()})
            .status());
  }
  TRY_ASSIGN(sql::Row row, transaction.session().SelectOne(
                               "revision", "FROM secrets WHERE name = ?", {name}, name));
  return transaction.Record("secret", changed == 0 ? "create" : "update", "", name, row.Number(0));
}

absl::StatusOr<std::string> EnsureSecret(Transaction& transaction, std::string_view name,
                                         const std::function<std::string()>& make) {
  absl::StatusOr<std::string> stored = GetSecret(transaction, name);
  if (!absl::IsNotFound(stored.status())) return stored;
  std::string made = make();
  TRY(PutSecret(transaction, name, made));
  return made;
}

absl::StatusOr<std::string> EnsureRandomKey(Transaction& transaction, std::string_view name) {
  return EnsureSecret(transaction, name,
                      [&] { return transaction.rng().Bytes(crypto::kSealKeySize); });
}

absl::StatusOr<std::string> SealWithRootKey(Transaction& transaction, std::string_view plain,
                                            std::string_view context) {
  TRY_ASSIGN(std::string key, EnsureRandomKey(transaction, kRootKeyName));
  return Base64Encode(crypto::Seal(key, plain, context, transaction.rng()));
}

absl::StatusOr<std::string> OpenWithRootKey(Reader& reader, std::string_view sealed,
                                            std::string_view context) {
  TRY_ASSIGN(std::string key, GetSecret(reader, kRootKeyName));
  std::string bytes;
  if (!Base64Decode(sealed, &bytes)) return DataLoss("{}: sealed value is not base64", context);
  absl::StatusOr<std::string> plain = crypto::Open(key, bytes, context);
  if (!plain.ok()) return Annotate(plain.status(), context);
  return plain;
}

absl::Status CreateAccessKey(Transaction& transaction, AccessKey* key) {
  if (key->id.empty()) key->id = auth::NewAccessKeyId("AKIA", transaction.rng());
  if (key->secret.empty()) key->secret = auth::NewSecretKey(transaction.rng());
  key->created_ms = transaction.now_ms();
  key->revision = 1;
  TRY_ASSIGN(std::string sealed, SealWithRootKey(transaction, key->secret, SealContext(key->id)));
  TRY(transaction.session()
          .Execute("INSERT INTO access_keys (id, account, user_name, sealed_secret, active,"
                   " created_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
                   {key->id, key->account, key->user_name, sealed, key->active, key->created_ms,
                    key->revision})
          .status());
  return transaction.Record("access_key", "create", key->account, key->id, 1);
}

absl::StatusOr<AccessKey> GetAccessKey(Reader& reader, std::string_view id) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(kKeyColumns, "FROM access_keys WHERE id = ?",
                                                      {id}, fmt::format("access key {}", id)));
  return KeyFromRow(reader, row);
}

absl::StatusOr<std::vector<AccessKey>> ListAccessKeys(Reader& reader, std::string_view account,
                                                      std::string_view user_name) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(
                 kKeyColumns,
                 "FROM access_keys WHERE account = ? AND user_name = ? ORDER BY created_ms, id",
                 {account, user_name}));
  std::vector<AccessKey> keys;
  for (const sql::Row& row : rows) {
    TRY_ASSIGN(AccessKey key, KeyFromRow(reader, row));
    keys.push_back(std::move(key));
  }
  return keys;
}

absl::Status SetAccessKeyActive(Transaction& transaction, std::string_view id, bool active) {
  TRY_ASSIGN(AccessKey key, GetAccessKey(transaction, id));
  TRY(transaction.session()
          .Execute("UPDATE access_keys SET active = ?, revision = revision + 1 WHERE id = ?",
                   {active, id})
          .status());
  return transaction.Record("access_key", "update", key.account, id, key.revision + 1);
}

absl::Status DeleteAccessKey(Transaction& transaction, std::string_view id) {
  TRY_ASSIGN(AccessKey key, GetAccessKey(transaction, id));
  TRY(transaction.session().Execute("DELETE FROM access_keys WHERE id = ?", {id}).status());
  return transaction.Record("access_key", "delete", key.account, id, key.revision);
}

absl::StatusOr<AccessKey> EnsureRootAccessKey(Transaction& transaction, std::string_view account) {
  TRY(EnsureAccount(transaction, account));
  TRY_ASSIGN(std::vector<AccessKey> keys, ListAccessKeys(transaction, account, ""));
  for (AccessKey& key : keys) {
    if (key.active) return std::move(key);
  }
  AccessKey key;
  key.account = std::string(account);
  TRY(CreateAccessKey(transaction, &key));
  return key;
}

}  // namespace hearth::catalog

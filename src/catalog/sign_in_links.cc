// SPDX-License-Identifier: Apache-2.0
#include "catalog/sign_in_links.h"

#include "base/status.h"
#include "base/text.h"
#include "catalog/sql.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace hearth::catalog {

absl::StatusOr<std::string> CreateSignInLink(Transaction& transaction, SignInLink* link) {
  std::string token = crypto::RandomToken(transaction.rng());
  std::string hash = crypto::Sha256Hex(token);
  link->created_ms = transaction.now_ms();
  link->expires_ms = link->created_ms + kSignInLinkLifeMs;
  TRY(transaction.session()
          .Execute("INSERT INTO sign_in_links (hash, account, workspace, principal, role,"
                   " created_ms, expires_ms, used_ms, revision)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 1)",
                   {hash, link->account, link->workspace, link->principal, link->role,
                    link->created_ms, link->expires_ms})
          .status());
  TRY(transaction.Record("sign_in_link", "create", link->account, hash, 1));
  return token;
}

absl::StatusOr<SignInLink> UseSignInLink(Transaction& transaction, std::string_view token) {
  std::string hash = crypto::Sha256Hex(token);
  TRY_ASSIGN(sql::Row row,
             transaction.session().SelectOne(
                 "account, workspace, principal, role, created_ms, expires_ms, used_ms, revision",
                 "FROM sign_in_links WHERE hash = ?", {hash}, "sign-in link"));
  SignInLink link{row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Number(4), row.Number(5)};
  if (row.Number(6) != 0) return FailedPrecondition("this sign-in link has been used before");
  if (transaction.now_ms() >= link.expires_ms) {
    return DeadlineExceeded("this sign-in link is older than {} minutes",
                            kSignInLinkLifeMs / 60'000);
  }
  TRY_ASSIGN(int64_t changed, transaction.session().Execute(
                                  "UPDATE sign_in_links SET used_ms = ?, revision = revision + 1"
                                  " WHERE hash = ? AND used_ms = 0",
                                  {transaction.now_ms(), hash}));
  if (changed != 1) return FailedPrecondition("this sign-in link has been used before");
  TRY(transaction.Record("sign_in_link", "update", link.account, hash, row.Number(7) + 1));
  return link;
}

absl::StatusOr<int64_t> PurgeSignInLinks(Transaction& transaction) {
  return transaction.session().Execute("DELETE FROM sign_in_links WHERE expires_ms <= ?",
                                       {transaction.now_ms()});
}

}  // namespace hearth::catalog

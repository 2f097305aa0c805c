// SPDX-License-Identifier: Apache-2.0
#include "catalog/idempotency.h"

#include "base/status.h"
#include "base/text.h"
#include "catalog/sql.h"

namespace hearth::catalog {

absl::StatusOr<IdempotentResult> FindIdempotentResult(Reader& reader, std::string_view key) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne("request_hash, status, body",
                                        "FROM idempotency WHERE token = ? AND expires_ms > ?",
                                        {key, reader.now_ms()}, "result"));
  std::string body;
  if (!Base64Decode(row.Text(2), &body)) return DataLoss("stored result is not base64");
  return IdempotentResult{row.Text(0), static_cast<int>(row.Number(1)), std::move(body)};
}

absl::Status StoreIdempotentResult(Transaction& transaction, std::string_view key,
                                   const IdempotentResult& result, int64_t life_ms) {
  // One that is past its life may be in the way.
  TRY(transaction.session()
          .Execute("DELETE FROM idempotency WHERE token = ? AND expires_ms <= ?",
                   {key, transaction.now_ms()})
          .status());
  return transaction.session()
      .Execute(
          "INSERT INTO idempotency (token, request_hash, status, body, expires_ms, revision)"
          " VALUES (?, ?, ?, ?, ?, 1)",
          {key, result.request_hash, result.status, Base64Encode(result.body),
           transaction.now_ms() + life_ms})
      .status();
}

absl::StatusOr<int64_t> PurgeIdempotentResults(Transaction& transaction) {
  return transaction.session().Execute("DELETE FROM idempotency WHERE expires_ms <= ?",
                                       {transaction.now_ms()});
}

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "catalog/leases.h"

#include "base/status.h"
#include "base/text.h"
#include "catalog/sql.h"

namespace hearth::catalog {

absl::StatusOr<Lease> GetLease(Reader& reader, std::string_view name) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne("name, owner, fence, expires_ms",
                                                      "FROM leases WHERE name = ?", {name},
                                                      fmt::format("lease {}", name)));
  return Lease{row.Text(0), row.Text(1), row.Number(2), row.Number(3)};
}

absl::StatusOr<Lease> AcquireLease(Transaction& transaction, std::string_view name,
                                   std::string_view owner, int64_t life_ms) {
  int64_t expires_ms = transaction.now_ms() + life_ms;
  absl::StatusOr<Lease> held = GetLease(transaction, name);
  if (absl::IsNotFound(held.status())) {
    TRY(transaction.session()
            .Execute("INSERT INTO leases (name, owner, fence, expires_ms, revision)"
                     " VALUES (?, ?, 1, ?, 1)",
                     {name, owner, expires_ms})
            .status());
    return Lease{std::string(name), std::string(owner), 1, expires_ms};
  }
  TRY(held);
  bool ours = held->owner == owner;
  if (!ours && transaction.now_ms() < held->expires_ms) {
    return FailedPrecondition("{} is held by {} for another {} ms", name, held->owner,
                              held->expires_ms - transaction.now_ms());
  }
  // One that ended may have been acted upon by others: it comes back with a new fence.
  bool unbroken = ours && transaction.now_ms() < held->expires_ms;
  int64_t fence = unbroken ? held->fence : held->fence + 1;
  TRY(transaction.session()
          .Execute("UPDATE leases SET owner = ?, fence = ?, expires_ms = ?,"
                   " revision = revision + 1 WHERE name = ?",
                   {owner, fence, expires_ms, name})
          .status());
  return Lease{std::string(name), std::string(owner), fence, expires_ms};
}

absl::Status ReleaseLease(Transaction& transaction, const Lease& lease) {
  // The row stays: its fence must go on growing.
  return transaction.session()
      .Execute(
          "UPDATE leases SET expires_ms = 0, revision = revision + 1"
          " WHERE name = ? AND owner = ? AND fence = ?",
          {lease.name, lease.owner, lease.fence})
      .status();
}

}  // namespace hearth::catalog

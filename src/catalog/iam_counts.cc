// SPDX-License-Identifier: Apache-2.0
#include "catalog/iam_counts.h"

#include <fmt/format.h>

#include "base/status.h"
#include "catalog/sql.h"

namespace hearth::catalog {

absl::StatusOr<int64_t> CountIam(Reader& reader, std::string_view account, IamKind kind) {
  static constexpr std::string_view kTables[] = {"iam_users", "iam_groups", "iam_roles",
                                                 "iam_policies"};
  const std::string_view table = kTables[static_cast<size_t>(kind)];
  TRY_ASSIGN(const sql::Row row,
             reader.session().SelectOne("COUNT(*)", fmt::format("FROM {} WHERE account = ?", table),
                                        {account}, table));
  return row.Number(0);
}

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// What IAM's tables share: users, roles and groups are rows with a name in an account, read, paged
// by path, changed under their revision, and deleted when no policy hangs on them. Private to
// catalog.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "catalog/catalog.h"
#include "catalog/iam.h"
#include "catalog/sql.h"

namespace hearth::catalog {

std::string NameKey(std::string_view name);  // lower case: names are unique without regard to it
std::string_view PolicyOwnerName(PolicyOwner kind);
// `prefix` and 17 of [A-Z0-9], as IAM's unique ids.
std::string NewUniqueId(std::string_view prefix, Rng& rng);

// A table of named rows. `columns` are in the order of the family's …FromRow, account and name
// first, revision last; the table also has name_key.
struct NamedTable {
  std::string_view table;  // "iam_users"
  std::string_view noun;   // "user"; with "iam_" before it the subject of events
  std::string_view columns;
};

// One object of such a table, by whichever of its names' cases.
struct NamedRow {
  std::string_view account;
  std::string_view name;
};

// NotFound where there is none.
absl::StatusOr<sql::Row> SelectNamed(Reader& reader, const NamedTable& table, NamedRow row);
// Those below a path, in the order of their names, after a name.
absl::StatusOr<std::vector<sql::Row>> SelectByPath(Reader& reader, const NamedTable& table,
                                                   std::string_view account,
                                                   std::string_view path_prefix,
                                                   std::string_view after, int limit);
// `values` are those of all columns.
absl::Status InsertNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         sql::Values values);
// `assignments` is "path = ?, tags = ?". Aborted where the row has moved on from *revision, which
// is counted up otherwise.
absl::Status UpdateNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         std::string_view assignments, sql::Values values, int64_t* revision);
// The row, with its policies; a name that differs in case only is free.
absl::Status RenameNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         PolicyOwner kind, std::string_view to, int64_t* revision);
absl::Status DeleteNamed(Transaction& transaction, const NamedTable& table, NamedRow row,
                         int64_t revision);

// Whether any row of `table` is there `where`.
absl::StatusOr<bool> HasRows(Transaction& transaction, std::string_view table,
                             std::string_view where, const sql::Values& values);
// IAM's DeleteConflict, FailedPrecondition: inline and attached policies must go first.
absl::Status CheckNoPolicies(Transaction& transaction, PolicyOwner kind, NamedRow row);

}  // namespace hearth::catalog

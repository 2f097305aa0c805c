// SPDX-License-Identifier: Apache-2.0
// A copy of a SQLite catalog that is in use.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace hearth::catalog {

// One snapshot of the catalog at `url` as a file of its own, which must not exist; mode 0600.
// Writers go on meanwhile. FailedPrecondition: it is a PostgreSQL (pg_dump is its tool).
absl::Status BackupSqlite(const std::string& url, const std::string& path);

}  // namespace hearth::catalog

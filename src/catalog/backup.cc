// SPDX-License-Identifier: Apache-2.0
#include "catalog/backup.h"

#include <sys/stat.h>

#include "base/status.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr int kBusyMs = 5000;

}  // namespace

absl::Status BackupSqlite(const std::string& url, const std::string& path) {
  if (sql::IsPostgresqlUrl(url)) {
    return FailedPrecondition(
        "the catalog is in PostgreSQL, which has its own backup (pg_dump); a snapshot of hearth "
        "holds a catalog of SQLite only");
  }
  TRY_ASSIGN(const auto session, sql::Session::Open(url, kBusyMs));
  std::string quoted;
  for (const char c : path) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  TRY(session->Execute("VACUUM INTO '" + quoted + "'"));
  if (chmod(path.c_str(), 0600) != 0) return Unavailable("cannot set the mode of {}", path);
  return absl::OkStatus();
}

}  // namespace hearth::catalog

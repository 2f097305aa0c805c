// SPDX-License-Identifier: Apache-2.0
// The catalog: every control-plane object, in SQL. SQLite in the data directory (WAL journal,
// synchronous=FULL, mode 0600) or a PostgreSQL that several processes share.
//
//   TRY_ASSIGN(auto catalog, Catalog::Open(options, clock, rng));
//   TRY_ASSIGN(AmpWorkspace w, catalog->Read([&](Reader& r) { return GetAmpWorkspace(r, id); }));
//   TRY(catalog->Write([&](Transaction& t) { return PutX(t, x); }));   // all or nothing
//
// Object families are free functions over a Reader or a Transaction (amp_workspaces.h,
// grafana_objects.h, credentials.h, iam.h, sign_in_links.h, idempotency.h, leases.h).
//
// Every row has a `revision`, which starts at 1 and grows by one with each change. An Update or
// Delete takes the object as it was read and fails with Aborted where its revision has moved on
// (compare-and-swap); revision 0 in a Delete means "whatever it is". Every change appends to the
// event sequence in the same transaction, so that other processes can follow (EventsSince).
//
// Thread-safe. Writes run one at a time (a mutex; in PostgreSQL an advisory lock as well), reads in
// parallel with them on connections of their own, each on one snapshot. Bodies must be short, must
// not call back into the Catalog, and keep no reference to the Reader.
//
// Errors: NotFound, AlreadyExists (a unique constraint), Aborted (revision), FailedPrecondition
// (schema newer than this program), Unavailable (database unreachable, busy, disk full).
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace hearth::catalog {

namespace sql {
class Session;  // sql.h, private to this module
}

// A change that was committed.
struct Event {
  int64_t sequence = 0;  // 1, 2, 3 … without gaps, in commit order
  int64_t at_ms = 0;
  std::string kind;    // "amp_workspace", "dashboard", …
  std::string action;  // "create", "update", "delete"
  std::string account;
  std::string object;  // its id: "ws-…", "g-…/dashboard/uid"
  int64_t revision = 0;
};

// Reads of one snapshot.
class Reader {
 public:
  Reader(sql::Session& session, int64_t now_ms) : session_(session), now_ms_(now_ms) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  sql::Session& session() { return session_; }
  int64_t now_ms() const { return now_ms_; }  // when it began

 private:
  sql::Session& session_;
  int64_t now_ms_;
};

// Reads and changes that become visible together.
class Transaction : public Reader {
 public:
  Transaction(sql::Session& session, int64_t now_ms, Rng& rng)
      : Reader(session, now_ms), rng_(rng) {}
  Rng& rng() { return rng_; }
  // For the object families: what was changed.
  absl::Status Record(std::string_view kind, std::string_view action, std::string_view account,
                      std::string_view object, int64_t revision);
  // The next number of a named counter, from 1 (numeric ids that Grafana's API shows).
  absl::StatusOr<int64_t> NextNumber(std::string_view counter);

 private:
  Rng& rng_;
};

class Catalog {
 public:
  struct Options {
    // A file path for SQLite, or postgresql://user@host/db (any libpq URL).
    std::string url;
    // Connections for reads. More than this many wait for each other.
    int readers = 4;
    // How long a statement waits for another process' lock before Unavailable.
    int busy_timeout_ms = 5000;
    // Tests only: open without bringing the schema up to date.
    bool migrate = true;
  };

  // Opens, creates where missing, and migrates up. `clock`, `rng` and `metrics` (may be null) must
  // outlive it.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(const Options& options, const Clock& clock,
                                                       Rng& rng, Registry* metrics = nullptr);
  ~Catalog();

  // `body` returns Status or StatusOr<T>, which is what comes back. An error rolls back.
  template <typename Body>
  auto Read(Body&& body) -> std::invoke_result_t<Body, Reader&> {
    std::invoke_result_t<Body, Reader&> result = absl::UnknownError("not run");
    absl::Status status = RunRead([&](Reader& reader) {
      result = body(reader);
      return StatusOf(result);
    });
    if (!status.ok()) return status;
    return result;
  }
  template <typename Body>
  auto Write(Body&& body) -> std::invoke_result_t<Body, Transaction&> {
    std::invoke_result_t<Body, Transaction&> result = absl::UnknownError("not run");
    absl::Status status = RunWrite([&](Transaction& transaction) {
      result = body(transaction);
      return StatusOf(result);
    });
    if (!status.ok()) return status;
    return result;
  }

  // Committed changes after `sequence`, oldest first, at most `limit`.
  absl::StatusOr<std::vector<Event>> EventsSince(int64_t sequence, int limit = 1000);
  // The newest event's number; 0 where nothing was ever changed. Cheap: for cache checks.
  absl::StatusOr<int64_t> LastEvent();
  // Bumped by every committed Write of this process; for caches of the same process.
  uint64_t local_generation() const;

  // Schema versions. Tests migrate down and up again.
  absl::StatusOr<int> SchemaVersion();
  static int LatestSchemaVersion();
  absl::Status MigrateTo(int version);
  bool is_postgresql() const;
  const Clock& clock() const;
  Rng& rng() const;

 private:
  Catalog();
  static absl::Status StatusOf(const absl::Status& status) { return status; }
  template <typename T>
  static absl::Status StatusOf(const absl::StatusOr<T>& status_or) {
    return status_or.status();
  }
  absl::Status RunRead(const std::function<absl::Status(Reader&)>& body);
  absl::Status RunWrite(const std::function<absl::Status(Transaction&)>& body);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include <algorithm>
#include <atomic>

#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/migrations.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

// Events kept: a follower that is further behind reloads everything. 100,000 rows are about 10 MB.
constexpr int64_t kEventsMax = 100'000;
// Trimmed every so many events, so that most writes do not pay for it.
constexpr int64_t kEventsTrimEvery = 1'000;
// One writer among processes on one PostgreSQL ("hearth" in ASCII).
constexpr int64_t kAdvisoryLock = 0x686561727468;

}  // namespace

struct Catalog::Impl {
  Impl(Options o, const Clock& c, Rng& r) : options(std::move(o)), clock(c), rng(r) {}

  const Options options;
  const Clock& clock;
  Rng& rng;
  std::atomic<uint64_t> generation{0};
  Counter* reads = nullptr;
  Counter* writes = nullptr;
  Counter* failures = nullptr;

  absl::Mutex write_mutex;
  std::unique_ptr<sql::Session> writer ABSL_GUARDED_BY(write_mutex);

  absl::Mutex read_mutex;
  std::vector<std::unique_ptr<sql::Session>> idle ABSL_GUARDED_BY(read_mutex);
  int open ABSL_GUARDED_BY(read_mutex) = 0;

  absl::StatusOr<std::unique_ptr<sql::Session>> NewSession() {
    return sql::Session::Open(options.url, options.busy_timeout_ms);
  }

  absl::StatusOr<std::unique_ptr<sql::Session>> TakeReader() {
    {
      absl::MutexLock lock(&read_mutex);
      auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex) {
        return !idle.empty() || open < options.readers;
      };
      read_mutex.Await(absl::Condition(&free));
      if (!idle.empty()) {
        std::unique_ptr<sql::Session> session = std::move(idle.back());
        idle.pop_back();
        return session;
      }
      ++open;
    }
    auto session = NewSession();
    if (!session.ok()) ReturnReader(nullptr);
    return session;
  }

  // A null or broken session only frees its place.
  void ReturnReader(std::unique_ptr<sql::Session> session) {
    absl::MutexLock lock(&read_mutex);
    if (session == nullptr || session->broken()) {
      --open;
    } else {
      idle.push_back(std::move(session));
    }
  }

  absl::Status EnsureWriter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex) {
    if (writer != nullptr && !writer->broken()) return absl::OkStatus();
    writer.reset();
    TRY_ASSIGN(writer, NewSession());
    return absl::OkStatus();
  }

  absl::Status BeginWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex) {
    TRY(EnsureWriter());
    if (!writer->is_postgresql()) return writer->Execute("BEGIN IMMEDIATE").status();
    TRY(writer->Execute("BEGIN").status());
    // Taken before anything is read: each statement then sees what the writer before committed.
    return writer->Execute(fmt::format("SELECT pg_advisory_xact_lock({})", kAdvisoryLock)).status();
  }

  // Commits when `status` is OK, else rolls back; returns what went wrong first.
  absl::Status End(sql::Session& session, absl::Status status) {
    if (status.ok()) {
      status = session.Execute("COMMIT").status();
      if (status.ok()) return status;
    }
    // Not what a body refuses: what the database could not do.
    bool trouble =
        absl::IsUnavailable(status) || absl::IsInternal(status) || absl::IsDataLoss(status);
    if (trouble && failures != nullptr) failures->Add();
    // The first error is the one that counts; a rollback that fails leaves a broken connection.
    session.Execute("ROLLBACK").IgnoreError();
    return status;
  }
};

Catalog::Catalog() = default;
Catalog::~Catalog() = default;

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(const Options& options, const Clock& clock,
                                                       Rng& rng, Registry* metrics) {
  auto catalog = std::unique_ptr<Catalog>(new Catalog());
  catalog->impl_ = std::make_unique<Impl>(options, clock, rng);
  Impl& impl = *catalog->impl_;
  if (metrics != nullptr) {
    impl.reads = &metrics->AddCounter("hearth_catalog_transactions_total",
                                      "Transactions on the catalog.", {{"kind", "read"}});
    impl.writes = &metrics->AddCounter("hearth_catalog_transactions_total",
                                       "Transactions on the catalog.", {{"kind", "write"}});
    impl.failures = &metrics->AddCounter("hearth_catalog_failed_transactions_total",
                                         "Transactions that failed for the database's reasons.");
  }
  if (!sql::IsPostgresqlUrl(options.url)) {
    // Made before SQLite does, for the mode; its -wal and -shm files take the same one.
    TRY_ASSIGN(auto file, RealFileSystem().OpenAppend(options.url, 0600));
    TRY(file->Close());
  }
  {
    absl::MutexLock lock(&impl.write_mutex);
    TRY(Annotate(impl.EnsureWriter(), "opening the catalog"));
  }
  if (options.migrate)
    TRY(Annotate(catalog->MigrateTo(LatestSchemaVersion()), "opening the catalog"));
  return catalog;
}

absl::Status Catalog::RunRead(const std::function<absl::Status(Reader&)>& body) {
  if (impl_->reads != nullptr) impl_->reads->Add();
  TRY_ASSIGN(std::unique_ptr<sql::Session> session, impl_->TakeReader());
  absl::Status status =
      session
          ->Execute(session->is_postgresql() ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                             : "BEGIN DEFERRED")
          .status();
  if (status.ok()) {
    Reader reader(*session, impl_->clock.NowMs());
    status = body(reader);
    status = impl_->End(*session, std::move(status));
  }
  impl_->ReturnReader(std::move(session));
  return status;
}

absl::Status Catalog::RunWrite(const std::function<absl::Status(Transaction&)>& body) {
  if (impl_->writes != nullptr) impl_->writes->Add();
  absl::MutexLock lock(&impl_->write_mutex);
  TRY(impl_->BeginWrite());
  Transaction transaction(*impl_->writer, impl_->clock.NowMs(), impl_->rng);
  absl::Status status = body(transaction);
  status = impl_->End(*impl_->writer, std::move(status));
  impl_->generation.fetch_add(1);
  return status;
}

absl::Status Transaction::Record(std::string_view kind, std::string_view action,
                                 std::string_view account, std::string_view object,
                                 int64_t revision) {
  TRY_ASSIGN(int64_t sequence, NextNumber("events"));
  TRY(session()
          .Execute("INSERT INTO events (sequence, at_ms, kind, action, account, object, revision)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?)",
                   {sequence, now_ms(), kind, action, account, object, revision})
          .status());
  if (sequence % kEventsTrimEvery != 0) return absl::OkStatus();
  return session()
      .Execute("DELETE FROM events WHERE sequence <= ?", {sequence - kEventsMax})
      .status();
}

absl::StatusOr<int64_t> Transaction::NextNumber(std::string_view counter) {
  TRY_ASSIGN(int64_t changed,
             session().Execute("UPDATE counters SET value = value + 1 WHERE name = ?", {counter}));
  if (changed == 0) {
    TRY(session().Execute("INSERT INTO counters (name, value) VALUES (?, 1)", {counter}).status());
    return 1;
  }
  TRY_ASSIGN(sql::Row row,
             session().SelectOne("value", "FROM counters WHERE name = ?", {counter}, "counter"));
  return row.Number(0);
}

absl::StatusOr<std::vector<Event>> Catalog::EventsSince(int64_t sequence, int limit) {
  return Read([&](Reader& reader) -> absl::StatusOr<std::vector<Event>> {
    TRY_ASSIGN(std::vector<sql::Row> rows,
               reader.session().Select("sequence, at_ms, kind, action, account, object, revision",
                                       "FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?",
                                       {sequence, limit}));
    std::vector<Event> events;
    for (const sql::Row& row : rows) {
      events.push_back({row.Number(0), row.Number(1), row.Text(2), row.Text(3), row.Text(4),
                        row.Text(5), row.Number(6)});
    }
    return events;
  });
}

absl::StatusOr<int64_t> Catalog::LastEvent() {
  return Read([&](Reader& reader) -> absl::StatusOr<int64_t> {
    TRY_ASSIGN(std::vector<sql::Row> rows,
               reader.session().Select("value", "FROM counters WHERE name = 'events'"));
    return rows.empty() ? 0 : rows.front().Number(0);
  });
}

uint64_t Catalog::local_generation() const { return impl_->generation.load(); }
bool Catalog::is_postgresql() const { return sql::IsPostgresqlUrl(impl_->options.url); }
const Clock& Catalog::clock() const { return impl_->clock; }
Rng& Catalog::rng() const { return impl_->rng; }
int Catalog::LatestSchemaVersion() { return Migrations().back().version; }

namespace {

absl::StatusOr<int> ReadSchemaVersion(Transaction& transaction) {
  TRY(transaction.session()
          .Execute("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY,"
                   " name TEXT NOT NULL, applied_ms BIGINT NOT NULL)")
          .status());
  TRY_ASSIGN(std::vector<sql::Row> rows,
             transaction.session().Select("version",
                                          "FROM schema_versions ORDER BY version DESC LIMIT 1"));
  return rows.empty() ? 0 : static_cast<int>(rows.front().Number(0));
}

absl::Status ApplyStep(Transaction& transaction, const Migration& step, bool up) {
  for (std::string_view statement : up ? step.up : step.down) {
    TRY(Annotate(transaction.session().Execute(statement).status(),
                 fmt::format("schema step {} ({})", step.version, step.name)));
  }
  if (!up) {
    return transaction.session()
        .Execute("DELETE FROM schema_versions WHERE version = ?", {step.version})
        .status();
  }
  return transaction.session()
      .Execute("INSERT INTO schema_versions (version, name, applied_ms) VALUES (?, ?, ?)",
               {step.version, step.name, transaction.now_ms()})
      .status();
}

}  // namespace

absl::StatusOr<int> Catalog::SchemaVersion() {
  return Write([](Transaction& t) { return ReadSchemaVersion(t); });
}

absl::Status Catalog::MigrateTo(int version) {
  return Write([&](Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(int current, ReadSchemaVersion(transaction));
    if (current > LatestSchemaVersion()) {
      return FailedPrecondition(
          "the catalog's schema is version {}, this program knows up to {}: it was last used by a "
          "newer hearth; run that one",
          current, LatestSchemaVersion());
    }
    const std::vector<Migration>& steps = Migrations();
    for (; current < version; ++current) {
      TRY(ApplyStep(transaction, steps[static_cast<size_t>(current)], /*up=*/true));
    }
    for (; current > version; --current) {
      TRY(ApplyStep(transaction, steps[static_cast<size_t>(current) - 1], /*up=*/false));
    }
    return absl::OkStatus();
  });
}

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "catalog/sql.h"

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <algorithm>
#include <deque>

#include "base/status.h"
#include "base/text.h"

namespace hearth::catalog::sql {
namespace {

// `?` becomes :v1, :v2 …, the form that both backends read. No statement of ours has a literal '?'.
std::string NumberPlaceholders(std::string_view statement) {
  std::string out;
  int count = 0;
  for (char c : statement) {
    if (c == '?') {
      out += fmt::format(":v{}", ++count);
    } else {
      out += c;
    }
  }
  return out;
}

absl::Status FromPostgresql(const soci::postgresql_soci_error& error, bool* broken) {
  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  std::string state = error.sqlstate();
  if (state == "23505") return AlreadyExists("{}", error.what());
  std::string_view kind = std::string_view(state).substr(0, 2);
  // Connection lost, operator's shutdown, or no state at all (the socket died).
  if (kind == "08" || kind == "57" || kind == "  " || state.empty()) {
    *broken = true;
    return Unavailable("catalog: {}", error.what());
  }
  if (kind == "40" || kind == "53" || kind == "55") return Unavailable("catalog: {}", error.what());
  return Internal("catalog: {}", error.what());
}

absl::Status FromSqlite(const soci::sqlite3_soci_error& error) {
  // https://www.sqlite.org/rescode.html; SOCI gives primary and extended codes alike.
  int code = error.result() & 0xff;
  constexpr int kBusy = 5, kLocked = 6, kNoMemory = 7, kReadOnly = 8, kIo = 10, kCorrupt = 11;
  constexpr int kFull = 13, kCannotOpen = 14, kConstraint = 19, kNotADatabase = 26;
  std::string_view text = error.what();
  if (code == kConstraint || text.find("UNIQUE constraint failed") != std::string_view::npos) {
    return AlreadyExists("{}", text);
  }
  if (code == kCorrupt || code == kNotADatabase) return DataLoss("catalog: {}", text);
  for (int unavailable : {kBusy, kLocked, kNoMemory, kReadOnly, kIo, kFull, kCannotOpen}) {
    if (code == unavailable) return Unavailable("catalog: {}", text);
  }
  return Internal("catalog: {}", text);
}

// The one place where exceptions end.
template <typename Body>
absl::Status Guard(bool* broken, Body&& body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const soci::postgresql_soci_error& error) {
    return FromPostgresql(error, broken);
  } catch (const soci::sqlite3_soci_error& error) {
    return FromSqlite(error);
  } catch (const std::exception& error) {
    return Unavailable("catalog: {}", error.what());
  }
}

// Values and results that a SOCI statement points at while it runs.
struct Binding {
  std::deque<std::string> texts;
  std::deque<long long> numbers;
  std::deque<soci::indicator> indicators;

  void Use(soci::statement& statement, const Value& value) {
    const auto& held = value.get();
    bool null = std::holds_alternative<std::monostate>(held);
    indicators.push_back(null ? soci::i_null : soci::i_ok);
    if (const std::string* text = std::get_if<std::string>(&held)) {
      texts.push_back(*text);
      statement.exchange(soci::use(texts.back(), indicators.back()));
      return;
    }
    numbers.push_back(null ? 0 : std::get<int64_t>(held));
    statement.exchange(soci::use(numbers.back(), indicators.back()));
  }
};

}  // namespace

int64_t Row::Number(size_t i) const { return MaybeNumber(i).value_or(0); }

std::optional<int64_t> Row::MaybeNumber(size_t i) const {
  int64_t number = 0;
  if (!cells_[i] || !ParseInt64(*cells_[i], &number)) return std::nullopt;
  return number;
}

struct Session::Impl {
  soci::session session;
  bool postgresql = false;
  bool broken = false;
};

Session::Session() : impl_(std::make_unique<Impl>()) {}
Session::~Session() = default;

namespace {

// A server that vanished without a word must not hold a session, and the one writer with it, for
// ever: what the URL does not say itself is said for it.
std::string WithTimeouts(std::string url) {
  static constexpr std::string_view kParameters[] = {"connect_timeout=10", "tcp_user_timeout=20000",
                                                     "keepalives_idle=10", "keepalives_interval=5",
                                                     "keepalives_count=3"};
  for (const std::string_view parameter : kParameters) {
    if (url.find(parameter.substr(0, parameter.find('=') + 1)) != std::string::npos) continue;
    url += fmt::format("{}{}", url.find('?') == std::string::npos ? '?' : '&', parameter);
  }
  return url;
}

}  // namespace

bool IsPostgresqlUrl(std::string_view url) {
  return url.substr(0, 13) == "postgresql://" || url.substr(0, 11) == "postgres://";
}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const std::string& url,
                                                       int busy_timeout_ms) {
  auto session = std::unique_ptr<Session>(new Session());
  Impl& impl = *session->impl_;
  impl.postgresql = IsPostgresqlUrl(url);
  TRY(Guard(&impl.broken, [&] {
    if (impl.postgresql) {
      impl.session.open(soci::postgresql, WithTimeouts(url));
    } else {
      impl.session.open(soci::sqlite3, fmt::format("dbname=\"{}\"", url));
    }
  }));
  if (impl.postgresql) {
    TRY(session->Execute(fmt::format("SET statement_timeout = {}", busy_timeout_ms)).status());
    TRY(session->Execute("SET client_min_messages = warning").status());
  } else {
    // WAL: readers do not wait for the writer. FULL: a committed change survives power loss.
    TRY(session->Select("*", "FROM (SELECT 1)").status());
    TRY(session->Execute(fmt::format("PRAGMA busy_timeout = {}", busy_timeout_ms)).status());
    TRY(session->Execute("PRAGMA journal_mode = WAL").status());
    TRY(session->Execute("PRAGMA synchronous = FULL").status());
  }
  return session;
}

absl::StatusOr<int64_t> Session::Execute(std::string_view statement, const Values& values) {
  int64_t affected = 0;
  TRY(Guard(&impl_->broken, [&] {
    Binding binding;
    soci::statement run(impl_->session);
    for (const Value& value : values) binding.Use(run, value);
    run.alloc();
    run.prepare(NumberPlaceholders(statement));
    run.define_and_bind();
    run.execute(true);
    affected = run.get_affected_rows();
  }));
  return affected;
}

absl::StatusOr<std::vector<Row>> Session::Select(std::string_view columns, std::string_view rest,
                                                 const Values& values) {
  std::vector<Row> rows;
  size_t width = 1 + static_cast<size_t>(std::count(columns.begin(), columns.end(), ','));
  TRY(Guard(&impl_->broken, [&] {
    Binding binding;
    std::vector<std::string> cells(width);
    std::vector<soci::indicator> nulls(width);
    soci::statement run(impl_->session);
    for (size_t i = 0; i < width; ++i) run.exchange(soci::into(cells[i], nulls[i]));
    for (const Value& value : values) binding.Use(run, value);
    run.alloc();
    run.prepare(NumberPlaceholders(fmt::format("SELECT {} {}", columns, rest)));
    run.define_and_bind();
    run.execute(false);
    while (run.fetch()) {
      std::vector<std::optional<std::string>> copy(width);
      for (size_t i = 0; i < width; ++i) {
        if (nulls[i] != soci::i_null) copy[i] = cells[i];
      }
      rows.emplace_back(std::move(copy));
    }
  }));
  return rows;
}

absl::StatusOr<Row> Session::SelectOne(std::string_view columns, std::string_view rest,
                                       const Values& values, std::string_view what) {
  TRY_ASSIGN(std::vector<Row> rows, Select(columns, rest, values));
  if (rows.empty()) return NotFound("{} does not exist", what);
  return std::move(rows.front());
}

bool Session::is_postgresql() const { return impl_->postgresql; }
bool Session::broken() const { return impl_->broken; }

absl::Status CheckRevision(Session& session, int64_t affected, std::string_view table,
                           std::string_view where, const Values& values, std::string_view what) {
  if (affected > 0) return absl::OkStatus();
  TRY_ASSIGN(std::vector<Row> rows,
             session.Select("revision", fmt::format("FROM {} WHERE {}", table, where), values));
  if (rows.empty()) return NotFound("{} does not exist", what);
  return absl::AbortedError(
      ToAbsl(fmt::format("{} was changed by someone else meanwhile (it is at revision {})", what,
                         rows.front().Number(0))));
}

}  // namespace hearth::catalog::sql

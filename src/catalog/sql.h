// SPDX-License-Identifier: Apache-2.0
// One database connection: statements with `?` for each value, rows as text cells. The only place
// that knows SOCI; what it throws becomes a Status here. One thread at a time. Private to catalog.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hearth::catalog::sql {

// Values to bind. Text must hold no NUL; bytes are kept as base64.
class Value {
 public:
  template <typename Integer>
  requires std::is_integral_v<Integer> Value(Integer number)
      : value_(static_cast<int64_t>(number)) {}
  Value(std::string text) : value_(std::move(text)) {}
  Value(std::string_view text) : value_(std::string(text)) {}
  Value(const char* text) : value_(std::string(text)) {}
  Value(const std::optional<int64_t>& number) {
    if (number) value_ = *number;
  }
  const std::variant<std::monostate, int64_t, std::string>& get() const { return value_; }

 private:
  std::variant<std::monostate, int64_t, std::string> value_;
};
using Values = std::vector<Value>;

// Cells in the order of the statement's columns.
class Row {
 public:
  explicit Row(std::vector<std::optional<std::string>> cells) : cells_(std::move(cells)) {}
  bool IsNull(size_t i) const { return !cells_[i].has_value(); }
  std::string Text(size_t i) const { return cells_[i].value_or(""); }  // NULL is ""
  int64_t Number(size_t i) const;                                      // NULL is 0
  bool Flag(size_t i) const { return Number(i) != 0; }
  std::optional<int64_t> MaybeNumber(size_t i) const;

 private:
  std::vector<std::optional<std::string>> cells_;
};

class Session {
 public:
  // A file path (SQLite) or a libpq URL.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const std::string& url, int busy_timeout_ms);
  ~Session();

  // How many rows were inserted, updated or deleted.
  absl::StatusOr<int64_t> Execute(std::string_view statement, const Values& values = {});
  // `columns` names the columns, comma-separated; "SELECT <columns> <rest>" is run.
  absl::StatusOr<std::vector<Row>> Select(std::string_view columns, std::string_view rest,
                                          const Values& values = {});
  // The one row, or NotFound "<what> does not exist".
  absl::StatusOr<Row> SelectOne(std::string_view columns, std::string_view rest,
                                const Values& values, std::string_view what);
  bool is_postgresql() const;
  // The connection is lost and must be opened anew.
  bool broken() const;

 private:
  Session();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

bool IsPostgresqlUrl(std::string_view url);

// After an UPDATE or DELETE with "AND revision = ?" that met `affected` rows: NotFound where the
// row is gone (`exists` empty), Aborted where its revision moved on.
absl::Status CheckRevision(Session& session, int64_t affected, std::string_view table,
                           std::string_view where, const Values& values, std::string_view what);

}  // namespace hearth::catalog::sql

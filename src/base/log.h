// SPDX-License-Identifier: Apache-2.0
// Structured log lines on standard error: one event, one line, `component` = the module's name.
//
//   log::Info("tsdb", "sealed head", {{"samples", n}, {"took_ms", ms}});
//
// Thread-safe. Secrets never go in: log ids, never keys. An error is logged once, where handled.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace hearth::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v), is_text(true) {}
  Field(std::string_view k, const char* v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, const std::string& v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), is_text(false) {}
  Field(std::string_view k, double v);
  template <typename Integer>
  requires std::is_integral_v<Integer> Field(std::string_view k, Integer v)
      : key(k), value(std::to_string(v)), is_text(false) {}

  std::string_view key;
  std::string value;
  bool is_text;
};
using Fields = std::initializer_list<Field>;

void Configure(Level minimum, Format format);
bool ParseLevel(std::string_view text, Level* level);  // debug, info, warn, error
bool Enabled(Level level);
void Write(Level level, std::string_view component, std::string_view message, Fields fields);

inline void Debug(std::string_view component, std::string_view message, Fields fields = {}) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, component, message, fields);
}
inline void Info(std::string_view component, std::string_view message, Fields fields = {}) {
  Write(Level::kInfo, component, message, fields);
}
inline void Warn(std::string_view component, std::string_view message, Fields fields = {}) {
  Write(Level::kWarn, component, message, fields);
}
inline void Error(std::string_view component, std::string_view message, Fields fields = {}) {
  Write(Level::kError, component, message, fields);
}

}  // namespace hearth::log

// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fmt/core.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/json_text.h"

namespace hearth::log {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};
std::atomic<Format> line_format{Format::kText};

spdlog::logger& Sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("hearth",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

std::string Timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     now.tv_nsec / 1'000'000);
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\\\n\r\t") != std::string_view::npos;
}

}  // namespace

Field::Field(std::string_view k, double v)
    : key(k), value(fmt::format("{:.6g}", v)), is_text(false) {}

void Configure(Level minimum, Format format) {
  minimum_level = minimum;
  line_format = format;
}

bool ParseLevel(std::string_view text, Level* level) {
  for (const Level candidate : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    if (Name(candidate) == text) {
      *level = candidate;
      return true;
    }
  }
  return false;
}

bool Enabled(Level level) { return level >= minimum_level.load(std::memory_order_relaxed); }

void Write(Level level, std::string_view component, std::string_view message, Fields fields) {
  if (!Enabled(level)) return;
  std::string line;
  if (line_format.load(std::memory_order_relaxed) == Format::kJson) {
    line = fmt::format(R"({{"time":"{}","level":"{}","component":"{}","message":)", Timestamp(),
                       Name(level), component);
    AppendJsonString(message, &line);
    for (const Field& field : fields) {
      line.push_back(',');
      AppendJsonString(field.key, &line);
      line.push_back(':');
      if (field.is_text) {
        AppendJsonString(field.value, &line);
      } else {
        line += field.value;
      }
    }
    line.push_back('}');
  } else {
    line = fmt::format("{} {:<5} {}: {}", Timestamp(), Name(level), component, message);
    for (const Field& field : fields) {
      line += fmt::format(" {}=", field.key);
      if (field.is_text && NeedsQuotes(field.value)) {
        AppendJsonString(field.value, &line);
      } else {
        line += field.value;
      }
    }
  }
  Sink().info(line);
}

}  // namespace hearth::log

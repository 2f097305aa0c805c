// SPDX-License-Identifier: Apache-2.0
#include "grafana/json_text.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/status.h"

namespace hearth::grafana {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The index after the string that begins at `at` (a '"'); the end of text where it never closes.
size_t SkipString(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

// The index after the value that begins at `at`.
size_t SkipValue(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}' || c == ']' || IsSpace(c))) return at;
    if (c == '{' || c == '[') ++depth;
    ++at;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return at;
}

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

}  // namespace

absl::Status CheckJson(std::string_view text) {
  size_t depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
      continue;
    }
    if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) {
        return InvalidArgument("JSON is nested more than {} deep", kJsonDepthMax);
      }
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
    ++at;
  }
  if (!nlohmann::json::accept(text)) return InvalidArgument("not valid JSON");
  return absl::OkStatus();
}

std::vector<JsonMember> JsonMembers(std::string_view text) {
  std::vector<JsonMember> members;
  size_t at = SkipSpace(text, 0);
  if (at >= text.size() || text[at] != '{') return members;
  at = SkipSpace(text, at + 1);
  while (at < text.size() && text[at] == '"') {
    const size_t name_end = SkipString(text, at);
    const auto name =
        nlohmann::json::parse(text.substr(at, name_end - at), nullptr, /*allow_exceptions=*/false);
    at = SkipSpace(text, name_end);
    if (!name.is_string() || at >= text.size() || text[at] != ':') return members;
    at = SkipSpace(text, at + 1);
    const size_t end = SkipValue(text, at);
    members.push_back({name.get<std::string>(), text.substr(at, end - at)});
    at = SkipSpace(text, end);
    if (at >= text.size() || text[at] != ',') return members;
    at = SkipSpace(text, at + 1);
  }
  return members;
}

std::string_view FindJsonMember(std::string_view object, std::string_view name) {
  std::string_view value;
  for (const JsonMember& member : JsonMembers(object)) {
    if (member.name == name) value = member.value;
  }
  return value;
}

std::string WithJsonMembers(std::string_view object,
                            const std::vector<std::pair<std::string_view, std::string>>& members) {
  const std::vector<JsonMember> present = JsonMembers(object);
  std::string out;
  out.reserve(object.size() + 64);
  size_t copied = 0;
  for (const JsonMember& member : present) {
    for (const auto& [name, value] : members) {
      if (member.name != name) continue;
      const auto at = static_cast<size_t>(member.value.data() - object.data());
      out.append(object.substr(copied, at - copied));
      out += value;
      copied = at + member.value.size();
    }
  }
  const size_t close = object.rfind('}');
  if (close == std::string_view::npos || close < copied) return std::string(object);
  out.append(object.substr(copied, close - copied));
  bool first = present.empty();
  for (const auto& [name, value] : members) {
    bool found = false;
    for (const JsonMember& member : present) found = found || member.name == name;
    if (found) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(name, &out);
    out += ':';
    out += value;
  }
  out.append(object.substr(close));
  return out;
}

}  // namespace hearth::grafana

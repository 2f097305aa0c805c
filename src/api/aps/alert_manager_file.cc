// SPDX-License-Identifier: Apache-2.0
#include "api/aps/alert_manager_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>

#include "base/status.h"
#include "codec/yaml.h"

namespace hearth::api {
namespace {

using codec::YamlNode;

constexpr size_t kRoutesDeepMax = 64;  // as deep as YAML of ours may nest at all

absl::Status CheckKeys(const YamlNode& node, std::initializer_list<std::string_view> known,
                       std::string_view what) {
  if (!node.is_map()) return node.Error(fmt::format("{} must be a map", what));
  for (const auto& [key, value] : node.entries()) {
    if (std::find(known.begin(), known.end(), key.text()) != known.end()) continue;
    std::string names;
    for (const std::string_view name : known) {
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    return key.Error(
        fmt::format("field {} is not known in {}; known: {}", key.text(), what, names));
  }
  return absl::OkStatus();
}

absl::Status CheckRoute(const YamlNode& route, const std::set<std::string>& receivers, bool top,
                        size_t depth) {
  if (depth > kRoutesDeepMax) return route.Error("routes are nested too deep");
  TRY(CheckKeys(route,
                {"receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "match",
                 "match_re", "matchers", "continue", "routes", "mute_time_intervals",
                 "active_time_intervals"},
                top ? "route" : "a route"));
  const YamlNode* receiver = route.Find("receiver");
  if (receiver == nullptr || receiver->is_null()) {
    if (top) return route.Error("the top route must name a receiver");
  } else if (!receivers.contains(receiver->text())) {
    return receiver->Error(
        fmt::format("undefined receiver \"{}\" used in route", receiver->text()));
  }
  const YamlNode* routes = route.Find("routes");
  if (routes == nullptr || routes->is_null()) return absl::OkStatus();
  if (!routes->is_sequence()) return routes->Error("routes must be a list");
  for (const YamlNode& child : routes->items()) {
    TRY(CheckRoute(child, receivers, false, depth + 1));
  }
  return absl::OkStatus();
}

absl::Status CheckConfig(const YamlNode& config) {
  TRY(CheckKeys(config,
                {"global", "templates", "route", "receivers", "inhibit_rules",
                 "mute_time_intervals", "time_intervals"},
                "alertmanager_config"));
  std::set<std::string> receivers;
  const YamlNode* list = config.Find("receivers");
  if (list != nullptr && !list->is_null()) {
    if (!list->is_sequence()) return list->Error("receivers must be a list");
    for (const YamlNode& receiver : list->items()) {
      const YamlNode* name = receiver.Find("name");
      if (name == nullptr || name->text().empty()) return receiver.Error("a receiver needs a name");
      if (!receivers.insert(name->text()).second) {
        return name->Error(fmt::format("the receiver name \"{}\" is not unique", name->text()));
      }
    }
  }
  const YamlNode* route = config.Find("route");
  if (route == nullptr || route->is_null()) return config.Error("no route provided in config");
  return CheckRoute(*route, receivers, true, 0);
}

}  // namespace

absl::Status CheckAlertManagerFile(std::string_view text) {
  TRY_ASSIGN(const YamlNode root, codec::ParseYaml(text));
  if (!root.is_map()) {
    return InvalidArgument("the definition must be a map with the key alertmanager_config");
  }
  TRY(CheckKeys(root, {"alertmanager_config", "template_files"}, "the definition"));
  const YamlNode* templates = root.Find("template_files");
  if (templates != nullptr && !templates->is_null()) {
    if (!templates->is_map()) return templates->Error("template_files must be a map");
    for (const auto& [name, value] : templates->entries()) {
      if (!value.is_scalar()) {
        return value.Error(fmt::format("template_files: {} must be a text", name.text()));
      }
    }
  }
  const YamlNode* inner = root.Find("alertmanager_config");
  if (inner == nullptr || !inner->is_scalar()) {
    return root.Error("alertmanager_config must be a text (\"alertmanager_config: |\")");
  }
  const auto config = codec::ParseYaml(inner->text());
  if (!config.ok()) return Annotate(config.status(), "alertmanager_config");
  return Annotate(CheckConfig(*config), "alertmanager_config");
}

}  // namespace hearth::api

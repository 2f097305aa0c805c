// SPDX-License-Identifier: Apache-2.0
#include "catalog/column_json.h"

#include <nlohmann/json.hpp>

namespace hearth::catalog {
namespace {

using Json = nlohmann::json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Parse(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string EncodeMap(const std::map<std::string, std::string>& map) {
  Json json = Json::object();
  for (const auto& [key, value] : map) json[key] = value;
  return Dump(json);
}

std::string EncodeList(const std::vector<std::string>& list) {
  Json json = Json::array();
  for (const std::string& entry : list) json.push_back(entry);
  return Dump(json);
}

std::map<std::string, std::string> DecodeMap(std::string_view text) {
  std::map<std::string, std::string> map;
  Json json = Parse(text);
  if (!json.is_object()) return map;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string()) map[key] = value.get<std::string>();
  }
  return map;
}

std::vector<std::string> DecodeList(std::string_view text) {
  std::vector<std::string> list;
  Json json = Parse(text);
  if (!json.is_array()) return list;
  for (const Json& entry : json) {
    if (entry.is_string()) list.push_back(entry.get<std::string>());
  }
  return list;
}

}  // namespace hearth::catalog

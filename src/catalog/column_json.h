// SPDX-License-Identifier: Apache-2.0
// Lists and maps in a text column, as JSON. Private to catalog.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::catalog {

std::string EncodeMap(const std::map<std::string, std::string>& map);
std::string EncodeList(const std::vector<std::string>& list);
// What is not as written by the above comes back empty.
std::map<std::string, std::string> DecodeMap(std::string_view text);
std::vector<std::string> DecodeList(std::string_view text);

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// JSON string escaping by hand, for writers that stream (log lines, query answers). Parsing and
// documents are nlohmann's.
#pragma once

#include <string>
#include <string_view>

namespace hearth {

// `text` quoted and escaped. Invalid UTF-8 becomes U+FFFD, as Go's encoder does.
void AppendJsonString(std::string_view text, std::string* out);
// The same with '<', '>', '&', U+2028 and U+2029 escaped too: Go's json.Marshal with HTML escaping.
void AppendJsonStringHtmlSafe(std::string_view text, std::string* out);

}  // namespace hearth

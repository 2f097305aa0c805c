// SPDX-License-Identifier: Apache-2.0
// Dashboards as text. What a user saved comes back byte for byte (order of members, 1.50, numbers
// beyond 64 bits), but for the three members that a server owns (id, uid, version): so the text is
// cut and pasted, not parsed and printed. Pure.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::grafana {

// Deeper than any published dashboard by far; parsers and printers below us recurse.
inline constexpr size_t kJsonDepthMax = 128;

// Valid JSON (UTF-8, no trailing text), nested at most kJsonDepthMax deep. InvalidArgument says
// what is wrong.
absl::Status CheckJson(std::string_view text);

struct JsonMember {
  std::string name;        // decoded
  std::string_view value;  // as written, without white space around it; a view into the text
};
// The members of an object in their order. `text` must have passed CheckJson and be an object;
// else the list is empty.
std::vector<JsonMember> JsonMembers(std::string_view text);

// The value of the last member of that name (as parsers take it), or "" where there is none.
std::string_view FindJsonMember(std::string_view object, std::string_view name);

// The object with those members at these values (JSON text): in place where they are there, at the
// end in the order given where not.
std::string WithJsonMembers(std::string_view object,
                            const std::vector<std::pair<std::string_view, std::string>>& members);

}  // namespace hearth::grafana

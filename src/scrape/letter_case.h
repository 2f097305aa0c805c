// SPDX-License-Identifier: Apache-2.0
// Go's strings.ToLower and ToUpper for the letters that label values have: ASCII, Latin-1, Latin
// Extended-A, Greek and Cyrillic. Other characters stay as they are. `text` is valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace hearth::scrape {

std::string ToLowerText(std::string_view text);
std::string ToUpperText(std::string_view text);

}  // namespace hearth::scrape

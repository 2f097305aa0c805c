// SPDX-License-Identifier: Apache-2.0
// The date forms of the AWS protocols, to and from epoch milliseconds (UTC). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::auth {

// 20260807T120000Z, SigV4's X-Amz-Date.
std::string FormatAmzDate(int64_t ms);
bool ParseAmzDate(std::string_view text, int64_t* ms);
// 2026-08-07T12:00:00Z, aws:CurrentTime and the query protocol's timestamps.
std::string FormatIsoDate(int64_t ms);
// The above, with fractions of a second, an offset (+02:00), or as a date alone.
bool ParseIsoDate(std::string_view text, int64_t* ms);
// Fri, 07 Aug 2026 12:00:00 GMT, the HTTP Date header.
bool ParseHttpDate(std::string_view text, int64_t* ms);

}  // namespace hearth::auth

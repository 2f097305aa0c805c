// SPDX-License-Identifier: Apache-2.0
// The bridge between std::string_view and Debian's absl::string_view, and the few text operations
// that every module wants. Hash containers keyed by text: base/string_map.h.
#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

// Pieces of `text` between `separator`s; "" yields one empty piece. The views point into `text`.
std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view TrimSpace(std::string_view text);  // ASCII white space at both ends
std::string ToLowerAscii(std::string_view text);
bool EqualsIgnoreCaseAscii(std::string_view a, std::string_view b);

std::string HexEncode(std::string_view bytes);              // lower case
bool HexDecode(std::string_view text, std::string* bytes);  // false: odd length or not hex
std::string Base64Encode(std::string_view bytes);           // standard alphabet, padded
bool Base64Decode(std::string_view text, std::string* bytes);
std::string Base64UrlEncode(std::string_view bytes);  // URL alphabet, no padding (JWT)
bool Base64UrlDecode(std::string_view text, std::string* bytes);

// RFC 3986 percent-encoding of everything but unreserved characters; `keep_slash` leaves '/'.
std::string PercentEncode(std::string_view text, bool keep_slash);
// Decodes %XX; false where an escape is malformed. `plus_is_space` as in HTML forms.
bool PercentDecode(std::string_view text, bool plus_is_space, std::string* out);

bool IsValidUtf8(std::string_view text);

// Decimal integer that fills all of `text`; false on anything else or overflow.
bool ParseInt64(std::string_view text, int64_t* value);
bool ParseUint64(std::string_view text, uint64_t* value);

}  // namespace hearth

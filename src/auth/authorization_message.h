// SPDX-License-Identifier: Apache-2.0
// What a refusal by policy tells those who may know more than the refused: the message that
// sts:DecodeAuthorizationMessage opens. Nothing is stored: AWS's JSON is sealed with AES-256-GCM
// under a key that is derived for each day from the catalog's session key, so that no number of
// refusals wears out the key of the sessions. Good for 24 hours. Pure, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/rng.h"

namespace hearth::auth {

// Characters: it travels as a header, through proxies that take 4 KB of all headers together.
inline constexpr size_t kAuthorizationMessageMax = 2560;

// The message of a decision that refuses, in URL-safe base64. Condition keys, and then the lists of
// the denying statement, that would pass the limit are left out; "" where even the names do.
std::string SealAuthorizationMessage(const AccessRequest& request, const AccessDecision& decision,
                                     std::string_view key, int64_t now_ms, Rng& rng);

// AWS's JSON. Unauthenticated: not one of ours, altered, or about a principal of another account
// than `account`. DeadlineExceeded: too old.
absl::StatusOr<std::string> OpenAuthorizationMessage(std::string_view message, std::string_view key,
                                                     std::string_view account, int64_t now_ms);

}  // namespace hearth::auth

// SPDX-License-Identifier: Apache-2.0
// Sign-in links: work once and for 15 minutes. The table holds a SHA-256 of the token, never the
// token; using one is a compare-and-swap, so that of two browsers one wins.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace hearth::catalog {

inline constexpr int64_t kSignInLinkLifeMs = 15 * 60 * 1000;

struct SignInLink {
  std::string account;
  std::string workspace;  // g-…, or "" for the console
  std::string principal;  // ARN of who it signs in
  std::string role;       // ADMIN, EDITOR, VIEWER
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
};

// Returns the token (43 characters, URL-safe, 256 random bits). Fills the times.
absl::StatusOr<std::string> CreateSignInLink(Transaction& transaction, SignInLink* link);
// NotFound: never was. FailedPrecondition: used before. DeadlineExceeded: too old.
absl::StatusOr<SignInLink> UseSignInLink(Transaction& transaction, std::string_view token);
// Removes those that ended before now; returns how many.
absl::StatusOr<int64_t> PurgeSignInLinks(Transaction& transaction);

}  // namespace hearth::catalog

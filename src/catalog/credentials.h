// SPDX-License-Identifier: Apache-2.0
// Secrets of the server (root key, CA, session and link keys) and access keys with their secrets.
// Secret access keys are sealed with the root key (AES-256-GCM, bound to their key id); the root
// key itself lies in the `secrets` table, which the database's own access protects (SQLite: file
// 0600).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace hearth::catalog {

// Names in use.
inline constexpr std::string_view kRootKeyName = "root-key";              // 32 bytes, seals
inline constexpr std::string_view kSessionKeyName = "session-key";        // 32 bytes, sessions
inline constexpr std::string_view kCaCertificateName = "ca-certificate";  // PEM
inline constexpr std::string_view kCaKeyName = "ca-key";                  // PEM
inline constexpr std::string_view kServerCertificateName = "server-certificate";  // PEM chain
inline constexpr std::string_view kServerKeyName = "server-key";                  // PEM

// Any bytes. NotFound.
absl::StatusOr<std::string> GetSecret(Reader& reader, std::string_view name);
absl::Status PutSecret(Transaction& transaction, std::string_view name, std::string_view value);
// The stored one, or what `make` returns, stored. One winner among processes.
absl::StatusOr<std::string> EnsureSecret(Transaction& transaction, std::string_view name,
                                         const std::function<std::string()>& make);
// 32 random bytes on first use: for kRootKeyName and kSessionKeyName.
absl::StatusOr<std::string> EnsureRandomKey(Transaction& transaction, std::string_view name);
// Bytes under the root key, as text for a column; `context` must be the same at opening.
absl::StatusOr<std::string> SealWithRootKey(Transaction& transaction, std::string_view plain,
                                            std::string_view context);
absl::StatusOr<std::string> OpenWithRootKey(Reader& reader, std::string_view sealed,
                                            std::string_view context);

struct AccessKey {
  std::string id;      // AKIA + 16
  std::string secret;  // clear, 40 characters
  std::string account;
  std::string user_name;  // "" for the account's root user
  bool active = true;
  int64_t created_ms = 0;
  int64_t revision = 0;
};

// Fills id and secret where empty.
absl::Status CreateAccessKey(Transaction& transaction, AccessKey* key);
absl::StatusOr<AccessKey> GetAccessKey(Reader& reader, std::string_view id);
// Of one user, or of root ("").
absl::StatusOr<std::vector<AccessKey>> ListAccessKeys(Reader& reader, std::string_view account,
                                                      std::string_view user_name);
absl::Status SetAccessKeyActive(Transaction& transaction, std::string_view id, bool active);
absl::Status DeleteAccessKey(Transaction& transaction, std::string_view id);

// The account row and an access key of its root user, made where missing.
absl::StatusOr<AccessKey> EnsureRootAccessKey(Transaction& transaction, std::string_view account);

}  // namespace hearth::catalog

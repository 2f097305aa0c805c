// SPDX-License-Identifier: Apache-2.0
// Random tokens, and secrets at rest: AES-256-GCM with a fresh nonce for each value. Thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/rng.h"

namespace hearth::crypto {

inline constexpr size_t kSealKeySize = 32;

// `bytes` random bytes in URL-safe base64 without padding; 32 give a token that cannot be guessed.
std::string RandomToken(Rng& rng, size_t bytes = 32);

// `length` characters of [0-9A-Za-z], uniform: keys that must survive every shell and header.
std::string RandomAlphanumeric(Rng& rng, size_t length);

// Encrypts `plain` under a key of kSealKeySize bytes. `context` (say "credential:AKIA...") is
// authenticated, not stored: a value moved to another row does not open. The result is
// version byte 1, 12 bytes of nonce, ciphertext, 16 bytes of tag; bytes, not text.
std::string Seal(std::string_view key, std::string_view plain, std::string_view context, Rng& rng);

// The plain text, or DataLoss: wrong key, wrong context, or changed bytes (which cannot be told
// apart).
absl::StatusOr<std::string> Open(std::string_view key, std::string_view sealed,
                                 std::string_view context);

}  // namespace hearth::crypto

// SPDX-License-Identifier: Apache-2.0
// SHA-256, HMAC-SHA-256 and what is made of them; thin over OpenSSL 3. Pure functions, thread-safe,
// cannot fail: a broken OpenSSL ends the process (FATAL).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::crypto {

inline constexpr size_t kSha256Size = 32;

std::string Sha256(std::string_view bytes);     // 32 raw bytes
std::string Sha256Hex(std::string_view bytes);  // 64 lower-case hex digits (SigV4's form)

// SHA-256 of bytes that come in pieces. One thread at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void Update(std::string_view bytes);
  std::string Finish();  // raw; once, nothing may follow

 private:
  void* context_;  // EVP_MD_CTX
};

std::string HmacSha256(std::string_view key, std::string_view message);     // 32 raw bytes
std::string HmacSha256Hex(std::string_view key, std::string_view message);  // lower case

// HKDF-SHA-256 (RFC 5869): `size` bytes (at most 255 * 32) bound to `info` from key material.
std::string Hkdf(std::string_view key_material, std::string_view salt, std::string_view info,
                 size_t size);

// Equality whose time depends on the lengths only. Every comparison of signatures, tokens and
// secrets goes through it.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace hearth::crypto

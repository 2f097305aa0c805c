// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens (RFC 7519) signed with RS256, RS384, RS512, ES256 or ES384, checked against a
// JSON Web Key Set (RFC 7517). Only the signature and the shape are judged here; issuer, audience
// and times are the caller's (`auth` knows whose clock and which skew). "none" and HMAC algorithms
// are refused, always. Pure, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::crypto {

struct JwtHeader {
  std::string algorithm;  // as written: "RS256"
  std::string key_id;     // "kid", "" where there is none
};

// The registered claims, and the whole payload for the others.
struct Jwt {
  JwtHeader header;
  std::string payload_json;
  std::string issuer;
  std::string subject;
  std::vector<std::string> audience;     // one string or an array of them
  std::optional<int64_t> expires_ms;     // "exp"
  std::optional<int64_t> not_before_ms;  // "nbf"
  std::optional<int64_t> issued_ms;      // "iat"
};

// Splits and decodes without judging the signature: to learn which issuer's keys to fetch. Nothing
// in the result may be believed before Jwks::Verify. InvalidArgument: not a JWT, or above 16 KiB.
absl::StatusOr<Jwt> ParseJwtUnverified(std::string_view token);

// A key set, parsed once. Immutable, thread-safe.
class Jwks {
 public:
  // Keys of unknown type or use are passed over, as RFC 7517 section 5 wants; InvalidArgument where
  // the document is not a key set or holds no usable key. At most 128 keys are read.
  static absl::StatusOr<Jwks> Parse(std::string_view json);

  // The token if a key of this set signed it. The key is the one named by "kid"; where the token
  // names none, every key of the right type is tried. NotFound: no such key here (the caller may
  // fetch the set again: keys rotate). Unauthenticated: the signature is wrong. InvalidArgument:
  // not a JWT or an algorithm that is not served.
  absl::StatusOr<Jwt> Verify(std::string_view token) const;

  size_t size() const;

 private:
  struct Key;
  std::vector<std::shared_ptr<const Key>> keys_;
};

}  // namespace hearth::crypto

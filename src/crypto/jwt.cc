// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/status.h"
#include "base/text.h"

namespace hearth::crypto {
namespace {

using Json = nlohmann::json;

constexpr size_t kTokenBytesMax = 16 << 10;  // STS takes 20,000 characters; EKS tokens have 1,200
constexpr size_t kJwksBytesMax = 1 << 20;
constexpr size_t kKeysMax = 128;
constexpr int kRsaBitsMin = 2048;   // RFC 7518, 3.3
constexpr int kRsaBitsMax = 16384;  // larger ones are an attack on whoever verifies

using KeyPtr = std::shared_ptr<EVP_PKEY>;
using BnPtr = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

struct Algorithm {
  std::string_view name;
  std::string_view digest;
  bool rsa;
  std::string_view curve;  // of ECDSA
  size_t coordinate_bytes;
};

constexpr std::array<Algorithm, 5> kAlgorithms = {{
    {"RS256", "SHA256", true, "", 0},
    {"RS384", "SHA384", true, "", 0},
    {"RS512", "SHA512", true, "", 0},
    {"ES256", "SHA256", false, "P-256", 32},
    {"ES384", "SHA384", false, "P-384", 48},
}};

const Algorithm* FindAlgorithm(std::string_view name) {
  for (const Algorithm& algorithm : kAlgorithms) {
    if (algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Foreign JSON: no exceptions, and no nesting that would exhaust the stack when it is freed.
Json ParseJson(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  const auto watch = [&](int level, Json::parse_event_t, Json&) {
    depth = level;
    deepest = std::max(deepest, depth);
    return level < 32;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, false);
  return deepest < 32 ? json : Json(Json::value_t::discarded);
}

std::string Text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// NumericDate: seconds, fractions allowed (RFC 7519, 2).
std::optional<int64_t> TimeMs(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(std::abs(seconds) < 1e12)) return std::nullopt;
  return static_cast<int64_t>(seconds * 1000);
}

struct Parts {
  Jwt jwt;
  std::string_view signed_text;
  std::string signature;
};

absl::StatusOr<Parts> ParseParts(std::string_view token) {
  if (token.size() > kTokenBytesMax) {
    return InvalidArgument("the token of {} bytes is larger than {}", token.size(), kTokenBytesMax);
  }
  const auto pieces = Split(token, '.');
  if (pieces.size() != 3) return InvalidArgument("the token is not a JWT: it needs three parts");
  std::string header_text;
  Parts parts;
  if (!Base64UrlDecode(pieces[0], &header_text) ||
      !Base64UrlDecode(pieces[1], &parts.jwt.payload_json) ||
      !Base64UrlDecode(pieces[2], &parts.signature)) {
    return InvalidArgument("the token is not a JWT: a part is not base64url");
  }
  const Json header = ParseJson(header_text);
  const Json payload = ParseJson(parts.jwt.payload_json);
  if (!header.is_object() || !payload.is_object()) {
    return InvalidArgument("the token is not a JWT: a part is not a JSON object");
  }
  // RFC 7515, 4.1.11: what we do not understand and is critical makes the token invalid.
  if (header.contains("crit")) return InvalidArgument("the token has critical extensions");
  parts.jwt.header.algorithm = Text(header, "alg");
  parts.jwt.header.key_id = Text(header, "kid");
  parts.jwt.issuer = Text(payload, "iss");
  parts.jwt.subject = Text(payload, "sub");
  parts.jwt.expires_ms = TimeMs(payload, "exp");
  parts.jwt.not_before_ms = TimeMs(payload, "nbf");
  parts.jwt.issued_ms = TimeMs(payload, "iat");
  const auto audience = payload.find("aud");
  if (audience != payload.end() && audience->is_string()) {
    parts.jwt.audience.push_back(audience->get<std::string>());
  } else if (audience != payload.end() && audience->is_array()) {
    for (const Json& one : *audience) {
      if (one.is_string()) parts.jwt.audience.push_back(one.get<std::string>());
    }
  }
  parts.signed_text = token.substr(0, pieces[0].size() + 1 + pieces[1].size());
  return parts;
}

KeyPtr FromParameters(const char* type, OSSL_PARAM_BLD* builder) {
  OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr);
  EVP_PKEY* key = nullptr;
  if (parameters != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context) == 1) {
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
  }
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  ERR_clear_error();
  return {key, &EVP_PKEY_free};
}

KeyPtr RsaKey(const Json& jwk) {
  std::string modulus;
  std::string exponent;
  if (!Base64UrlDecode(Text(jwk, "n"), &modulus) || !Base64UrlDecode(Text(jwk, "e"), &exponent) ||
      modulus.size() > kRsaBitsMax / 8 || exponent.empty() || exponent.size() > 8) {
    return nullptr;
  }
  const BnPtr n(BN_bin2bn(Bytes(modulus), static_cast<int>(modulus.size()), nullptr), &BN_free);
  const BnPtr e(BN_bin2bn(Bytes(exponent), static_cast<int>(exponent.size()), nullptr), &BN_free);
  if (n == nullptr || e == nullptr || BN_num_bits(n.get()) < kRsaBitsMin) return nullptr;
  const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> builder(
      OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return FromParameters("RSA", builder.get());
}

KeyPtr EcKey(const Json& jwk, const Algorithm& algorithm) {
  std::string x;
  std::string y;
  if (!Base64UrlDecode(Text(jwk, "x"), &x) || !Base64UrlDecode(Text(jwk, "y"), &y) ||
      x.size() != algorithm.coordinate_bytes || y.size() != algorithm.coordinate_bytes) {
    return nullptr;
  }
  const std::string point = '\x04' + x + y;  // SEC 1, 2.3.3: uncompressed
  const std::string curve(algorithm.curve);
  const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> builder(
      OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str(), 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return FromParameters("EC", builder.get());
}

// A JWS carries r and s side by side (RFC 7518, 3.4); OpenSSL wants them in DER.
std::string EcSignatureToDer(std::string_view raw, size_t coordinate_bytes) {
  if (raw.size() != 2 * coordinate_bytes) return {};
  const int half = static_cast<int>(coordinate_bytes);
  ECDSA_SIG* signature = ECDSA_SIG_new();
  BIGNUM* r = BN_bin2bn(Bytes(raw), half, nullptr);
  BIGNUM* s = BN_bin2bn(Bytes(raw.substr(coordinate_bytes)), half, nullptr);
  ECDSA_SIG_set0(signature, r, s);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature, &der);
  std::string out;
  if (size > 0) out.assign(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  ECDSA_SIG_free(signature);
  return out;
}

bool IsSignature(EVP_PKEY* key, const Algorithm& algorithm, std::string_view text,
                 std::string_view raw_signature) {
  const std::string signature = algorithm.rsa
                                    ? std::string(raw_signature)
                                    : EcSignatureToDer(raw_signature, algorithm.coordinate_bytes);
  const std::string digest(algorithm.digest);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool ok =
      EVP_DigestVerifyInit_ex(context, nullptr, digest.c_str(), nullptr, nullptr, key, nullptr) ==
          1 &&
      EVP_DigestVerify(context, Bytes(signature), signature.size(), Bytes(text), text.size()) == 1;
  EVP_MD_CTX_free(context);
  ERR_clear_error();
  return ok;
}

}  // namespace

struct Jwks::Key {
  std::string id;
  std::string algorithm;  // "" where the key does not say
  bool rsa = false;
  std::string curve;
  KeyPtr key;

  bool Fits(const Algorithm& wanted) const {
    return rsa == wanted.rsa && curve == wanted.curve &&
           (algorithm.empty() || algorithm == wanted.name);
  }
};

absl::StatusOr<Jwt> ParseJwtUnverified(std::string_view token) {
  TRY_ASSIGN(Parts parts, ParseParts(token));
  return std::move(parts.jwt);
}

absl::StatusOr<Jwks> Jwks::Parse(std::string_view text) {
  if (text.size() > kJwksBytesMax) {
    return InvalidArgument("the key set of {} bytes is larger than {}", text.size(), kJwksBytesMax);
  }
  const Json json = ParseJson(text);
  const auto keys = json.is_object() ? json.find("keys") : json.end();
  if (!json.is_object() || keys == json.end() || !keys->is_array()) {
    return InvalidArgument("not a JSON Web Key Set: no array \"keys\"");
  }
  Jwks set;
  for (const Json& jwk : *keys) {
    if (set.keys_.size() >= kKeysMax) break;
    if (!jwk.is_object()) continue;
    const std::string use = Text(jwk, "use");
    if (!use.empty() && use != "sig") continue;
    auto key = std::make_shared<Key>();
    key->id = Text(jwk, "kid");
    key->algorithm = Text(jwk, "alg");
    const std::string type = Text(jwk, "kty");
    if (type == "RSA") {
      key->rsa = true;
      key->key = RsaKey(jwk);
    } else if (type == "EC") {
      key->curve = Text(jwk, "crv");
      for (const Algorithm& algorithm : kAlgorithms) {
        if (!algorithm.rsa && algorithm.curve == key->curve) key->key = EcKey(jwk, algorithm);
      }
    }
    if (key->key != nullptr) set.keys_.push_back(std::move(key));
  }
  if (set.keys_.empty()) return InvalidArgument("the JSON Web Key Set holds no usable key");
  return set;
}

absl::StatusOr<Jwt> Jwks::Verify(std::string_view token) const {
  TRY_ASSIGN(Parts parts, ParseParts(token));
  const Algorithm* algorithm = FindAlgorithm(parts.jwt.header.algorithm);
  if (algorithm == nullptr) {
    return InvalidArgument("the token's algorithm \"{}\" is not served",
                           parts.jwt.header.algorithm.substr(0, 32));
  }
  const std::string& id = parts.jwt.header.key_id;
  bool tried = false;
  for (const auto& key : keys_) {
    if (!key->Fits(*algorithm) || (!id.empty() && key->id != id)) continue;
    tried = true;
    if (IsSignature(key->key.get(), *algorithm, parts.signed_text, parts.signature)) {
      return std::move(parts.jwt);
    }
  }
  if (!tried) return NotFound("no key \"{}\" for {}", id.substr(0, 128), algorithm->name);
  return Unauthenticated("the token's signature is wrong");
}

size_t Jwks::size() const { return keys_.size(); }

}  // namespace hearth::crypto

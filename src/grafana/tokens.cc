// SPDX-License-Identifier: Apache-2.0
#include "grafana/tokens.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace hearth::grafana {
namespace {

constexpr std::string_view kPrefix = "glsa_";
constexpr size_t kSecretSize = 32;  // 190 bits
constexpr size_t kChecksumSize = 8;
constexpr std::string_view kApiKeyPrefix = "eyJr";  // {"k
constexpr size_t kApiKeyMax = 1024;                 // a name of 100 characters and its escapes

uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

}  // namespace

std::string TokenChecksum(std::string_view body) {
  uint32_t crc = Crc32(body);
  std::string bytes;
  for (int i = 0; i < 4; ++i, crc >>= 8) bytes += static_cast<char>(crc & 0xff);
  return HexEncode(bytes);
}

std::string NewServiceAccountToken(Rng& rng) {
  const std::string body = std::string(kPrefix) + crypto::RandomAlphanumeric(rng, kSecretSize);
  return body + "_" + TokenChecksum(body);
}

std::string NewApiKey(Rng& rng, std::string_view name) {
  // Grafana's member order; "id" is the organisation.
  const nlohmann::ordered_json key = {
      {"k", crypto::RandomAlphanumeric(rng, kSecretSize)}, {"n", name}, {"id", 1}};
  return Base64Encode(key.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

bool LooksLikeToken(std::string_view token) {
  if (token.starts_with(kApiKeyPrefix)) return token.size() <= kApiKeyMax;
  constexpr size_t kBody = kPrefix.size() + kSecretSize;
  return token.size() == kBody + 1 + kChecksumSize && token.starts_with(kPrefix) &&
         token[kBody] == '_' &&
         crypto::ConstantTimeEquals(TokenChecksum(token.substr(0, kBody)), token.substr(kBody + 1));
}

}  // namespace hearth::grafana

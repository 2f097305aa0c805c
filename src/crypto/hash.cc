// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"
#include "base/text.h"

namespace hearth::crypto {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string* text) { return reinterpret_cast<unsigned char*>(text->data()); }

// OpenSSL 3 looks algorithms up by name; once is enough.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) Fatal("OpenSSL has no SHA-256");
  return algorithm;
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string out(kSha256Size, '\0');
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), Bytes(&out), &size, Sha256Algorithm(), nullptr) != 1) {
    Fatal("OpenSSL cannot hash");
  }
  return out;
}

std::string Sha256Hex(std::string_view bytes) { return HexEncode(Sha256(bytes)); }

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr ||
      EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), Sha256Algorithm(), nullptr) != 1) {
    Fatal("OpenSSL cannot hash");
  }
}

Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256Stream::Update(std::string_view bytes) {
  if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) != 1) {
    Fatal("OpenSSL cannot hash");
  }
}

std::string Sha256Stream::Finish() {
  std::string out(kSha256Size, '\0');
  if (EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), Bytes(&out), nullptr) != 1) {
    Fatal("OpenSSL cannot hash");
  }
  return out;
}

std::string HmacSha256(std::string_view key, std::string_view message) {
  std::string out(kSha256Size, '\0');
  unsigned size = 0;
  static constexpr char kNoKey[] = "";  // OpenSSL takes a null key for "the key of before"
  const char* key_bytes = key.empty() ? kNoKey : key.data();
  if (HMAC(Sha256Algorithm(), key_bytes, static_cast<int>(key.size()), Bytes(message),
           message.size(), Bytes(&out), &size) == nullptr) {
    Fatal("OpenSSL cannot make an HMAC");
  }
  return out;
}

std::string HmacSha256Hex(std::string_view key, std::string_view message) {
  return HexEncode(HmacSha256(key, message));
}

std::string Hkdf(std::string_view key_material, std::string_view salt, std::string_view info,
                 size_t size) {
  CHECK(size > 0 && size <= 255 * kSha256Size);
  // RFC 5869: extract, then expand. Two lines of HMAC beat OpenSSL's parameter lists.
  const std::string no_salt(kSha256Size, '\0');
  const std::string key = HmacSha256(salt.empty() ? std::string_view(no_salt) : salt, key_material);
  std::string out;
  std::string block;
  for (unsigned char counter = 1; out.size() < size; ++counter) {
    block.append(info);
    block.push_back(static_cast<char>(counter));
    block = HmacSha256(key, block);
    out.append(block);
  }
  out.resize(size);
  return out;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace hearth::crypto

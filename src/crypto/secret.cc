// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::crypto {
namespace {

constexpr char kVersion = 1;
constexpr size_t kNonceSize = 12;  // NIST SP 800-38D, 5.2.1.1
constexpr size_t kTagSize = 16;
constexpr std::string_view kAlphanumeric =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

using ContextPtr = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(char* text) { return reinterpret_cast<unsigned char*>(text); }

ContextPtr NewContext() {
  ContextPtr context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  if (context == nullptr) Fatal("OpenSSL cannot encrypt");
  return context;
}

}  // namespace

std::string RandomToken(Rng& rng, size_t bytes) { return Base64UrlEncode(rng.Bytes(bytes)); }

std::string RandomAlphanumeric(Rng& rng, size_t length) { return rng.Text(length, kAlphanumeric); }

std::string Seal(std::string_view key, std::string_view plain, std::string_view context, Rng& rng) {
  CHECK(key.size() == kSealKeySize);
  const std::string nonce = rng.Bytes(kNonceSize);
  std::string out(1 + kNonceSize + plain.size() + kTagSize, '\0');
  out[0] = kVersion;
  out.replace(1, kNonceSize, nonce);
  char* const cipher_text = out.data() + 1 + kNonceSize;
  const ContextPtr cipher = NewContext();
  int size = 0;
  const bool ok =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(cipher_text), &size, Bytes(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(cipher_text) + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize,
                          cipher_text + plain.size()) == 1;
  if (!ok) Fatal("OpenSSL cannot encrypt");
  return out;
}

absl::StatusOr<std::string> Open(std::string_view key, std::string_view sealed,
                                 std::string_view context) {
  CHECK(key.size() == kSealKeySize);
  if (sealed.size() < 1 + kNonceSize + kTagSize || sealed[0] != kVersion) {
    return DataLoss("a sealed secret of {} bytes is cut or of an unknown version", sealed.size());
  }
  const std::string_view nonce = sealed.substr(1, kNonceSize);
  const std::string_view cipher_text =
      sealed.substr(1 + kNonceSize, sealed.size() - 1 - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  std::string plain(cipher_text.size() + 1, '\0');
  const ContextPtr cipher = NewContext();
  int size = 0;
  int rest = 0;
  const bool ok =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(plain.data()), &size, Bytes(cipher_text),
                        static_cast<int>(cipher_text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(plain.data()) + size, &rest) == 1;
  if (!ok) return DataLoss("a sealed secret does not open: other key, other row, or changed bytes");
  plain.resize(cipher_text.size());
  return plain;
}

}  // namespace hearth::crypto

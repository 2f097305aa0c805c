// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificates.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::crypto {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;
// Clients whose clock is a little behind must not refuse a fresh certificate.
constexpr int64_t kBackdateMs = 3600 * 1000;

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

absl::Status OpenSslError(std::string_view what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return InvalidArgument("{}: {}", what, text.data());
}

BioPtr Reader(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

std::string ToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return TakeText(bio.get());
}

std::string ToPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TakeText(bio.get());
}

absl::StatusOr<X509Ptr> ReadCertificate(std::string_view pem) {
  ERR_clear_error();
  X509Ptr certificate(PEM_read_bio_X509(Reader(pem).get(), nullptr, nullptr, nullptr), &X509_free);
  if (certificate == nullptr) return OpenSslError("the certificate cannot be read");
  return certificate;
}

absl::StatusOr<KeyPtr> ReadKey(std::string_view pem) {
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (key == nullptr) return OpenSslError("the private key cannot be read");
  return key;
}

int64_t ToMs(const ASN1_TIME* time) {
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> epoch(ASN1_TIME_set(nullptr, 0),
                                                                    &ASN1_TIME_free);
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
  return days * kDayMs + seconds * 1000LL;
}

// "DNS:localhost,IP:127.0.0.1": OpenSSL's own notation of alternative names.
std::string AlternativeNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    std::array<unsigned char, 16> bytes{};
    const bool ip = ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
                    ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
    if (!text.empty()) text += ',';
    text += (ip ? "IP:" : "DNS:") + name;
  }
  return text;
}

// One that OpenSSL's notation would read as something else would slip names in.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '*';
  });
}

struct Plan {
  std::string common_name;
  std::vector<std::string> names;  // empty: a CA
  int64_t not_before_ms = 0;
  int64_t not_after_ms = 0;
};

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// A certificate for `key`; signed by itself where `issuer` is null.
X509Ptr MakeCertificate(const Plan& plan, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  X509Ptr certificate(X509_new(), &X509_free);
  CHECK(certificate != nullptr);
  X509* x509 = certificate.get();
  CHECK(X509_set_version(x509, X509_VERSION_3) == 1);
  std::array<unsigned char, 16> serial{};
  if (RAND_bytes(serial.data(), serial.size()) != 1) Fatal("OpenSSL has no random bytes");
  serial[0] &= 0x7f;  // RFC 5280, 4.1.2.2: positive
  BIGNUM* number = BN_bin2bn(serial.data(), serial.size(), nullptr);
  CHECK(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nullptr);
  BN_free(number);
  ASN1_TIME_set(X509_getm_notBefore(x509), plan.not_before_ms / 1000);
  ASN1_TIME_set(X509_getm_notAfter(x509), plan.not_after_ms / 1000);
  X509_NAME* name = X509_get_subject_name(x509);
  const auto add = [name](const char* field, const std::string& value) {
    CHECK(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(value.data()),
                                     static_cast<int>(value.size()), -1, 0) == 1);
  };
  add("O", "hearth");
  add("CN", plan.common_name);
  CHECK(X509_set_issuer_name(x509, issuer != nullptr ? X509_get_subject_name(issuer) : name) == 1);
  CHECK(X509_set_pubkey(x509, key) == 1);
  X509* parent = issuer != nullptr ? issuer : x509;
  AddExtension(x509, parent, NID_subject_key_identifier, "hash");
  AddExtension(x509, parent, NID_authority_key_identifier, "keyid:always");
  if (plan.names.empty()) {
    AddExtension(x509, parent, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    AddExtension(x509, parent, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    AddExtension(x509, parent, NID_basic_constraints, "critical,CA:FALSE");
    AddExtension(x509, parent, NID_key_usage, "critical,digitalSignature");
    AddExtension(x509, parent, NID_ext_key_usage, "serverAuth");
    AddExtension(x509, parent, NID_subject_alt_name, AlternativeNames(plan.names));
  }
  CHECK(X509_sign(x509, issuer_key != nullptr ? issuer_key : key, EVP_sha256()) > 0);
  return certificate;
}

KeyPtr MakeKey() {
  KeyPtr key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  if (key == nullptr) Fatal("OpenSSL cannot make a key");
  return key;
}

bool IsGood(const std::string& pem, const std::string& key_pem, int64_t now_ms) {
  if (pem.empty() || !CheckKeyPair(pem, key_pem).ok()) return false;
  const auto info = InspectCertificate(pem);
  return info.ok() && info->not_before_ms <= now_ms &&
         info->not_after_ms - now_ms >= kRenewBeforeDays * kDayMs;
}

bool IsSignedBy(const std::string& pem, X509* ca) {
  const auto certificate = ReadCertificate(pem);
  return certificate.ok() && X509_verify(certificate->get(), X509_get0_pubkey(ca)) == 1;
}

std::vector<std::string> ReadNames(X509* certificate) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    int type = 0;
    const auto* text = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    const unsigned char* data = ASN1_STRING_get0_data(text);
    const int size = ASN1_STRING_length(text);
    if (type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    } else if (size == 4 || size == 16) {
      std::array<char, INET6_ADDRSTRLEN> printed{};
      ::inet_ntop(size == 4 ? AF_INET : AF_INET6, data, printed.data(), printed.size());
      names.emplace_back(printed.data());
    }
  }
  GENERAL_NAMES_free(list);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Normalized(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

absl::StatusOr<CertificateInfo> InspectCertificate(std::string_view pem) {
  TRY_ASSIGN(const X509Ptr certificate, ReadCertificate(pem));
  CertificateInfo info;
  info.names = ReadNames(certificate.get());
  info.not_before_ms = ToMs(X509_get0_notBefore(certificate.get()));
  info.not_after_ms = ToMs(X509_get0_notAfter(certificate.get()));
  info.is_ca = X509_check_ca(certificate.get()) == 1;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CHECK(X509_digest(certificate.get(), EVP_sha1(), digest.data(), &size) == 1);
  info.sha1_hex = HexEncode({reinterpret_cast<const char*>(digest.data()), size});
  return info;
}

absl::Status CheckKeyPair(std::string_view pem, std::string_view key_pem) {
  TRY_ASSIGN(const X509Ptr certificate, ReadCertificate(pem));
  TRY_ASSIGN(const KeyPtr key, ReadKey(key_pem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("the private key does not belong to the certificate");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RefreshTlsSet(const std::vector<std::string>& names, int64_t now_ms,
                                   TlsSet* set) {
  const std::vector<std::string> wanted = Normalized(names);
  if (wanted.empty()) return InvalidArgument("a server certificate needs a name");
  for (const std::string& name : wanted) {
    if (!IsPlainName(name)) return InvalidArgument("\"{}\" is not a host name or address", name);
  }
  bool changed = false;
  if (!IsGood(set->ca_pem, set->ca_key_pem, now_ms)) {
    const KeyPtr key = MakeKey();
    // A random part in the name keeps two CAs apart in a trust store.
    std::array<unsigned char, 4> mark{};
    if (RAND_bytes(mark.data(), mark.size()) != 1) Fatal("OpenSSL has no random bytes");
    Plan plan;
    plan.common_name =
        "hearth CA " + HexEncode({reinterpret_cast<const char*>(mark.data()), mark.size()});
    plan.not_before_ms = now_ms - kBackdateMs;
    plan.not_after_ms = now_ms + kCaLifetimeDays * kDayMs;
    set->ca_pem = ToPem(MakeCertificate(plan, key.get(), nullptr, nullptr).get());
    set->ca_key_pem = ToPem(key.get());
    changed = true;
  }
  TRY_ASSIGN(const X509Ptr ca, ReadCertificate(set->ca_pem));
  TRY_ASSIGN(const KeyPtr ca_key, ReadKey(set->ca_key_pem));
  const auto current = InspectCertificate(set->server_pem);
  if (IsGood(set->server_pem, set->server_key_pem, now_ms) && current.ok() &&
      current->names == wanted && IsSignedBy(set->server_pem, ca.get())) {
    return changed;
  }
  const KeyPtr key = MakeKey();
  Plan plan;
  plan.common_name = wanted.back().substr(0, 64);  // RFC 5280's upper bound; only SANs count
  plan.names = wanted;
  plan.not_before_ms = now_ms - kBackdateMs;
  plan.not_after_ms = now_ms + kServerLifetimeDays * kDayMs;
  const X509Ptr certificate = MakeCertificate(plan, key.get(), ca.get(), ca_key.get());
  set->server_pem = ToPem(certificate.get()) + set->ca_pem;
  set->server_key_pem = ToPem(key.get());
  return true;
}

absl::Status WriteTlsDirectory(FileSystem& files, const std::string& directory, const TlsSet& set) {
  TRY(files.MakeDirectories(directory, 0700));
  TRY(files.WriteFileAtomic(JoinPath(directory, "ca.pem"), set.ca_pem, 0644));
  TRY(files.WriteFileAtomic(JoinPath(directory, "server.key"), set.server_key_pem, 0600));
  return files.WriteFileAtomic(JoinPath(directory, "server.pem"), set.server_pem, 0644);
}

}  // namespace hearth::crypto

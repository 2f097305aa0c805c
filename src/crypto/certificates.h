// SPDX-License-Identifier: Apache-2.0
// The certificate authority that a first start makes for itself, and the server certificate it
// signs: ECDSA P-256, X.509 v3, PEM. The CA lives 10 years, the server certificate one year; it is
// renewed when less than 30 days are left or the names changed. Pure but for OpenSSL's own key
// generation; thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace hearth::crypto {

inline constexpr int64_t kCaLifetimeDays = 3650;
inline constexpr int64_t kServerLifetimeDays = 365;  // clients refuse more than 398 days
inline constexpr int64_t kRenewBeforeDays = 30;

// Everything that TLS needs. The catalog keeps it (the CA key must never be on disk in the open);
// the files in DIR/tls are copies of the public parts and of the server's key.
struct TlsSet {
  std::string ca_pem;
  std::string ca_key_pem;
  std::string server_pem;  // leaf, then the CA: the chain as it is sent
  std::string server_key_pem;
};

struct CertificateInfo {
  std::vector<std::string> names;  // DNS names, then addresses in text form; sorted
  int64_t not_before_ms = 0;
  int64_t not_after_ms = 0;
  bool is_ca = false;
  std::string sha1_hex;  // of the DER form: "thumbprint" in IAM
};

// Makes what is missing, unreadable, run out or made for other names; true if `set` changed and
// must be stored. A CA that is still good is kept, so that clients who trust it go on doing so.
// `names` are DNS names and IP addresses, mixed.
absl::StatusOr<bool> RefreshTlsSet(const std::vector<std::string>& names, int64_t now_ms,
                                   TlsSet* set);

// Of the first certificate in `pem`; InvalidArgument where there is none.
absl::StatusOr<CertificateInfo> InspectCertificate(std::string_view pem);

// InvalidArgument unless the first certificate in `pem` belongs to the private key.
absl::Status CheckKeyPair(std::string_view pem, std::string_view key_pem);

// Writes ca.pem, server.pem (0644) and server.key (0600) into `directory`, made with mode 0700.
absl::Status WriteTlsDirectory(FileSystem& files, const std::string& directory, const TlsSet& set);

}  // namespace hearth::crypto

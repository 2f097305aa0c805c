// SPDX-License-Identifier: Apache-2.0
// The signing keys of OIDC issuers, for AssumeRoleWithWebIdentity and EKS Pod Identity: found by
// OpenID Connect Discovery 1.0 (<issuer>/.well-known/openid-configuration → jwks_uri), kept for a
// while, and asked for again when a token names a key that is not among them (issuers rotate).
//
// Only https is spoken, or http with this machine (localhost, 127.0.0.1, [::1]); redirects are not
// followed; link-local and metadata addresses are refused by the client's address policy. What was
// fetched is bounded in size, in time, in how often, and in how many issuers are remembered.
//
// Thread-safe. A caller may wait for Options::timeout_ms.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/string_map.h"
#include "crypto/jwt.h"
#include "net/http_client.h"

namespace hearth::access {

class OidcKeys {
 public:
  struct Options {
    int64_t timeout_ms = 4000;      // both requests together (aws-contract.md §7.2)
    int64_t fresh_ms = 600'000;     // then they are asked for again
    int64_t stale_ms = 86'400'000;  // so long they serve while the issuer cannot be reached
    int64_t refetch_min_ms = 5000;  // for an unknown key, and after a failure
    size_t fetches_max = 2;         // at once: callers' threads wait for them
    size_t issuers_max = 256;       // when full, all are forgotten
    size_t response_bytes_max = 262'144;
  };
  OidcKeys(Options options, net::HttpClient& client, const Clock& clock, Registry& metrics);

  // What is known of an issuer that was registered as a cluster's.
  struct Known {
    std::string jwks;    // its key set, given by file: then nothing is fetched
    std::string ca_pem;  // in place of the system's certificate authorities
  };

  // The token, if a key of `issuer` (its URL as the token says it) signed it. Unavailable: the
  // issuer cannot be reached or answers nonsense. NotFound: it has no such key. Unauthenticated:
  // wrong signature. InvalidArgument: no JWT, or an algorithm that is not served ("none").
  // PermissionDenied: an issuer that is neither https nor on this machine. ResourceExhausted: too
  // many issuers are being asked just now.
  absl::StatusOr<crypto::Jwt> Verify(std::string_view token, std::string_view issuer,
                                     const Known& known = {});

 private:
  struct Entry {
    std::shared_ptr<const crypto::Jwks> keys;  // null where never fetched
    int64_t fetched_ms = 0;
    int64_t tried_ms = 0;
    absl::Status failure;  // of the last attempt
    bool fetching = false;
  };
  // Keys that may be used now. `unknown_key`: those at hand have not the key that is looked for.
  absl::StatusOr<std::shared_ptr<const crypto::Jwks>> KeysOf(const std::string& issuer,
                                                             const Known& known, bool unknown_key);
  absl::StatusOr<crypto::Jwks> Fetch(const std::string& issuer, const std::string& ca_pem) const;
  absl::StatusOr<std::string> Get(const std::string& url, const std::string& ca_pem,
                                  int64_t deadline_ns) const;

  const Options options_;
  net::HttpClient& client_;
  const Clock& clock_;
  Counter& fetched_;
  Counter& failed_;
  absl::Mutex mutex_;
  StringMap<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  size_t fetching_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Whether keys may be fetched from there: https, or http with this machine.
bool IsOidcUrl(std::string_view url);

}  // namespace hearth::access

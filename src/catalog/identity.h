// SPDX-License-Identifier: Apache-2.0
// From an access key id (and session token) to its secret and its Principal with every policy that
// counts: what a face needs to verify a signature and to authorise. Keeps answers for at most
// Options::cache_ms and drops them at once when this process changes the catalog, so that a rotated
// key or a deleted role ends within that time everywhere.
//
// Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/principal.h"
#include "auth/sigv4.h"
#include "base/string_map.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

struct Identity {
  std::string secret;
  auth::Principal principal;
};

// The principal that an ARN names, with every policy that counts: arn:aws:iam::A:user/…, :role/…
// (as a session named "simulated"), :group/… (its policies alone), :root, or
// arn:aws:sts::A:assumed-role/name/session. InvalidArgument: none of these. NotFound.
absl::StatusOr<auth::Principal> LoadPrincipal(Reader& reader, std::string_view arn);

class IdentityStore {
 public:
  struct Options {
    int64_t cache_ms = 2000;          // a revoked key must end within 5 s, in other processes too
    size_t cache_entries_max = 4096;  // ~2 KB each; when full it is emptied
  };
  IdentityStore(Catalog& catalog, Options options) : catalog_(catalog), options_(options) {}

  // NotFound: no such key, inactive, its owner is gone, or a temporary key without its token.
  // Unauthenticated: the session token is not ours. DeadlineExceeded: expired. Unavailable.
  absl::StatusOr<std::shared_ptr<const Identity>> Resolve(std::string_view access_key_id,
                                                          std::string_view session_token);

  // Verifies the signature and returns who signed. When `result` is not ok the pointer is null.
  // A catalog that cannot be reached is an error of the StatusOr, not a refusal.
  absl::StatusOr<std::shared_ptr<const Identity>> Authenticate(const auth::SigV4Request& request,
                                                               const auth::SigV4Options& options,
                                                               auth::SigV4Result* result);

  // HTTP Basic with a long-term key pair. Unauthenticated where the pair is wrong.
  absl::StatusOr<std::shared_ptr<const Identity>> AuthenticateBasic(std::string_view access_key_id,
                                                                    std::string_view secret);

  // The principal of a role of ours, as a workspace's own role (session name "hearth" or given).
  absl::StatusOr<auth::Principal> PrincipalOfRole(std::string_view role_arn,
                                                  std::string_view session_name);

 private:
  struct Entry {
    std::shared_ptr<const Identity> identity;
    int64_t until_ms = 0;    // of the entry
    int64_t expires_ms = 0;  // of the session; 0 for long-term keys
    uint64_t generation = 0;
  };
  Catalog& catalog_;
  const Options options_;
  absl::Mutex mutex_;
  StringMap<Entry> cache_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// One result for a call that a client repeats because its answer was lost (aws-contract.md §1.6).
// The first result is stored, sealed with the root key, in the transaction that made the change;
// a repeat gets it back and changes nothing. Two kinds of key:
//
//   client token        account, operation, region, token. Kept for 24 h. The same token with
//                       another request is a conflict.
//   SDK invocation id   principal, operation, amz-sdk-invocation-id, hash of the request. Both SDKs
//                       send the same id on every attempt of one call. Kept for 15 min. For
//                       operations without a token, and all of IAM.
//
//   const ReplayKey key = MakeReplayKey(request, caller, account, "CreateWorkspace", token);
//   TRY_ASSIGN(StoredAnswer answer, WriteOnce(catalog, key, [&](catalog::Transaction& t)
//       -> absl::StatusOr<StoredAnswer> { …; return StoredAnswer{202, body}; }));
//   if (!answer.replayed) …what must follow a commit…
//
// Only successes are stored: an error rolls all back, and a repeat tries again. Thread-safe.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "access/gate.h"
#include "catalog/catalog.h"
#include "net/http.h"

namespace hearth::access {

// SDKs retry within minutes; Terraform's own retries last an hour at most.
inline constexpr int64_t kClientTokenLifeMs = int64_t{24} * 3600 * 1000;
// 25 attempts of the Go SDK with at most 20 s between them are over before.
inline constexpr int64_t kInvocationLifeMs = int64_t{15} * 60 * 1000;

struct ReplayKey {
  std::string key;           // "" where the request has neither: every attempt is a call of its own
  std::string request_hash;  // of method, path, query and body
  int64_t life_ms = 0;
  bool is_client_token = false;
};

// `client_token` "" where the operation has none or none was given; then the invocation id counts.
ReplayKey MakeReplayKey(const net::HttpRequest& request, const Caller& caller,
                        std::string_view account, std::string_view operation,
                        std::string_view client_token);

struct StoredAnswer {
  int status = 200;
  std::string body;       // as it goes over the wire; may hold a secret
  bool replayed = false;  // of an earlier attempt: nothing was done now
};

// Runs `body` in one write transaction unless the key is known. A client token that came with
// another request before is a ConflictException of rest_json.h. Other errors: those of `body` and
// of the catalog.
absl::StatusOr<StoredAnswer> WriteOnce(
    catalog::Catalog& catalog, const ReplayKey& key,
    absl::FunctionRef<absl::StatusOr<StoredAnswer>(catalog::Transaction&)> body);

// The same as WriteOnce, in two halves, for a face that must be in the transaction itself.
absl::StatusOr<StoredAnswer> FindReplay(catalog::Reader& reader, const ReplayKey& key);  // NotFound
absl::Status StoreReplay(catalog::Transaction& transaction, const ReplayKey& key,
                         const StoredAnswer& answer);

}  // namespace hearth::access

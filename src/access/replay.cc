// SPDX-License-Identifier: Apache-2.0
#include "access/replay.h"

#include <fmt/core.h>

#include "access/rest_json.h"
#include "base/status.h"
#include "catalog/credentials.h"
#include "catalog/idempotency.h"
#include "crypto/hash.h"

namespace hearth::access {
namespace {

// An invocation id is a UUID; whatever else comes is cut to what a key may hold.
constexpr size_t kInvocationIdMax = 128;

}  // namespace

ReplayKey MakeReplayKey(const net::HttpRequest& request, const Caller& caller,
                        std::string_view account, std::string_view operation,
                        std::string_view client_token) {
  ReplayKey key;
  key.request_hash = crypto::Sha256Hex(
      fmt::format("{}\n{}\n{}\n{}", request.method, request.path, request.query, request.body));
  if (!client_token.empty()) {
    key.is_client_token = true;
    key.life_ms = kClientTokenLifeMs;
    key.key = "token/" + crypto::Sha256Hex(fmt::format("{}\n{}\n{}\n{}", account, operation,
                                                       caller.region, client_token));
    return key;
  }
  const std::string_view id = request.headers.Find("amz-sdk-invocation-id");
  if (id.empty() || id.size() > kInvocationIdMax) return key;
  key.life_ms = kInvocationLifeMs;
  key.key =
      "call/" + crypto::Sha256Hex(fmt::format("{}\n{}\n{}\n{}\n{}", caller.principal->arn,
                                              operation, caller.region, id, key.request_hash));
  return key;
}

absl::StatusOr<StoredAnswer> FindReplay(catalog::Reader& reader, const ReplayKey& key) {
  if (key.key.empty()) return NotFound("no replay key");
  TRY_ASSIGN(const catalog::IdempotentResult found, catalog::FindIdempotentResult(reader, key.key));
  if (found.request_hash != key.request_hash) {
    return ResourceConflict("The client token was used before for another request", "",
                            "clientToken");
  }
  StoredAnswer answer;
  answer.status = found.status;
  answer.replayed = true;
  TRY_ASSIGN(answer.body, catalog::OpenWithRootKey(reader, found.body, key.key));
  return answer;
}

absl::Status StoreReplay(catalog::Transaction& transaction, const ReplayKey& key,
                         const StoredAnswer& answer) {
  if (key.key.empty()) return absl::OkStatus();
  TRY(catalog::PurgeIdempotentResults(transaction).status());
  TRY_ASSIGN(const std::string sealed, catalog::SealWithRootKey(transaction, answer.body, key.key));
  return catalog::StoreIdempotentResult(transaction, key.key,
                                        {key.request_hash, answer.status, sealed}, key.life_ms);
}

absl::StatusOr<StoredAnswer> WriteOnce(
    catalog::Catalog& catalog, const ReplayKey& key,
    absl::FunctionRef<absl::StatusOr<StoredAnswer>(catalog::Transaction&)> body) {
  return catalog.Write([&](catalog::Transaction& transaction) -> absl::StatusOr<StoredAnswer> {
    auto before = FindReplay(transaction, key);
    if (!absl::IsNotFound(before.status())) return before;
    TRY_ASSIGN(StoredAnswer answer, body(transaction));
    TRY(StoreReplay(transaction, key, answer));
    return answer;
  });
}

}  // namespace hearth::access

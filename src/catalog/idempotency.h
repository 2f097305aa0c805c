// SPDX-License-Identifier: Apache-2.0
// Results of calls that clients repeat after a lost answer: kept in the transaction that made the
// change, found before the next attempt makes it again. The key names principal or account,
// operation, region and client token (or SDK invocation id).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace hearth::catalog {

struct IdempotentResult {
  std::string request_hash;  // of the body: another body under the same token is a conflict
  int status = 0;            // HTTP
  std::string body;
};

// NotFound where there is none or it is past its life.
absl::StatusOr<IdempotentResult> FindIdempotentResult(Reader& reader, std::string_view key);
// AlreadyExists where another attempt was first.
absl::Status StoreIdempotentResult(Transaction& transaction, std::string_view key,
                                   const IdempotentResult& result, int64_t life_ms);
absl::StatusOr<int64_t> PurgeIdempotentResults(Transaction& transaction);

}  // namespace hearth::catalog

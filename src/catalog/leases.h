// SPDX-License-Identifier: Apache-2.0
// Ownership of what must be one among several processes (a rule group, a scraper, an HA election):
// a row with an owner, an end, and a fence that grows with every change of owner. Work done under a
// lease carries its fence; whoever applies it refuses a smaller fence than it has seen.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace hearth::catalog {

struct Lease {
  std::string name;
  std::string owner;
  int64_t fence = 0;
  int64_t expires_ms = 0;
};

// Takes it where it is free, ended or ours already (then it is prolonged, same fence).
// FailedPrecondition, naming the owner, where another has it.
absl::StatusOr<Lease> AcquireLease(Transaction& transaction, std::string_view name,
                                   std::string_view owner, int64_t life_ms);
// Gives it up; OK where it is not ours any more.
absl::Status ReleaseLease(Transaction& transaction, const Lease& lease);
absl::StatusOr<Lease> GetLease(Reader& reader, std::string_view name);

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// What whoever keeps answers of a store has to ask before an answer is given again.
//
//   n = change_number(); evaluate; keep the answer with n
//   later: ChangedSince(n, what the answer looked at) is empty → the answer is still right
//
// `n` is taken before the evaluation begins: what is written while it runs has a higher number, and
// whatever has a number of at most `n` is seen by every Select that begins afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "storage/querier.h"

namespace hearth::storage {

// Thread-safe. Numbers mean nothing to another store, nor after a restart.
class Changes {
 public:
  virtual ~Changes() = default;
  // Names the store within this process: never used for another one, not even one opened later over
  // the same directory.
  virtual uint64_t store_number() const = 0;
  virtual uint64_t change_number() const = 0;
  // Times within `range` whose samples may be others than they were at `number`, ascending and
  // apart. May name too much, never too little.
  virtual std::vector<TimeRange> ChangedSince(uint64_t number, TimeRange range) const = 0;
  // Samples before it are not seen now; it moves with the clock and with retention.
  virtual int64_t visible_from_ms() const = 0;
};

}  // namespace hearth::storage

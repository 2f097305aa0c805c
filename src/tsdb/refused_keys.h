// SPDX-License-Identifier: Apache-2.0
// The newest keys of series that were refused for want of room, so that an explosion that comes
// again with each scrape is refused without decoding its labels. A bounded, direct-mapped table:
// a new key takes the place of an older one; what it forgets is judged anew. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tsdb/series_key.h"

namespace hearth::tsdb {

class RefusedKeys {
 public:
  void Add(const SeriesKey& key) {
    if (++added_ > slots_.size() && slots_.size() < kSlotsMax) {
      slots_.assign(slots_.empty() ? kSlotsFirst : slots_.size() * 4, 0);
      added_ = 0;
    }
    slots_[key.low & (slots_.size() - 1)] = Print(key);
  }
  bool Has(const SeriesKey& key) const {
    return !slots_.empty() && slots_[key.low & (slots_.size() - 1)] == Print(key);
  }
  void Prefetch(const SeriesKey& key) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[key.low & (slots_.size() - 1)]);
  }
  // Called where a series was made: a refused key may be another encoding of it.
  void Forget() { ++round_; }
  bool empty() const { return slots_.empty(); }
  size_t memory_bytes() const { return slots_.capacity() * sizeof(uint64_t); }

 private:
  static constexpr size_t kSlotsFirst = size_t{1} << 14;
  static constexpr size_t kSlotsMax = size_t{1} << 20;  // 8 MiB
  // Never 0, which is a free slot. The low bits chose the slot, the others tell keys apart.
  uint64_t Print(const SeriesKey& key) const {
    return std::max<uint64_t>(key.high ^ (key.low >> 20) ^ (round_ * 0x9e3779b97f4a7c15), 1);
  }
  std::vector<uint64_t> slots_;
  size_t added_ = 0;
  uint64_t round_ = 0;
};

}  // namespace hearth::tsdb

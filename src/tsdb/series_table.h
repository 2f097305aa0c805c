// SPDX-License-Identifier: Apache-2.0
// Which series have a key, by 8 bytes each: {32 bits of the key, number + 1}, the same bits
// choosing the place, so that it grows without looking at the series. The rest of the key is the
// caller's to compare. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tsdb/series_key.h"

namespace hearth::tsdb {

class SeriesTable {
 public:
  SeriesTable() : slots_(kFirst) {}

  // Room for `n` without growing.
  void Reserve(size_t n) {
    if (n * 5 > slots_.size() * 4) Grow(n * 5 / 4 + 1);
  }
  void Add(const SeriesKey& key, uint32_t id) {
    if ((count_ + 1) * 5 > slots_.size() * 4) Grow(slots_.size() * 3 / 2);
    Put(uint64_t{Tag(key)} << 32 | (id + 1));
    ++count_;
  }
  void Prefetch(const SeriesKey& key) const { __builtin_prefetch(&slots_[Place(Tag(key))]); }
  // The number that is most likely the key's, without a look at the series: for prefetching.
  uint32_t Guess(const SeriesKey& key) const {
    return Find(key, [](uint32_t) { return true; });
  }
  // The first for which matches(number) holds, or kNone.
  template <typename Matches>
  uint32_t Find(const SeriesKey& key, const Matches& matches) const {
    const uint32_t tag = Tag(key);
    for (size_t at = Place(tag); slots_[at] != 0;) {
      const auto id = static_cast<uint32_t>(slots_[at]) - 1;
      if (slots_[at] >> 32 == tag && matches(id)) return id;
      if (++at == slots_.size()) at = 0;
    }
    return kNone;
  }
  size_t memory_bytes() const { return slots_.size() * sizeof(uint64_t); }

  static constexpr uint32_t kNone = UINT32_MAX;

 private:
  static constexpr size_t kFirst = 64;
  static uint32_t Tag(const SeriesKey& key) { return static_cast<uint32_t>(key.low); }
  size_t Place(uint32_t tag) const { return (uint64_t{tag} * slots_.size()) >> 32; }
  void Put(uint64_t slot) {
    size_t at = Place(static_cast<uint32_t>(slot >> 32));
    while (slots_[at] != 0) {
      if (++at == slots_.size()) at = 0;
    }
    slots_[at] = slot;
  }
  void Grow(size_t size) {
    const std::vector<uint64_t> old = std::exchange(slots_, std::vector<uint64_t>(size));
    for (const uint64_t slot : old) {
      if (slot != 0) Put(slot);
    }
  }
  std::vector<uint64_t> slots_;  // 0: free
  size_t count_ = 0;
};

}  // namespace hearth::tsdb

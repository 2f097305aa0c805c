// SPDX-License-Identifier: Apache-2.0
// By what a series is found without decoding its labels: 128 bits of hash over the bytes that a
// request brings, under a secret of the process, so that nobody can aim two label sets at one key
// (docs/adr/0009).
//
//   OfFields      a run of label fields of remote write 1.0
//   OfPacked      packed labels: the key of the run that every plain sender of 1.0 makes of them,
//                 so that such a run is found without any table but the series' own
//   OfReferences  label references of remote write 2.0: the hashes of the texts, mixed in order
//
// Thread-safe: immutable.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/series_hash.h"

namespace hearth::tsdb {

struct SeriesKey {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
};

class SeriesKeyMaker {
 public:
  // `bits`: of each half how many count; fewer than 64 only where collisions are wanted, in tests.
  explicit SeriesKeyMaker(uint64_t seed, unsigned bits = 64);

  SeriesKey OfFields(std::string_view run) const;
  // `scratch` is used as memory.
  SeriesKey OfPacked(std::string_view packed, std::string* scratch) const;
  // `hashes` of all texts of a request, for OfReferences.
  void HashSymbols(std::span<const std::string_view> symbols, std::vector<SeriesKey>* hashes) const;
  // `references`: varints, which must be below symbols.size(). False where they are not.
  bool OfReferences(std::string_view references, std::span<const SeriesKey> symbols,
                    SeriesKey* key) const;

 private:
  std::array<uint8_t, kHashSecretBytes> secret_;
  SeriesHashFunction hash_;
  uint64_t mask_;
};

}  // namespace hearth::tsdb

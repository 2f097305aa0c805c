// SPDX-License-Identifier: Apache-2.0
// The label sets of a head, without a byte twice: (name, value) pairs are kept once and have
// numbers; a set is a difference to an anchor, the set of a series of the same target that came
// before, as most labels of a target's series are the same.
//
//   pair    packed name and value (model/labels.h), in bytes_
//   anchor  the pairs of one set, in anchor_pairs_
//   set     varint anchor, varint n, n bits: which of its labels are its own, a bit for each pair
//           of the anchor: which are the anchor's, then the own pairs' numbers as varints
//
// Sets are numbered from 0 and never change. One thread adds (Head's lock); reading sets that were
// there before needs no lock.
#pragma once

#include <absl/functional/function_ref.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "tsdb/segments.h"

namespace hearth::tsdb {

class LabelStore {
 public:
  explicit LabelStore(uint64_t seed) : seed_(seed) {}

  // The next set: well-formed packed labels. `pairs`: their pairs, new ones having numbers from the
  // pair_count() of before on.
  void Add(std::string_view packed, std::vector<uint32_t>* pairs);
  size_t size() const { return sets_.size(); }
  size_t pair_count() const { return pairs_.size(); }
  bool full() const { return bytes_.full(); }
  // The pair's number, or kNone.
  uint32_t FindPair(std::string_view name, std::string_view value) const;
  model::Label pair(uint32_t pair) const;

  void Append(uint32_t set, std::string* packed) const;
  bool Equals(uint32_t set, std::string_view packed) const;
  std::strong_ordering Compare(uint32_t a, uint32_t b) const;
  // The set's first pair in the order of names, or kNone.
  uint32_t FirstPair(uint32_t set) const;
  // "" where absent.
  std::string_view Value(uint32_t set, std::string_view name) const;
  size_t memory_bytes() const;

  static constexpr uint32_t kNone = UINT32_MAX;

 private:
  struct Anchor {
    uint32_t first = 0;  // in anchor_pairs_
    uint32_t size = 0;
  };
  class Reader;
  static constexpr size_t kRecentAnchors = 4;

  std::string_view text(uint32_t pair) const;  // packed
  uint32_t FindText(std::string_view packed_pair, uint32_t hash) const;
  uint32_t Intern(std::string_view packed_pair);
  // `place`: of the pair in its set.
  uint32_t InternNear(std::string_view packed_pair, size_t place);
  void GrowTable();
  // How many of `pairs` the anchor has, in `shared_` which of its own.
  size_t CountShared(const Anchor& anchor, const std::vector<uint32_t>& pairs,
                     std::vector<uint8_t>* shared) const;
  uint32_t ChooseAnchor(const std::vector<uint32_t>& pairs);

  const uint64_t seed_;
  ByteSegments<4> bytes_;
  Segments<uint32_t> pairs_;  // their texts in bytes_
  Segments<Anchor> anchors_;
  Segments<uint32_t> anchor_pairs_;
  Segments<uint32_t> sets_;      // in bytes_
  std::vector<uint64_t> table_;  // hash << 32 | pair + 1; the hash chooses the place; 0: free
  std::array<uint32_t, kRecentAnchors> recent_{};  // newest first
  std::vector<uint8_t> shared_;                    // of the anchor chosen last
  std::vector<uint8_t> tried_;
  std::string set_;             // being built
  std::vector<uint32_t> ends_;  // of the labels in the set that is added
  // The set added last: its packed labels, where each ends, and their pairs.
  std::string last_packed_;
  std::vector<uint32_t> last_ends_;
  std::vector<uint32_t> last_pairs_;
};

}  // namespace hearth::tsdb

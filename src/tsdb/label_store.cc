// SPDX-License-Identifier: Apache-2.0
#include "tsdb/label_store.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

constexpr size_t kTableFirst = 64;

size_t Slot(uint32_t hash, size_t slots) { return (uint64_t{hash} * slots) >> 32; }

// The bytes that one label takes at the front of packed labels.
size_t LabelBytes(std::string_view packed) {
  ByteReader reader(packed);
  reader.Bytes();
  reader.Bytes();
  return static_cast<size_t>(reader.at() - packed.data());
}

// What was written by Add: no end to look out for.
uint64_t ReadVarint(const uint8_t** at) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const uint8_t byte = *(*at)++;
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
}

bool Bit(const uint8_t* bits, size_t i) { return (bits[i / 8] >> (i % 8) & 1) != 0; }

void PutBits(size_t n, const auto& bit, std::string* out) {
  for (size_t i = 0; i < n; i += 8) {
    unsigned byte = 0;
    for (size_t j = i; j < std::min(n, i + 8); ++j) byte |= (bit(j) ? 1U : 0U) << (j - i);
    out->push_back(static_cast<char>(byte));
  }
}

}  // namespace

// The pairs of a set, in the order of their names.
class LabelStore::Reader {
 public:
  Reader(const LabelStore& store, uint32_t set) : store_(store) {
    own_ = store.bytes_.at(store.sets_[set]);
    anchor_ = store.anchors_[ReadVarint(&own_)];
    left_ = size_ = ReadVarint(&own_);
    is_own_ = own_;
    own_ += (size_ + 7) / 8;
    of_anchor_ = own_;
    own_ += (anchor_.size + 7) / 8;
  }
  bool done() const { return left_ == 0; }
  uint32_t Next() {
    const size_t i = size_ - left_--;
    if (Bit(is_own_, i)) return static_cast<uint32_t>(ReadVarint(&own_));
    while (!Bit(of_anchor_, next_)) ++next_;
    return store_.anchor_pairs_[anchor_.first + next_++];
  }

 private:
  const LabelStore& store_;
  Anchor anchor_;
  const uint8_t* own_;
  const uint8_t* is_own_;
  const uint8_t* of_anchor_;
  size_t size_ = 0;
  size_t left_ = 0;
  size_t next_ = 0;
};

std::string_view LabelStore::text(uint32_t pair) const {
  const uint8_t* const begin = bytes_.at(pairs_[pair]);
  const uint8_t* at = begin;
  for (int part = 0; part < 2; ++part) {
    const uint64_t size = ReadVarint(&at);
    at += size;
  }
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(at - begin)};
}

model::Label LabelStore::pair(uint32_t pair) const {
  return *model::LabelsView(text(pair)).begin();
}

uint32_t LabelStore::FindText(std::string_view packed_pair, uint32_t hash) const {
  if (table_.empty()) return kNone;
  for (size_t slot = Slot(hash, table_.size()); table_[slot] != 0;) {
    const auto pair = static_cast<uint32_t>(table_[slot]) - 1;
    if (table_[slot] >> 32 == hash && text(pair) == packed_pair) return pair;
    if (++slot == table_.size()) slot = 0;
  }
  return kNone;
}

uint32_t LabelStore::FindPair(std::string_view name, std::string_view value) const {
  std::string packed;
  model::AppendPacked(name, value, &packed);
  return FindText(packed,
                  static_cast<uint32_t>(XXH3_64bits_withSeed(packed.data(), packed.size(), seed_)));
}

void LabelStore::GrowTable() {
  std::vector<uint64_t> old = std::move(table_);
  table_.assign(std::max(kTableFirst, old.size() * 3 / 2), 0);
  for (const uint64_t entry : old) {
    if (entry == 0) continue;
    size_t slot = Slot(static_cast<uint32_t>(entry >> 32), table_.size());
    while (table_[slot] != 0) {
      if (++slot == table_.size()) slot = 0;
    }
    table_[slot] = entry;
  }
}

uint32_t LabelStore::Intern(std::string_view packed_pair) {
  const auto hash =
      static_cast<uint32_t>(XXH3_64bits_withSeed(packed_pair.data(), packed_pair.size(), seed_));
  if (const uint32_t found = FindText(packed_pair, hash); found != kNone) return found;
  if ((pairs_.size() + 1) * 5 > table_.size() * 4) GrowTable();
  const auto pair = static_cast<uint32_t>(pairs_.size());
  const uint32_t at = bytes_.Allocate(packed_pair.size());
  std::memcpy(bytes_.at(at), packed_pair.data(), packed_pair.size());
  pairs_.Add(at);
  size_t slot = Slot(hash, table_.size());
  while (table_[slot] != 0) {
    if (++slot == table_.size()) slot = 0;
  }
  table_[slot] = uint64_t{hash} << 32 | (pair + 1);
  return pair;
}

// Sets come target by target: most labels are those of the set before, at the same place or one
// beside it.
uint32_t LabelStore::InternNear(std::string_view packed_pair, size_t place) {
  const size_t end = std::min(place + 2, last_pairs_.size());
  for (size_t i = place == 0 ? 0 : place - 1; i < end; ++i) {
    const uint32_t begin = i == 0 ? 0 : last_ends_[i - 1];
    const std::string_view text(last_packed_.data() + begin, last_ends_[i] - begin);
    if (text == packed_pair) return last_pairs_[i];
  }
  return Intern(packed_pair);
}

size_t LabelStore::CountShared(const Anchor& anchor, const std::vector<uint32_t>& pairs,
                               std::vector<uint8_t>* shared) const {
  shared->assign(anchor.size, 0);
  size_t count = 0;
  size_t from = 0;
  // Both are in the order of names, so that what is found later lies later.
  for (uint32_t i = 0; i < anchor.size && from < pairs.size(); ++i) {
    const uint32_t wanted = anchor_pairs_[anchor.first + i];
    for (size_t j = from; j < pairs.size(); ++j) {
      if (pairs[j] != wanted) continue;
      (*shared)[i] = 1;
      ++count;
      from = j + 1;
      break;
    }
  }
  return count;
}

// Leaves in shared_ what of the anchor the set has. A set that has little in common with the newest
// anchors becomes one.
uint32_t LabelStore::ChooseAnchor(const std::vector<uint32_t>& pairs) {
  const size_t known = std::min(anchors_.size(), kRecentAnchors);
  size_t best = kRecentAnchors;
  size_t most = 0;
  for (size_t i = 0; i < known; ++i) {
    const size_t count = CountShared(anchors_[recent_[i]], pairs, &tried_);
    if (best != kRecentAnchors && count <= most) continue;
    best = i;
    most = count;
    shared_.swap(tried_);
    if (count + 3 >= pairs.size()) break;
  }
  if (best == kRecentAnchors || most * 2 < pairs.size()) {
    const auto first = static_cast<uint32_t>(anchor_pairs_.size());
    for (const uint32_t pair : pairs) anchor_pairs_.Add(pair);
    best = known < kRecentAnchors ? known : kRecentAnchors - 1;
    recent_[best] = static_cast<uint32_t>(anchors_.size());
    anchors_.Add({first, static_cast<uint32_t>(pairs.size())});
    shared_.assign(pairs.size(), 1);
  }
  std::rotate(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(best),
              recent_.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  return recent_[0];
}

void LabelStore::Add(std::string_view packed, std::vector<uint32_t>* pairs) {
  pairs->clear();
  for (size_t begin = 0; begin < packed.size();) {
    const std::string_view one = packed.substr(begin, LabelBytes(packed.substr(begin)));
    pairs->push_back(InternNear(one, pairs->size()));
    begin += one.size();
    ends_.push_back(static_cast<uint32_t>(begin));
  }
  last_packed_ = packed;
  last_ends_.swap(ends_);
  last_pairs_ = *pairs;
  ends_.clear();
  const uint32_t chosen = ChooseAnchor(*pairs);
  const Anchor anchor = anchors_[chosen];
  set_.clear();
  PutVarint(chosen, &set_);
  PutVarint(pairs->size(), &set_);
  // An own pair is one that is not the next of those shared with the anchor.
  std::vector<uint8_t>& own = tried_;
  own.assign(pairs->size(), 1);
  size_t at = 0;
  for (uint32_t i = 0; i < anchor.size; ++i) {
    if (shared_[i] == 0) continue;
    while ((*pairs)[at] != anchor_pairs_[anchor.first + i]) ++at;
    own[at++] = 0;
  }
  PutBits(
      own.size(), [&](size_t i) { return own[i] != 0; }, &set_);
  PutBits(
      anchor.size, [&](size_t i) { return shared_[i] != 0; }, &set_);
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i] != 0) PutVarint((*pairs)[i], &set_);
  }
  const uint32_t place = bytes_.Allocate(set_.size());
  std::memcpy(bytes_.at(place), set_.data(), set_.size());
  sets_.Add(place);
}

void LabelStore::Append(uint32_t set, std::string* packed) const {
  for (Reader reader(*this, set); !reader.done();) packed->append(text(reader.Next()));
}

bool LabelStore::Equals(uint32_t set, std::string_view packed) const {
  for (Reader reader(*this, set); !reader.done();) {
    const std::string_view one = text(reader.Next());
    if (!packed.starts_with(one)) return false;
    packed.remove_prefix(one.size());
  }
  return packed.empty();
}

std::strong_ordering LabelStore::Compare(uint32_t a, uint32_t b) const {
  Reader left(*this, a);
  Reader right(*this, b);
  while (!left.done() && !right.done()) {
    const uint32_t one = left.Next();
    const uint32_t other = right.Next();
    if (one == other) continue;
    return model::LabelsView(text(one)).Compare(model::LabelsView(text(other)));
  }
  return left.done() ? (right.done() ? std::strong_ordering::equal : std::strong_ordering::less)
                     : std::strong_ordering::greater;
}

uint32_t LabelStore::FirstPair(uint32_t set) const {
  Reader reader(*this, set);
  return reader.done() ? kNone : reader.Next();
}

std::string_view LabelStore::Value(uint32_t set, std::string_view name) const {
  for (Reader reader(*this, set); !reader.done();) {
    const model::Label label = pair(reader.Next());
    if (label.name == name) return label.value;
    if (label.name > name) break;
  }
  return {};
}

size_t LabelStore::memory_bytes() const {
  return bytes_.memory_bytes() + pairs_.memory_bytes() + anchors_.memory_bytes() +
         anchor_pairs_.memory_bytes() + sets_.memory_bytes() + table_.size() * sizeof(uint64_t);
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// The values of one label name in a block, numbered in the order of their first series.
// docs/formats/block.md, "Label values": sorted and front-coded, then the numbers in that order.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "tsdb/coding.h"
#include "tsdb/label_arena.h"

namespace hearth::tsdb {

// Numbers as bytes that compress well: a mode byte (1: changes), the first as a varint, a width,
// and the rest in planes of so many bytes, as they are or as zigzag changes.
void PutNumbers(std::span<const uint64_t> numbers, std::string* out);
bool GetNumbers(ByteReader* reader, std::span<uint64_t> numbers);

// The same, not unpacked yet; for whoever can do with less than 64 bits each.
struct PackedNumbers {
  size_t count = 0;
  bool by_change = false;
  uint8_t width = 0;
  uint64_t first = 0;
  std::string_view planes;  // of the count - 1 others
  bool constant() const { return width == 0 && (by_change || first == 0 || count == 1); }
};
bool TakeNumbers(ByteReader* reader, size_t count, PackedNumbers* packed);
void UnpackNumbers(const PackedNumbers& packed, std::span<uint64_t> numbers);

// Not thread-safe.
class LabelDictionaryBuilder {
 public:
  uint32_t Number(std::string_view value);  // that of the value, which may be new
  size_t size() const { return values_.size(); }
  size_t memory_bytes() const { return memory_bytes_; }
  std::string Bytes() const;

 private:
  LabelArena text_;
  std::vector<std::string_view> values_;
  absl::flat_hash_map<std::string_view, uint32_t, TransparentStringHash, TransparentStringEqual>
      numbers_;
  size_t memory_bytes_ = 0;
};

// Immutable, thread-safe.
class LabelDictionary {
 public:
  // `size` values, each of a byte at least, sorted, no two the same; null where that is not so.
  static std::shared_ptr<const LabelDictionary> Parse(ByteReader* reader, size_t size);

  size_t size() const { return order_.size(); }
  size_t memory_bytes() const { return text_.capacity() + order_.size() * 12; }
  std::string_view value(uint32_t number) const {
    return std::string_view(text_).substr(begin_[number], size_[number]);
  }
  bool Find(std::string_view value, uint32_t* number) const;
  std::span<const uint32_t> sorted() const { return order_; }  // numbers by value

 private:
  std::string text_;
  std::vector<uint32_t> begin_;  // by number
  std::vector<uint32_t> size_;
  std::vector<uint32_t> order_;
};

}  // namespace hearth::tsdb

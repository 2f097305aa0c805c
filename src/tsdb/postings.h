// SPDX-License-Identifier: Apache-2.0
// The series that have one label pair: rising numbers, kept as runs (first number, length) in
// varints, the newest run apart. Few of them lie inside; more on the heap. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hearth::tsdb {

class Postings {
 public:
  Postings() = default;
  Postings(Postings&& other) noexcept;
  Postings& operator=(Postings&& other) = delete;
  ~Postings();

  void Add(uint32_t id);  // above all that are there
  size_t size() const { return count_; }
  void AppendTo(std::vector<uint32_t>* ids) const;
  void AppendNewest(size_t count, std::vector<uint32_t>* ids) const;  // that many at most
  // Calls visit(first, length) for each run, ascending.
  template <typename Visit>
  void ForEachRun(const Visit& visit) const;
  size_t heap_bytes() const { return on_heap_ != 0 ? heap_.capacity : 0; }

 private:
  static constexpr size_t kInside = 15;
  void PutByte(uint8_t byte);
  void PutVarint(uint32_t value);
  const uint8_t* bytes() const { return on_heap_ != 0 ? heap_.data : inside_.data; }
  size_t byte_count() const { return on_heap_ != 0 ? heap_.size : inside_.size; }

  uint32_t count_ : 31 = 0;
  uint32_t on_heap_ : 1 = 0;
  uint32_t closed_end_ = 0;  // one above the last number of the runs in the bytes
  uint32_t first_ = 0;       // of the newest run
  uint32_t length_ = 0;
  struct Heap {
    uint8_t* data;
    uint32_t size;
    uint32_t capacity;
  };
  struct Inside {
    uint8_t data[kInside];
    uint8_t size;
  };
  union {
    Inside inside_ = {};
    Heap heap_;
  };
};

template <typename Visit>
void Postings::ForEachRun(const Visit& visit) const {
  const uint8_t* at = bytes();
  const uint8_t* const end = at + byte_count();
  const auto varint = [&at] {
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t byte = *at++;
      value |= uint32_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
  };
  uint32_t next = 0;
  while (at < end) {
    const uint32_t gap = varint();
    const uint32_t length = varint();
    visit(next + gap, length);
    next += gap + length;
  }
  if (length_ > 0) visit(first_, length_);
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/postings.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace hearth::tsdb {
namespace {

constexpr uint32_t kHeapFirst = 32;

}  // namespace

Postings::Postings(Postings&& other) noexcept
    : count_(other.count_),
      on_heap_(other.on_heap_),
      closed_end_(other.closed_end_),
      first_(other.first_),
      length_(other.length_) {
  if (on_heap_ != 0) {
    heap_ = other.heap_;
    other.on_heap_ = 0;
    other.inside_ = {};
  } else {
    inside_ = other.inside_;
  }
}

Postings::~Postings() {
  if (on_heap_ != 0) delete[] heap_.data;
}

void Postings::PutByte(uint8_t byte) {
  if (on_heap_ == 0) {
    if (inside_.size < kInside) {
      inside_.data[inside_.size++] = byte;
      return;
    }
    Heap heap{new uint8_t[kHeapFirst], kInside, kHeapFirst};
    std::memcpy(heap.data, inside_.data, kInside);
    heap_ = heap;
    on_heap_ = 1;
  }
  if (heap_.size == heap_.capacity) {
    const uint32_t capacity = heap_.capacity + std::max(heap_.capacity / 4, kHeapFirst);
    auto* const grown = new uint8_t[capacity];
    std::memcpy(grown, heap_.data, heap_.size);
    delete[] std::exchange(heap_.data, grown);
    heap_.capacity = capacity;
  }
  heap_.data[heap_.size++] = byte;
}

void Postings::PutVarint(uint32_t value) {
  for (; value >= 0x80; value >>= 7) PutByte(static_cast<uint8_t>(value | 0x80));
  PutByte(static_cast<uint8_t>(value));
}

void Postings::Add(uint32_t id) {
  ++count_;
  if (length_ > 0 && id == first_ + length_) {
    ++length_;
    return;
  }
  CHECK(id >= first_ + length_);
  if (length_ > 0) {
    PutVarint(first_ - closed_end_);
    PutVarint(length_);
    closed_end_ = first_ + length_;
  }
  first_ = id;
  length_ = 1;
}

void Postings::AppendTo(std::vector<uint32_t>* ids) const {
  const size_t begin = ids->size();
  ids->resize(begin + count_);
  uint32_t* out = ids->data() + begin;
  ForEachRun([&out](uint32_t first, uint32_t length) {
    for (uint32_t i = 0; i < length; ++i) *out++ = first + i;
  });
}

void Postings::AppendNewest(size_t count, std::vector<uint32_t>* ids) const {
  size_t skip = count_ - std::min<size_t>(count, count_);
  ForEachRun([&](uint32_t first, uint32_t length) {
    const auto skipped = static_cast<uint32_t>(std::min<size_t>(skip, length));
    skip -= skipped;
    for (uint32_t i = skipped; i < length; ++i) ids->push_back(first + i);
  });
}

}  // namespace hearth::tsdb

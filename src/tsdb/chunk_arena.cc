// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk_arena.h"

#include <cstring>

namespace hearth::tsdb {

uint32_t ChunkArena::TakePage(uint8_t size_class) {
  uint32_t number = 0;
  if (!free_pages_.empty()) {
    number = free_pages_.back();
    free_pages_.pop_back();
  } else {
    number = static_cast<uint32_t>(pages_.size());
    pages_.emplace_back();
    auto& segment = segments_[Place(number).segment];
    if (segment == nullptr) {
      const size_t pages = size_t{1} << Place(number).segment;
      segment = std::make_unique_for_overwrite<uint8_t[]>(pages * kPageBytes + kSlack);
    }
  }
  const uint16_t high = pages_[number].high;
  pages_[number] = Page();
  pages_[number].high = high;
  pages_[number].size_class = size_class;
  // 0 is no block.
  if (number == 0) pages_[number].next = 1;
  return number;
}

uint32_t ChunkArena::Allocate(uint8_t size_class) {
  std::vector<uint32_t>& partial = partial_[size_class];
  while (!partial.empty()) {
    const Page& page = pages_[partial.back()];
    if (page.size_class == size_class && page.live > 0 && HasRoom(page)) break;
    if (page.size_class == size_class) pages_[partial.back()].listed = false;
    partial.pop_back();
  }
  if (partial.empty()) {
    partial.push_back(TakePage(size_class));
    pages_[partial.back()].listed = true;
  }
  const uint32_t number = partial.back();
  Page& page = pages_[number];
  const auto units = static_cast<uint16_t>(kSizes[size_class] / kUnit);
  const auto first = static_cast<uint32_t>(number * kPageUnits);
  uint16_t block = page.free;
  if (block != kNoBlock) {
    std::memcpy(&page.free, at(first + block), sizeof page.free);
  } else {
    block = page.next;
    page.next = static_cast<uint16_t>(page.next + units);
    if (page.next > page.high) {
      touched_ += size_t{static_cast<uint16_t>(page.next - page.high)} * kUnit;
      page.high = page.next;
    }
  }
  ++page.live;
  used_ += kSizes[size_class];
  return first + block;
}

void ChunkArena::Free(uint32_t ref) {
  const auto number = static_cast<uint32_t>(ref / kPageUnits);
  Page& page = pages_[number];
  used_ -= kSizes[page.size_class];
  if (--page.live == 0) {
    free_pages_.push_back(number);
    return;
  }
  std::memcpy(at(ref), &page.free, sizeof page.free);
  page.free = static_cast<uint16_t>(ref % kPageUnits);
  if (page.listed) return;
  page.listed = true;
  partial_[page.size_class].push_back(number);
}

}  // namespace hearth::tsdb

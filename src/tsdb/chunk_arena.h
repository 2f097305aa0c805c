// SPDX-License-Identifier: Apache-2.0
// Memory of the head's open chunks: blocks of a few sizes, each a quarter to a third larger than
// the one before. A page holds blocks of one size; series grow in step, so that a size's pages
// become free together, for the next larger one. Not thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace hearth::tsdb {

class ChunkArena {
 public:
  // The last one holds the longest chunk (chunk.h). Multiples of kUnit.
  static constexpr std::array<uint16_t, 20> kSizes = {24,  32,   40,   48,   64,   80,  104,
                                                      136, 176,  232,  304,  400,  520, 680,
                                                      888, 1160, 1512, 2048, 3072, 4864};
  // Readers may touch so many bytes beyond a block's end.
  static constexpr size_t kSlack = 16;

  uint32_t Allocate(uint8_t size_class);  // never 0
  void Free(uint32_t ref);
  uint8_t* at(uint32_t ref) {
    const Place place(ref / kPageUnits);
    return segments_[place.segment].get() + place.page * kPageBytes +
           size_t{ref % kPageUnits} * kUnit;
  }
  const uint8_t* at(uint32_t ref) const { return const_cast<ChunkArena*>(this)->at(ref); }
  // Numbers run out: far beyond any budget of memory but the largest.
  bool full() const { return pages_.size() >= kPagesMax; }
  size_t used_bytes() const { return used_; }       // of blocks in use
  size_t memory_bytes() const { return touched_; }  // with those that are free

 private:
  static constexpr size_t kUnit = 8;
  static constexpr size_t kPageBytes = 16384;
  static constexpr size_t kPageUnits = kPageBytes / kUnit;
  static constexpr size_t kPagesMax = (size_t{1} << 32) / kPageUnits - (size_t{1} << 12);
  static constexpr uint16_t kNoBlock = UINT16_MAX;
  struct Page {
    uint16_t live = 0;
    uint16_t free = kNoBlock;  // the first free block, in units
    uint16_t next = 0;         // where blocks begin that were never in use, in units
    uint16_t high = 0;         // what of the page was ever in use
    uint8_t size_class = 0;
    bool listed = false;  // in partial_
  };
  // Segments of twice the pages of the one before, so that nothing moves.
  struct Place {
    explicit Place(size_t i)
        : segment(static_cast<size_t>(std::bit_width(i + 1)) - 1),
          page(i + 1 - (size_t{1} << segment)) {}
    size_t segment;
    size_t page;
  };
  static bool HasRoom(const Page& page) {
    return page.free != kNoBlock || page.next + kSizes[page.size_class] / kUnit <= kPageUnits;
  }
  uint32_t TakePage(uint8_t size_class);

  std::array<std::unique_ptr<uint8_t[]>, 32> segments_;
  std::vector<Page> pages_;
  std::vector<uint32_t> free_pages_;
  // Pages with room, of each size; some entries are out of date.
  std::array<std::vector<uint32_t>, kSizes.size()> partial_;
  size_t used_ = 0;
  size_t touched_ = 0;
};

}  // namespace hearth::tsdb

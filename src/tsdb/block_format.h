// SPDX-License-Identifier: Apache-2.0
// The shape of a block file, shared by its writer and its reader. docs/formats/block.md.
//
//   "HEARTHBK"  u32 version  u32 CRC-32C of these 12 bytes
//   part…       zstd; pages of values, of times, of label values; groups of series
//   section…    zstd; labels, groups, timelines, pages: which parts there are
//   footer      what is where, what is in it
//   u32 footer bytes  u32 CRC-32C of the footer  u32 version  "HBFT"
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/appender.h"

namespace hearth::tsdb {

inline constexpr std::string_view kBlockMagic = "HEARTHBK";
inline constexpr std::string_view kFooterMagic = "HBFT";
// What is written. Blocks of kBlockVersionMin on are read: those of 3 know nothing of their
// columns.
inline constexpr uint32_t kBlockVersion = 4;
inline constexpr uint32_t kBlockVersionMin = 3;
inline constexpr size_t kBlockHeaderBytes = 16;
inline constexpr size_t kTrailerBytes = 16;
// A page holds so many bytes before compression, and what crosses it: small enough that one series
// costs little, large enough for zstd. 128 KiB would be 1 % smaller.
inline constexpr size_t kPageBytes = 64 << 10;
// Series of one group: read as one, so that a query for few does not load the labels of all.
inline constexpr uint32_t kGroupSeries = 16 << 10;
// Label names times series of one group: it ends before a series that would bring more.
inline constexpr size_t kGroupCells = 2 << 20;
// Columns and histogram chunks of one group: one that crosses it is the last.
inline constexpr size_t kGroupChunks = 256 << 10;
// Of one series: ten years of one sample a second. Beyond it the block is refused.
inline constexpr size_t kSeriesChunksMax = 768 << 10;
// What a damaged size may make us allocate, at most.
inline constexpr size_t kPageBytesMax = 16 << 20;
inline constexpr size_t kGroupBytesMax = 256 << 20;
inline constexpr size_t kSectionBytesMax = size_t{1} << 30;

enum Section : size_t { kLabels, kGroups, kTimelines, kPages, kSections };

// A compressed run of bytes of the file.
struct Extent {
  uint64_t offset = 0;
  uint64_t stored = 0;  // compressed bytes
  uint64_t raw = 0;
  uint32_t crc = 0;  // of the compressed bytes
};
// `end`: where the part before it in the same list ended; moved on.
void PutExtent(const Extent& extent, uint64_t* end, std::string* out);

// What the manifest and the block's own footer say.
struct BlockMeta {
  std::string id;           // uuid; the blob's name
  uint64_t size = 0;        // of the file; 0 inside the footer
  uint64_t data_bytes = 0;  // of it: pages of values and of times; the rest is index
  uint64_t series = 0;
  uint64_t samples = 0;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  uint32_t level = 0;        // 0: sealed from the head; a merge is one above its highest source
  uint64_t sequence = 0;     // order of writing: at equal times the lower one's sample counts
  storage::Position covers;  // every frame up to here is in this block or in earlier ones
  std::vector<std::string> sources;  // blocks that this one replaces
  uint64_t tombstones_from = 0;      // deletions of a lower number are no concern of this block
  friend bool operator==(const BlockMeta&, const BlockMeta&) = default;
};
void PutMeta(const BlockMeta& meta, std::string* out);

struct Footer {
  uint32_t version = kBlockVersion;
  BlockMeta meta;
  Extent sections[kSections];
};
// Footer and trailer.
std::string FooterBytes(const Footer& footer);
// `tail`: the last bytes of a file, at least the trailer. *needed: how many make the whole footer,
// trailer included; the footer is parsed when they are there. FailedPrecondition: another version.
absl::Status ParseFooter(std::string_view tail, size_t* needed, Footer* footer);

class ByteReader;
bool GetExtent(ByteReader* reader, uint64_t* end, Extent* extent);
bool GetMeta(ByteReader* reader, BlockMeta* meta);

}  // namespace hearth::tsdb

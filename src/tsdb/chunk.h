// SPDX-License-Identifier: Apache-2.0
// The head's compressed run of samples of one series: a bit stream, least significant bit first.
// It lives in memory only (what goes to disk is encoded anew, docs/formats/block.md).
//
//   first sample   64 bits time, 64 bits value
//   each other     0                         same spacing as before, same value
//                  10 V                      same spacing, value V
//                  11 T 0 | 11 T 1 V         spacing changes by T, value same | V
//   T (zigzag)     0+7  10+14  110+20  1110+32  1111+64 bits
//   V              0 k n bits                integers: n nibbles (4 bits say how many) of the
//                                            zigzag change of the change (k=0) or change (k=1)
//                  10 bits                   XOR with the value before, in the window before
//                  110 lead(5) size(6) bits  XOR, new window
//                  1110                      staleness marker
//                  1111 bits(64)             the value as it is
//
// Spacing starts at 0. A value is an integer if it equals one of at most 2^53 and is not -0. Values
// are kept bit for bit. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace hearth::tsdb {

// Chunks are closed at so many samples: a query for minutes should not decode hours.
inline constexpr uint32_t kChunkSamplesMax = 240;
// Readers and writers touch so many bytes beyond a stream's end.
inline constexpr size_t kChunkSlack = 16;

// What is known of a stream without decoding it.
struct ChunkShape {
  bool regular = true;  // all spacings are the same: first, last and count say each time
  bool marked = false;  // it holds a staleness marker
};

// A finished chunk. Immutable.
struct Chunk {
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  uint32_t count = 0;
  uint32_t bytes = 0;  // without slack
  ChunkShape shape;
  std::unique_ptr<uint8_t[]> data;
};

// All of a stream's samples, `count` of each.
void DecodeChunk(const uint8_t* data, uint32_t count, int64_t* times_ms, double* values);
// The values alone, `count` of them, of a regular stream.
void DecodeRegularChunk(const uint8_t* data, uint32_t count, double* values);
// `count` times, evenly from first to last.
void RegularTimes(int64_t first_ms, int64_t last_ms, uint32_t count, int64_t* times_ms);

class ChunkBuilder {
 public:
  // `time_ms` is above that of the sample before. False: full, the sample was not taken.
  bool Append(int64_t time_ms, uint64_t value_bits);
  uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  int64_t first_ms() const { return first_ms_; }
  int64_t last_ms() const { return last_ms_; }
  const uint8_t* data() const { return data_.get(); }
  uint32_t bytes() const { return (bits_ + 7) / 8; }
  ChunkShape shape() const { return shape_; }
  size_t memory_bytes() const { return capacity_; }
  // What was built; the builder is empty afterwards. Finish copies into memory of the exact size,
  // for chunks that stay; Take hands over the buffer, for chunks that will be gone soon.
  Chunk Finish();
  Chunk Take();

 private:
  void Put(uint64_t value, unsigned bits);
  void PutTime(int64_t change);
  void PutValue(uint64_t value_bits);
  bool PutInteger(uint64_t value_bits);
  void Reserve();

  std::unique_ptr<uint8_t[]> data_;
  uint32_t capacity_ = 0;
  uint32_t bits_ = 0;
  uint32_t count_ = 0;
  uint8_t lead_ = 255;  // 255: no window yet
  uint8_t trail_ = 0;
  ChunkShape shape_;
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  int64_t spacing_ = 0;
  int64_t change_ = 0;  // of the last two integers
  uint64_t value_bits_ = 0;
};

}  // namespace hearth::tsdb

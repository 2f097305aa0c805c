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

#include "tsdb/chunk_arena.h"

namespace hearth::tsdb {

struct Sample {
  int64_t time_ms = 0;
  uint64_t value_bits = 0;
};

// Chunks are closed at so many samples: a query for minutes should not decode hours.
inline constexpr uint32_t kChunkSamplesMax = 240;
// Readers touch so many bytes beyond a stream's end.
inline constexpr size_t kChunkSlack = 16;

// What is known of a stream without decoding it. Part of the head's record of a series.
struct ChunkShape {
  bool regular : 1 = true;  // all spacings are the same: first, last and count say each time
  bool marked : 1 = false;  // it holds a staleness marker
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

// A chunk that grows: what the next sample is coded against, besides the sample before it, which
// the series has anyway. Part of the head's record of a series, hence so small.
struct OpenChunk {
  int64_t change = 0;  // of the last two integers
  uint32_t ref = 0;    // in the arena
  int32_t spacing_ms = 0;
  uint16_t bits = 0;
  uint8_t count = 0;
  uint8_t size_class = 0;
  uint8_t lead = 255;  // 255: no window yet
  uint8_t trail = 0;
  ChunkShape shape;

  bool empty() const { return count == 0; }
  uint32_t bytes() const { return (bits + 7U) / 8; }
};

// `before`: the chunk's last sample, if it has any; `sample` is later. False: the chunk is full, or
// cannot hold such a spacing; the sample was not taken.
bool AppendToChunk(const Sample& before, const Sample& sample, ChunkArena* arena, OpenChunk* chunk);
// What was built, in memory of its own; the chunk is empty afterwards.
Chunk FinishChunk(int64_t last_ms, ChunkArena* arena, OpenChunk* chunk);
int64_t FirstTime(const uint8_t* data);

}  // namespace hearth::tsdb

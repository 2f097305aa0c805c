// SPDX-License-Identifier: Apache-2.0
// The variable-width numbers of Prometheus' chunks (prometheus/tsdb/docs/bstream.md and
// docs/format/chunks.md). Private to codec.
#pragma once

#include <bit>
#include <cstdint>

#include "codec/bit_stream.h"

namespace hearth::codec {

// What XOR compression remembers of one column.
struct XorColumn {
  double value = 0;
  int leading = -1;  // of the window of bits that changed; -1 before the first
  int trailing = 0;

  void Write(double next, BitWriter* out);
  // The parts of Write, for XOR2, which has them behind other prefixes: whether what changed lies
  // in the window that there is, and how it is written. `next` differs from `value`.
  bool Fits(double next) const;
  void WriteSameWindow(double next, BitWriter* out);
  void WriteNewWindow(double next, BitWriter* out);
  void Read(BitReader* in);  // into `value`; a window of more than 64 bits ends `ok`
  // What follows once it is known that there is a new window; XOR2 has it behind other prefixes.
  void ReadNewWindow(BitReader* in);
  void ReadSameWindow(BitReader* in);
  bool ok = true;
};

// `bits` read from a field of `width` bits, whose range is -(2^(width-1) - 1) … 2^(width-1).
inline int64_t SignedOf(uint64_t bits, int width) {
  if (bits > uint64_t{1} << (width - 1)) bits -= uint64_t{1} << width;
  return static_cast<int64_t>(bits);
}
inline bool FitsSigned(int64_t value, int width) {
  return value >= -((int64_t{1} << (width - 1)) - 1) && value <= int64_t{1} << (width - 1);
}

// Sums of foreign numbers wrap, as Go's do.
inline int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrappingSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

void WriteVarbitInt(int64_t value, BitWriter* out);
int64_t ReadVarbitInt(BitReader* in);
void WriteVarbitUint(uint64_t value, BitWriter* out);
uint64_t ReadVarbitUint(BitReader* in);

}  // namespace hearth::codec

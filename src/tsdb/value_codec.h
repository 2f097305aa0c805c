// SPDX-License-Identifier: Apache-2.0
// Value columns of a block: docs/formats/block.md, "values". Lossless to the bit. What comes out is
// plain bytes with much repetition; the page around it is compressed.
//
//   0            all the same       8 bytes
//   1 + 2e + d   decimals           value * 10^e is an integer (e 0…4), but for exceptions:
//                                   varint n, n times (varint gap, 8 bytes); zigzag varint first;
//                                   then zigzag varints: changes (d=0), or changes of them (d=1)
//   15           anything           XOR with the value before, as eight planes of bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tsdb/coding.h"

namespace hearth::tsdb {

void EncodeValues(std::span<const double> values, std::string* out);
// Fills `values`; false where the bytes are not that many values.
bool DecodeValues(ByteReader* reader, std::span<double> values);
// Whether there may be a staleness marker among the values that these bytes begin with; told by
// what is quickly seen.
bool ValuesMayBeMarked(std::string_view bytes);

// Times, strictly increasing: zigzag varints of the first, the first spacing, its changes.
void EncodeTimes(std::span<const int64_t> times_ms, std::string* out);
bool DecodeTimes(ByteReader* reader, std::span<int64_t> times_ms);

}  // namespace hearth::tsdb

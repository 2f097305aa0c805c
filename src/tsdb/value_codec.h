// SPDX-License-Identifier: Apache-2.0
// How one column of values, or of times, becomes bytes: docs/formats/block.md, "Values". Lossless
// to the bit. A column is a code, a width, parameters, and planes: the lowest bytes of all its
// numbers, then all second bytes, as many planes as the width says. Planes have much repetition,
// which the compression of the page around them takes; decoding them is a few vector instructions a
// value.
//
//   code 0               all values are one integer   parameters: zigzag integer
//   code 1               all values are the same      parameters: u64 bits
//   code 3               anything                     parameters: u64 bits of the first;
//                                                     planes: zigzag changes of the bits as
//                                                     integers
//   code 4 + 3e + mode   decimals: value × 10^e (e 0…14) is an integer below 2^53 that gives the
//                        value back, but for exceptions
//        mode 0          planes: integer − the smallest
//        mode 1          planes: zigzag changes, from the second value on
//        mode 2          planes: zigzag changes of the changes, from the third value on
//                        parameters: zigzag smallest or first; mode 2: zigzag first change; then
//                        varint n, n exceptions (varint gap, u64 bits)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tsdb/coding.h"

namespace hearth::tsdb {

// Samples of one column: a query for minutes should not decode a day.
inline constexpr size_t kColumnSamplesMax = 480;

inline constexpr uint8_t kCodeInteger = 0;
inline constexpr uint8_t kCodeConstant = 1;
inline constexpr uint8_t kCodeBytes = 2;  // no column; value_page.h
inline constexpr uint8_t kCodeAnything = 3;
inline constexpr uint8_t kCodeDecimal = 4;
inline constexpr unsigned kDecimalExponents = 15;
inline constexpr uint8_t kCodeEnd = kCodeDecimal + 3 * kDecimalExponents;

// An integer up to 2^53, divided by 10^exponent (below kDecimalExponents).
inline constexpr int64_t kDecimalIntegerMax = int64_t{1} << 53;
double FromDecimal(int64_t integer, unsigned exponent);
// False where no such integer gives the value back, bit for bit.
bool ToDecimal(double value, unsigned exponent, int64_t* integer);

struct EncodedValues {
  uint8_t code = kCodeInteger;
  uint8_t width = 0;  // planes
  std::string parameters;
  std::string planes;
};
// `values`: 1 … kColumnSamplesMax. What `out` held is replaced.
void EncodeValues(std::span<const double> values, EncodedValues* out);

// How many numbers the planes of a column of `count` values hold.
size_t NumbersInPlanes(uint8_t code, size_t count);
// Fills `values` (1 … kColumnSamplesMax). `planes`: width × NumbersInPlanes bytes, width at most 8.
// False where the parameters do not parse.
bool DecodeValues(uint8_t code, uint8_t width, std::string_view parameters, std::string_view planes,
                  std::span<double> values);

// Numbers as planes: appends width × size bytes; returns the width that the largest needs (0…8).
uint8_t PutPlanes(std::span<const uint64_t> numbers, std::string* out);
// `planes`: width × numbers.size() bytes.
void GetPlanes(std::string_view planes, uint8_t width, std::span<uint64_t> numbers);
// Whether there may be a staleness marker among the values of a column; told by what is quickly
// seen.
bool ValuesMayBeMarked(uint8_t code, std::string_view parameters);

// Times, strictly increasing: zigzag varints of the first, the first spacing, its changes.
void EncodeTimes(std::span<const int64_t> times_ms, std::string* out);
bool DecodeTimes(ByteReader* reader, std::span<int64_t> times_ms);

}  // namespace hearth::tsdb

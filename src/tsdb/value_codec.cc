// SPDX-License-Identifier: Apache-2.0
#include "tsdb/value_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "model/value.h"

namespace hearth::tsdb {
namespace {

constexpr uint8_t kConstant = 0;
constexpr uint8_t kDecimalFirst = 1;
constexpr uint8_t kAnything = 15;
constexpr int kExponents = 5;
constexpr double kPowers[kExponents] = {1, 10, 100, 1000, 10000};
constexpr double kIntegerMax = 9007199254740992.0;  // 2^53
// More exceptions than one in so many: planes are smaller.
constexpr size_t kExceptionsShare = 8;

double FromDecimal(int64_t integer, int exponent) {
  return static_cast<double>(integer) / kPowers[exponent];
}

bool ToDecimal(double value, int exponent, int64_t* integer) {
  const double scaled = value * kPowers[exponent];
  if (!(scaled >= -kIntegerMax && scaled <= kIntegerMax)) return false;
  *integer = std::llrint(scaled);
  return std::bit_cast<uint64_t>(FromDecimal(*integer, exponent)) == std::bit_cast<uint64_t>(value);
}

struct Decimals {
  std::vector<int64_t> integers;
  std::vector<size_t> exceptions;
};

bool FitsExponent(std::span<const double> values, int exponent, Decimals* decimals) {
  const size_t exceptions_max = values.size() / kExceptionsShare;
  decimals->integers.clear();
  decimals->exceptions.clear();
  int64_t before = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t integer = 0;
    if (!ToDecimal(values[i], exponent, &integer)) {
      if (decimals->exceptions.size() >= exceptions_max) return false;
      decimals->exceptions.push_back(i);
      integer = before;  // costs one zero byte
    }
    decimals->integers.push_back(integer);
    before = integer;
  }
  return true;
}

size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

void PutDecimals(std::span<const double> values, int exponent, const Decimals& decimals,
                 std::string* out) {
  size_t bytes_changes = 0;
  size_t bytes_second = 0;
  int64_t change_before = 0;
  for (size_t i = 1; i < decimals.integers.size(); ++i) {
    const int64_t change = decimals.integers[i] - decimals.integers[i - 1];
    bytes_changes += VarintBytes(Zigzag(change));
    bytes_second += VarintBytes(Zigzag(change - change_before));
    change_before = change;
  }
  const bool second = bytes_second < bytes_changes;
  out->push_back(static_cast<char>(kDecimalFirst + 2 * exponent + (second ? 1 : 0)));
  PutVarint(decimals.exceptions.size(), out);
  size_t place = 0;
  for (const size_t exception : decimals.exceptions) {
    PutVarint(exception - place, out);
    PutFixed(std::bit_cast<uint64_t>(values[exception]), out);
    place = exception;
  }
  PutZigzag(decimals.integers[0], out);
  change_before = 0;
  for (size_t i = 1; i < decimals.integers.size(); ++i) {
    const int64_t change = decimals.integers[i] - decimals.integers[i - 1];
    PutZigzag(second ? change - change_before : change, out);
    change_before = change;
  }
}

void PutPlanes(std::span<const double> values, std::string* out) {
  const size_t n = values.size();
  const size_t at = out->size();
  out->resize(at + 8 * n);
  uint64_t before = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint64_t>(values[i]);
    const uint64_t difference = bits ^ before;
    before = bits;
    for (size_t plane = 0; plane < 8; ++plane) {
      (*out)[at + plane * n + i] = static_cast<char>(difference >> (8 * plane));
    }
  }
}

bool GetPlanes(ByteReader* reader, std::span<double> values) {
  const size_t n = values.size();
  const std::string_view bytes = reader->Take(8 * n);
  if (!reader->ok()) return false;
  uint64_t before = 0;
  for (size_t i = 0; i < n; ++i) {
    uint64_t difference = 0;
    for (size_t plane = 0; plane < 8; ++plane) {
      difference |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[plane * n + i]))
                    << (8 * plane);
    }
    before ^= difference;
    values[i] = std::bit_cast<double>(before);
  }
  return true;
}

bool GetDecimals(ByteReader* reader, int exponent, bool second, std::span<double> values) {
  struct Exception {
    size_t index;
    uint64_t bits;
  };
  std::vector<Exception> exceptions(reader->Count(9));
  size_t place = 0;
  for (Exception& exception : exceptions) {
    place += static_cast<size_t>(reader->Varint());
    exception = {place, reader->Fixed<uint64_t>()};
    if (place >= values.size()) return false;
  }
  int64_t integer = reader->SignedVarint();
  int64_t change = 0;
  values[0] = FromDecimal(integer, exponent);
  for (size_t i = 1; i < values.size(); ++i) {
    const int64_t coded = reader->SignedVarint();
    change = second ? WrappingAdd(change, coded) : coded;
    integer = WrappingAdd(integer, change);
    values[i] = FromDecimal(integer, exponent);
  }
  for (const Exception& exception : exceptions) {
    values[exception.index] = std::bit_cast<double>(exception.bits);
  }
  return reader->ok();
}

}  // namespace

void EncodeValues(std::span<const double> values, std::string* out) {
  if (values.empty()) return;
  const auto first = std::bit_cast<uint64_t>(values[0]);
  if (std::all_of(values.begin(), values.end(),
                  [&](double v) { return std::bit_cast<uint64_t>(v) == first; })) {
    out->push_back(static_cast<char>(kConstant));
    PutFixed(first, out);
    return;
  }
  Decimals decimals;
  for (int exponent = 0; exponent < kExponents; ++exponent) {
    if (FitsExponent(values, exponent, &decimals)) {
      PutDecimals(values, exponent, decimals, out);
      return;
    }
  }
  out->push_back(static_cast<char>(kAnything));
  PutPlanes(values, out);
}

bool DecodeValues(ByteReader* reader, std::span<double> values) {
  if (values.empty()) return true;
  const auto codec = reader->Fixed<uint8_t>();
  if (codec == kConstant) {
    std::fill(values.begin(), values.end(), std::bit_cast<double>(reader->Fixed<uint64_t>()));
    return reader->ok();
  }
  if (codec == kAnything) return GetPlanes(reader, values);
  const int decimal = codec - kDecimalFirst;
  if (decimal / 2 >= kExponents) return false;
  return GetDecimals(reader, decimal / 2, (decimal & 1) != 0, values);
}

bool ValuesMayBeMarked(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto codec = reader.Fixed<uint8_t>();
  if (codec == kConstant) return reader.Fixed<uint64_t>() == model::kStaleNanBits;
  // Markers are no decimals, so they are exceptions.
  return codec == kAnything || reader.Count(9) != 0 || !reader.ok();
}

void EncodeTimes(std::span<const int64_t> times_ms, std::string* out) {
  int64_t before = 0;
  int64_t spacing = 0;
  for (size_t i = 0; i < times_ms.size(); ++i) {
    const int64_t now = WrappingSub(times_ms[i], before);
    PutZigzag(i == 0 ? now : WrappingSub(now, spacing), out);
    if (i > 0) spacing = now;
    before = times_ms[i];
  }
}

bool DecodeTimes(ByteReader* reader, std::span<int64_t> times_ms) {
  int64_t time = 0;
  int64_t spacing = 0;
  for (size_t i = 0; i < times_ms.size(); ++i) {
    const int64_t coded = reader->SignedVarint();
    if (i == 0) {
      time = coded;
    } else {
      spacing = WrappingAdd(spacing, coded);
      const int64_t next = WrappingAdd(time, spacing);
      if (next <= time) return false;
      time = next;
    }
    times_ms[i] = time;
  }
  return reader->ok();
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/value_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "model/value.h"

namespace hearth::tsdb {
namespace {

enum Mode : uint8_t { kSmallest, kChanges, kSecond, kModes };

constexpr double kPowers[kDecimalExponents] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                               1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
constexpr auto kIntegerMax = static_cast<double>(kDecimalIntegerMax);
// More exceptions than one in so many: another exponent, or none, is smaller.
constexpr size_t kExceptionsShare = 8;

using Numbers = std::array<uint64_t, kColumnSamplesMax>;

struct Decimals {
  unsigned exponent = 0;
  std::array<int64_t, kColumnSamplesMax> integers;
  size_t exceptions = 0;
  std::array<uint16_t, kColumnSamplesMax / kExceptionsShare> exception_at;
};

bool FitsExponent(std::span<const double> values, unsigned exponent, Decimals* decimals) {
  const size_t exceptions_max = values.size() / kExceptionsShare;
  decimals->exponent = exponent;
  decimals->exceptions = 0;
  int64_t before = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t integer = 0;
    if (!ToDecimal(values[i], exponent, &integer)) {
      if (decimals->exceptions >= exceptions_max) return false;
      decimals->exception_at[decimals->exceptions++] = static_cast<uint16_t>(i);
      integer = before;  // costs a zero
    }
    decimals->integers[i] = integer;
    before = integer;
  }
  return true;
}

// What the numbers take, in tenths of a bit: repetition is worth something to the page's
// compression. Weights tried on real scrapes.
uint64_t Cost(std::span<const uint64_t> numbers) {
  uint64_t bits = 0;
  size_t equal = 0;
  uint64_t before = UINT64_MAX;
  for (const uint64_t number : numbers) {
    bits += number == 0 ? 3 : 10 * (static_cast<unsigned>(std::bit_width(number)) + 1);
    equal += number == before ? 1 : 0;
    before = number;
  }
  const size_t n = std::max<size_t>(numbers.size(), 1);
  return bits * (10 * n - 7 * equal) / (10 * n);
}

void PutDecimals(std::span<const double> values, const Decimals& decimals, EncodedValues* out) {
  const size_t n = values.size();
  const std::span<const int64_t> integers = std::span(decimals.integers).first(n);
  Numbers numbers[kModes];
  const int64_t smallest = *std::min_element(integers.begin(), integers.end());
  numbers[kSmallest][0] = static_cast<uint64_t>(integers[0] - smallest);
  for (size_t i = 1; i < n; ++i) {
    const int64_t change = integers[i] - integers[i - 1];
    numbers[kSmallest][i] = static_cast<uint64_t>(integers[i] - smallest);
    numbers[kChanges][i - 1] = Zigzag(change);
    if (i >= 2) numbers[kSecond][i - 2] = Zigzag(change - (integers[i - 1] - integers[i - 2]));
  }
  unsigned best = kSmallest;
  uint64_t best_cost = UINT64_MAX;
  for (unsigned mode = 0; mode < kModes; ++mode) {
    const uint64_t cost = Cost(std::span(numbers[mode]).first(n - mode));
    if (cost < best_cost) best = mode;
    best_cost = std::min(best_cost, cost);
  }
  out->code = static_cast<uint8_t>(kCodeDecimal + kModes * decimals.exponent + best);
  PutZigzag(best == kSmallest ? smallest : integers[0], &out->parameters);
  if (best == kSecond) PutZigzag(integers[1] - integers[0], &out->parameters);
  PutVarint(decimals.exceptions, &out->parameters);
  size_t place = 0;
  for (size_t i = 0; i < decimals.exceptions; ++i) {
    PutVarint(decimals.exception_at[i] - place, &out->parameters);
    PutFixed(std::bit_cast<uint64_t>(values[decimals.exception_at[i]]), &out->parameters);
    place = decimals.exception_at[i];
  }
  out->width = PutPlanes(std::span(numbers[best]).first(n - best), &out->planes);
}

void PutAnything(std::span<const double> values, EncodedValues* out) {
  out->code = kCodeAnything;
  auto before = std::bit_cast<int64_t>(values[0]);
  PutFixed(before, &out->parameters);
  Numbers changes;
  for (size_t i = 1; i < values.size(); ++i) {
    const auto bits = std::bit_cast<int64_t>(values[i]);
    changes[i - 1] = Zigzag(WrappingSub(bits, before));
    before = bits;
  }
  out->width = PutPlanes(std::span(changes).first(values.size() - 1), &out->planes);
}

template <unsigned kWidth>
void Gather(const char* planes, std::span<uint64_t> numbers) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(planes);
  const size_t n = numbers.size();
  for (size_t i = 0; i < n; ++i) {
    uint64_t number = 0;
    for (unsigned plane = 0; plane < kWidth; ++plane) {
      number |= uint64_t{bytes[plane * n + i]} << (8 * plane);
    }
    numbers[i] = number;
  }
}

void ToDoubles(std::span<const int64_t> integers, unsigned exponent, std::span<double> values) {
  const size_t n = values.size();
  if (exponent == 0) {
    for (size_t i = 0; i < n; ++i) values[i] = static_cast<double>(integers[i]);
    return;
  }
  const double power = kPowers[exponent];
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<double>(integers[i]) / power;
}

bool GetDecimals(unsigned mode, unsigned exponent, std::span<const uint64_t> numbers,
                 std::string_view parameters, std::span<double> values) {
  ByteReader reader(parameters);
  std::array<int64_t, kColumnSamplesMax> integers;
  const size_t n = values.size();
  int64_t integer = reader.SignedVarint();
  if (mode == kSmallest) {
    for (size_t i = 0; i < n; ++i)
      integers[i] = WrappingAdd(integer, static_cast<int64_t>(numbers[i]));
  } else if (mode == kChanges) {
    integers[0] = integer;
    for (size_t i = 1; i < n; ++i) {
      integer = WrappingAdd(integer, Unzigzag(numbers[i - 1]));
      integers[i] = integer;
    }
  } else {
    int64_t change = reader.SignedVarint();
    if (n < 2) return false;
    integers[0] = integer;
    integer = WrappingAdd(integer, change);
    integers[1] = integer;
    for (size_t i = 2; i < n; ++i) {
      change = WrappingAdd(change, Unzigzag(numbers[i - 2]));
      integer = WrappingAdd(integer, change);
      integers[i] = integer;
    }
  }
  ToDoubles(std::span(integers).first(n), exponent, values);
  size_t place = 0;
  for (size_t left = reader.Count(9); left > 0; --left) {
    const uint64_t gap = reader.Varint();
    if (gap >= n - place) return false;
    place += static_cast<size_t>(gap);
    values[place] = std::bit_cast<double>(reader.Fixed<uint64_t>());
  }
  return reader.ok();
}

}  // namespace

double FromDecimal(int64_t integer, unsigned exponent) {
  return static_cast<double>(integer) / kPowers[exponent];
}

bool ToDecimal(double value, unsigned exponent, int64_t* integer) {
  const double scaled = value * kPowers[exponent];
  if (!(scaled >= -kIntegerMax && scaled <= kIntegerMax)) return false;
  *integer = std::llrint(scaled);
  return std::bit_cast<uint64_t>(FromDecimal(*integer, exponent)) == std::bit_cast<uint64_t>(value);
}

uint8_t PutPlanes(std::span<const uint64_t> numbers, std::string* out) {
  uint64_t all = 0;
  for (const uint64_t number : numbers) all |= number;
  const auto width = static_cast<uint8_t>((std::bit_width(all) + 7) / 8);
  const size_t n = numbers.size();
  const size_t at = out->size();
  out->resize(at + width * n);
  for (unsigned plane = 0; plane < width; ++plane) {
    char* const bytes = out->data() + at + plane * n;
    for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(numbers[i] >> (8 * plane));
  }
  return width;
}

void GetPlanes(std::string_view planes, uint8_t width, std::span<uint64_t> numbers) {
  using GatherFn = void (*)(const char*, std::span<uint64_t>);
  constexpr GatherFn kGather[] = {Gather<0>, Gather<1>, Gather<2>, Gather<3>, Gather<4>,
                                  Gather<5>, Gather<6>, Gather<7>, Gather<8>};
  kGather[width](planes.data(), numbers);
}

void EncodeValues(std::span<const double> values, EncodedValues* out) {
  out->code = kCodeInteger;
  out->width = 0;
  out->parameters.clear();
  out->planes.clear();
  const auto first = std::bit_cast<uint64_t>(values[0]);
  if (std::all_of(values.begin(), values.end(),
                  [&](double v) { return std::bit_cast<uint64_t>(v) == first; })) {
    int64_t integer = 0;
    if (ToDecimal(values[0], 0, &integer)) {
      PutZigzag(integer, &out->parameters);
    } else {
      out->code = kCodeConstant;
      PutFixed(first, &out->parameters);
    }
    return;
  }
  Decimals decimals;
  for (unsigned exponent = 0; exponent < kDecimalExponents; ++exponent) {
    if (FitsExponent(values, exponent, &decimals)) return PutDecimals(values, decimals, out);
  }
  PutAnything(values, out);
}

size_t NumbersInPlanes(uint8_t code, size_t count) {
  if (code < kCodeAnything) return 0;
  const size_t given = code == kCodeAnything ? 1 : (code - kCodeDecimal) % kModes;
  return count > given ? count - given : 0;
}

bool DecodeValues(uint8_t code, uint8_t width, std::string_view parameters, std::string_view planes,
                  std::span<double> values) {
  ByteReader reader(parameters);
  if (code == kCodeInteger || code == kCodeConstant) {
    const double value = code == kCodeInteger ? static_cast<double>(reader.SignedVarint())
                                              : std::bit_cast<double>(reader.Fixed<uint64_t>());
    std::fill(values.begin(), values.end(), value);
    return reader.ok();
  }
  if (code == kCodeBytes || code >= kCodeEnd) return false;
  Numbers storage;
  const auto numbers = std::span(storage).first(NumbersInPlanes(code, values.size()));
  GetPlanes(planes, width, numbers);
  if (code != kCodeAnything) {
    const unsigned decimal = code - kCodeDecimal;
    return GetDecimals(decimal % kModes, decimal / kModes, numbers, parameters, values);
  }
  auto bits = reader.Fixed<int64_t>();
  values[0] = std::bit_cast<double>(bits);
  for (size_t i = 0; i < numbers.size(); ++i) {
    bits = WrappingAdd(bits, Unzigzag(numbers[i]));
    values[i + 1] = std::bit_cast<double>(bits);
  }
  return reader.ok();
}

bool ValuesMayBeMarked(uint8_t code, std::string_view parameters) {
  if (code == kCodeInteger) return false;
  ByteReader reader(parameters);
  if (code == kCodeConstant) return reader.Fixed<uint64_t>() == model::kStaleNanBits;
  if (code < kCodeDecimal) return true;
  // Markers are no decimals, so they are exceptions, which come after the mode's first numbers.
  const unsigned mode = (code - kCodeDecimal) % kModes;
  reader.SignedVarint();
  if (mode == kSecond) reader.SignedVarint();
  return reader.Varint() != 0 || !reader.ok();
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

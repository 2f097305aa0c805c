// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "model/value.h"
#include "tsdb/coding.h"
#include "tsdb/label_dictionary.h"
#include "tsdb/value_codec.h"

namespace hearth::tsdb {
namespace {

constexpr unsigned kRaw = kDecimalExponents;  // in the place of an exponent: no decimals

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// The four numbers of a column in one unit, as they are stored.
struct Numbers {
  unsigned exponent = kRaw;
  int64_t first = 0;
  int64_t last = 0;
  uint64_t values[4] = {};  // first, last, smallest, largest
};

Numbers NumbersOf(const ColumnStatistics& column, const Numbers& before, bool continues) {
  Numbers n;
  int64_t min = 0;
  int64_t max = 0;
  for (unsigned e = 0; e < kDecimalExponents && n.exponent == kRaw; ++e) {
    if (ToDecimal(column.first, e, &n.first) && ToDecimal(column.last, e, &n.last) &&
        ToDecimal(column.min, e, &min) && ToDecimal(column.max, e, &max)) {
      n.exponent = e;
    }
  }
  if (n.exponent == kRaw) {
    const uint64_t first = BitsOf(column.first);
    n.values[0] = first;
    n.values[1] = BitsOf(column.last) ^ first;
    n.values[2] = BitsOf(column.min) ^ first;
    n.values[3] = BitsOf(column.max) ^ first;
    return n;
  }
  const int64_t expected = continues && before.exponent == n.exponent ? before.last : 0;
  n.values[0] = Zigzag(n.first - expected);
  n.values[1] = Zigzag(n.last - n.first);
  n.values[2] = static_cast<uint64_t>(std::min(n.first, n.last) - min);
  n.values[3] = static_cast<uint64_t>(max - std::max(n.first, n.last));
  return n;
}

// The column of what NumbersOf made; `n` has exponent and values. False where it is none.
bool FromNumbers(Numbers* n, const Numbers& before, bool continues, ColumnStatistics* column) {
  if (n->exponent == kRaw) {
    const uint64_t first = n->values[0];
    *column = {std::bit_cast<double>(first), std::bit_cast<double>(n->values[1] ^ first),
               std::bit_cast<double>(n->values[2] ^ first),
               std::bit_cast<double>(n->values[3] ^ first)};
    return true;
  }
  const int64_t expected = continues && before.exponent == n->exponent ? before.last : 0;
  n->first = WrappingAdd(expected, Unzigzag(n->values[0]));
  n->last = WrappingAdd(n->first, Unzigzag(n->values[1]));
  const int64_t min = WrappingSub(std::min(n->first, n->last), static_cast<int64_t>(n->values[2]));
  const int64_t max = WrappingAdd(std::max(n->first, n->last), static_cast<int64_t>(n->values[3]));
  for (const int64_t integer : {n->first, n->last, min, max}) {
    if (integer > kDecimalIntegerMax || integer < -kDecimalIntegerMax) return false;
  }
  *column = {FromDecimal(n->first, n->exponent), FromDecimal(n->last, n->exponent),
             FromDecimal(min, n->exponent), FromDecimal(max, n->exponent)};
  return true;
}

}  // namespace

uint8_t FlagsOf(std::span<const double> values) {
  // Without a way out, so that it compiles to vectors.
  bool nan = false;
  bool resets = false;
  bool integers = true;
  constexpr double kLimit = 1LL << 53;
  for (size_t i = 0; i < values.size(); ++i) {
    nan |= std::isnan(values[i]);
    integers &= std::fabs(values[i]) < kLimit && std::trunc(values[i]) == values[i];
  }
  for (size_t i = 1; i < values.size(); ++i) resets |= values[i] < values[i - 1];
  unsigned flags = resets ? kColumnResets : 0U;
  if (integers) flags |= kColumnIntegers;
  for (size_t i = 0; nan && i < values.size(); ++i) {
    if (std::isnan(values[i])) flags |= model::IsStaleNan(values[i]) ? kColumnMarked : kColumnNan;
  }
  return static_cast<uint8_t>(flags);
}

ColumnStatistics StatisticsOf(std::span<const double> values) {
  ColumnStatistics column{values.front(), values.back(), values.front(), values.front()};
  for (const double value : values) {
    if (value < column.min || std::isnan(column.min)) column.min = value;
    if (value > column.max || std::isnan(column.max)) column.max = value;
  }
  return column;
}

void StatisticsBuilder::Add(const ColumnStatistics& column, bool continues) {
  columns_.push_back(column);
  continues_.push_back(continues && columns_.size() > 1 ? 1 : 0);
}

std::string StatisticsBuilder::Take() {
  std::vector<uint64_t> exponents;
  std::vector<uint64_t> lists[4];
  Numbers before;
  for (size_t i = 0; i < columns_.size(); ++i) {
    before = NumbersOf(columns_[i], before, continues_[i] != 0);
    exponents.push_back(before.exponent);
    for (size_t list = 0; list < 4; ++list) lists[list].push_back(before.values[list]);
  }
  std::string out;
  PutNumbers(exponents, &out);
  PutNumbers(continues_, &out);
  for (const std::vector<uint64_t>& list : lists) PutNumbers(list, &out);
  columns_.clear();
  continues_.clear();
  return out;
}

std::shared_ptr<const StatisticsPart> StatisticsPart::Parse(std::string_view bytes,
                                                            size_t columns) {
  ByteReader reader(bytes);
  std::vector<uint64_t> exponents(columns);
  std::vector<uint64_t> continues(columns);
  std::vector<uint64_t> lists[4];
  bool ok = GetNumbers(&reader, exponents) && GetNumbers(&reader, continues);
  for (std::vector<uint64_t>& list : lists) {
    list.resize(columns);
    ok = ok && GetNumbers(&reader, list);
  }
  if (!ok || !reader.done()) return nullptr;
  auto part = std::make_shared<StatisticsPart>();
  part->columns_.resize(columns);
  Numbers before;
  for (size_t i = 0; i < columns; ++i) {
    if (exponents[i] > kRaw || continues[i] > 1) return nullptr;
    Numbers n;
    n.exponent = static_cast<unsigned>(exponents[i]);
    for (size_t list = 0; list < 4; ++list) n.values[list] = lists[list][i];
    if (!FromNumbers(&n, before, continues[i] != 0, &part->columns_[i])) return nullptr;
    before = n;
  }
  return part;
}

}  // namespace hearth::tsdb

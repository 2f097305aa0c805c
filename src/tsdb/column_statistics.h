// SPDX-License-Identifier: Apache-2.0
// What a block knows of each column of values without decoding it: flags beside the series, and in
// parts of their own first, last, smallest and largest value. docs/formats/block.md, "Statistics".
// Lossless to the bit: queries answer whole windows from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::tsdb {

// Flags of a column.
inline constexpr uint8_t kColumnMarked = 1;    // a staleness marker is among the values
inline constexpr uint8_t kColumnNan = 2;       // another NaN is
inline constexpr uint8_t kColumnResets = 4;    // a value is below the one before it
inline constexpr uint8_t kColumnIntegers = 8;  // all are integers below 2^53
inline constexpr uint8_t kColumnFlagsEnd = 16;
// Of columns of blocks that have no flags: the worst.
inline constexpr uint8_t kColumnUnknown = kColumnMarked | kColumnNan | kColumnResets;
// Columns of one part: a query for one series should not load the statistics of all.
inline constexpr size_t kStatisticsColumns = 4096;

struct ColumnStatistics {
  double first = 0;
  double last = 0;
  // As PromQL has it: the first of equal ones, a NaN only where all are NaN (then the last).
  double min = 0;
  double max = 0;
};

uint8_t FlagsOf(std::span<const double> values);
ColumnStatistics StatisticsOf(std::span<const double> values);  // not empty

// Not thread-safe.
class StatisticsBuilder {
 public:
  // `continues`: the column before is an earlier one of the same series.
  void Add(const ColumnStatistics& column, bool continues);
  size_t size() const { return columns_.size(); }
  std::string Take();  // the part; empty afterwards

 private:
  std::vector<ColumnStatistics> columns_;
  std::vector<uint64_t> continues_;
};

// Immutable, thread-safe.
class StatisticsPart {
 public:
  // Of exactly so many columns; null where the bytes are not such a part.
  static std::shared_ptr<const StatisticsPart> Parse(std::string_view bytes, size_t columns);
  const ColumnStatistics& at(size_t column) const { return columns_[column]; }
  size_t memory_bytes() const { return columns_.size() * sizeof columns_[0]; }

 private:
  std::vector<ColumnStatistics> columns_;
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_statistics.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "model/value.h"

namespace hearth::tsdb {
namespace {

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

std::vector<double> SomeValues(Rng* rng) {
  constexpr double kOdd[] = {0.0, -0.0, 1e300, -1e-300, 0.1 + 0.2};
  const uint64_t kind = rng->Below(6);
  std::vector<double> values(1 + rng->Below(20));
  double counter = static_cast<double>(rng->Below(1000));
  for (double& value : values) {
    counter += static_cast<double>(rng->Below(5));
    value = kind == 0   ? 7
            : kind == 1 ? counter
            : kind == 2 ? counter / 1000
            : kind == 3 ? static_cast<double>(rng->Below(100)) - 50
            : kind == 4 ? kOdd[rng->Below(5)]
                        : std::bit_cast<double>(rng->Next());
    if (rng->Below(60) == 0) value = std::numeric_limits<double>::quiet_NaN();
    if (rng->Below(60) == 0) value = model::StaleNan();
  }
  return values;
}

TEST(ColumnStatistics, PartsGiveEveryBitBack) {
  SeededRng rng(11);
  for (int round = 0; round < 50; ++round) {
    StatisticsBuilder builder;
    std::vector<ColumnStatistics> columns(1 + rng.Below(200));
    for (ColumnStatistics& column : columns) {
      column = StatisticsOf(SomeValues(&rng));
      builder.Add(column, rng.Below(2) == 0);
    }
    const std::string bytes = builder.Take();
    EXPECT_EQ(builder.size(), 0U);
    const auto part = StatisticsPart::Parse(bytes, columns.size());
    ASSERT_NE(part, nullptr);
    for (size_t i = 0; i < columns.size(); ++i) {
      EXPECT_EQ(BitsOf(part->at(i).first), BitsOf(columns[i].first));
      EXPECT_EQ(BitsOf(part->at(i).last), BitsOf(columns[i].last));
      EXPECT_EQ(BitsOf(part->at(i).min), BitsOf(columns[i].min));
      EXPECT_EQ(BitsOf(part->at(i).max), BitsOf(columns[i].max));
    }
    EXPECT_EQ(StatisticsPart::Parse(bytes, columns.size() + 1), nullptr);
    EXPECT_EQ(StatisticsPart::Parse(std::string_view(bytes).substr(1), columns.size()), nullptr);
    EXPECT_EQ(StatisticsPart::Parse(bytes + "x", columns.size()), nullptr);
  }
}

TEST(ColumnStatistics, ExtremesAreThoseOfPromQl) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const ColumnStatistics zeros = StatisticsOf(std::vector<double>{nan, -0.0, 0.0});
  EXPECT_EQ(BitsOf(zeros.max), BitsOf(-0.0));  // the first of equal ones
  EXPECT_EQ(BitsOf(zeros.min), BitsOf(-0.0));
  const ColumnStatistics mixed = StatisticsOf(std::vector<double>{nan, 3, nan, -1, 2});
  EXPECT_EQ(mixed.max, 3);
  EXPECT_EQ(mixed.min, -1);
  const ColumnStatistics none = StatisticsOf(std::vector<double>{nan, -nan});
  EXPECT_EQ(BitsOf(none.max), BitsOf(-nan));  // the last where none is a number
}

TEST(ColumnStatistics, FlagsSayWhatIsThere) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(FlagsOf(std::vector<double>{1, 2, 2}), kColumnIntegers);
  EXPECT_EQ(FlagsOf(std::vector<double>{1, 2.5}), 0);
  EXPECT_EQ(FlagsOf(std::vector<double>{2, 1}), kColumnIntegers | kColumnResets);
  EXPECT_EQ(FlagsOf(std::vector<double>{2, nan, 1}), kColumnNan);
  EXPECT_EQ(FlagsOf(std::vector<double>{2, model::StaleNan()}), kColumnMarked);
  EXPECT_EQ(FlagsOf(std::vector<double>{1e300}), 0);
}

}  // namespace
}  // namespace hearth::tsdb

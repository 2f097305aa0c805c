// SPDX-License-Identifier: Apache-2.0
#include "promql/format.h"

#include <gtest/gtest.h>

#include <limits>

namespace hearth::promql {
namespace {

TEST(Format, ValuesAreGoShortest) {
  const struct {
    double value;
    std::string_view want;
  } rows[] = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1.5e22, "1.5e+22"},
      {1e-6, "0.000001"},
      {9.9e-7, "9.9e-07"},
      {1e-7, "1e-07"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {0.3333333333333333, "0.3333333333333333"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
  };
  for (const auto& row : rows) EXPECT_EQ(FormatValue(row.value), row.want);
}

TEST(Format, FixedNeverHasAnExponent) {
  EXPECT_EQ(FormatFixed(1e22), "10000000000000000000000");
  EXPECT_EQ(FormatFixed(1e-9), "0.000000001");
}

TEST(Format, TimesHaveThreeDecimalsOrNone) {
  EXPECT_EQ(FormatTime(1435781451781), "1435781451.781");
  EXPECT_EQ(FormatTime(1435781451000), "1435781451");
  EXPECT_EQ(FormatTime(100), "0.100");
  EXPECT_EQ(FormatTime(-1), "-0.001");
  EXPECT_EQ(FormatTime(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

}  // namespace
}  // namespace hearth::promql

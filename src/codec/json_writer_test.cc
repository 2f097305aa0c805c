// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth::codec {
namespace {

TEST(JsonWriter, PrintsValuesAsPrometheus) {
  const std::pair<double, const char*> rows[] = {
      {0, "0"},           {1.5, "1.5"},
      {1e-6, "0.000001"}, {9.9e-7, "9.9e-07"},
      {1e21, "1e+21"},    {1e20, "100000000000000000000"},
      {-2, "-2"},         {NAN, "NaN"},
      {INFINITY, "+Inf"}, {-INFINITY, "-Inf"}};
  for (const auto& [value, text] : rows) {
    std::string out;
    AppendFloat(value, &out);
    EXPECT_EQ(out, text);
  }
}

TEST(JsonWriter, PrintsTimesWithThreeDecimalsOrNone) {
  const std::pair<int64_t, const char*> rows[] = {{0, "0"},
                                                  {1000, "1"},
                                                  {1100, "1.100"},
                                                  {1001, "1.001"},
                                                  {-1, "-0.001"},
                                                  {-1500, "-1.500"},
                                                  {INT64_MIN, "-9223372036854775.808"}};
  for (const auto& [time_ms, text] : rows) {
    std::string out;
    AppendTime(time_ms, &out);
    EXPECT_EQ(out, text);
  }
}

TEST(JsonWriter, PrintsSeries) {
  std::string out;
  AppendLabels(model::Labels({{"__name__", "m"}, {"a", "<\"&\n"}}), &out);
  EXPECT_EQ(out, R"({"__name__":"m","a":"<\"&\n"})");
  out.clear();
  const int64_t times[] = {1000, 1500};
  const double values[] = {1, 2.5};
  AppendPoints(times, values, &out);
  EXPECT_EQ(out, R"([[1,"1"],[1.500,"2.5"]])");
  out.clear();
  const std::string texts[] = {"a<b", "c"};
  AppendTextArray(texts, &out);
  EXPECT_EQ(out, "[\"a\\u003cb\",\"c\"]");
}

}  // namespace
}  // namespace hearth::codec

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
  PointsWriter writer;
  writer.Append(times, values, &out);
  EXPECT_EQ(out, R"([[1,"1"],[1.500,"2.5"]])");
  out.clear();
  const std::string texts[] = {"a<b", "c"};
  AppendTextArray(texts, &out);
  EXPECT_EQ(out, "[\"a\\u003cb\",\"c\"]");
}

TEST(JsonWriter, PrintsColumnsAsItPrintsPoints) {
  PointsWriter writer;
  for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{700}, size_t{700}}) {
    std::vector<int64_t> times;
    std::vector<double> values;
    std::string expected = "[";
    for (size_t i = 0; i < count; ++i) {
      const double awkward[] = {1e300, -1e-9, std::nan(""), 0.1, -0.0, 12345678.25, 1.0 / 3};
      times.push_back(1'700'000'000'000 + static_cast<int64_t>(i) * 7'501);
      values.push_back(awkward[i % std::size(awkward)]);
      if (i > 0) expected += ',';
      AppendPoint(times.back(), values.back(), &expected);
    }
    std::string out;
    writer.Append(times, values, &out);
    EXPECT_EQ(out, expected + ']');
  }
}

}  // namespace
}  // namespace hearth::codec

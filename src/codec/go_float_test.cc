// SPDX-License-Identifier: Apache-2.0
#include "codec/go_float.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/rng.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

// Expectations printed by Go 1.25's strconv.
TEST(GoFloat, PrintsAsGo) {
  struct Row {
    double value;
    const char* general;
    const char* exponent;
    const char* fixed;
  };
  const Row rows[] = {
      {1e6, "1e+06", "1e+06", "1000000"},
      {123456, "123456", "1.23456e+05", "123456"},
      {1234567, "1.234567e+06", "1.234567e+06", "1234567"},
      {100000.5, "100000.5", "1.000005e+05", "100000.5"},
      {1e21, "1e+21", "1e+21", "1000000000000000000000"},
      {1e-4, "0.0001", "1e-04", "0.0001"},
      {1e-5, "1e-05", "1e-05", "0.00001"},
      {999999, "999999", "9.99999e+05", "999999"},
      {0, "0", "0e+00", "0"},
      {-0.0, "-0", "-0e+00", "-0"},
      {-1.5, "-1.5", "-1.5e+00", "-1.5"},
  };
  for (const Row& row : rows) {
    std::string general, exponent, fixed;
    AppendGoGeneral(row.value, &general);
    AppendGoExponent(row.value, &exponent);
    AppendGoFixed(row.value, &fixed);
    EXPECT_EQ(general, row.general);
    EXPECT_EQ(exponent, row.exponent);
    EXPECT_EQ(fixed, row.fixed);
  }
  std::string largest;
  AppendGoFixed(std::numeric_limits<double>::max(), &largest);
  EXPECT_EQ(largest, "17976931348623157" + std::string(292, '0'));
}

// What std::to_chars says, put into fixed notation as Go does.
std::string PlainFixed(double value) {
  char buffer[64];
  char* const end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string text(buffer, end);
  const size_t e = text.find('e');
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c != '.' && c != '-') digits += c;
  }
  const int point = std::stoi(text.substr(e + 1)) + 1;
  if (point <= 0) {
    digits = "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  } else if (point >= static_cast<int>(digits.size())) {
    digits.append(static_cast<size_t>(point) - digits.size(), '0');
  } else {
    digits.insert(static_cast<size_t>(point), ".");
  }
  if (value == 0) digits = "0";
  return (std::signbit(value) ? "-" : "") + digits;
}

TEST(GoFloat, PrintsNumbersOfUsualSizeAsTheStandardLibrary) {
  SeededRng rng(7);
  int decimals = 0;
  for (int i = 0; i < 200'000; ++i) {
    double value = std::bit_cast<double>(rng.Next());
    const auto dice = static_cast<int>(rng.Below(4));
    if (dice < 3) {
      value = static_cast<double>(rng.Below(uint64_t{1} << rng.Below(64))) /
              std::pow(10, static_cast<double>(rng.Below(dice == 0 ? 1 : 17)));
    }
    if (dice == 2) value = -value / 3;
    if (!IsShortFixed(value)) continue;
    char buffer[kShortFixedMax];
    const std::string text(buffer, WriteShortFixed(value, &decimals, buffer));
    ASSERT_EQ(text, PlainFixed(value));
    ASSERT_EQ(FormatGoFixed(value), text);
  }
}

TEST(GoFloat, ReadsAsGo) {
  struct Row {
    const char* text;
    double value;
  };
  for (const Row& row : {Row{"1e-400", 0},
                         {"+inf", INFINITY},
                         {"-Infinity", -INFINITY},
                         {"1.", 1},
                         {".5", .5},
                         {"+.5e+2", 50},
                         {"5e-324", 5e-324},
                         {"2.5e-324", 5e-324},
                         {"-0", -0.0},
                         {"123456789012345678", 123456789012345678.0},
                         {"00000000000000000000000000001", 1}}) {
    double value = 7;
    EXPECT_TRUE(ParseGoFloat(row.text, &value)) << row.text;
    EXPECT_TRUE(model::SameBits(value, row.value)) << row.text << " " << value;
  }
  double value = 0;
  for (const char* bad : {"", "-", "1e400", "-nan", ".", "1e", "0x1p3", "1_0", "1e5000000000", "+",
                          "--1", "1 ", "infinit", "nan(1)", "-1e400"}) {
    EXPECT_FALSE(ParseGoFloat(bad, &value)) << bad;
  }
}

TEST(GoFloat, SpellsBoundsAsOpenMetrics) {
  EXPECT_EQ(FormatOpenMetricsFloat(1), "1.0");
  EXPECT_EQ(FormatOpenMetricsFloat(0.005), "0.005");
  EXPECT_EQ(FormatOpenMetricsFloat(1e7), "1e+07");
  EXPECT_EQ(FormatOpenMetricsFloat(-3), "-3.0");
  EXPECT_EQ(FormatOpenMetricsFloat(INFINITY), "+Inf");
}

}  // namespace
}  // namespace hearth::codec

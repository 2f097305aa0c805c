// SPDX-License-Identifier: Apache-2.0
#include "model/duration.h"

#include <gtest/gtest.h>

namespace hearth::model {
namespace {

TEST(Duration, ReadsAndPrints) {
  const struct {
    std::string_view text;
    int64_t ms;
    std::string_view printed;
  } rows[] = {{"0", 0, "0s"},
              {"1ms", 1, "1ms"},
              {"250ms", 250, "250ms"},
              {"90s", 90'000, "1m30s"},
              {"1h30m", 5'400'000, "1h30m"},
              {"7d", 604'800'000, "1w"},
              {"8d", 691'200'000, "8d"},
              {"1y", 31'536'000'000, "1y"},
              {"1y2w3d", 31'536'000'000 + 2 * 604'800'000 + 3 * 86'400'000LL, "382d"}};
  for (const auto& row : rows) {
    const auto ms = ParseDurationMs(row.text);
    ASSERT_TRUE(ms.ok());
    EXPECT_EQ(*ms, row.ms);
    EXPECT_EQ(FormatDurationMs(row.ms), row.printed);
  }
  for (const std::string_view bad :
       {"", "1", "m", "1x", "1m1h", "1m1m", "-1s", "1.5s", "300y", "99999999999999999999s"}) {
    EXPECT_FALSE(ParseDurationMs(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace hearth::model

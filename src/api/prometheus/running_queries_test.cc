// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/running_queries.h"

#include <gtest/gtest.h>

namespace hearth::api {
namespace {

TEST(RunningQueries, AreListedWhileTheyRunAndEndWhenTold) {
  const ManualClock clock(5000);
  Registry metrics;
  RunningQueries queries(clock, metrics);
  RunningQueries::Entry entry;
  entry.workspace = "ws-1";
  entry.query = "up";
  entry.cancelled = std::make_shared<std::atomic<bool>>(false);
  auto handle = queries.Add(entry);
  const auto list = queries.List("ws-1");
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].query, "up");
  EXPECT_EQ(list[0].started_ms, 5000);
  EXPECT_TRUE(queries.List("ws-2").empty());
  EXPECT_FALSE(queries.Cancel("ws-2", list[0].id));
  EXPECT_FALSE(entry.cancelled->load());
  EXPECT_TRUE(queries.Cancel("ws-1", list[0].id));
  EXPECT_TRUE(entry.cancelled->load());
  handle.reset();
  EXPECT_TRUE(queries.List("ws-1").empty());
  EXPECT_FALSE(queries.Cancel("ws-1", list[0].id));
}

TEST(RunningQueries, ListedTextIsCutBetweenCharacters) {
  const ManualClock clock;
  Registry metrics;
  RunningQueries queries(clock, metrics);
  RunningQueries::Entry entry;
  entry.query = std::string(RunningQueries::kQueryTextMax - 1, 'a') + "ü" + "rest";
  const auto handle = queries.Add(entry);
  EXPECT_EQ(queries.List("")[0].query, std::string(RunningQueries::kQueryTextMax - 1, 'a') + "…");
}

}  // namespace
}  // namespace hearth::api

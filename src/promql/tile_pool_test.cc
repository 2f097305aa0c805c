// SPDX-License-Identifier: Apache-2.0
#include "promql/tile_pool.h"

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

namespace hearth::promql {
namespace {

TilePool::Options Threads(size_t threads) {
  TilePool::Options options;
  options.threads = threads;
  return options;
}

TEST(TilePool, HelpsOnlyWhileFewerQueriesRunThanThereAreThreads) {
  const ManualClock clock;
  Registry metrics;
  TilePool pool(Threads(2), clock, metrics);
  const TilePool::Query first(&pool);
  EXPECT_TRUE(pool.idle());
  absl::Notification may_end;
  ASSERT_TRUE(pool.TryHelp([&] { may_end.WaitForNotification(); }));
  EXPECT_FALSE(pool.idle());
  EXPECT_FALSE(pool.crowded());
  EXPECT_FALSE(pool.TryHelp([] {}));
  {
    const TilePool::Query second(&pool);
    EXPECT_TRUE(pool.crowded());
  }
  EXPECT_FALSE(pool.crowded());
  may_end.Notify();
}

TEST(TilePool, OneThreadHasNoHelpers) {
  const ManualClock clock;
  Registry metrics;
  TilePool pool(Threads(1), clock, metrics);
  const TilePool::Query query(&pool);
  EXPECT_FALSE(pool.idle());
  EXPECT_FALSE(pool.TryHelp([] {}));
}

TEST(TilePool, NobodyHelpsRightAfterAHelperDidNotGetItsCore) {
  ManualClock clock;
  Registry metrics;
  TilePool pool(Threads(2), clock, metrics);
  EXPECT_TRUE(pool.idle());
  pool.BackOff();
  EXPECT_FALSE(pool.idle());
  clock.Advance(1000);
  EXPECT_TRUE(pool.idle());
}

}  // namespace
}  // namespace hearth::promql

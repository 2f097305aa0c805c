// SPDX-License-Identifier: Apache-2.0
#include "tsdb/change_clock.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace hearth::tsdb {
namespace {

using storage::TimeRange;
constexpr int64_t kBucket = ChangeClock::kBucketMs;
constexpr TimeRange kAllTime{INT64_MIN, INT64_MAX};

bool Changed(const ChangeClock& clock, uint64_t number, TimeRange range) {
  return !clock.ChangedSince(number, range).empty();
}

TEST(ChangeClock, StartsUnchanged) {
  const ChangeClock clock;
  EXPECT_EQ(clock.number(), 0U);
  EXPECT_FALSE(Changed(clock, 0, kAllTime));
}

TEST(ChangeClock, TellsWhatChangedAfterANumber) {
  ChangeClock clock;
  clock.Mark({10 * kBucket + 5, 10 * kBucket + 6});
  const uint64_t then = clock.number();
  clock.Mark({20 * kBucket, 22 * kBucket});
  EXPECT_TRUE(Changed(clock, 0, {10 * kBucket + 5, 10 * kBucket + 5}));
  EXPECT_FALSE(Changed(clock, then, {0, 20 * kBucket - 1}));
  EXPECT_FALSE(Changed(clock, then, {23 * kBucket, INT64_MAX}));
  const auto changed = clock.ChangedSince(then, kAllTime);
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].min_ms, 20 * kBucket);
  EXPECT_EQ(changed[0].max_ms, 23 * kBucket - 1);
}

TEST(ChangeClock, CutsToWhatWasAskedAndJoinsNeighbours) {
  ChangeClock clock;
  clock.Mark({0, 0});
  clock.Mark({kBucket, kBucket});
  const auto changed = clock.ChangedSince(0, {7, kBucket + 7});
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].min_ms, 7);
  EXPECT_EQ(changed[0].max_ms, kBucket + 7);
}

TEST(ChangeClock, TakesTheEndsOfTime) {
  ChangeClock clock;
  clock.Mark({INT64_MAX, INT64_MAX});
  EXPECT_TRUE(Changed(clock, 0, {INT64_MAX, INT64_MAX}));
  clock.Mark({INT64_MIN, INT64_MIN});
  EXPECT_TRUE(Changed(clock, 1, {INT64_MIN, INT64_MIN}));
  EXPECT_FALSE(Changed(clock, 1, {0, INT64_MAX}));
  clock.Mark({-1, -1});
  EXPECT_TRUE(Changed(clock, 2, {-kBucket, -kBucket}));
  EXPECT_FALSE(Changed(clock, 2, {0, 0}));
  clock.Mark(kAllTime);
  EXPECT_TRUE(Changed(clock, 3, {0, 0}));
}

TEST(ChangeClock, NoTwoStoresHaveOneNumber) {
  const ChangeClock a;
  const ChangeClock b;
  EXPECT_NE(a.store_number(), b.store_number());
}

// Whatever is marked in whatever order: nothing that changed is called unchanged.
TEST(ChangeClock, NeverMissesAChange) {
  SeededRng random(7);
  for (int round = 0; round < 20; ++round) {
    ChangeClock clock;
    std::map<int64_t, uint64_t> truth;  // by bucket
    for (int i = 0; i < 3000; ++i) {
      const int64_t first = static_cast<int64_t>(random.Below(2000)) - 1000;
      const int64_t last =
          first + (random.Below(10) == 0 ? static_cast<int64_t>(random.Below(50)) : 0);
      clock.Mark({first * kBucket + 1, last * kBucket + 1});
      for (int64_t bucket = first; bucket <= last; ++bucket) truth[bucket] = clock.number();
    }
    for (int i = 0; i < 3000; ++i) {
      const uint64_t number = random.Below(clock.number());
      const int64_t bucket = static_cast<int64_t>(random.Below(2100)) - 1050;
      const auto at = truth.find(bucket);
      if (at == truth.end() || at->second <= number) continue;
      EXPECT_TRUE(Changed(clock, number, {bucket * kBucket, bucket * kBucket}));
    }
  }
}

TEST(ChangeClock, ForgetsNothingThatIsRecent) {
  ChangeClock clock;
  for (int64_t minute = 0; minute < 10'000; ++minute)
    clock.Mark({minute * kBucket, minute * kBucket});
  const uint64_t number = clock.number();
  EXPECT_FALSE(Changed(clock, number - 10, {0, 9'990 * kBucket - 1}));
  EXPECT_TRUE(Changed(clock, number - 10, {9'990 * kBucket, 9'990 * kBucket}));
}

}  // namespace
}  // namespace hearth::tsdb

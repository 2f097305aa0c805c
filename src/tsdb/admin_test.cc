// SPDX-License-Identifier: Apache-2.0
// Deletion and snapshots.
#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using model::Matcher;

constexpr int64_t kStart = TestStore::kStartMs;

Labels Series(const char* a) { return Labels{{"__name__", "x"}, {"a", a}}; }

TEST(Deletion, HidesWhatWasThereAndNothingElse) {
  TestStore store;
  store.Put(Series("1"), {{0, 1}, {1000, 2}, {2000, 3}});
  store.Put(Series("2"), {{0, 1}, {1000, 2}});
  ASSERT_TRUE(store.db().Seal().ok());
  store.Put(Series("1"), {{3000, 4}});
  const storage::TimeRange range{kStart + 1000, kStart + 3000};
  ASSERT_TRUE(store.db().DeleteSeries(range, {{Matcher::Equal("a", "1")}}).ok());
  const std::string expected = "x{a=\"1\"} 1@0\nx{a=\"2\"} 1@0 2@1000\n";
  EXPECT_EQ(store.Dump("x"), expected);
  EXPECT_EQ(store.db().stats().tombstones, 1U);
  store.Crash();
  EXPECT_EQ(store.Dump("x"), expected) << "after a crash";
  // The same times can be written again, and are seen.
  store.Put(Series("1"), {{3000, 40}});
  const std::string rewritten = "x{a=\"1\"} 1@0 40@3000\nx{a=\"2\"} 1@0 2@1000\n";
  EXPECT_EQ(store.Dump("x"), rewritten);
  ASSERT_TRUE(store.db().Close(false).ok());  // a merge would carry it out
  store.Crash();
  EXPECT_EQ(store.Dump("x"), rewritten);
  const uint64_t before = store.db().stats().block_samples;
  ASSERT_TRUE(store.db().CleanTombstones().ok());
  EXPECT_EQ(store.Dump("x"), rewritten) << "cleaned";
  EXPECT_EQ(store.db().stats().tombstones, 0U);
  EXPECT_EQ(store.db().stats().block_samples, before - 3);
  store.Crash();
  EXPECT_EQ(store.Dump("x"), rewritten) << "cleaned, after a crash";
}

TEST(Deletion, AMergeCarriesItOut) {
  TestStore store;
  for (int i = 0; i < 3; ++i) {
    store.Put(Series("1"), {{i * 1000, i}});
    store.Put(Series("2"), {{i * 1000, i}});
    ASSERT_TRUE(store.db().Seal().ok());
    if (i == 1) {
      ASSERT_TRUE(
          store.db().DeleteSeries({INT64_MIN, INT64_MAX}, {{Matcher::Equal("a", "1")}}).ok());
    }
  }
  const std::string expected = "x{a=\"1\"} 2@2000\nx{a=\"2\"} 0@0 1@1000 2@2000\n";
  EXPECT_EQ(store.Dump("x"), expected);
  store.manual_clock().Advance(int64_t{3} * 3600 * 1000);
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_EQ(store.db().stats().blocks, 1U);
  EXPECT_EQ(store.db().stats().block_samples, 4U);
  EXPECT_EQ(store.db().stats().tombstones, 0U);
  EXPECT_EQ(store.Dump("x"), expected);
}

TEST(Deletion, GoneSeriesHaveNoLabels) {
  TestStore store;
  store.Put(Series("1"), {{0, 1}});
  store.Put(Series("2"), {{0, 1}});
  ASSERT_TRUE(store.db().DeleteSeries({INT64_MIN, INT64_MAX}, {{Matcher::Equal("a", "1")}}).ok());
  EXPECT_EQ(store.db().LabelValues("a", {kStart, kStart}, {}, 0)->size(), 1U);
  EXPECT_EQ(store.db().Series({kStart, kStart}, {}, 0)->size(), 1U);
  store.Put(Series("1"), {{0, 5}});
  EXPECT_EQ(store.db().LabelValues("a", {kStart, kStart}, {}, 0)->size(), 2U);
}

TEST(Deletion, NeedsASelectorWithMatchers) {
  TestStore store;
  EXPECT_TRUE(absl::IsInvalidArgument(store.db().DeleteSeries({0, 1}, {})));
  EXPECT_TRUE(absl::IsInvalidArgument(store.db().DeleteSeries({0, 1}, {{}})));
  EXPECT_TRUE(
      absl::IsInvalidArgument(store.db().DeleteSeries({1, 0}, {{Matcher::Equal("a", "1")}})));
}

TEST(Snapshot, OpensAsAStoreWithAllThatWasAcknowledged) {
  TestStore store;
  store.Put(Series("1"), {{0, 1}});
  ASSERT_TRUE(store.db().Seal().ok());
  store.Put(Series("1"), {{1000, 2}});
  const TemporaryDirectory place;
  const std::string all = place.path() + "/all";
  const std::string blocks = place.path() + "/blocks-only";
  ASSERT_TRUE(store.db().Snapshot(blocks, true).ok());
  ASSERT_TRUE(store.db().Snapshot(all, false).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(store.db().Snapshot(all, false)));
  store.Put(Series("1"), {{2000, 3}});
  for (const auto& [directory, expected] :
       {std::pair(all, "x{a=\"1\"} 1@0 2@1000\n"), std::pair(blocks, "x{a=\"1\"} 1@0\n")}) {
    Options options;
    options.directory = directory;
    TestStore copy(options);
    EXPECT_EQ(copy.Dump("x"), expected);
    copy.Put(Series("1"), {{5000, 9}});
    copy.Restart();
    EXPECT_NE(copy.Dump("x").find("9@5000"), std::string::npos);
  }
}

TEST(Snapshot, LeavesNothingWhereItFails) {
  FaultyFileSystem disk;
  Options options;
  options.directory = "/db";
  TestStore store(options, &disk);
  store.Put(Series("1"), {{0, 1}});
  ASSERT_TRUE(store.db().Seal().ok());
  for (uint64_t n = 1; n < 50; ++n) {
    disk.FailFrom(n, ResourceExhausted("the disk is full"));
    const absl::Status status = store.db().Snapshot("/copy", false);
    disk.Heal();
    if (status.ok()) {
      EXPECT_GT(n, 3U);
      return;
    }
    ASSERT_TRUE(disk.RemoveTree("/copy").ok());  // a disk that fails may keep that too
    EXPECT_EQ(store.Dump("x"), "x{a=\"1\"} 1@0\n");
  }
  FAIL() << "never succeeded";
}

}  // namespace
}  // namespace hearth::tsdb

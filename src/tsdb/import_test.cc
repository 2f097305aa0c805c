// SPDX-License-Identifier: Apache-2.0
// Import: samples of another store, however old.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using ::testing::HasSubstr;

constexpr int64_t kStart = TestStore::kStartMs;
constexpr int64_t kHour = 3600 * 1000;
constexpr int64_t kWeek = 7 * 24 * kHour;

// Series x{a="…"} with samples at kStart + the times given, one tile a series.
class GivenSeries : public storage::SeriesSet {
 public:
  struct One {
    Labels labels;
    std::vector<int64_t> times_ms;
    std::vector<double> values;
  };
  GivenSeries(const char* a, const TestStore::Samples& samples) { Add(a, samples); }
  GivenSeries& Add(const char* a, const TestStore::Samples& samples) {
    One one{Labels{{"__name__", "x"}, {"a", a}}, {}, {}};
    for (const auto& [time_ms, value] : samples) {
      one.times_ms.push_back(kStart + time_ms);
      one.values.push_back(value);
    }
    all_.push_back(std::move(one));
    return *this;
  }
  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    batch->series.clear();
    if (next_ == all_.size()) return false;
    const One& one = all_[next_++];
    batch->series.push_back({one.labels, one.times_ms, one.values, 0, {}});
    return true;
  }

 private:
  std::vector<One> all_;
  size_t next_ = 0;
};

absl::StatusOr<storage::ImportOutcome> Import(TestStore& store, const std::string& key,
                                              GivenSeries series, int64_t min_ms, int64_t max_ms) {
  return store.db().Import(key, {kStart + min_ms, kStart + max_ms}, series);
}

TEST(Import, TakesSamplesOfWeeksAgo) {
  TestStore store;
  store.Put(Labels{{"__name__", "x"}, {"a", "2"}}, {{0, 7}});
  const TestStore::Samples old = {{-3 * kWeek, 1}, {-3 * kWeek + 1000, 2}};
  const auto outcome = Import(store, "01A.0", GivenSeries("1", old).Add("2", {{-3 * kWeek, 3}}),
                              -3 * kWeek, -3 * kWeek + kHour);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->series, 2U);
  EXPECT_EQ(outcome->samples, 3U);
  EXPECT_FALSE(outcome->repeated);
  const std::string expected =
      "x{a=\"1\"} 1@-1814400000 2@-1814399000\nx{a=\"2\"} 3@-1814400000 7@0\n";
  EXPECT_EQ(store.Dump("x"), expected);
  store.Crash();
  EXPECT_EQ(store.Dump("x"), expected) << "after a crash";
  store.Put(Labels{{"__name__", "x"}, {"a", "1"}}, {{1000, 9}});
  EXPECT_THAT(store.Dump("x"), HasSubstr("9@1000"));
}

TEST(Import, BringsSamplesThatAreNewerThanTheHeads) {
  TestStore store;
  store.Put(Labels{{"__name__", "x"}, {"a", "1"}}, {{0, 1}});
  ASSERT_TRUE(Import(store, "k", GivenSeries("1", {{1000, 2}}), 1000, 1000).ok());
  store.Put(Labels{{"__name__", "x"}, {"a", "2"}}, {{0, 3}});
  storage::SelectRequest request;
  request.range = {kStart - 1000, kStart + 5000};
  request.matchers = {model::Matcher::Equal("a", "1")};
  request.hints.newest_only = true;
  const auto set = store.db().Select(request);
  ASSERT_TRUE(set.ok()) << set.status();
  storage::ColumnBatch batch;
  ASSERT_TRUE(*(*set)->Next(&batch));
  EXPECT_EQ(batch.series[0].values.back(), 2);
}

TEST(Import, StoresAKeyOnce) {
  TestStore store;
  const auto import = [&] {
    return Import(store, "k", GivenSeries("1", {{-kHour, 1}}), -kHour, -kHour);
  };
  ASSERT_TRUE(import().ok());
  for (const bool crash : {false, true}) {
    if (crash) store.Crash();
    const auto again = import();
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->samples, 1U);
    EXPECT_EQ(store.db().stats().block_samples, 1U);
    EXPECT_TRUE(store.db().FindImport("k").has_value());
    EXPECT_FALSE(store.db().FindImport("other").has_value());
  }
}

TEST(Import, WhatIsThereWins) {
  TestStore store;
  store.Put(Labels{{"__name__", "x"}, {"a", "1"}}, {{0, 1}, {2000, 3}});
  ASSERT_TRUE(
      Import(store, "k", GivenSeries("1", {{0, 10}, {1000, 20}, {2000, 30}}), 0, 2000).ok());
  EXPECT_EQ(store.Dump("x"), "x{a=\"1\"} 1@0 20@1000 3@2000\n");
}

TEST(Import, EarlierDeletionsAreNotItsConcern) {
  TestStore store;
  store.Put(Labels{{"__name__", "x"}, {"a", "1"}}, {{0, 1}});
  ASSERT_TRUE(
      store.db().DeleteSeries({INT64_MIN, INT64_MAX}, {{model::Matcher::Equal("a", "1")}}).ok());
  ASSERT_TRUE(Import(store, "k", GivenSeries("1", {{0, 10}}), 0, 0).ok());
  EXPECT_EQ(store.Dump("x"), "x{a=\"1\"} 10@0\n");
}

TEST(Import, LeavesOutWhatRetentionWouldDrop) {
  Options options;
  options.retention_ms = kWeek;
  TestStore store(options);
  const auto outcome = Import(store, "k", GivenSeries("1", {{-kWeek - 1, 1}, {-kWeek + 1, 2}}),
                              -kWeek - 1, -kWeek + 1);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->expired, 1U);
  EXPECT_EQ(outcome->samples, 1U);
  const auto none =
      Import(store, "older", GivenSeries("1", {{-2 * kWeek, 1}}), -2 * kWeek, -2 * kWeek);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->samples, 0U);
  EXPECT_TRUE(store.db().FindImport("older").has_value());
}

TEST(Import, RefusesWhatIsOutsideOfItsRange) {
  TestStore store;
  EXPECT_THAT(Message(Import(store, "k", GivenSeries("1", {{-2, 1}}), -1, 0).status()),
              HasSubstr("outside of"));
  EXPECT_THAT(Message(Import(store, "k", GivenSeries("1", {{1, 1}}), -1, 0).status()),
              HasSubstr("outside of"));
  EXPECT_FALSE(Import(store, "k", GivenSeries("1", {{0, 1}}), 0, kHour).ok()) << "the future";
  EXPECT_FALSE(Import(store, "k", GivenSeries("1", {{0, 1}}), -25 * kHour, 0).ok()) << "too long";
  EXPECT_FALSE(Import(store, "a/b", GivenSeries("1", {{0, 1}}), 0, 0).ok()) << "key";
  EXPECT_EQ(store.db().stats().blocks, 0U);
  EXPECT_FALSE(store.db().FindImport("k").has_value());
}

TEST(Import, SurvivesASnapshot) {
  TestStore store;
  ASSERT_TRUE(Import(store, "k", GivenSeries("1", {{-kWeek, 1}}), -kWeek, -kWeek).ok());
  const std::string copy = store.options().directory + "-copy";
  ASSERT_TRUE(store.db().Snapshot(copy, false).ok());
  Options options;
  options.directory = copy;
  TestStore restored(options);
  EXPECT_EQ(restored.Dump("x"), "x{a=\"1\"} 1@-604800000\n");
  EXPECT_TRUE(restored.db().FindImport("k").has_value());
}

// Whichever change of the disk fails, with a power cut or without: either all of it is there and
// known, or nothing of it; and a second import makes it whole.
TEST(Import, IsAllOrNothingWhereverTheDiskFails) {
  const std::string before = "x{a=\"1\"} 1@0\n";
  const std::string all = before + "x{a=\"2\"} 2@-604800000\n";
  const auto import = [](TestStore& store) {
    return Import(store, "k", GivenSeries("2", {{-kWeek, 2}}), -kWeek, -kWeek);
  };
  for (const bool power_cut : {false, true}) {
    uint64_t changes = 1;  // of an import that nothing disturbs, once the first round has counted
    for (uint64_t n = 0; n <= changes; ++n) {
      FaultyFileSystem disk;
      Options options;
      options.directory = "/db";
      TestStore store(options, &disk);
      store.Put(Labels{{"__name__", "x"}, {"a", "1"}}, {{0, 1}});
      const uint64_t begin = disk.changes();
      if (n > 0) disk.FailFrom(n, ResourceExhausted("No space left on device"));
      const auto outcome = import(store);
      if (n == 0) changes = disk.changes() - begin;
      store.Drop();
      disk.Heal();
      if (power_cut) disk.CutPower();
      ASSERT_TRUE(store.Open().ok()) << n;
      const bool known = store.db().FindImport("k").has_value();
      EXPECT_EQ(store.Dump("x"), known ? all : before) << n;
      EXPECT_TRUE(known || !outcome.ok()) << n;
      ASSERT_TRUE(import(store).ok()) << n;
      EXPECT_EQ(store.Dump("x"), all) << n;
      EXPECT_EQ(store.db().stats().block_samples, 2U) << n;
    }
    EXPECT_GT(changes, 5U);
  }
}

}  // namespace
}  // namespace hearth::tsdb

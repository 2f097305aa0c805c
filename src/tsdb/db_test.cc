// SPDX-License-Identifier: Apache-2.0
#include "tsdb/db.h"

#include <gtest/gtest.h>

#include "base/file_system.h"
#include "base/status.h"
#include "model/value.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using storage::RejectReason;

TEST(Db, ReturnsWhatWasCommitted) {
  TestStore store;
  store.Put(Labels{{"__name__", "up"}, {"job", "b"}}, {{0, 1}, {15'000, 0}});
  store.Put(Labels{{"__name__", "up"}, {"job", "a"}}, {{0, 2}});
  EXPECT_EQ(store.Dump("up"), "up{job=\"a\"} 2@0\nup{job=\"b\"} 1@0 0@15000\n");
}

TEST(Db, KeepsSamplesOverACrash) {
  TestStore store;
  for (int i = 0; i < 1000; ++i) {
    store.Put(Labels{{"__name__", "x"}, {"i", std::to_string(i % 7)}}, {{i * 500, i * 0.1}});
  }
  const std::string before = store.Dump("x");
  store.Crash();
  EXPECT_EQ(store.Dump("x"), before);
  EXPECT_EQ(store.db().stats().replayed_samples, 1000U);
}

TEST(Db, CountsTheChunksInMemory) {
  TestStore store;
  EXPECT_EQ(store.db().stats().head_chunks, 0U);
  const Labels labels{{"__name__", "x"}};
  for (int i = 0; i < 240; ++i) store.Put(labels, {{i * 1000, 1}});
  EXPECT_EQ(store.db().stats().head_chunks, 1U);
  store.Put(labels, {{240'000, 1}});
  EXPECT_EQ(store.db().stats().head_chunks, 2U);
  store.Put(Labels{{"__name__", "y"}}, {{0, 1}});
  EXPECT_EQ(store.db().stats().head_chunks, 3U);
  store.Put(labels, {{-1000, 1}});  // a late one is in no chunk
  EXPECT_EQ(store.db().stats().head_chunks, 3U);
  store.Crash();
  EXPECT_EQ(store.db().stats().head_chunks, 3U);
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(store.db().stats().head_chunks, 0U);
  store.Put(labels, {{300'000, 1}});
  EXPECT_EQ(store.db().stats().head_chunks, 1U);
}

TEST(Db, RefusesByTheRules) {
  const Labels labels{{"__name__", "x"}};
  struct Row {
    const char* what;
    int64_t time_ms;
    double value;
    std::optional<RejectReason> expected;
    size_t duplicates;
  };
  const Row rows[] = {
      {"first sample of any age", -40'000'000, 1, std::nullopt, 0},
      {"in order", 0, 2, std::nullopt, 0},
      {"same again", 0, 2, std::nullopt, 1},
      {"other value", 0, 3, RejectReason::kDuplicate, 0},
      {"late, in the window", -3'600'000, 4, std::nullopt, 0},
      {"the same late one again", -3'600'000, 4, std::nullopt, 1},
      {"late, other value", -3'600'000, 5, RejectReason::kDuplicate, 0},
      {"older than the window", -3'600'001, 4, RejectReason::kTooOld, 0},
      {"ten minutes ahead", 600'000, 6, std::nullopt, 0},
      {"further ahead", 600'001, 6, RejectReason::kTooFarInFuture, 0},
      {"before retention", -int64_t{150} * 86'400'000 - 1, 6, RejectReason::kBeforeRetention, 0},
  };
  TestStore store;
  for (const Row& row : rows) {
    const auto outcome = store.Try(labels, {{row.time_ms, row.value}});
    ASSERT_TRUE(outcome.ok()) << row.what;
    EXPECT_EQ(outcome->duplicates, row.duplicates) << row.what;
    if (row.expected.has_value()) {
      ASSERT_EQ(outcome->rejections.size(), 1U) << row.what;
      EXPECT_EQ(outcome->rejections[0].reason, *row.expected) << row.what;
    } else {
      EXPECT_EQ(outcome->rejected, 0U) << row.what;
    }
  }
  storage::WriteBatch markers;
  markers.AddSeries(labels);
  markers.AddSample(TestStore::kStartMs + 1, model::StaleNan());
  markers.AddSample(TestStore::kStartMs + 600'000, 6);  // the newest again
  storage::Origin refuses_late;
  refuses_late.refuse_late = true;
  const auto refused = store.db().Commit(markers, refuses_late);
  ASSERT_TRUE(refused.ok()) << refused.status();
  ASSERT_EQ(refused->rejected, 1U);
  EXPECT_EQ(refused->rejections[0].reason, RejectReason::kOutOfOrder);
  EXPECT_EQ(refused->duplicates, 1U);
  store.db().SetOutOfOrderWindow(0);
  EXPECT_EQ(store.Try(labels, {{1, 1}})->rejections[0].reason, RejectReason::kOutOfOrder);
  store.db().SetMaxSampleAge(1000);
  EXPECT_EQ(store.Try(Labels{{"a", "b"}}, {{-1001, 1}})->rejections[0].reason,
            RejectReason::kTooOld);
  store.db().SetSeriesMax(1);
  EXPECT_EQ(store.Try(Labels{{"a", "b2"}}, {{0, 1}})->rejections[0].reason,
            RejectReason::kSeriesLimit);
  EXPECT_EQ(store.Dump("x"), "x 1@-40000000 4@-3600000 2@0 6@600000\n");
}

TEST(Db, KeepsStaleMarkersAndNanPayloads) {
  TestStore store;
  const double odd = std::bit_cast<double>(uint64_t{0x7ff8000000abcdef});
  store.Put(Labels{{"__name__", "x"}},
            {{0, model::StaleNan()}, {1, odd}, {2, -0.0}, {3, model::NormalNan()}, {4, 1}});
  for (int round = 0; round < 2; ++round) {
    const auto series = store.Read("x");
    ASSERT_EQ(series.size(), 1U);
    EXPECT_TRUE(model::IsStaleNan(series[0].values[0]));
    EXPECT_TRUE(model::SameBits(series[0].values[1], odd));
    EXPECT_TRUE(model::SameBits(series[0].values[2], -0.0));
    EXPECT_TRUE(model::SameBits(series[0].values[3], model::NormalNan()));
    store.Crash();
  }
}

TEST(Db, KeepsMetadataOverACrash) {
  TestStore store;
  storage::WriteBatch batch;
  batch.AddMetadata({"up", model::MetricType::kGauge, "Is it up.", ""});
  ASSERT_TRUE(store.db().Commit(batch, {}).ok());
  store.Crash();
  ASSERT_EQ(store.db().MetricMetadata("up", 0).size(), 1U);
  EXPECT_EQ(store.db().MetricMetadata("", 0)[0].help, "Is it up.");
}

TEST(Db, SharesTimelinesOfOneScrape) {
  TestStore store;
  for (int t = 0; t < 3; ++t) {
    for (const char* name : {"a", "b", "c"}) {
      store.Put(Labels{{"__name__", "x"}, {"n", name}}, {{t * 15'000 + (*name == 'c'), 1}});
    }
  }
  const auto series = store.Read("x");
  ASSERT_EQ(series.size(), 3U);
  EXPECT_NE(series[0].timeline, 0U);
  EXPECT_EQ(series[0].timeline, series[1].timeline);
  EXPECT_NE(series[0].timeline, series[2].timeline);
}

TEST(Db, ASampleOfAClockThatWasAheadDoesNotRefuseThePresent) {
  constexpr int64_t kDay = 86'400'000;
  TestStore store;
  const model::Labels labels{{"__name__", "x"}};
  store.manual_clock().SetWall(TestStore::kStartMs + kDay);
  store.Put(labels, {{kDay, 1}});
  store.manual_clock().SetWall(TestStore::kStartMs + 10'000);
  store.Put(labels, {{10'000, 2}});
  store.Put(model::Labels{{"__name__", "x"}, {"i", "new"}}, {{10'000, 3}});
  // Rules and scrapes, whose samples never come late.
  storage::WriteBatch batch;
  batch.AddSeries(labels);
  batch.AddSample(TestStore::kStartMs + 20'000, 4);
  storage::Origin origin;
  origin.refuse_late = true;
  EXPECT_EQ(store.db().Commit(batch, origin)->stored, 1U);
  // What is old stays so.
  EXPECT_EQ(store.Try(labels, {{-2 * 3'600'000, 5}})->rejected, 1U);
  storage::WriteBatch old;
  old.AddSeries(labels);
  old.AddSample(TestStore::kStartMs - 20 * 60'000, 6);
  EXPECT_EQ(store.db().Commit(old, origin)->rejected, 1U);
  const std::string all = fmt::format("x 2@10000 4@20000 1@{}\nx{{i=\"new\"}} 3@10000\n", kDay);
  EXPECT_EQ(store.Dump("x"), all);
  ASSERT_TRUE(store.db().Seal().ok());
  store.Put(labels, {{30'000, 7}});
  EXPECT_NE(store.Dump("x").find("4@20000 7@30000 1@"), std::string::npos) << store.Dump("x");
}

}  // namespace
}  // namespace hearth::tsdb

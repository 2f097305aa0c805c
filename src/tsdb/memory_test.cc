// SPDX-License-Identifier: Apache-2.0
// Survival: memory budgets, full disks, clocks that jump.
#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using storage::RejectReason;

constexpr int64_t kStart = TestStore::kStartMs;

TEST(MemoryBudget, PressureRisesInSteps) {
  MemoryBudget budget(1000);
  EXPECT_EQ(budget.pressure(), Pressure::kNone);
  budget.Add(549);
  EXPECT_EQ(budget.pressure(), Pressure::kNone);
  budget.Add(1);
  EXPECT_EQ(budget.pressure(), Pressure::kSeal);
  budget.Add(150);
  EXPECT_EQ(budget.pressure(), Pressure::kEvict);
  budget.Add(150);
  EXPECT_EQ(budget.pressure(), Pressure::kRefuse);
  budget.Add(-850);
  budget.SetProcessPressure(Pressure::kEvict);
  EXPECT_EQ(budget.pressure(), Pressure::kEvict);
}

Labels Known(int i) {
  return Labels{{"__name__", "up"}, {"job", "steady"}, {"instance", std::to_string(i)}};
}
Labels Burst(int i) {
  return Labels{{"__name__", "http_requests_total"},
                {"job", "checkout"},
                {"path", "/cart"},
                {"request_id", fmt::format("7f1c9a{:08x}-4d2e-4c5b-9a8f-112233445566", i)}};
}

TEST(IdleStore, ItsSeriesLeaveThoughNothingIsSealedAnyMore) {
  TestStore store;
  for (int i = 0; i < 200; ++i) store.Put(Known(i), {{0, i}});
  store.manual_clock().Advance(11 * 60'000);
  store.db().Maintain();
  EXPECT_EQ(store.db().stats().head_samples, 0U);
  EXPECT_EQ(store.db().stats().series, 200U);
  store.manual_clock().Advance(61 * 60'000);
  store.db().Maintain();
  EXPECT_EQ(store.db().stats().series, 0U);
  EXPECT_EQ(store.Read("up").size(), 200U);
  // They come back as they were.
  store.Put(Known(7), {{72 * 60'000, 8}});
  EXPECT_EQ(store.db().stats().series, 1U);
  EXPECT_EQ(store.Read("up").size(), 200U);
}

// One hundredth of ten million new series within five minutes.
TEST(Explosion, KnownSeriesGoOnWhileNewOnesAreRefused) {
  constexpr uint64_t kBudget = 12 << 20;
  MemoryBudget budget(kBudget);
  Options options;
  options.memory = &budget;
  options.wal_fsync = WalFsync::kOs;
  TestStore store(options);
  constexpr int kRounds = 20;
  size_t refused = 0;
  std::string explosion;
  for (int round = 0; round < kRounds; ++round) {
    const int64_t now = kStart + round * 15'000;
    storage::WriteBatch steady;
    for (int i = 0; i < 1000; ++i) {
      steady.AddSeries(Known(i));
      steady.AddSample(now, round);
    }
    const auto kept = store.db().Commit(steady, {});
    ASSERT_TRUE(kept.ok()) << kept.status();
    EXPECT_EQ(kept->stored, 1000U) << round;
    for (int part = 0; part < 10; ++part) {
      storage::WriteBatch burst;
      for (int i = 0; i < 500; ++i) {
        burst.AddSeries(Burst((round * 10 + part) * 500 + i));
        burst.AddSample(now, 1);
      }
      const auto outcome = store.db().Commit(burst, {});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      refused += outcome->rejected;
      if (outcome->rejected > 0) {
        EXPECT_EQ(outcome->rejections[0].reason, RejectReason::kMemory);
        explosion = outcome->explosion;
      }
      ASSERT_LE(budget.heads_bytes(), kBudget) << round;
    }
    store.manual_clock().Advance(15'000);
    store.db().Maintain();
  }
  EXPECT_GT(refused, 10'000U);
  EXPECT_NE(explosion.find("metric \"http_requests_total\" of job \"checkout\" has "),
            std::string::npos)
      << explosion;
  EXPECT_NE(explosion.find("label \"request_id\" has "), std::string::npos) << explosion;
  const auto known = store.Read("up");
  ASSERT_EQ(known.size(), 1000U);
  for (const TestSeries& series : known) {
    EXPECT_EQ(series.values.size(), static_cast<size_t>(kRounds)) << series.labels;
  }
  // The burst ends: its series leave, and others can come.
  for (int round = 0; round < 60; ++round) {
    storage::WriteBatch steady;
    for (int i = 0; i < 1000; ++i) {
      steady.AddSeries(Known(i));
      steady.AddSample(kStart + (kRounds + round) * 15'000, 1);
    }
    ASSERT_EQ(store.db().Commit(steady, {})->rejected, 0U);
    store.manual_clock().Advance(15'000);
    store.db().Maintain();
  }
  EXPECT_LT(budget.pressure(), Pressure::kRefuse);
  EXPECT_LT(store.db().stats().series, 45'000U);
  EXPECT_EQ(store.Try(Burst(1'000'000), {{1'190'000, 1}})->rejected, 0U);
}

TEST(Memory, IdleSeriesLeaveAndTheirSamplesStay) {
  Options options;
  options.idle_series_ms = 1000;
  TestStore store(options);
  for (int i = 0; i < 200; ++i) {
    store.Put(Labels{{"__name__", "x"}, {"i", std::to_string(i)}}, {{0, i}});
  }
  ASSERT_TRUE(store.db().Seal().ok());
  store.manual_clock().Advance(5000);
  store.Put(Labels{{"__name__", "x"}, {"i", "7"}}, {{5000, 70}});
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(store.db().stats().series, 1U);
  EXPECT_EQ(store.Read("x").size(), 200U);
  store.Put(Labels{{"__name__", "x"}, {"i", "7"}}, {{6000, 71}});
  store.Put(Labels{{"__name__", "x"}, {"i", "8"}}, {{6000, 81}});
  store.Crash();
  EXPECT_EQ(store.Dump("x").find("x{i=\"7\"} 7@0 70@5000 71@6000") != std::string::npos, true);
  EXPECT_EQ(store.Dump("x").find("x{i=\"8\"} 8@0 81@6000") != std::string::npos, true);
}

TEST(DiskFull, RefusesReadsOnAndResumesByItself) {
  FaultyFileSystem disk;
  Options options;
  options.directory = "/db";
  TestStore store(options, &disk);
  const Labels labels{{"__name__", "x"}};
  store.Put(labels, {{0, 1}});
  ASSERT_TRUE(store.db().Seal().ok());
  store.Put(labels, {{1000, 2}});
  disk.FailFrom(1, ResourceExhausted("no space left on device"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(absl::IsResourceExhausted(store.Try(labels, {{2000, 3}}).status())) << i;
    EXPECT_FALSE(store.db().Seal().ok());
    store.manual_clock().Advance(10'000);
    store.db().Maintain();
    EXPECT_EQ(store.Dump("x"), "x 1@0 2@1000\n");
  }
  disk.Heal();
  store.manual_clock().Advance(10'000);
  store.db().Maintain();
  store.Put(labels, {{2000, 3}});
  EXPECT_EQ(store.Dump("x"), "x 1@0 2@1000 3@2000\n");
  store.Crash();
  EXPECT_EQ(store.Dump("x"), "x 1@0 2@1000 3@2000\n");
}

TEST(DiskBudget, TheOldestBlockGoes) {
  TestStore store;
  const Labels labels{{"__name__", "x"}};
  for (int i = 0; i < 3; ++i) {
    store.Put(labels, {{i * 1000, i}});
    ASSERT_TRUE(store.db().Seal().ok());
  }
  EXPECT_EQ(store.db().oldest_block_end_ms(), kStart);
  EXPECT_EQ(*store.db().DropOldestBlock(kStart), 0U);
  EXPECT_GT(*store.db().DropOldestBlock(kStart + 1), 0U);
  EXPECT_EQ(store.Dump("x"), "x 1@1000 2@2000\n");
  store.Crash();
  EXPECT_EQ(store.Dump("x"), "x 1@1000 2@2000\n");
}

TEST(Clock, JumpsLoseNothing) {
  constexpr int64_t kYear = int64_t{365} * 86'400'000;
  Options options;
  options.retention_ms = 3 * kYear;
  TestStore store(options);
  const Labels labels{{"__name__", "x"}};
  store.Put(labels, {{0, 1}});
  for (const int64_t jump : {kYear, -kYear, -kYear, kYear}) {
    store.manual_clock().Advance(jump);
    store.db().Maintain();
    EXPECT_TRUE(store.db().Seal().ok());
    EXPECT_TRUE(store.db().Compact().ok());
    EXPECT_EQ(store.Dump("x"), "x 1@0\n") << jump;
  }
  store.Put(labels, {{1000, 2}});
  EXPECT_EQ(store.Dump("x"), "x 1@0 2@1000\n");
}

}  // namespace
}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Sealing, merging, retention: what a query sees must not depend on where samples are.
#include <gtest/gtest.h>

#include <atomic>

#include "base/faulty_file_system.h"
#include "base/rng.h"
#include "base/threads.h"
#include "model/value.h"
#include "tsdb/compaction.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using model::Matcher;
using model::MatchType;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kDayMs = 24 * 60 * kMinuteMs;
constexpr int64_t kRetentionMs = 150 * kDayMs;

Labels Series(int i) {
  return Labels{{"__name__", "x"}, {"i", std::to_string(i)}, {"parity", i % 2 == 0 ? "e" : "o"}};
}

// One scrape of `n` series at the clock's time.
void Scrape(TestStore* store, int n, double value) {
  storage::WriteBatch batch;
  for (int i = 0; i < n; ++i) {
    batch.AddSeries(Series(i));
    batch.AddSample(store->manual_clock().NowMs(), value + i * 0.5);
  }
  const auto outcome = store->db().Commit(batch, {});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  ASSERT_EQ(outcome->rejected, 0U);
}

TEST(Seal, ChangesNothingThatQueriesSee) {
  TestStore store;
  for (int t = 0; t < 30; ++t) {
    Scrape(&store, 5, t);
    store.manual_clock().Advance(15'000);
  }
  const std::string before = store.Dump("x");
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(store.Dump("x"), before);
  EXPECT_EQ(store.db().stats().blocks, 1U);
  EXPECT_EQ(store.db().stats().head_samples, 0U);
  EXPECT_EQ(store.db().stats().wal_bytes, 0U);
  EXPECT_EQ(store.db().stats().block_samples, 150U);
  store.Crash();
  EXPECT_EQ(store.Dump("x"), before);
  EXPECT_EQ(store.db().stats().replayed_samples, 0U);
}

TEST(Seal, GoesOnWithTheSameSeries) {
  TestStore store;
  Scrape(&store, 3, 1);
  ASSERT_TRUE(store.db().Seal().ok());
  store.manual_clock().Advance(15'000);
  Scrape(&store, 4, 2);
  EXPECT_EQ(store.Dump("x", 0, 1),
            "x{i=\"0\", parity=\"e\"} 1@0\nx{i=\"1\", parity=\"o\"} 1.5@0\n"
            "x{i=\"2\", parity=\"e\"} 2@0\n");
  const std::string all = store.Dump("x");
  store.Crash();  // labels were logged again after the seal
  EXPECT_EQ(store.Dump("x"), all);
  // The newest sample is remembered over the seal.
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(store.Try(Series(0), {{15'000, 2}})->duplicates, 1U);
  EXPECT_EQ(store.Try(Series(0), {{15'000, 9}})->rejected, 1U);
}

TEST(Seal, HappensByTimeAndBySize) {
  Options options;
  options.seal_bytes = 4096;
  TestStore store(options);
  Scrape(&store, 2, 1);
  store.db().Maintain();
  EXPECT_EQ(store.db().stats().blocks, 0U);
  store.manual_clock().Advance(10 * kMinuteMs);
  store.db().Maintain();
  EXPECT_EQ(store.db().stats().blocks, 1U);
  Scrape(&store, 300, 1);
  store.db().Maintain();
  EXPECT_EQ(store.db().stats().blocks, 2U);
}

TEST(Seal, MergesLateSamplesAndLetsTheFirstWin) {
  TestStore store;
  store.Put(Series(1), {{-30'000, 1}, {0, 2}});
  ASSERT_TRUE(store.db().Seal().ok());
  store.Put(Series(1), {{15'000, 3}, {-15'000, 9}, {-30'000, 77}});
  const char* expected = "x{i=\"1\", parity=\"o\"} 1@-30000 9@-15000 2@0 3@15000\n";
  EXPECT_EQ(store.Dump("x"), expected);
  ASSERT_TRUE(store.db().Seal().ok());
  EXPECT_EQ(store.Dump("x"), expected);
  store.manual_clock().Advance(24 * 60 * kMinuteMs);
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_EQ(store.db().stats().blocks, 1U);
  EXPECT_EQ(store.Dump("x"), expected);
  EXPECT_EQ(store.db().stats().block_samples, 4U);
}

TEST(Seal, CloseLeavesNothingToReplay) {
  TestStore store;
  Scrape(&store, 3, 1);
  const std::string before = store.Dump("x");
  store.Restart();
  EXPECT_EQ(store.db().stats().replayed_samples, 0U);
  EXPECT_EQ(store.db().stats().wal_bytes, 0U);
  EXPECT_EQ(store.Dump("x"), before);
  // What a sender repeats after the restart is known; the next sample goes on.
  EXPECT_EQ(store.Try(Series(0), {{0, 1}})->duplicates, 1U);
  EXPECT_EQ(store.Try(Series(0), {{0, 9}})->rejections[0].reason,
            storage::RejectReason::kDuplicate);
  EXPECT_EQ(store.Try(Series(0), {{1, 9}})->stored, 1U);
}

TEST(Seal, LetsIdleSeriesGo) {
  TestStore store;
  Scrape(&store, 300, 1);
  for (int t = 0; t < 8; ++t) {
    store.manual_clock().Advance(10 * kMinuteMs);
    Scrape(&store, 20, t);
    ASSERT_TRUE(store.db().Seal().ok());
  }
  EXPECT_EQ(store.db().stats().series, 20U);
  store.manual_clock().Advance(15'000);
  Scrape(&store, 30, 5);
  EXPECT_EQ(store.Read("x").size(), 300U);
  EXPECT_EQ(store.Read("x")[0].times_ms.size(), 10U);
  const std::string before = store.Dump("x");
  store.Crash();
  EXPECT_EQ(store.Dump("x"), before);
}

// Commits, queries and seals at once: no sample is missing or seen twice at any moment.
TEST(Seal, DisturbsNeitherCommitsNorQueries) {
  FaultyFileSystem disk;  // in memory: this is about locks, not about a disk
  Options options;
  options.directory = "/db";
  TestStore store(options, &disk);
  constexpr int kWriters = 3;
  constexpr int kRounds = 150;
  std::atomic<int> committed[kWriters] = {};
  std::atomic<int> running = kWriters;
  const auto write = [&](int writer) {
    for (int t = 1; t <= kRounds; ++t) {
      const auto outcome = store.Try(Series(writer), {{t * 1000, t}});
      EXPECT_TRUE(outcome.ok() && outcome->stored == 1) << outcome.status();
      committed[writer] = t;
    }
    --running;
  };
  const auto read = [&] {
    while (running > 0) {
      int at_least[kWriters];
      for (int w = 0; w < kWriters; ++w) at_least[w] = committed[w];
      for (const TestSeries& series : store.Read("x")) {
        const int writer = std::stoi(series.labels.substr(series.labels.find('"') + 1));
        ASSERT_GE(series.values.size(), static_cast<size_t>(at_least[writer]));
        for (size_t i = 0; i < series.values.size(); ++i) {
          ASSERT_EQ(series.values[i], static_cast<double>(i + 1));
        }
      }
    }
  };
  {
    std::vector<Thread> threads;
    for (int w = 0; w < kWriters; ++w) threads.emplace_back("write", [&, w] { write(w); });
    threads.emplace_back("read", read);
    threads.emplace_back("seal", [&] {
      for (int i = 0; running > 0; ++i) {
        EXPECT_TRUE(store.db().Seal().ok());
        if (i % 4 == 0) {
          EXPECT_TRUE(store.db().Compact().ok());
        }
      }
    });
  }
  for (const TestSeries& series : store.Read("x")) EXPECT_EQ(series.values.size(), kRounds * 1U);
}

TEST(Retention, HidesAtOnceAndDropsWholeFiles) {
  Options options;
  options.retention_ms = 60 * kMinuteMs;
  TestStore store(options);
  Scrape(&store, 1, 1);
  ASSERT_TRUE(store.db().Seal().ok());
  store.manual_clock().Advance(50 * kMinuteMs);
  Scrape(&store, 1, 2);
  store.manual_clock().Advance(11 * kMinuteMs);
  EXPECT_EQ(store.Dump("x"), "x{i=\"0\", parity=\"e\"} 2@3000000\n");
  EXPECT_EQ(store.db().stats().blocks, 1U);
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_EQ(store.db().stats().blocks, 0U);
}

TEST(Compaction, KeepsFilesFew) {
  TestStore store;
  std::string expected;
  for (int t = 0; t < 6 * 26; ++t) {
    Scrape(&store, 2, t);
    ASSERT_TRUE(store.db().Seal().ok());
    store.manual_clock().Advance(10 * kMinuteMs);
    store.db().Maintain();
    EXPECT_LE(store.db().stats().blocks, 14U + 12U);
  }
  const auto series = store.Read("x");
  ASSERT_EQ(series.size(), 2U);
  ASSERT_EQ(series[0].times_ms.size(), 6U * 26);
  for (size_t i = 0; i < series[0].values.size(); ++i) {
    EXPECT_EQ(series[0].values[i], static_cast<double>(i));
  }
  EXPECT_EQ(series[0].timeline, series[1].timeline);
}

TEST(Compaction, ChoosesWindowsThatAreOver) {
  const int64_t hour = 60 * kMinuteMs;
  std::vector<BlockMeta> blocks;
  for (uint64_t i = 0; i < 3; ++i) {
    BlockMeta meta;
    meta.id = std::to_string(i);
    meta.max_ms = static_cast<int64_t>(i) * hour / 2;
    meta.sequence = i;
    blocks.push_back(meta);
  }
  EXPECT_TRUE(NextMerge(blocks, 2 * hour, 1, kRetentionMs).empty());
  EXPECT_EQ(NextMerge(blocks, 2 * hour + 1, 1, kRetentionMs),
            (std::vector<std::string>{"0", "1", "2"}));
  blocks[2].level = 1;
  EXPECT_EQ(NextMerge(blocks, 2 * hour + 1, 1, kRetentionMs), (std::vector<std::string>{"0", "1"}));
  blocks[1].level = 1;
  EXPECT_TRUE(NextMerge(blocks, 2 * hour + 1, 1, kRetentionMs).empty());
  EXPECT_EQ(NextMerge(blocks, 24 * hour + 1, 1, kRetentionMs),
            (std::vector<std::string>{"0", "1", "2"}));
}

TEST(Compaction, GoesOnToATenthOfRetention) {
  std::vector<BlockMeta> blocks;
  for (uint64_t i = 0; i < 3; ++i) {
    BlockMeta meta;
    meta.id = std::to_string(i);
    meta.level = 2;
    meta.max_ms = static_cast<int64_t>(i + 1) * kDayMs - 1;
    meta.sequence = i;
    blocks.push_back(meta);
  }
  EXPECT_TRUE(NextMerge(blocks, 15 * kDayMs, 1, kRetentionMs).empty());
  EXPECT_EQ(NextMerge(blocks, 15 * kDayMs + 1, 1, kRetentionMs).size(), 3U);
  EXPECT_EQ(NextMerge(blocks, 2 * kDayMs + 1, 1, 20 * kDayMs).size(), 2U);
  EXPECT_TRUE(NextMerge(blocks, 15 * kDayMs + 1, 1, 15 * kDayMs).empty())
      << "too short for a level";
}

TEST(Compaction, AtACleanStopTakesNoMoreThanThereIsTimeFor) {
  std::vector<BlockMeta> blocks;
  for (uint64_t i = 0; i < 4; ++i) {
    BlockMeta meta;
    meta.id = std::to_string(i);
    meta.samples = 100 + 100 * (i / 2);
    meta.max_ms = static_cast<int64_t>(i / 2) * 2 * 60 * kMinuteMs + 1;
    meta.sequence = i;
    blocks.push_back(meta);
  }
  EXPECT_EQ(NextMergeAtStop(blocks, 1000), (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(NextMergeAtStop(blocks, 199).empty());
  blocks[0].level = 1;
  EXPECT_EQ(NextMergeAtStop(blocks, 400), (std::vector<std::string>{"2", "3"}));
  EXPECT_TRUE(NextMergeAtStop(blocks, 399).empty());
}

TEST(Compaction, AtACleanStopLeavesOneBlockAWindow) {
  TestStore store;
  store.manual_clock().Advance(2 * kDayMs - TestStore::kStartMs % (2 * 60 * kMinuteMs));
  for (int t = 0; t < 10; ++t) {
    Scrape(&store, 3, t);
    ASSERT_TRUE(store.db().Seal().ok());
    store.manual_clock().Advance(10 * kMinuteMs);
  }
  const std::string before = store.Dump("x");
  EXPECT_EQ(store.db().stats().blocks, 10U);
  store.Restart();
  EXPECT_EQ(store.db().stats().blocks, 1U);
  EXPECT_EQ(store.Dump("x"), before);
}

TEST(Retention, DoesNotBelieveAClockThatJumps) {
  TestStore store;
  const int64_t start = store.manual_clock().NowMs();
  Scrape(&store, 2, 1);
  ASSERT_TRUE(store.db().Seal().ok());
  for (const int64_t jump_ms : {kDayMs, -kDayMs, 365 * kDayMs, -365 * kDayMs}) {
    store.manual_clock().SetWall(start + jump_ms);
    ASSERT_TRUE(store.db().Compact().ok());
    store.db().Maintain();
    EXPECT_TRUE(store.Try(Series(0), {{jump_ms, 2}}).ok());  // taken, or refused as too old
    store.manual_clock().SetWall(start);
    ASSERT_TRUE(store.db().Compact().ok());
    EXPECT_EQ(store.Read("x", 0, 1).size(), 2U) << jump_ms;
  }
}

TEST(Retention, DoesNotBelieveAClockThatIsFarAheadAtTheStart) {
  TestStore store;
  const int64_t start = store.manual_clock().NowMs();
  Scrape(&store, 2, 1);
  ASSERT_TRUE(store.db().Close().ok());
  store.manual_clock().SetWall(start + 365 * kDayMs);
  store.Crash();
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_EQ(store.db().stats().blocks, 1U);
  // A day later it is what the clock says that counts.
  store.manual_clock().Advance(kDayMs + 1);
  ASSERT_TRUE(store.db().Compact().ok());
  EXPECT_EQ(store.db().stats().blocks, 0U);
}

TEST(Select, EvaluatesAllMatchersOverHeadAndBlocks) {
  TestStore store;
  Scrape(&store, 40, 1);
  ASSERT_TRUE(store.db().Seal().ok());
  store.manual_clock().Advance(15'000);
  Scrape(&store, 50, 2);
  struct Row {
    std::vector<Matcher> matchers;
    size_t expected;
  };
  const auto make = [](MatchType type, const char* name, const char* value) {
    return *Matcher::Make(type, name, value);
  };
  const Row rows[] = {
      {{make(MatchType::kEqual, "parity", "e")}, 25},
      {{make(MatchType::kEqual, "parity", "e"), make(MatchType::kNotEqual, "i", "2")}, 24},
      {{make(MatchType::kRegex, "i", "1|2|77")}, 2},
      {{make(MatchType::kRegex, "i", "1.")}, 10},
      {{make(MatchType::kNotRegex, "i", "1.")}, 40},
      {{make(MatchType::kNotEqual, "i", "")}, 50},
      {{make(MatchType::kEqual, "missing", "")}, 50},
      {{make(MatchType::kEqual, "parity", "")}, 0},
      {{make(MatchType::kRegex, "parity", ".*")}, 50},
      {{make(MatchType::kRegex, "parity", "e|")}, 25},
      {{make(MatchType::kNotRegex, "parity", ".+")}, 0},
      {{make(MatchType::kEqual, "parity", "x")}, 0},
      {{make(MatchType::kRegex, "__name__", "x|y"), make(MatchType::kNotRegex, "i", "[0-9]")}, 40},
  };
  for (const Row& row : rows) {
    std::string text;
    for (const Matcher& matcher : row.matchers) text += matcher.ToString() + " ";
    const auto all = store.TryRead(row.matchers, {0, INT64_MAX});
    ASSERT_TRUE(all.ok()) << text << all.status();
    EXPECT_EQ(all->size(), row.expected) << text;
    EXPECT_TRUE(std::is_sorted(all->begin(), all->end(), [](const auto& a, const auto& b) {
      return a.labels < b.labels;
    })) << text;
  }
}

TEST(Select, AnswersLabelQueriesWithinTheRange) {
  TestStore store;
  store.Put(Labels{{"__name__", "old"}, {"a", "1"}}, {{0, 1}});
  ASSERT_TRUE(store.db().Seal().ok());
  store.Put(Labels{{"__name__", "new"}, {"b", "2"}}, {{60'000, 1}});
  const int64_t start = TestStore::kStartMs;
  const storage::TimeRange all{start, start + 100'000};
  const storage::TimeRange late{start + 1, start + 100'000};
  EXPECT_EQ(*store.db().LabelNames(all, {}, 0), (std::vector<std::string>{"__name__", "a", "b"}));
  EXPECT_EQ(*store.db().LabelNames(late, {}, 0), (std::vector<std::string>{"__name__", "b"}));
  EXPECT_EQ(*store.db().LabelValues("__name__", all, {}, 1), (std::vector<std::string>{"new"}));
  EXPECT_EQ(*store.db().LabelValues("a", all, {{Matcher::Equal("b", "2")}}, 0),
            std::vector<std::string>());
  const auto series =
      store.db().Series(all, {{Matcher::Equal("__name__", "old")}, {Matcher::Equal("a", "1")}}, 0);
  ASSERT_EQ(series->size(), 1U);
  EXPECT_EQ((*series)[0].ToString(), "old{a=\"1\"}");
}

TEST(Select, EndsWhenCancelled) {
  TestStore store;
  Scrape(&store, 2, 1);
  std::atomic<bool> cancelled{true};
  storage::SelectRequest request;
  request.range = {0, INT64_MAX};
  request.matchers = {Matcher::Equal("__name__", "x")};
  request.cancelled = &cancelled;
  const auto set = store.db().Select(request);
  ASSERT_TRUE(set.ok());
  storage::ColumnBatch batch;
  EXPECT_EQ((*set)->Next(&batch).status().code(), absl::StatusCode::kCancelled);
}

TEST(Seal, KeepsRandomSeriesBitForBit) {
  TestStore store;
  SeededRng rng(3);
  for (int round = 0; round < 4; ++round) {
    for (int t = 0; t < 60; ++t) {
      storage::WriteBatch batch;
      for (int i = 0; i < 12; ++i) {
        batch.AddSeries(Series(i));
        double value = static_cast<double>(rng.Below(1000));
        if (i % 4 == 1) value *= 0.01;
        if (i % 4 == 2) value = std::bit_cast<double>(rng.Next());
        if (i % 4 == 3 && t % 9 == 0) value = model::StaleNan();
        batch.AddSample(store.manual_clock().NowMs() + (i % 3 == 0 ? t % 7 : 0), value);
      }
      ASSERT_TRUE(store.db().Commit(batch, {}).ok());
      store.manual_clock().Advance(10'000);
    }
    const auto before = store.Read("x");
    ASSERT_TRUE(store.db().Seal().ok());
    if (round == 3) {
      store.manual_clock().Advance(int64_t{3} * 24 * 60 * kMinuteMs);
      ASSERT_TRUE(store.db().Compact().ok());
      EXPECT_EQ(store.db().stats().blocks, 1U);
    }
    const auto after = store.Read("x");
    ASSERT_EQ(before.size(), after.size());
    for (size_t s = 0; s < before.size(); ++s) {
      EXPECT_EQ(before[s].times_ms, after[s].times_ms);
      for (size_t i = 0; i < before[s].values.size(); ++i) {
        ASSERT_TRUE(model::SameBits(before[s].values[i], after[s].values[i]));
      }
    }
  }
}

}  // namespace
}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Queries that read a head while it is written to and sealed.
#include "tsdb/head_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>

#include "base/threads.h"
#include "tsdb/selection_set.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;

constexpr int64_t kStart = TestStore::kStartMs;
constexpr storage::TimeRange kAllTime{INT64_MIN, INT64_MAX};

class MarkedSeries {
 public:
  // Float samples of the one series, a second apart: its time in s is each one's value.
  void Append(int first, int count) {
    storage::WriteBatch batch;
    batch.AddSeries(Labels{{"__name__", "x"}});
    for (int i = first; i < first + count; ++i) batch.AddSample(kStart + i * 1000, i);
    Commit(batch);
  }
  void AppendHistogram(int at) {
    auto histogram = std::make_shared<model::NativeHistogram>();
    histogram->count = histogram->zero_count = at;
    storage::WriteBatch batch;
    batch.AddSeries(Labels{{"__name__", "x"}});
    batch.AddHistogram({kStart + at * 1000, std::move(histogram), 0});
    Commit(batch);
  }
  void Mark(storage::SelectHints hints = {}) {
    request_.range = kAllTime;
    request_.hints = std::move(hints);
    snapshot_.places.resize(1);
    snapshot_.labels = head_.index().shared_labels();
    head_.Mark(snapshot_.places, kAllTime, request_.hints, {&mark_, 1});
  }
  // What the series had when it was marked: "value@s …", histograms behind.
  std::string Read() {
    head_.CopyMarked(mark_, kAllTime, request_.hints, &snapshot_.places[0], &snapshot_.parts,
                     &snapshot_.open_bytes);
    snapshot_.open_bytes.resize(snapshot_.open_bytes.size() + kChunkSlack);
    auto selection = std::make_shared<Selection>();
    selection->head_ids = {0};
    selection->ids = {0};
    const auto set = MakeSeriesSet(std::move(selection), {}, std::move(snapshot_), request_);
    storage::ColumnBatch batch;
    std::string text;
    for (;;) {
      const auto more = set->Next(&batch);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return text;
      for (const storage::SeriesColumns& series : batch.series) {
        for (size_t i = 0; i < series.times_ms.size(); ++i) {
          text += fmt::format("{}@{} ", series.values.empty() ? -1 : series.values[i],
                              (series.times_ms[i] - kStart) / 1000);
        }
        for (const model::HistogramSample& sample : series.histograms) {
          text += fmt::format("h{}@{} ", sample.histogram->count, (sample.time_ms - kStart) / 1000);
        }
      }
    }
  }

 private:
  void Commit(const storage::WriteBatch& batch) {
    AppendRules rules;
    rules.now_ms = kStart;
    rules.max_ms = kStart + 86'400'000;
    rules.late_window_ms = 3'600'000;
    rules.series_max = 10;
    AppendPlan plan;
    head_.Plan(batch, rules, &plan);
    ASSERT_EQ(plan.outcome.rejected, 0U);
    head_.Apply(plan);
  }

  Head head_{1};
  HeadSnapshot snapshot_;
  HeadMark mark_;
  storage::SelectRequest request_;
};

std::string Expected(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += fmt::format("{}@{} ", i, i);
  return text;
}

TEST(HeadReader, SamplesAfterTheMarkDoNotCount) {
  for (const int before : {1, 2, 100, 239, 240, 241, 500}) {
    for (const int after : {0, 1, 139, 140, 141, 240, 700}) {
      MarkedSeries series;
      series.Append(0, before);
      series.Mark();
      if (after > 0) series.Append(before, after);
      EXPECT_EQ(series.Read(), Expected(0, before)) << before << " " << after;
    }
  }
}

TEST(HeadReader, TheTimesOfAMarkedChunkAreThoseBeforeTheMark) {
  storage::SelectHints hints;
  hints.times_only = true;
  MarkedSeries series;
  series.Append(0, 3);
  series.Mark(hints);
  series.Append(10, 1);  // no longer regular
  EXPECT_EQ(series.Read(), "-1@0 -1@1 -1@2 ");
}

TEST(HeadReader, ASeriesThatTurnsToHistogramsIsSeenBefore) {
  MarkedSeries series;
  series.Append(0, 5);
  series.Mark();
  series.AppendHistogram(5);
  series.AppendHistogram(6);
  series.Append(7, 2);
  EXPECT_EQ(series.Read(), Expected(0, 5));
  MarkedSeries back;
  back.Append(0, 2);
  back.AppendHistogram(2);
  back.Mark();
  back.AppendHistogram(3);
  back.Append(4, 300);
  EXPECT_EQ(back.Read(), Expected(0, 2) + "h2@2 ");
}

TEST(HeadReader, TheNewestSampleIsTheOneOfTheMark) {
  storage::SelectHints hints;
  hints.newest_only = true;
  MarkedSeries series;
  series.Append(0, 5);
  series.Mark(hints);
  series.Append(5, 5);
  EXPECT_EQ(series.Read().substr(0, 4), "4@4 ");
}

// Each commit has a sample of every series: no query sees a part of one, whatever is sealed.
TEST(HeadReader, AQuerySeesWholeCommitsOfAHeadThatIsWrittenAndSealed) {
  constexpr int kSeries = 700;
  constexpr int kRounds = 400;
  TestStore store;
  const auto commit = [&](int round) {
    storage::WriteBatch batch;
    for (int i = 0; i < kSeries; ++i) {
      batch.AddSeries(Labels{{"__name__", "x"}, {"i", std::to_string(i)}});
      batch.AddSample(kStart + round * 1000, round);
    }
    const auto outcome = store.db().Commit(batch, {});
    return outcome.ok() && outcome->stored == kSeries;
  };
  ASSERT_TRUE(commit(0));
  std::atomic<bool> over{false};
  Thread writer("writer", [&] {
    for (int round = 1; round < kRounds; ++round) {
      EXPECT_TRUE(commit(round));
      if (round % 50 != 0) continue;
      EXPECT_TRUE(store.db().Seal().ok());
    }
    over = true;
  });
  size_t seen = 1;
  do {
    const auto all = store.Read("x");
    ASSERT_EQ(all.size(), size_t{kSeries});
    EXPECT_GE(all[0].values.size(), seen);
    seen = all[0].values.size();
    for (const TestSeries& series : all) {
      ASSERT_EQ(series.values.size(), seen) << series.labels;
      ASSERT_EQ(series.values.back(), static_cast<double>(seen - 1));
    }
    const auto labels = store.db().Series(kAllTime, {{model::Matcher::Equal("__name__", "x")}}, 0);
    ASSERT_TRUE(labels.ok());
    ASSERT_EQ(labels->size(), size_t{kSeries});
  } while (!over);
  writer.Join();
  EXPECT_EQ(store.Read("x")[0].values.size(), size_t{kRounds});
}

TEST(HeadReader, IsStaleOnceSamplesLeave) {
  absl::Mutex mutex;
  Head head(1);
  std::optional<HeadReader> reader;
  {
    absl::ReaderMutexLock lock(&mutex);
    reader.emplace(head, mutex, nullptr, false);
  }
  reader->Snapshot({}, kAllTime, {});
  EXPECT_FALSE(reader->stale());
  Head::Remains remains;
  {
    absl::MutexLock lock(&mutex);
    head.Freeze(0, nullptr, &remains);
    head.DropFrozen(&remains);
  }
  reader->Snapshot({}, kAllTime, {});
  EXPECT_TRUE(reader->stale());
}

}  // namespace
}  // namespace hearth::tsdb

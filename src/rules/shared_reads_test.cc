// SPDX-License-Identifier: Apache-2.0
#include "rules/shared_reads.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "promql/memory_store.h"
#include "promql/parser.h"

namespace hearth::rules {
namespace {

// A store that counts how often it is read.
class CountingStore : public promql::MemoryStore {
 public:
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override {
    ++selects;
    return MemoryStore::Select(request);
  }
  mutable int selects = 0;
};

class SharedReadsTest : public ::testing::Test {
 protected:
  SharedReadsTest() {
    for (int i = 0; i < 10; ++i) {
      for (const std::string_view job : {"a", "b"}) {
        store_.Add(model::Labels{{"__name__", "m"}, {"job", job}}, i * 1000, i);
      }
      store_.Add(model::Labels{{"__name__", "late"}}, 90'000 + i, i);
    }
  }
  // One evaluation at `time_ms` that asks for each of these; what came, as text.
  struct Ask {
    std::string_view selector;
    int64_t min_ms;
    int64_t max_ms;
    storage::SelectHints hints = {};
  };
  std::vector<std::string> Evaluate(int64_t time_ms, const std::vector<Ask>& asks) {
    SharedReads reads(store_, time_ms, written_, habits_);
    std::vector<std::string> answers;
    for (const Ask& ask : asks) {
      storage::SelectRequest request;
      request.range = {time_ms + ask.min_ms, time_ms + ask.max_ms};
      request.matchers = *promql::ParseMetricSelector(ask.selector);
      request.hints = ask.hints;
      const auto set = reads.Select(request);
      answers.push_back(set.ok() ? TextOf(**set) : Message(set.status()));
    }
    saved_ = reads.reads_saved();
    habits_ = reads.TakeHabits();
    return answers;
  }
  static std::string TextOf(storage::SeriesSet& set) {
    std::string text;
    storage::ColumnBatch batch;
    while (*set.Next(&batch)) {
      for (const storage::SeriesColumns& series : batch.series) {
        text += model::Labels(series.labels).ToString() + ":";
        for (size_t i = 0; i < series.times_ms.size(); ++i) {
          text += fmt::format(" {}", series.times_ms[i]);
          if (i < series.values.size()) text += fmt::format("={}", series.values[i]);
        }
        text += "; ";
      }
    }
    return text;
  }

  CountingStore store_;
  std::set<std::string> written_ = {"recorded", "ALERTS"};
  ReadHabits habits_;
  size_t saved_ = 0;
};

TEST_F(SharedReadsTest, ReadsOnceWhatWasAskedTwiceTheTimeBefore) {
  const std::vector<Ask> asks = {
      {"m", -2000, 0}, {"m", -1000, 0}, {"m", -3000, -1000}, {"late", -9000, 0}};
  const auto first = Evaluate(5000, asks);
  EXPECT_EQ(store_.selects, 4);
  EXPECT_EQ(first[0], R"(m{job="a"}: 3000=3 4000=4 5000=5; m{job="b"}: 3000=3 4000=4 5000=5; )");
  store_.selects = 0;
  EXPECT_EQ(Evaluate(5000, asks), first);
  EXPECT_EQ(store_.selects, 2);
  EXPECT_EQ(saved_, 2U);
  // A later evaluation has other times, and a series without samples in them does not appear.
  EXPECT_EQ(Evaluate(11'000, asks)[1], "");
  EXPECT_EQ(Evaluate(91'000, asks)[3],
            "late: 90000=0 90001=1 90002=2 90003=3 90004=4 90005=5 90006=6 90007=7 90008=8 "
            "90009=9; ");
}

TEST_F(SharedReadsTest, NeverSharesWhatTheGroupMayWrite) {
  for (const std::string_view selector : {"recorded", R"({job="a"})", R"({__name__=~"m|x"})"}) {
    const std::vector<Ask> asks = {{selector, -2000, 0}, {selector, -2000, 0}};
    Evaluate(5000, asks);
    store_.selects = 0;
    Evaluate(5000, asks);
    EXPECT_EQ(store_.selects, 2) << selector;
  }
}

TEST_F(SharedReadsTest, DoesNotBringWhatLiesBetweenTwoTimes) {
  const std::vector<Ask> asks = {{"m", -1000, 0}, {"m", -604'801'000, -604'800'000}};
  Evaluate(5000, asks);
  store_.selects = 0;
  Evaluate(5000, asks);
  EXPECT_EQ(store_.selects, 2);
}

TEST_F(SharedReadsTest, AsksTheStoreForTimesOutsideOfItsHabits) {
  Evaluate(5000, {{"m", -1000, 0}, {"m", -1000, 0}});
  store_.selects = 0;
  const auto wide = Evaluate(5000, {{"m", -1000, 0}, {"m", -5000, 0}});
  EXPECT_EQ(store_.selects, 2);
  EXPECT_NE(wide[1].find(": 0=0 1000=1 2000=2"), std::string::npos) << wide[1];
}

// One rule's hints say what that rule does not look at, and nothing of the others.
TEST_F(SharedReadsTest, LeavesOutNothingThatAnotherRuleLooksAt) {
  store_.HonourHints(true);
  storage::SelectHints count;  // count(m)
  count.labels.emplace();
  count.newest_only = true;
  count.times_only = true;
  const std::vector<Ask> asks = {{"m", -2000, 0, count}, {"m", -2000, 0}, {"m", -3000, -1000}};
  const auto first = Evaluate(5000, asks);
  const auto second = Evaluate(5000, asks);
  EXPECT_EQ(saved_, 2U);
  EXPECT_EQ(second[1], first[1]);
  EXPECT_EQ(second[2], first[2]);
  EXPECT_EQ(second[2], R"(m{job="a"}: 2000=2 3000=3 4000=4; m{job="b"}: 2000=2 3000=3 4000=4; )");
}

TEST_F(SharedReadsTest, GivesUpOnWhatIsTooBig) {
  for (int i = 0; i < 200; ++i) {
    const model::Labels labels{{"__name__", "big"}, {"i", std::to_string(i)}};
    for (int t = 0; t < 25'000; ++t) store_.Add(labels, t, 1);
  }
  const std::vector<Ask> asks = {{"big", -25'000, 0}, {"big", -25'000, 0}};
  Evaluate(25'000, asks);
  store_.selects = 0;
  const auto second = Evaluate(25'000, asks);
  EXPECT_EQ(store_.selects, 3) << "one that was given up, and two";
  EXPECT_EQ(second[0], second[1]);
  store_.selects = 0;
  Evaluate(25'000, asks);
  EXPECT_EQ(store_.selects, 2) << "not tried again";
}

}  // namespace
}  // namespace hearth::rules

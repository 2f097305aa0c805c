// SPDX-License-Identifier: Apache-2.0
#include "promql/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file_system.h"
#include "base/status.h"
#include "promql/memory_store.h"
#include "promql/test_script.h"

namespace hearth::promql {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

MemoryStore SmallStore() {
  MemoryStore store;
  for (int64_t i = 0; i <= 20; ++i) {
    const auto value = static_cast<double>(i);
    store.Add(model::Labels{{"__name__", "a_total"}, {"x", "1"}}, i * 15'000, value);
    store.Add(model::Labels{{"__name__", "b_total"}, {"x", "1"}}, i * 15'000, 2 * value);
  }
  return store;
}

std::string ErrorOf(const absl::StatusOr<Result>& result) {
  return result.ok() ? "" : Message(result.status());
}

TEST(Engine, AnswersOurOwnTestScripts) {
  const Engine engine = MakeTestEngine();
  size_t total = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(HEARTH_SOURCE_DIR) + "/testdata")) {
    if (entry.path().extension() != ".test") continue;
    const auto text = RealFileSystem().ReadFile(entry.path().string());
    ASSERT_TRUE(text.ok());
    const auto result = RunTestScript(*text, engine);
    ASSERT_TRUE(result.ok()) << entry.path() << ": " << Message(result.status());
    for (const std::string& failure : result->failures) {
      ADD_FAILURE() << entry.path().filename().string() << ": " << failure;
    }
    total += result->total;
  }
  EXPECT_GE(total, 500u);
}

TEST(Engine, DropsNamesAtOnceByDefault) {
  const MemoryStore store = SmallStore();
  const Engine engine({}, &SystemClock(), nullptr);
  const std::string_view same = "vector cannot contain metrics with the same labelset";
  EXPECT_EQ(ErrorOf(engine.Instant(store, "rate({x=\"1\"}[1m])", 60'000, {})), same);
  EXPECT_EQ(ErrorOf(engine.Instant(store, "{x=\"1\"} * 2", 60'000, {})), same);
  EXPECT_EQ(ErrorOf(engine.Instant(store, "sum by (__name__) (rate({x=\"1\"}[1m]))", 60'000, {})),
            same);
  const auto result = engine.Instant(store, "sum by (__name__) (rate(a_total[1m]))", 60'000, {});
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->vector.size(), 1u);
  EXPECT_EQ(result->vector[0].labels.ToString(), "{}");
}

TEST(Engine, RefusesBadRanges) {
  const MemoryStore store = SmallStore();
  const Engine engine({}, &SystemClock(), nullptr);
  const auto zero_step = engine.Range(store, "a_total", 0, 1000, 0, {});
  EXPECT_EQ(KindOf(zero_step.status()), ErrorKind::kBadData);
  EXPECT_EQ(ErrorOf(engine.Range(store, "a_total", 1000, 0, 1000, {})),
            "end timestamp must not be before start time");
  EXPECT_EQ(ErrorOf(engine.Range(store, "a_total", 0, 11'001'000, 1000, {})),
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
            "resolution (?step=XX)");
  EXPECT_TRUE(engine.Range(store, "a_total", 0, 11'000'000, 1000, {}).ok());
  EXPECT_EQ(ErrorOf(engine.Range(store, "a_total[5m]", 0, 1000, 1000, {})),
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector");
}

TEST(Engine, EndsAtItsLimits) {
  const MemoryStore store = SmallStore();
  Options options;
  options.samples_max = 10;
  const Engine small(options, &SystemClock(), nullptr);
  const auto too_many = small.Range(store, "a_total", 0, 300'000, 1000, {});
  EXPECT_EQ(KindOf(too_many.status()), ErrorKind::kTooManySamples);
  EXPECT_EQ(ErrorOf(too_many),
            "query processing would load too many samples into memory in query execution; the "
            "selector that cost most is a_total (1 series, 21 samples)");
  const Engine engine({}, &SystemClock(), nullptr);
  const std::atomic<bool> cancelled = true;
  QueryContext context;
  context.cancelled = &cancelled;
  const auto stopped = engine.Instant(store, "a_total", 0, context);
  EXPECT_EQ(KindOf(stopped.status()), ErrorKind::kCancelled);
  options = {};
  options.timeout_ms = 0;
  const Engine impatient(options, &SystemClock(), nullptr);
  const auto late = impatient.Instant(store, "a_total", 0, {});
  EXPECT_EQ(KindOf(late.status()), ErrorKind::kTimeout);
  EXPECT_EQ(ErrorOf(late), "query timed out in expression evaluation");
}

TEST(Engine, NamesTheSelectorThatCostMost) {
  MemoryStore store = SmallStore();
  for (const char* x : {"2", "3", "4", "5"}) {
    store.Add(model::Labels{{"__name__", "b_total"}, {"x", x}}, 60'000, 1);
  }
  Options options;
  options.series_max = 4;
  const Engine few(options, &SystemClock(), nullptr);
  const auto series = few.Instant(store, "sum(a_total) + sum(b_total)", 60'000, {});
  EXPECT_THAT(ErrorOf(series),
              AllOf(StartsWith("query selects more than 4 series. "),
                    HasSubstr("; the selector that cost most is b_total (4 series, ")));
  EXPECT_TRUE(few.Instant(store, "sum(a_total) + count(a_total)", 60'000, {}).ok());
  options = {};
  options.samples_max = 7;
  const Engine small(options, &SystemClock(), nullptr);
  EXPECT_THAT(ErrorOf(small.Range(store, "a_total + on (x) b_total", 60'000, 120'000, 15'000, {})),
              HasSubstr("too many samples into memory in query execution; the selector that cost "
                        "most is "));
}

TEST(Engine, NamesTheSubqueryThatHasTooManySteps) {
  const MemoryStore store = SmallStore();
  Options options;
  options.samples_max = 100;
  const Engine small(options, &SystemClock(), nullptr);
  const auto refused = small.Instant(store, "max_over_time(rate(a_total[5m])[1h:1s])", 60'000, {});
  EXPECT_EQ(KindOf(refused.status()), ErrorKind::kTooManySamples);
  EXPECT_EQ(ErrorOf(refused),
            "query processing would load too many samples into memory in query execution: the "
            "subquery rate(a_total[5m])[1h:1s] has 3600 steps, and a query may hold 100 samples. "
            "Give it a longer step or a shorter range");
}

// Where the store itself refuses to select, or takes too long for it.
TEST(Engine, NamesTheSelectorThatTheStoreRefused) {
  class Refusing : public MemoryStore {
    absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
        const storage::SelectRequest&) const override {
      return ResourceExhausted("no room to select");
    }
  };
  const Engine engine({}, &SystemClock(), nullptr);
  EXPECT_EQ(ErrorOf(engine.Instant(Refusing(), "sum(a_total)", 0, {})),
            "no room to select; the selector that cost most is a_total (0 series, 0 samples)");
}

TEST(Engine, CountsWhatItRead) {
  const MemoryStore store = SmallStore();
  const Engine engine({}, &SystemClock(), nullptr);
  const auto result = engine.Instant(store, "rate(a_total[1m])", 60'000, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->stats.samples_read, 4);
  EXPECT_EQ(result->stats.total_queryable_samples, 4);
  EXPECT_EQ(result->stats.series, 1);
}

TEST(Engine, CountsSamplesByStep) {
  MemoryStore store;
  for (int i = 0; i <= 20; ++i) {
    store.Add(model::Labels{{"__name__", "a_total"}, {"i", "1"}}, i * 10'000, i);
    store.Add(model::Labels{{"__name__", "a_total"}, {"i", "2"}}, i * 10'000, i);
  }
  const Engine engine({}, &SystemClock(), nullptr);
  const struct {
    std::string_view query;
    std::vector<int64_t> used;
    std::vector<int64_t> fresh;
  } rows[] = {
      {"a_total", {2, 2, 2}, {2, 2, 2}},
      {"a_total + a_total", {4, 4, 4}, {4, 4, 4}},
      {"rate(a_total[1m])", {12, 12, 12}, {12, 6, 6}},
      {"rate(a_total[20s])", {4, 4, 4}, {4, 4, 4}},
      {"max_over_time(a_total[1m])", {12, 12, 12}, {12, 6, 6}},
      {"max_over_time(a_total[1m] @ 60)", {12, 12, 12}, {12, 0, 0}},
      {"a_total @ 60", {2, 2, 2}, {2, 0, 0}},
      {"absent_over_time(a_total[1m])", {12, 12, 12}, {12, 6, 6}},
      {"timestamp(a_total)", {2, 2, 2}, {2, 2, 2}},
      {"max_over_time(a_total[1m:15s])", {8, 8, 8}, {8, 4, 4}},
      {"max_over_time(a_total[20s:10s])", {4, 4, 4}, {4, 4, 4}},
      {"vector(1)", {0, 0, 0}, {0, 0, 0}},
  };
  for (const auto& row : rows) {
    int64_t used = 0;
    int64_t fresh = 0;
    for (size_t i = 0; i < row.used.size(); ++i) {
      used += row.used[i];
      fresh += row.fresh[i];
    }
    QueryContext context;
    for (const bool by_step : {false, true}) {
      context.per_step_stats = by_step;
      const auto result = engine.Range(store, row.query, 60'000, 120'000, 30'000, context);
      ASSERT_TRUE(result.ok()) << row.query;
      EXPECT_EQ(result->stats.total_queryable_samples, used) << row.query << by_step;
      EXPECT_EQ(result->stats.samples_read, fresh) << row.query << by_step;
      EXPECT_EQ(result->stats.total_queryable_samples_at,
                by_step ? row.used : std::vector<int64_t>())
          << row.query;
      EXPECT_EQ(result->stats.samples_read_at, by_step ? row.fresh : std::vector<int64_t>())
          << row.query;
    }
  }
}

TEST(Engine, TellsAnObserverOfEveryQuery) {
  class Observer : public QueryObserver {
   public:
    void OnQuery(const QueryEvent& event) override {
      seen.push_back(std::string(event.query) + " " + std::to_string(event.start_ms) + " " +
                     std::to_string(event.end_ms) + " " + std::to_string(event.step_ms) + " " +
                     std::string(event.origin == nullptr ? "" : event.origin->path) + " " +
                     (event.status.ok() ? "ok" : "failed"));
    }
    std::vector<std::string> seen;
  };
  const MemoryStore store = SmallStore();
  Observer observer;
  Engine engine({}, &SystemClock(), nullptr);
  engine.set_observer(&observer);
  const QueryOrigin origin{"", "", "/path", "", ""};
  QueryContext context;
  context.origin = &origin;
  EXPECT_TRUE(engine.Instant(store, "1", 5, context).ok());
  EXPECT_TRUE(engine.Range(store, "a_total", 0, 20, 10, {}).ok());
  EXPECT_FALSE(engine.Instant(store, "{x=\"1\"} + on () a_total", 60'000, {}).ok());
  EXPECT_FALSE(engine.Instant(store, "sum(", 5, {}).ok());
  EXPECT_EQ(observer.seen,
            (std::vector<std::string>{"1 5 5 0 /path ok", "a_total 0 20 10  ok",
                                      "{x=\"1\"} + on () a_total 60000 60000 0  failed"}));
}

TEST(Engine, CapsAnnotations) {
  const MemoryStore store = SmallStore();
  const Engine engine({}, &SystemClock(), nullptr);
  QueryContext context;
  context.annotations_max = 1;
  const auto result = engine.Instant(
      store, "quantile(2, a_total) + quantile(3, a_total) + quantile(4, a_total)", 0, context);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->warnings.size(), 2u);
  EXPECT_EQ(result->warnings[1], "2 more warning annotations omitted");
}

}  // namespace
}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// The parts of the result cache, and the whole over a store in memory. What it answers beside an
// evaluation, over a real store that changes: api/prometheus/result_cache_twin_test.cc.
#include "promql/result_cache.h"

#include <gtest/gtest.h>

#include "base/status.h"
#include "promql/memory_store.h"
#include "promql/parser.h"
#include "promql/result_cache_extents.h"
#include "promql/result_cache_footprint.h"
#include "promql/result_cache_watch.h"

namespace hearth::promql {
namespace {

constexpr int64_t kMinute = 60'000;

std::optional<Footprint> FootprintOfText(std::string_view query) {
  ParserOptions options;
  options.experimental_functions = true;
  options.extended_range_selectors = true;
  const auto expr = ParseExpr(query, options);
  EXPECT_TRUE(expr.ok()) << query << ": " << Message(expr.status());
  return expr.ok() ? FootprintOf(**expr, 5 * kMinute, kMinute) : std::nullopt;
}

TEST(Footprint, IsWhatAStepLooksAt) {
  struct Row {
    std::string_view query;
    int64_t oldest_minutes;
    int64_t newest_minutes;
  };
  for (const Row& row :
       {Row{"a", -5, 0}, Row{"rate(a[2m])", -2, 0}, Row{"a offset 10m", -15, -10},
        Row{"a offset -10m", 5, 10}, Row{"a + rate(b[1h] offset 2m)", -62, 0},
        Row{"sum(rate(a[7m]))", -7, 0}, Row{"max_over_time(rate(a[2m])[30m:1m])", -32, 0},
        Row{"max_over_time(a[30m:1m] offset 1h)", -95, -60},
        Row{"1 - sum by (x) (a) / sum by (x) (b)", -5, 0}, Row{"topk(3, rate(a[3m])) > 4", -3, 0},
        Row{"histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))", -5, 0}}) {
    const auto footprint = FootprintOfText(row.query);
    ASSERT_TRUE(footprint.has_value()) << row.query;
    EXPECT_EQ(footprint->oldest_ms, row.oldest_minutes * kMinute) << row.query;
    EXPECT_EQ(footprint->newest_ms, row.newest_minutes * kMinute) << row.query;
  }
}

TEST(Footprint, RefusesWhatIsNotTheSameInPieces) {
  for (const std::string_view query : {"time()",
                                       "vector(1)",
                                       "{x=\"1\"}",
                                       "{__name__=~\"a|b\"}",
                                       "a @ 0",
                                       "a @ start()",
                                       "rate(a[5m] @ end())",
                                       "max_over_time(a[5m:1m] @ 3)",
                                       "a * start()",
                                       "a * range()",
                                       "rate(a[step()])",
                                       "sum(sum by (x) (a))",
                                       "topk(1, sum by (x) (a))",
                                       "avg(a / on (x) b)",
                                       "max(a or b)",
                                       "-max_over_time((a or b)[5m:1m])",
                                       "topk(scalar(b), a)",
                                       "quantile(time(), a)",
                                       "quantile_over_time(scalar(b), a[5m])",
                                       "sort(a)",
                                       "label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")",
                                       "label_join(a, \"x\", \"y\")",
                                       "count_values(\"v\", a)",
                                       "limitk(1, a)",
                                       "limit_ratio(0.5, a)",
                                       "info(a)",
                                       "rate(a[5m] anchored)",
                                       "a smoothed",
                                       "double_exponential_smoothing(a[5m], 0.5, 0.5)"}) {
    EXPECT_FALSE(FootprintOfText(query).has_value()) << query;
  }
}

TEST(Footprint, TakesWhatDoesNotDependOnTheOrderOfRows) {
  for (const std::string_view query :
       {"count(sum by (x) (a))", "sum(sum(a))", "a or b", "sum(a / b)", "sum(abs(-a))",
        "sum(a and b)", "sum by (x) (a) or sum by (x) (b)", "sum(a > 1)",
        "sum(clamp(a, scalar(b), time()))", "absent(sum by (x) (a))"}) {
    EXPECT_TRUE(FootprintOfText(query).has_value()) << query;
  }
}

TEST(SpellingOfBound, KnowsThePlainOnes) {
  for (const std::string_view le : {"1", "0.005", "+Inf", "-2.5", "0", "1000000"}) {
    EXPECT_EQ(SpellingOfBound(le), 0) << le;
  }
  for (const std::string_view le : {"1.0", "0.0", "-3.0"}) {
    EXPECT_EQ(SpellingOfBound(le), LabelsSeen::kDotZero) << le;
  }
  for (const std::string_view le : {"1e+06", "1.048576e+06", "5e-05", "1e+100"}) {
    EXPECT_EQ(SpellingOfBound(le), LabelsSeen::kExponent) << le;
  }
  for (const std::string_view le :
       {"", "x", "Inf", "1.50", "1.00", "1e6", "10e+05", "1.0e+06", "01", "1.", ".5", "1E+06",
        "1e+006", "0.1000000000000000055", "+1"}) {
    EXPECT_EQ(SpellingOfBound(le), LabelsSeen::kOdd) << le;
  }
}

std::shared_ptr<const Extent> ExtentOf(size_t values) {
  auto extent = std::make_shared<Extent>();
  extent->rows.resize(1);
  extent->rows[0].values.resize(values);
  return extent;
}

TEST(Extents, LargestOwnerGivesWay) {
  ManualClock clock;
  Registry metrics;
  Extents extents(100'000, clock, metrics);
  extents.Put(1, "small", ExtentOf(100));
  for (int i = 0; i < 50; ++i) extents.Put(2, "large " + std::to_string(i), ExtentOf(1000));
  EXPECT_NE(extents.Find(1, "small"), nullptr);
  EXPECT_EQ(extents.Find(2, "large 0"), nullptr);
  EXPECT_NE(extents.Find(2, "large 49"), nullptr);
  EXPECT_EQ(extents.Find(3, "small"), nullptr);
  EXPECT_LE(extents.bytes(), 100'000U);
}

TEST(Extents, DropsWhatWasUsedLongestAgo) {
  ManualClock clock;
  Registry metrics;
  Extents extents(40'000, clock, metrics);
  for (const char* key : {"a", "b", "c", "d"}) extents.Put(1, key, ExtentOf(1000));
  EXPECT_NE(extents.Find(1, "a"), nullptr);
  extents.Put(1, "e", ExtentOf(1000));
  EXPECT_NE(extents.Find(1, "a"), nullptr);
  EXPECT_EQ(extents.Find(1, "b"), nullptr);
}

TEST(Extents, KeepsNothingThatIsTooLargeOrIdle) {
  ManualClock clock;
  Registry metrics;
  Extents extents(40'000, clock, metrics);
  extents.Put(1, "large", ExtentOf(2000));
  EXPECT_EQ(extents.Find(1, "large"), nullptr);
  extents.Put(1, "idle", ExtentOf(10));
  clock.Advance(Extents::kIdleNs / 1'000'000 + 1);
  extents.Put(2, "other", ExtentOf(10));
  EXPECT_EQ(extents.Find(1, "idle"), nullptr);
}

class FakeChanges : public storage::Changes {
 public:
  uint64_t store_number() const override { return 1; }
  uint64_t change_number() const override { return number; }
  std::vector<storage::TimeRange> ChangedSince(uint64_t since,
                                               storage::TimeRange range) const override {
    if (since >= number || changed.min_ms > range.max_ms || changed.max_ms < range.min_ms) {
      return {};
    }
    return {changed};
  }
  int64_t visible_from_ms() const override { return visible_from; }
  uint64_t number = 1;
  storage::TimeRange changed;  // by the last number
  int64_t visible_from = INT64_MIN / 2;
};

class Observer : public QueryObserver {
 public:
  void OnQuery(const QueryEvent& event) override {
    starts.push_back(event.start_ms);
    counted += event.stats.total_queryable_samples;
  }
  std::vector<int64_t> starts;
  int64_t counted = 0;
};

class ResultCacheTest : public ::testing::Test {
 protected:
  ResultCacheTest() {
    engine_.set_observer(&observer_);
    for (int64_t i = 0; i < 200; ++i) {
      for (const char* x : {"1", "2"}) {
        store_.Add(model::Labels{{"__name__", "a"}, {"x", x}}, i * 15'000, static_cast<double>(i));
      }
    }
  }
  // Samples that were looked at.
  int64_t Ask(std::string_view query, int64_t start_ms, int64_t end_ms) {
    const int64_t before = observer_.counted;
    const auto cached = cache_.Range(store_, changes_, query, start_ms, end_ms, kMinute, {});
    const int64_t counted = observer_.counted - before;
    const auto whole = engine_.Range(store_, query, start_ms, end_ms, kMinute, {});
    EXPECT_EQ(cached.ok(), whole.ok()) << query;
    if (!cached.ok() || !whole.ok()) return -1;
    EXPECT_EQ(cached->matrix.size(), whole->matrix.size()) << query;
    for (size_t i = 0; i < whole->matrix.size() && i < cached->matrix.size(); ++i) {
      EXPECT_EQ(cached->matrix[i].labels, whole->matrix[i].labels) << query;
      EXPECT_EQ(cached->matrix[i].times_ms, whole->matrix[i].times_ms) << query;
      EXPECT_EQ(cached->matrix[i].values, whole->matrix[i].values) << query;
    }
    return counted;
  }
  uint64_t Counted(const std::string& name) {
    return metrics_.AddCounter("hearth_promql_result_cache_" + name + "_total", "").value();
  }

  MemoryStore store_;
  FakeChanges changes_;
  ManualClock clock_;
  Registry metrics_;
  Observer observer_;
  Engine engine_{{}, &clock_, nullptr};
  ResultCache cache_{engine_, 1 << 20, clock_, metrics_, &observer_};
};

TEST_F(ResultCacheTest, EvaluatesAStepOnce) {
  EXPECT_EQ(Ask("sum(a)", 10 * kMinute, 39 * kMinute), 2 * 30);
  EXPECT_EQ(Ask("sum(a)", 10 * kMinute, 39 * kMinute), 0);
  EXPECT_EQ(Ask("sum(a)", 11 * kMinute, 40 * kMinute), 2 * 1);
  EXPECT_EQ(Ask("sum(a)", 9 * kMinute, 38 * kMinute), 2 * 2);
  EXPECT_EQ(Counted("misses"), 1U);
  EXPECT_EQ(Counted("hits"), 1U);
  EXPECT_EQ(Counted("partial_hits"), 2U);
  // Told of each query once, whatever its parts.
  EXPECT_EQ(observer_.starts.size(), 8U);
}

TEST_F(ResultCacheTest, EvaluatesAgainWhatChanged) {
  Ask("a", 10 * kMinute, 39 * kMinute);
  ++changes_.number;
  changes_.changed = {35 * kMinute, 36 * kMinute};
  store_.Add(model::Labels{{"__name__", "a"}, {"x", "3"}}, 35 * kMinute, 7);
  // A sample at 35 min is seen until 40 min.
  EXPECT_EQ(Ask("a", 10 * kMinute, 39 * kMinute), 2 * 5 + 5);
}

TEST_F(ResultCacheTest, EvaluatesWhatReachesBeforeRetention) {
  Ask("a", 10 * kMinute, 39 * kMinute);
  changes_.visible_from = 10 * kMinute;
  EXPECT_EQ(Ask("a", 10 * kMinute, 39 * kMinute), 2 * 5);
  EXPECT_EQ(Ask("a", 10 * kMinute, 39 * kMinute), 2 * 5);
  changes_.visible_from = INT64_MIN / 2;
  EXPECT_EQ(Ask("a", 10 * kMinute, 39 * kMinute), 2 * 5);
}

TEST_F(ResultCacheTest, KeepsAPhaseAndALengthApart) {
  Ask("a", 10 * kMinute, 39 * kMinute);
  EXPECT_EQ(Ask("a", 10 * kMinute + 1, 39 * kMinute + 1), 2 * 30);
  EXPECT_EQ(Ask("a", 10 * kMinute, 19 * kMinute), 2 * 10);
  EXPECT_EQ(Ask("a", 10 * kMinute, 39 * kMinute), 0);
}

TEST_F(ResultCacheTest, KeepsNoWarnings) {
  // "a" is no counter by its name.
  EXPECT_GT(Ask("rate(a[5m])", 10 * kMinute, 39 * kMinute), 0);
  EXPECT_GT(Ask("rate(a[5m])", 10 * kMinute, 39 * kMinute), 0);
  EXPECT_EQ(Counted("not_cacheable"), 2U);
}

TEST_F(ResultCacheTest, RefusesWhatTheWholeWouldBeRefusedFor) {
  Options options;
  options.samples_max = 70;
  const Engine engine(options, &clock_, nullptr);
  ResultCache cache(engine, 1 << 20, clock_, metrics_, nullptr);
  const auto ask = [&](int64_t start, int64_t end) {
    return cache.Range(store_, changes_, "a", start * kMinute, end * kMinute, kMinute, {}).status();
  };
  EXPECT_TRUE(ask(10, 39).ok());  // 60 samples
  EXPECT_TRUE(ask(11, 40).ok());
  EXPECT_EQ(Message(ask(8, 46)),
            Message(engine.Range(store_, "a", 8 * kMinute, 46 * kMinute, kMinute, {}).status()));
  EXPECT_FALSE(ask(8, 46).ok());
}

TEST_F(ResultCacheTest, IsOffWithoutBytes) {
  ResultCache off(engine_, 0, clock_, metrics_, &observer_);
  for (int i = 0; i < 2; ++i) {
    const int64_t before = observer_.counted;
    ASSERT_TRUE(off.Range(store_, changes_, "a", 0, 10 * kMinute, kMinute, {}).ok());
    EXPECT_EQ(observer_.counted - before, 2 * 11);
  }
}

}  // namespace
}  // namespace hearth::promql

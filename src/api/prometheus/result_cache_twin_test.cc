// SPDX-License-Identifier: Apache-2.0
// Range queries by the result cache beside the same by the engine alone, over a store to which
// everything happens that may: writes in order, late, doubled, of new series with old times,
// deletions, cleaning, seals, merges, imports, dropped blocks, other retention, clocks that jump.
// The answers are compared as the bytes that a client gets.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "api/prometheus/answers.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/result_cache.h"
#include "storage/write_batch.h"
#include "tsdb/db.h"

namespace hearth::api {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kStart = 1'700'000'000'000;
constexpr size_t kInstances = 6;

constexpr std::array<std::string_view, 44> kQueries = {
    "c_total",
    "g",
    "rate(c_total[5m])",
    "sum(rate(c_total[2m]))",
    "sum by (job) (rate(c_total[5m]))",
    "sum by (job) (g)",
    "avg(g)",
    "max(g) - min(g)",
    "stddev by (job) (g)",
    "quantile(0.3, g)",
    "count by (job) (g)",
    "topk(2, g)",
    "bottomk(1, rate(c_total[3m]))",
    "topk(2, sum by (job) (g))",
    "sum(sum by (job) (g))",
    "count(sum by (job) (g))",
    "g offset 10m",
    "rate(c_total[5m] offset -3m)",
    "avg_over_time(g[7m])",
    "max_over_time(rate(c_total[2m])[10m:1m])",
    "sum_over_time(sum(g)[10m:30s])",
    "increase(c_total[1h])",
    "absent(g{job=\"none\"})",
    "absent_over_time(g{instance=\"5\"}[1m])",
    "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m])))",
    "histogram_quantile(0.5, rate(b_bucket[3m]))",
    "sum by (job) (rate(c_total[5m])) / on (job) group_left () count by (job) (g)",
    "c_total / on (instance, job) g",
    "sum(c_total / on (instance, job) g)",
    "sum(g * 2 > 10)",
    "g > 50 or c_total",
    "g and c_total",
    "g unless on (instance) c_total",
    "-g",
    "abs(g) + scalar(sum(g))",
    "clamp_max(g, 50)",
    "timestamp(g)",
    "h",
    "histogram_count(h)",
    "rate(h[5m])",
    "{__name__=~\"c_total|g\"} * 1",
    "rate({__name__=~\"c_total|g\"}[5m])",
    "g @ end()",
    "sum(last_over_time(g[3m])) + time()",
};

class GivenSeries : public storage::SeriesSet {
 public:
  GivenSeries(std::vector<model::Labels> labels, std::vector<int64_t> times,
              std::vector<double> values)
      : labels_(std::move(labels)), times_(std::move(times)), values_(std::move(values)) {
    std::sort(labels_.begin(), labels_.end());
  }
  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    batch->series.clear();
    if (next_ == labels_.size()) return false;
    batch->series.push_back({labels_[next_++], times_, values_, 0, {}});
    return true;
  }

 private:
  std::vector<model::Labels> labels_;
  std::vector<int64_t> times_;
  std::vector<double> values_;
  size_t next_ = 0;
};

class Twins {
 public:
  explicit Twins(uint64_t seed) : rng_(seed) {
    tsdb::Options options;
    options.directory = directory_.path() + "/db";
    options.wal_fsync = tsdb::WalFsync::kOs;
    options.retention_ms = 4 * kHour;
    auto db = tsdb::Db::Open(options, RealFileSystem(), clock_, registry_, nullptr);
    EXPECT_TRUE(db.ok()) << db.status();
    db_ = *std::move(db);
    for (std::string_view& query : dashboard_) query = kQueries[rng_.Below(kQueries.size())];
    for (int i = 0; i < 120; ++i) {
      clock_.Advance(15 * kSecond);
      WriteNow();
    }
  }

  void Run(int actions) {
    for (int i = 0; i < actions && !::testing::Test::HasFailure(); ++i) {
      const uint64_t what = rng_.Below(100);
      if (what < 75) {
        Query();
      } else if (what < 92) {
        clock_.Advance(static_cast<int64_t>(rng_.Below(40)) * kSecond);
        WriteNow();
      } else {
        Disturb(rng_.Below(20));
      }
    }
  }
  uint64_t Counted(const std::string& name) {
    return registry_.AddCounter("hearth_promql_result_cache_" + name + "_total", "").value();
  }

 private:
  int64_t Now() const { return clock_.NowMs(); }
  int64_t Ago(int64_t most_ms) {
    return Now() - static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(most_ms)));
  }
  model::Labels RandomLabels() {
    const std::string instance = std::to_string(rng_.Below(kInstances));
    const std::string job = rng_.Below(3) == 0 ? "x" : "y";
    switch (rng_.Below(6)) {
      case 0:
        return model::Labels{{"__name__", "c_total"}, {"instance", instance}, {"job", job}};
      case 1:
      case 2: {
        static constexpr std::array<const char*, 5> kBounds = {"0.1", "1", "1.0", "2.5", "+Inf"};
        return model::Labels{{"__name__", "b_bucket"},
                             {"instance", instance},
                             {"job", job},
                             {"le", kBounds[rng_.Below(kBounds.size())]}};
      }
      case 3:
        return model::Labels{{"__name__", "h"}, {"instance", instance}, {"job", job}};
      default:
        return model::Labels{{"__name__", "g"}, {"instance", instance}, {"job", job}};
    }
  }
  double Value() {
    switch (rng_.Below(12)) {
      case 0:
        return 0;
      case 1:
        return -0.0;
      case 2:
        return rng_.Below(4) == 0 ? model::StaleNan() : 1.0 / 3;
      default:
        return static_cast<double>(rng_.Below(1000)) / 7;
    }
  }
  void AddSample(storage::WriteBatch* batch, int64_t time_ms) {
    const model::Labels labels = RandomLabels();
    batch->AddSeries(labels);
    const std::string_view name = labels.view().metric_name();
    if (name == "h") {
      auto histogram = std::make_shared<model::NativeHistogram>();
      histogram->schema = 3;
      histogram->zero_threshold = 0.001;
      histogram->positive_spans = {{-2, 1}, {3, 1}};
      histogram->positive_buckets = {2, static_cast<double>(rng_.Below(50))};
      histogram->count = histogram->positive_buckets[1] + 2;
      histogram->sum = Value();
      batch->AddHistogram({time_ms, histogram, 0});
    } else if (name == "c_total" || name == "b_bucket") {
      // Mostly rising.
      batch->AddSample(time_ms, static_cast<double>((time_ms - kStart) / kSecond) + Value());
    } else {
      batch->AddSample(time_ms, Value());
    }
  }
  void Commit(const storage::WriteBatch& batch) {
    const auto outcome = db_->Commit(batch, {});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
  }
  void WriteNow() {
    storage::WriteBatch batch;
    for (int i = 0; i < 12; ++i) AddSample(&batch, Now() - static_cast<int64_t>(rng_.Below(5000)));
    Commit(batch);
  }

  void Disturb(uint64_t what) {
    storage::WriteBatch batch;
    switch (what) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:  // late, or of a new series with old times
        for (uint64_t i = rng_.Below(4) + 1; i > 0; --i) AddSample(&batch, Ago(kHour));
        return Commit(batch);
      case 6: {  // a new series that is older than all
        batch.AddSeries(model::Labels{{"__name__", "g"},
                                      {"instance", "new " + std::to_string(rng_.Below(1000))},
                                      {"job", "a"}});
        batch.AddSample(Ago(3 * kHour), 7.25);
        return Commit(batch);
      }
      case 7: {  // the same again
        AddSample(&batch, Now());
        Commit(batch);
        return Commit(batch);
      }
      case 8:
      case 9:
        return Delete();
      case 10:
        EXPECT_TRUE(db_->CleanTombstones().ok());
        return;
      case 11:
        EXPECT_TRUE(db_->Seal().ok());
        return;
      case 12:
        EXPECT_TRUE(db_->Compact().ok());
        return;
      case 13:
      case 14:
        return Import();
      case 15:
        db_->SetRetention(static_cast<int64_t>(rng_.Below(8) + 1) * 40 * kMinute);
        return;
      case 16:
        EXPECT_TRUE(db_->DropOldestBlock(Ago(kHour)).ok());
        return;
      case 17:
        clock_.Advance(static_cast<int64_t>(rng_.Below(20)) * kMinute);
        return;
      case 18:  // the wall clock, to and fro
        clock_.SetWall(Now() + static_cast<int64_t>(rng_.Below(600)) * kSecond - 300 * kSecond);
        return;
      default:
        db_->Maintain();
    }
  }
  void Delete() {
    static constexpr std::array<std::string_view, 4> kNames = {"g", "c_total", "b_bucket", "h"};
    const int64_t from = Ago(2 * kHour);
    std::vector<model::Matcher> matchers = {
        model::Matcher::Equal("__name__", std::string(kNames[rng_.Below(kNames.size())])),
        model::Matcher::Equal("instance", std::to_string(rng_.Below(kInstances)))};
    const auto length = static_cast<int64_t>(rng_.Below(30)) * kMinute;
    EXPECT_TRUE(db_->DeleteSeries({from, from + length}, {matchers}).ok());
  }
  void Import() {
    std::vector<int64_t> times;
    std::vector<double> values;
    const int64_t from = Ago(3 * kHour);
    for (int i = 0; i < 20; ++i) {
      times.push_back(from + i * 20 * kSecond);
      values.push_back(Value());
    }
    GivenSeries series({model::Labels{{"__name__", "g"}, {"instance", "1"}, {"job", "y"}},
                        model::Labels{{"__name__", "c_total"}, {"instance", "2"}, {"job", "z"}}},
                       times, values);
    const auto outcome =
        db_->Import("key" + std::to_string(++imports_), {times.front(), times.back()}, series);
    EXPECT_TRUE(outcome.ok() || times.back() > Now() + 10 * kMinute) << outcome.status();
  }

  // As panels do: few lengths and steps, ends that move with the clock; and now and then another.
  void Query() {
    static constexpr std::array<std::pair<int64_t, int64_t>, 4> kPanels = {
        {{15 * kSecond, 30 * kMinute},
         {kMinute, 90 * kMinute},
         {77 * kSecond, kHour},
         {30 * kSecond, 4 * kHour}}};
    const auto [step, length] = kPanels[rng_.Below(kPanels.size())];
    int64_t end = Now() / step * step + static_cast<int64_t>(rng_.Below(3)) * step;
    int64_t start = end - length;
    if (rng_.Below(10) == 0) start += static_cast<int64_t>(rng_.Below(20)) * step;
    if (rng_.Below(10) == 0) end -= static_cast<int64_t>(rng_.Below(20)) * step;
    if (rng_.Below(30) == 0) start += 1;
    if (end < start) end = start;
    const std::string_view query = dashboard_[rng_.Below(dashboard_.size())];
    promql::QueryContext context;
    if (rng_.Below(30) == 0) context.lookback_ms = kMinute;
    const std::string cached = Body(cache_.Range(*db_, *db_, query, start, end, step, context));
    const std::string whole = Body(engine_.Range(*db_, query, start, end, step, context));
    EXPECT_EQ(cached, whole) << query << " " << start << " … " << end << " by " << step;
  }
  static std::string Body(const absl::StatusOr<promql::Result>& result) {
    if (!result.ok()) return Message(result.status());
    return QueryAnswer(*result, "", result->warnings, nullptr).body;
  }

  SeededRng rng_;
  TemporaryDirectory directory_;
  ManualClock clock_{kStart};
  Registry registry_;
  std::unique_ptr<tsdb::Db> db_;
  promql::Engine engine_{{}, &clock_, nullptr};
  promql::ResultCache cache_{engine_, 4 << 20, clock_, registry_, nullptr};
  std::array<std::string_view, 6> dashboard_;
  int imports_ = 0;
};

TEST(ResultCacheTwin, AnswersAsTheEngineWhateverHappensToTheStore) {
  uint64_t hits = 0;
  uint64_t partial_hits = 0;
  static uint64_t seed = 0;  // --gtest_repeat goes on with others
  for (int i = 0; i < 24 && !HasFailure(); ++i) {
    SCOPED_TRACE(++seed);
    Twins twins(seed);
    twins.Run(400);
    hits += twins.Counted("hits");
    partial_hits += twins.Counted("partial_hits");
  }
  EXPECT_GT(hits, 50U);
  EXPECT_GT(partial_hits, 200U);
}

}  // namespace
}  // namespace hearth::api

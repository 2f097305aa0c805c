// SPDX-License-Identifier: Apache-2.0
// Series under SelectHints::windows against the same series in full: every window must give the
// same bits, whatever lies in head and blocks.
#include "tsdb/run_reduction.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <map>

#include "base/rng.h"
#include "model/value.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using model::Matcher;
using storage::WindowValue;

constexpr int64_t kStepMs = 15'000;
constexpr int64_t kHourMs = 3600 * 1000;

struct Samples {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<uint64_t> before;
};

class ReductionTwin {
 public:
  ReductionTwin() : store_(WithLateSamples()) {}

  // Scrapes of an hour, a seal, sometimes late samples or a deletion.
  void Hour(Rng* rng) {
    for (int64_t at = 0; at < kHourMs; at += kStepMs) {
      store_.manual_clock().Advance(kStepMs);
      storage::WriteBatch batch;
      for (size_t i = 0; i < kSeries; ++i) {
        if (rng->Below(300) == 0) continue;
        Add(&batch, i, Now(), Value(rng, i));
      }
      ASSERT_TRUE(store_.db().Commit(batch, {}).ok());
    }
    if (rng->Below(3) == 0) {
      storage::WriteBatch late;
      Add(&late, rng->Below(kSeries), Now() - kHourMs / 2 - 7, 0.5);
      ASSERT_TRUE(store_.db().Commit(late, {}).ok());
    }
    ASSERT_TRUE(store_.db().Seal().ok());
  }
  void Merge() { ASSERT_TRUE(store_.db().Compact().ok()); }
  void Delete(size_t series) {
    const storage::TimeRange range{Now() - 2 * kHourMs, Now() - kHourMs};
    ASSERT_TRUE(store_.db().DeleteSeries(range, {{Matcher::Equal("i", Name(series))}}).ok());
  }

  // How many series came with points.
  size_t Check(Rng* rng) {
    size_t reduced = 0;
    for (int value = 0; value <= static_cast<int>(WindowValue::kIncrease); ++value) {
      storage::Windows windows;
      windows.value = static_cast<WindowValue>(value);
      windows.count = 1 + static_cast<int64_t>(rng->Below(4));
      windows.step_ms = windows.count == 1 ? 0 : 60'000 * static_cast<int64_t>(1 + rng->Below(90));
      windows.range_ms = 60'000 * static_cast<int64_t>(1 + rng->Below(8 * 60));
      windows.first_end_ms =
          Now() - (windows.count - 1) * windows.step_ms - static_cast<int64_t>(rng->Below(kHourMs));
      storage::SelectRequest request;
      request.matchers = {Matcher::Equal("__name__", "m")};
      request.range = {windows.first_end_ms - windows.range_ms + 1,
                       windows.first_end_ms + (windows.count - 1) * windows.step_ms};
      const auto full = Read(request);
      request.hints.windows = windows;
      const auto points = Read(request);
      EXPECT_EQ(points.size(), full.size());
      for (const auto& [labels, samples] : full) {
        const Samples& other = points.at(labels);
        if (other.before.empty()) continue;
        ++reduced;
        Compare(windows, samples, other, labels);
      }
    }
    return reduced;
  }

 private:
  static constexpr size_t kSeries = 9;

  static Options WithLateSamples() {
    Options options;
    options.out_of_order_window_ms = 2 * kHourMs;
    return options;
  }
  int64_t Now() { return store_.manual_clock().NowMs(); }
  static std::string Name(size_t i) { return std::to_string(i); }
  static void Add(storage::WriteBatch* batch, size_t i, int64_t time_ms, double value) {
    batch->AddSeries(Labels{{"__name__", "m"}, {"i", Name(i)}});
    batch->AddSample(time_ms, value);
  }
  double Value(Rng* rng, size_t i) {
    double& counter = counters_[i];
    counter += static_cast<double>(rng->Below(4)) / (i % 2 == 0 ? 1 : 8);
    if (i % 3 == 0 && rng->Below(400) == 0) counter = 0;
    if (i == 4 && rng->Below(100) == 0) return std::numeric_limits<double>::quiet_NaN();
    if (i == 5) return rng->Below(2) == 0 ? 0.0 : -0.0;
    if (i == 6) return static_cast<double>(rng->Below(1000)) / 7;
    if (i == 7 && rng->Below(500) == 0) return model::StaleNan();
    return i == 8 ? 3 : counter;
  }

  std::map<std::string, Samples> Read(const storage::SelectRequest& request) {
    std::map<std::string, Samples> all;
    auto set = store_.db().Select(request);
    EXPECT_TRUE(set.ok()) << set.status();
    storage::ColumnBatch batch;
    while (*(*set)->Next(&batch)) {
      for (const storage::SeriesColumns& series : batch.series) {
        Samples& samples = all[series.labels.ToString()];
        samples.before.assign(series.samples_before.begin(), series.samples_before.end());
        for (size_t i = 0; i < series.times_ms.size(); ++i) {
          EXPECT_TRUE(samples.before.empty() || !model::IsStaleNan(series.values[i]));
          if (model::IsStaleNan(series.values[i])) continue;
          samples.times.push_back(series.times_ms[i]);
          samples.values.push_back(series.values[i]);
        }
      }
    }
    return all;
  }

  // What a window gives, as bits; the count first.
  static std::vector<uint64_t> Told(const storage::Windows& windows, int64_t end_ms,
                                    const Samples& samples) {
    const auto begin = static_cast<size_t>(
        std::upper_bound(samples.times.begin(), samples.times.end(), end_ms - windows.range_ms) -
        samples.times.begin());
    const auto end =
        static_cast<size_t>(std::upper_bound(samples.times.begin(), samples.times.end(), end_ms) -
                            samples.times.begin());
    if (begin == end) return {};
    const auto bits = [](double value) { return std::bit_cast<uint64_t>(value); };
    std::vector<uint64_t> told = {
        samples.before.empty() ? end - begin : samples.before[end] - samples.before[begin]};
    const auto values = std::span(samples.values).subspan(begin, end - begin);
    double lost = 0;
    for (size_t i = 1; i < values.size(); ++i)
      lost += values[i] < values[i - 1] ? values[i - 1] : 0;
    const ColumnStatistics all = StatisticsOf(values);
    switch (windows.value) {
      case WindowValue::kCount:
        break;
      case WindowValue::kFirst:
        told.push_back(bits(all.first));
        break;
      case WindowValue::kLast:
        told.push_back(bits(all.last));
        break;
      case WindowValue::kMin:
        told.push_back(bits(all.min));
        break;
      case WindowValue::kMax:
        told.push_back(bits(all.max));
        break;
      case WindowValue::kIncrease:
        told.push_back(bits(lost));
        [[fallthrough]];
      case WindowValue::kEnds:
        told.insert(told.end(),
                    {bits(all.first), bits(all.last), static_cast<uint64_t>(samples.times[begin]),
                     static_cast<uint64_t>(samples.times[end - 1])});
    }
    return told;
  }

  static void Compare(const storage::Windows& windows, const Samples& full, const Samples& points,
                      const std::string& labels) {
    for (int64_t i = 0; i < windows.count; ++i) {
      const int64_t end_ms = windows.first_end_ms + i * windows.step_ms;
      ASSERT_EQ(Told(windows, end_ms, points), Told(windows, end_ms, full))
          << labels << ", value " << static_cast<int>(windows.value) << ", window " << i;
    }
  }

  TestStore store_;
  double counters_[kSeries] = {};
};

TEST(RunReduction, EveryWindowGivesTheBitsOfAllItsSamples) {
  SeededRng rng(5);
  ReductionTwin twin;
  size_t reduced = 0;
  for (int hour = 0; hour < 10; ++hour) {
    twin.Hour(&rng);
    if (hour == 6) twin.Delete(2);
    if (hour % 2 == 1) twin.Merge();
    for (int i = 0; i < 8; ++i) reduced += twin.Check(&rng);
  }
  EXPECT_GT(reduced, 200U);
}

SampleRun RunOf(int64_t first_ms, int64_t last_ms) {
  SampleRun run;
  run.first_ms = first_ms;
  run.last_ms = last_ms;
  run.count = 10;
  run.marked = false;
  run.flags = 0;
  run.summed = true;
  return run;
}

TEST(RunReduction, BoundsOfWindowsPartRuns) {
  const storage::TimeRange range{0, 10'000};
  const auto points = [&](SampleRun run, storage::Windows windows) {
    ReduceRuns(windows, range, {&run, 1});
    return run.points;
  };
  const storage::Windows one{1000, 0, 1, 500, WindowValue::kMax};
  EXPECT_EQ(points(RunOf(501, 1000), one), 1);  // (500, 1000]
  EXPECT_EQ(points(RunOf(500, 1000), one), 0);
  EXPECT_EQ(points(RunOf(501, 1001), one), 0);
  EXPECT_EQ(points(RunOf(1001, 1200), one), 1);
  const storage::Windows many{1000, 100, 5, 3000, WindowValue::kEnds};
  EXPECT_EQ(points(RunOf(1101, 1200), many), 2);
  EXPECT_EQ(points(RunOf(1101, 1201), many), 0);
  EXPECT_EQ(points(RunOf(1401, 1900), many), 2);    // behind the last end
  EXPECT_EQ(points(RunOf(9000, 10'001), many), 0);  // not all of it is visible
}

TEST(RunReduction, FlagsForbidWhatStatisticsCannotTell) {
  const storage::TimeRange range{0, 10'000};
  SampleRun run = RunOf(100, 200);
  const auto points = [&](WindowValue value) {
    ReduceRuns({5000, 0, 1, 5000, value}, range, {&run, 1});
    return run.points;
  };
  run.flags = kColumnResets;
  EXPECT_EQ(points(WindowValue::kIncrease), 0);
  EXPECT_EQ(points(WindowValue::kEnds), 2);
  run.summed = false;
  EXPECT_EQ(points(WindowValue::kEnds), 0);
  EXPECT_EQ(points(WindowValue::kCount), 1);
  run.marked = true;
  EXPECT_EQ(points(WindowValue::kCount), 0);
}

}  // namespace
}  // namespace hearth::tsdb

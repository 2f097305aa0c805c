// SPDX-License-Identifier: Apache-2.0
// Range functions over samples that stand for others, against the same functions over all samples:
// every character of the answers must be the same.
#include "promql/range_statistics.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "model/value.h"
#include "promql/engine.h"
#include "promql/memory_store.h"

namespace hearth::promql {
namespace {

using storage::WindowValue;

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr size_t kRun = 7;  // samples that stand together

// What storage::SelectHints::windows allow, done by the plain definition: runs of samples that no
// bound of a window parts come as one or two of them.
class ReducedSet : public storage::SeriesSet {
 public:
  ReducedSet(std::unique_ptr<storage::SeriesSet> all, storage::Windows windows, size_t* reduced)
      : all_(std::move(all)), windows_(windows), reduced_(*reduced) {}

  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    const absl::StatusOr<bool> more = all_->Next(batch);
    if (!more.ok() || !*more) return more;
    rows_.clear();
    rows_.resize(batch->series.size());
    for (size_t i = 0; i < rows_.size(); ++i) Reduce(&batch->series[i], &rows_[i]);
    return true;
  }

 private:
  struct Row {
    std::vector<int64_t> times;
    std::vector<double> values;
    std::vector<uint64_t> before;
  };

  bool Cut(int64_t first_ms, int64_t last_ms) const {
    for (int64_t i = 0; i < windows_.count; ++i) {
      const int64_t end_ms = windows_.first_end_ms + i * windows_.step_ms;
      for (const int64_t bound : {end_ms, end_ms - windows_.range_ms}) {
        if (first_ms <= bound && bound < last_ms) return true;
      }
    }
    return false;
  }

  // The values that stand for these; none where nothing may.
  std::vector<double> PointsOf(std::span<const double> values) const {
    double min = values[0];
    double max = values[0];
    bool plain = true;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] < min || std::isnan(min)) min = values[i];
      if (values[i] > max || std::isnan(max)) max = values[i];
      plain = plain && !std::isnan(values[i]) && (i == 0 || values[i] >= values[i - 1]);
    }
    switch (windows_.value) {
      case WindowValue::kCount:
        return {42};
      case WindowValue::kFirst:
        return {values.front()};
      case WindowValue::kLast:
        return {values.back()};
      case WindowValue::kMin:
        return {min};
      case WindowValue::kMax:
        return {max};
      case WindowValue::kIncrease:
        if (!plain) return {};
        [[fallthrough]];
      case WindowValue::kEnds:
        if (values.size() == 1) return {values[0]};
        return {values.front(), values.back()};
    }
    return {};
  }

  void Reduce(storage::SeriesColumns* series, Row* row) {
    if (!series->histograms.empty() || !series->start_times_ms.empty()) return;
    for (const double value : series->values) {
      if (model::IsStaleNan(value)) return;
    }
    const size_t n = series->times_ms.size();
    for (size_t begin = 0; begin < n; begin += kRun) {
      const size_t end = std::min(n, begin + kRun);
      std::vector<double> points;
      if (!Cut(series->times_ms[begin], series->times_ms[end - 1])) {
        points = PointsOf(series->values.subspan(begin, end - begin));
      }
      if (points.empty()) {
        for (size_t i = begin; i < end; ++i) Put(series->times_ms[i], series->values[i], i, row);
        continue;
      }
      const bool last = windows_.value == WindowValue::kLast;
      Put(series->times_ms[last ? end - 1 : begin], points[0], begin, row);
      if (points.size() > 1) Put(series->times_ms[end - 1], points[1], begin + 1, row);
      ++reduced_;
    }
    row->before.push_back(n);
    series->times_ms = row->times;
    series->values = row->values;
    series->samples_before = row->before;
    series->timeline = 0;
  }
  static void Put(int64_t time_ms, double value, size_t before, Row* row) {
    row->times.push_back(time_ms);
    row->values.push_back(value);
    row->before.push_back(before);
  }

  const std::unique_ptr<storage::SeriesSet> all_;
  const storage::Windows windows_;
  size_t& reduced_;
  std::vector<Row> rows_;
};

class ReducingStore : public MemoryStore {
 public:
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override {
    auto all = MemoryStore::Select(request);
    if (!all.ok() || !on_ || !request.hints.windows.has_value()) return all;
    return std::make_unique<ReducedSet>(*std::move(all), *request.hints.windows, &reduced_);
  }
  void Reduce(bool on) { on_ = on; }
  size_t reduced() const { return reduced_; }

 private:
  bool on_ = false;
  mutable size_t reduced_ = 0;
};

void FillStore(Rng* rng, ReducingStore* store) {
  for (int series = 0; series < 12; ++series) {
    const model::Labels labels{{"__name__", "x_total"}, {"i", std::to_string(series)}};
    double value = static_cast<double>(rng->Below(100));
    int64_t time_ms = kStartMs;
    for (int i = 0; i < 200; ++i) {
      time_ms += 15'000 + (series % 4 == 1 ? static_cast<int64_t>(rng->Below(900)) : 0);
      if (rng->Below(40) == 0) continue;
      value += static_cast<double>(rng->Below(5)) / (series % 3 == 0 ? 1 : 7);
      if (series % 2 == 0 && rng->Below(50) == 0) value = 0;
      double stored = value;
      if (series == 5) stored = rng->Below(2) == 0 ? -0.0 : 0.0;
      if (series == 6 && rng->Below(4) == 0) stored = std::numeric_limits<double>::quiet_NaN();
      if (series == 7 && rng->Below(90) == 0) stored = model::StaleNan();
      if (series == 8) stored = -value;
      store->Add(labels, time_ms, stored);
    }
  }
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->count = 3;
  store->AddHistogram(model::Labels{{"__name__", "x_total"}, {"i", "h"}},
                      {kStartMs + 60'000, histogram, 0});
}

std::string Ask(const Engine& engine, const ReducingStore& store, const std::string& query,
                int64_t start_ms, int64_t step_ms, int64_t steps) {
  const auto result = steps == 1 ? engine.Instant(store, query, start_ms, {})
                                 : engine.Range(store, query, start_ms,
                                                start_ms + (steps - 1) * step_ms, step_ms, {});
  if (!result.ok()) return std::string(result.status().message());
  std::string text = fmt::format("{} samples", result->stats.total_queryable_samples);
  const auto add = [&text](model::LabelsView labels, int64_t time_ms, double value) {
    text += fmt::format("\n{} {} {:x}", labels.ToString(), time_ms, std::bit_cast<uint64_t>(value));
  };
  for (const Sample& sample : result->vector) add(sample.labels, sample.time_ms, sample.value);
  for (const Series& series : result->matrix) {
    for (size_t i = 0; i < series.values.size(); ++i) {
      add(series.labels, series.times_ms[i], series.values[i]);
    }
  }
  for (const std::string& warning : result->warnings) text += "\n" + warning;
  for (const std::string& info : result->infos) text += "\n" + info;
  return text;
}

TEST(RangeStatistics, AnswersAreThoseOfAllSamples) {
  SeededRng rng(7);
  ReducingStore store;
  FillStore(&rng, &store);
  const Engine engine({}, &SystemClock(), nullptr);
  size_t asked = 0;
  for (int round = 0; round < 60; ++round) {
    const std::string range = fmt::format("[{}s]", 60 + rng.Below(2400));
    const int64_t start_ms = kStartMs + 600'000 + static_cast<int64_t>(rng.Below(2'000'000));
    const int64_t step_ms = 1000 * static_cast<int64_t>(1 + rng.Below(400));
    const int64_t steps = 1 + static_cast<int64_t>(rng.Below(5));
    for (const std::string function :
         {"max_over_time", "min_over_time", "count_over_time", "present_over_time",
          "last_over_time", "first_over_time", "increase", "rate", "delta", "sum_over_time"}) {
      for (const std::string tail : {"", " offset 2m", " @ 1700001500", "[10m:1m]"}) {
        const std::string query =
            tail.starts_with("[")
                ? "last_over_time(" + function + "(x_total" + range + ")" + tail + ")"
                : "sum by (i) (" + function + "(x_total" + range + tail + "))";
        store.Reduce(false);
        const std::string plain = Ask(engine, store, query, start_ms, step_ms, steps);
        store.Reduce(true);
        ASSERT_EQ(Ask(engine, store, query, start_ms, step_ms, steps), plain) << query;
        ++asked;
      }
    }
  }
  EXPECT_GT(store.reduced(), asked);
}

TEST(RangeStatistics, OnlyWhatStatisticsTellIsAskedFor) {
  const VectorSelector selector;
  EXPECT_NE(RangeStatistics::For("increase", &selector, 60'000, 1), nullptr);
  EXPECT_EQ(RangeStatistics::For("sum_over_time", &selector, 60'000, 1), nullptr);
  EXPECT_EQ(RangeStatistics::For("increase", nullptr, 60'000, 1), nullptr);
  VectorSelector smoothed;
  smoothed.smoothed = true;
  EXPECT_EQ(RangeStatistics::For("increase", &smoothed, 60'000, 1), nullptr);
}

}  // namespace
}  // namespace hearth::promql

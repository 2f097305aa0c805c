// SPDX-License-Identifier: Apache-2.0
// What a query gets, against a plain map of what was written: whatever is in head and blocks, for
// queries that come again while series and blocks do, with and without hints.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <map>
#include <optional>

#include "base/rng.h"
#include "base/threads.h"
#include "model/value.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using model::Matcher;

constexpr int64_t kSecondMs = 1000;

class Twin {
 public:
  Twin() : store_(WithLateSamples()) {}

  // One scrape: of all series or of some, on time or not, with markers now and then.
  void Scrape(Rng* rng) {
    store_.manual_clock().Advance(15 * kSecondMs + (rng->Below(3) == 0 ? 7 : 0));
    const int64_t now_ms = store_.manual_clock().NowMs();
    storage::WriteBatch batch;
    for (size_t i = 0; i < series_; ++i) {
      const uint64_t dice = rng->Below(50);
      if (dice == 0) continue;
      double value =
          i % 3 == 0 ? 1 : static_cast<double>(rng->Below(1000)) / static_cast<double>(i % 3);
      if (dice == 1) value = model::StaleNan();
      Add(&batch, i, now_ms, value);
    }
    ASSERT_TRUE(store_.db().Commit(batch, {}).ok());
  }
  void Late(Rng* rng) {
    storage::WriteBatch batch;
    for (int i = 0; i < 3; ++i) {
      Add(&batch, rng->Below(series_),
          store_.manual_clock().NowMs() - 60 * kSecondMs - static_cast<int64_t>(rng->Below(60'000)),
          0.25);
    }
    ASSERT_TRUE(store_.db().Commit(batch, {}).ok());
  }
  void MoreSeries() { series_ += 3; }
  TestStore& store() { return store_; }

  void Check(Rng* rng) {
    const int64_t now_ms = store_.manual_clock().NowMs();
    for (int i = 0; i < 6; ++i) {
      storage::SelectRequest request;
      request.range.max_ms = now_ms - static_cast<int64_t>(rng->Below(3)) * 97 * kSecondMs;
      request.range.min_ms =
          request.range.max_ms - static_cast<int64_t>(rng->Below(4)) * 111 * kSecondMs;
      request.matchers = SomeMatchers(rng->Below(5));
      request.hints.newest_only = rng->Below(3) == 0;
      request.hints.times_only = rng->Below(3) == 0;
      if (rng->Below(2) == 0) request.hints.labels = {"__name__", "parity"};
      const std::string wanted = Wanted(request);
      ASSERT_EQ(Got(request), wanted);
      ASSERT_EQ(GotInParts(rng, request), wanted);
    }
  }

 private:
  static Options WithLateSamples() {
    Options options;
    options.out_of_order_window_ms = 3'600'000;
    return options;
  }
  static Labels LabelsOf(size_t i) {
    return Labels{{"__name__", fmt::format("metric_{}", i % 4)},
                  {"i", std::to_string(i)},
                  {"parity", i % 2 == 0 ? "even" : "odd"}};
  }
  static std::vector<Matcher> SomeMatchers(uint64_t which) {
    const auto make = [](model::MatchType type, std::string_view name, std::string_view value) {
      return *Matcher::Make(type, name, value);
    };
    switch (which) {
      case 0:
        return {Matcher::Equal("__name__", "metric_1")};
      case 1:
        return {make(model::MatchType::kNotEqual, "i", "")};
      case 2:
        return {make(model::MatchType::kRegex, "__name__", "metric_.+"),
                Matcher::Equal("parity", "even")};
      case 3:
        return {make(model::MatchType::kNotRegex, "i", "1.*"), Matcher::Equal("parity", "odd")};
      default:
        return {Matcher::Equal("__name__", "absent")};
    }
  }

  void Add(storage::WriteBatch* batch, size_t i, int64_t time_ms, double value) {
    const Labels labels = LabelsOf(i);
    batch->AddSeries(labels);
    batch->AddSample(time_ms, value);
    samples_[labels].try_emplace(time_ms, value);  // the first one counts
  }

  // A line a series; with hints only what they leave.
  static void Line(const storage::SelectHints& hints, model::LabelsView labels,
                   const std::vector<std::pair<int64_t, double>>& samples, std::string* text) {
    if (samples.empty()) return;
    *text += hints.labels ? std::string(labels.metric_name()) + std::string(labels.Get("parity"))
                          : labels.ToString();
    for (const auto& [time_ms, value] : samples) {
      if (hints.newest_only && time_ms != samples.back().first) continue;
      *text += fmt::format(
          " {}@{}",
          hints.times_only ? (model::IsStaleNan(value) ? 1 : 0) : std::bit_cast<uint64_t>(value),
          time_ms);
    }
    *text += "\n";
  }
  std::string Wanted(const storage::SelectRequest& request) const {
    std::string text;
    for (const auto& [labels, all] : samples_) {
      const bool matches =
          std::all_of(request.matchers.begin(), request.matchers.end(),
                      [&labels](const Matcher& m) { return m.Matches(labels.Get(m.name())); });
      std::vector<std::pair<int64_t, double>> samples;
      for (const auto& [time_ms, value] : all) {
        if (!matches || time_ms < request.range.min_ms || time_ms > request.range.max_ms) continue;
        samples.emplace_back(time_ms, value);
      }
      Line(request.hints, labels, samples, &text);
    }
    return text;
  }
  std::string Got(const storage::SelectRequest& request) {
    const auto set = store_.db().Select(request);
    if (!set.ok()) return set.status().ToString();
    std::map<uint32_t, std::string> labels_by_id;
    return Text(request, set->get(), &labels_by_id);
  }
  // By three readers of the same series, at the same time.
  static std::string InParts(Rng* rng, const storage::SelectRequest& request,
                             storage::SeriesSet* set) {
    const auto last = set->Fork();
    const auto middle = (*last)->Fork();
    const size_t rows = set->rows();
    const size_t first_end = rng->Below(rows + 1);
    const size_t middle_end = first_end + rng->Below(rows - first_end + 1);
    set->Restrict(0, first_end);
    (*middle)->Restrict(first_end, middle_end);
    (*last)->Restrict(middle_end, rows);
    std::array<std::string, 3> texts;
    std::array<std::map<uint32_t, std::string>, 3> labels_by_id;
    {
      const Thread second("middle",
                          [&] { texts[1] = Text(request, middle->get(), &labels_by_id[1]); });
      const Thread third("last", [&] { texts[2] = Text(request, last->get(), &labels_by_id[2]); });
      texts[0] = Text(request, set, &labels_by_id[0]);
    }
    for (const auto& [id, labels] : labels_by_id[1]) {
      EXPECT_EQ(labels_by_id[0].try_emplace(id, labels).first->second, labels);
    }
    return texts[0] + texts[1] + texts[2];
  }
  std::string GotInParts(Rng* rng, const storage::SelectRequest& request) {
    const auto set = store_.db().Select(request);
    return set.ok() ? InParts(rng, request, set->get()) : set.status().ToString();
  }
  static std::string Text(const storage::SelectRequest& request, storage::SeriesSet* set,
                          std::map<uint32_t, std::string>* labels_by_id) {
    std::string text;
    storage::ColumnBatch batch;
    std::map<uint64_t, std::vector<int64_t>> timelines;
    for (;;) {
      const auto more = set->Next(&batch);
      if (!more.ok()) return more.status().ToString();
      if (!*more) return text;
      for (const storage::SeriesColumns& series : batch.series) {
        std::vector<std::pair<int64_t, double>> samples;
        bool marked = false;
        for (size_t i = 0; i < series.times_ms.size(); ++i) {
          const double value = series.values.empty() ? 0 : series.values[i];
          samples.emplace_back(series.times_ms[i], value);
          marked = marked || model::IsStaleNan(value);
        }
        EXPECT_TRUE(series.marked || !marked);
        const std::vector<int64_t> times(series.times_ms.begin(), series.times_ms.end());
        if (series.timeline != 0) {
          EXPECT_EQ(timelines.try_emplace(series.timeline, times).first->second, times);
        }
        if (series.labels_id != 0) {
          const std::string packed(series.labels.packed());
          EXPECT_EQ(labels_by_id->try_emplace(series.labels_id, packed).first->second, packed);
        }
        EXPECT_TRUE(series.series == 1 || request.hints.times_only);
        for (uint32_t i = 0; i < series.series; ++i) {
          Line(request.hints, series.labels, samples, &text);
        }
      }
    }
  }

  TestStore store_;
  size_t series_ = 10;
  std::map<Labels, std::map<int64_t, double>> samples_;
};

TEST(Selection, FindsWhatWasWrittenWhereverItIs) {
  SeededRng rng(20261130);
  Twin twin;
  for (int round = 0; round < 120; ++round) {
    twin.Scrape(&rng);
    const uint64_t dice = rng.Below(12);
    if (dice == 0) twin.MoreSeries();
    if (dice == 1) twin.Late(&rng);
    if (dice == 2) {
      ASSERT_TRUE(twin.store().db().Seal().ok());
    }
    if (dice == 3) {
      ASSERT_TRUE(twin.store().db().Compact().ok());
    }
    if (dice == 4) twin.store().Crash();
    if (dice == 5) twin.store().Restart();
    twin.Check(&rng);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Selection, SeesNoSampleThatWasDeleted) {
  TestStore store;
  const Labels labels{{"__name__", "x"}, {"i", "1"}};
  store.Put(labels, {{0, 1}, {15'000, 2}});
  store.manual_clock().Advance(20'000);
  storage::SelectRequest request;
  request.range = {TestStore::kStartMs, TestStore::kStartMs + 60'000};
  request.matchers = {Matcher::Equal("__name__", "x")};
  request.hints.newest_only = true;
  const auto newest = [&]() -> std::optional<double> {
    const auto set = store.db().Select(request);
    storage::ColumnBatch batch;
    if (!set.ok() || !*(*set)->Next(&batch)) return std::nullopt;
    return batch.series[0].values.back();
  };
  EXPECT_EQ(newest(), 2);
  ASSERT_TRUE(store.db()
                  .DeleteSeries({TestStore::kStartMs + 10'000, TestStore::kStartMs + 20'000},
                                {request.matchers})
                  .ok());
  EXPECT_EQ(newest(), 1);
  store.Put(labels, {{18'000, 3}});
  EXPECT_EQ(newest(), 3);
  ASSERT_TRUE(
      store.db()
          .DeleteSeries({TestStore::kStartMs, TestStore::kStartMs + 60'000}, {request.matchers})
          .ok());
  EXPECT_EQ(newest(), std::nullopt);
}

}  // namespace
}  // namespace hearth::tsdb

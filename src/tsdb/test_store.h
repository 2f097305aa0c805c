// SPDX-License-Identifier: Apache-2.0
// A store for tests: on a real temporary directory or any file system, with a clock that stands
// still. Times given are relative to the clock's start.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/db.h"

namespace hearth::tsdb {

struct TestSeries {
  std::string labels;
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  uint64_t timeline = 0;
  std::vector<std::pair<int64_t, double>> histograms;  // time, count
};

class TestStore {
 public:
  using Samples = std::vector<std::pair<int64_t, double>>;
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  enum Opening { kMustOpen, kOpenMayFail };

  explicit TestStore(Options options = {}, FileSystem* file_system = nullptr,
                     Opening opening = kMustOpen)
      : options_(std::move(options)),
        file_system_(file_system != nullptr ? *file_system : RealFileSystem()) {
    if (options_.directory.empty()) options_.directory = directory_.path() + "/db";
    const absl::Status status = Open();
    EXPECT_TRUE(status.ok() || opening == kOpenMayFail) << status;
  }

  bool open() const { return db_ != nullptr; }
  absl::Status Open() {
    TRY_ASSIGN(db_, Db::Open(options_, file_system_, clock_, registry_, nullptr));
    return absl::OkStatus();
  }
  // What kill -9 leaves: nothing is sealed or synced.
  void Crash() {
    db_.reset();
    const absl::Status status = Open();
    EXPECT_TRUE(status.ok()) << status;
  }
  void Drop() { db_.reset(); }
  void Restart() {
    const absl::Status status = db_->Close();
    EXPECT_TRUE(status.ok()) << status;
    Crash();
  }

  absl::StatusOr<storage::AppendOutcome> Try(const model::Labels& labels, const Samples& samples) {
    storage::WriteBatch batch;
    batch.AddSeries(labels);
    for (const auto& [time_ms, value] : samples) batch.AddSample(kStartMs + time_ms, value);
    return db_->Commit(batch, {});
  }
  void Put(const model::Labels& labels, const Samples& samples) {
    const auto outcome = Try(labels, samples);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->rejected, 0U);
  }

  absl::StatusOr<std::vector<TestSeries>> TryRead(const std::vector<model::Matcher>& matchers,
                                                  storage::TimeRange range) {
    storage::SelectRequest request;
    request.range = range;
    request.matchers = matchers;
    TRY_ASSIGN(const auto set, db_->Select(request));
    std::vector<TestSeries> all;
    storage::ColumnBatch batch;
    for (;;) {
      TRY_ASSIGN(const bool more, set->Next(&batch));
      if (!more) return all;
      for (const storage::SeriesColumns& series : batch.series) {
        all.push_back({series.labels.ToString(),
                       {series.times_ms.begin(), series.times_ms.end()},
                       {series.values.begin(), series.values.end()},
                       series.timeline,
                       {}});
        for (const model::HistogramSample& sample : series.histograms) {
          all.back().histograms.emplace_back(sample.time_ms, sample.histogram->count);
        }
      }
    }
  }
  std::vector<TestSeries> Read(const std::string& metric, int64_t min_ms = -(int64_t{1} << 50),
                               int64_t max_ms = int64_t{1} << 50) {
    auto all = TryRead({model::Matcher::Equal("__name__", metric)},
                       {kStartMs + min_ms, kStartMs + max_ms});
    EXPECT_TRUE(all.ok()) << all.status();
    return all.ok() ? *std::move(all) : std::vector<TestSeries>();
  }
  // `labels value@time …`, a line a series.
  std::string Dump(const std::string& metric, int64_t min_ms = -(int64_t{1} << 50),
                   int64_t max_ms = int64_t{1} << 50) {
    std::string text;
    for (const TestSeries& series : Read(metric, min_ms, max_ms)) {
      text += series.labels;
      for (size_t i = 0; i < series.times_ms.size(); ++i) {
        text += fmt::format(" {}@{}", series.values[i], series.times_ms[i] - kStartMs);
      }
      text += "\n";
    }
    return text;
  }

  Db& db() { return *db_; }
  ManualClock& manual_clock() { return clock_; }
  Registry& registry() { return registry_; }
  Options& options() { return options_; }

 private:
  TemporaryDirectory directory_;
  Options options_;
  FileSystem& file_system_;
  ManualClock clock_{kStartMs};
  Registry registry_;
  std::unique_ptr<Db> db_;
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Per-sample costs of the store: append warm, new series, read, replay. Times are per sample unless
// a name says otherwise; run alone on one core: taskset -c 0 build/release/tsdb_bench.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "tsdb/db.h"

namespace hearth::tsdb {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr size_t kBatch = 2000;

// Labels as node_exporter under Kubernetes has them: twelve, some 350 bytes.
model::Labels KubeLabels(size_t i) {
  const std::string pod = fmt::format("app-{:05}-{:08x}", i / 200, (i / 200) * 2654435761U);
  return model::Labels{{"__name__", fmt::format("metric_{}_seconds_total", i % 200)},
                       {"cluster", "production-eu-west-1"},
                       {"container", "application"},
                       {"endpoint", "http-metrics"},
                       {"instance", fmt::format("10.{}.{}.7:9100", i / 200 / 250, i / 200 % 250)},
                       {"job", "monitoring/application"},
                       {"mode", fmt::format("m{}", i % 8)},
                       {"namespace", fmt::format("team-{}", i / 200 % 20)},
                       {"node", fmt::format("ip-10-0-{}-{}.ec2.internal", i / 4000, i / 200 % 99)},
                       {"pod", pod},
                       {"service", "application-metrics"},
                       {"uid", fmt::format("{:016x}", (i / 200) * 0x9e3779b97f4a7c15ULL)}};
}

class Store {
 public:
  explicit Store(size_t series, WalFsync fsync = WalFsync::kOs) {
    log::Configure(log::Level::kError, log::Format::kText);
    options_.directory = directory_.path() + "/db";
    options_.wal_fsync = fsync;
    options_.seal_bytes = uint64_t{2} << 30;  // what is measured here is the head
    options_.head_bytes_max = uint64_t{4} << 30;
    for (size_t at = 0; at < series; at += kBatch) {
      auto& batch = batches_.emplace_back();
      for (size_t i = at; i < at + kBatch; ++i) batch.push_back(KubeLabels(i));
    }
    Open();
  }
  void Open() {
    auto db = Db::Open(options_, RealFileSystem(), clock_, registry_, nullptr);
    CHECK(db.ok());
    db_ = *std::move(db);
  }
  void Drop() { db_.reset(); }
  // One request of kBatch samples; the requests go round all series, each round a scrape later.
  void BuildNext(storage::WriteBatch* batch) {
    batch->Clear();
    const auto& labels = batches_[next_];
    for (size_t i = 0; i < labels.size(); ++i) {
      batch->AddSeries(labels[i]);
      const double value = i % 3 == 0   ? 1
                           : i % 3 == 1 ? 100.0 * static_cast<double>(round_ + i)
                                        : 0.01 * static_cast<double>(round_ * i);
      batch->AddSample(clock_.NowMs(), value);
    }
    if (++next_ == batches_.size()) {
      next_ = 0;
      ++round_;
      clock_.Advance(15'000);
    }
  }
  void Fill(int rounds) {
    storage::WriteBatch batch;
    for (size_t i = 0; i < static_cast<size_t>(rounds) * batches_.size(); ++i) {
      BuildNext(&batch);
      CHECK(db_->Commit(batch, {}).ok());
    }
  }
  Db& db() { return *db_; }
  ManualClock& clock() { return clock_; }

 private:
  TemporaryDirectory directory_;
  Options options_;
  ManualClock clock_{kStartMs};
  Registry registry_;
  std::vector<std::vector<model::Labels>> batches_;
  size_t next_ = 0;
  size_t round_ = 0;
  std::unique_ptr<Db> db_;
};

void PerSample(benchmark::State& state, size_t samples) {
  state.counters["ns/sample"] =
      benchmark::Counter(static_cast<double>(samples) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void CommitWarm(benchmark::State& state) {
  Store store(100'000, static_cast<WalFsync>(state.range(0)));
  store.Fill(2);
  storage::WriteBatch batch;
  size_t samples = 0;
  for (auto _ : state) {
    state.PauseTiming();
    store.BuildNext(&batch);
    state.ResumeTiming();
    const auto outcome = store.db().Commit(batch, {});
    CHECK(outcome.ok() && outcome->stored == kBatch);
    samples += kBatch;
  }
  PerSample(state, samples);
  const Stats stats = store.db().stats();
  state.counters["head_B/series"] =
      static_cast<double>(stats.head_bytes) / static_cast<double>(stats.series);
  state.counters["wal_B/sample"] =
      static_cast<double>(stats.wal_bytes) / static_cast<double>(stats.head_samples);
}
BENCHMARK(CommitWarm)
    ->ArgName("fsync")
    ->Arg(static_cast<int>(WalFsync::kOs))
    ->Arg(static_cast<int>(WalFsync::kAlways))
    ->Iterations(1500);

void CommitNewSeries(benchmark::State& state) {
  Store store(200'000);
  storage::WriteBatch batch;
  size_t samples = 0;
  for (auto _ : state) {
    state.PauseTiming();
    store.BuildNext(&batch);
    state.ResumeTiming();
    CHECK(store.db().Commit(batch, {}).ok());
    samples += kBatch;
  }
  PerSample(state, samples);
}
BENCHMARK(CommitNewSeries)->Iterations(100);

size_t ReadAll(Db& db, const std::vector<model::Matcher>& matchers) {
  storage::SelectRequest request;
  request.range = {kStartMs, INT64_MAX};
  request.matchers = matchers;
  const auto set = db.Select(request);
  CHECK(set.ok());
  storage::ColumnBatch batch;
  size_t samples = 0;
  while (*(*set)->Next(&batch)) {
    for (const auto& series : batch.series) samples += series.values.size();
  }
  return samples;
}

// One metric of 500 series x 40 samples, from the head or from a block.
void SelectOneMetric(benchmark::State& state) {
  Store store(100'000);
  store.Fill(40);
  if (state.range(0) != 0) CHECK(store.db().Seal().ok());
  size_t samples = 0;
  for (auto _ : state) {
    samples += ReadAll(store.db(), {model::Matcher::Equal("__name__", "metric_7_seconds_total")});
  }
  PerSample(state, samples);
}
BENCHMARK(SelectOneMetric)->ArgName("sealed")->Arg(0)->Arg(1);

void SelectEverything(benchmark::State& state) {
  Store store(100'000);
  store.Fill(20);
  if (state.range(0) != 0) CHECK(store.db().Seal().ok());
  size_t samples = 0;
  for (auto _ : state) {
    samples += ReadAll(store.db(), {*model::Matcher::Make(model::MatchType::kNotEqual, "job", "")});
  }
  PerSample(state, samples);
}
BENCHMARK(SelectEverything)->ArgName("sealed")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void Seal(benchmark::State& state) {
  size_t samples = 0;
  double bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto store = std::make_unique<Store>(100'000);
    store->Fill(40);
    state.ResumeTiming();
    CHECK(store->db().Seal().ok());
    state.PauseTiming();
    samples += 40 * 100'000;
    bytes += static_cast<double>(store->db().stats().block_bytes);
    store.reset();
    state.ResumeTiming();
  }
  PerSample(state, samples);
  state.counters["B/sample"] = bytes / static_cast<double>(samples);
}
BENCHMARK(Seal)->Iterations(1)->Unit(benchmark::kMillisecond);

void Replay(benchmark::State& state) {
  Store store(50'000);
  store.Fill(20);
  for (auto _ : state) {
    state.PauseTiming();
    store.Drop();
    state.ResumeTiming();
    store.Open();
    CHECK(store.db().stats().replayed_samples == 1'000'000);
  }
  PerSample(state, static_cast<size_t>(state.iterations()) * 1'000'000);
}
BENCHMARK(Replay)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hearth::tsdb

BENCHMARK_MAIN();

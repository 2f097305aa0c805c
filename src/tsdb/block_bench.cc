// SPDX-License-Identifier: Apache-2.0
// What real scrapes take on the disk, and what sealing, merging and reading them costs. Scrapes are
// a text file, gzip or not, of `##SCRAPE <job> <ms>` lines with the exposition after each:
//   build/release/block_bench scrapes.txt.gz
// Figures per sample are over all samples; per series over the distinct series.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/compress.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/string_map.h"
#include "tsdb/block_writer.h"
#include "tsdb/db.h"

namespace hearth::tsdb {
namespace {

constexpr int64_t kAlignMs = 5000;
constexpr size_t kTextMax = size_t{1} << 30;
constexpr storage::TimeRange kAll{0, INT64_MAX};

struct Scrape {
  int64_t time_ms = 0;
  int64_t turn = 0;                                  // the how manieth of its job
  std::vector<std::pair<uint32_t, double>> samples;  // series, value
};
struct Capture {
  std::vector<model::Labels> series;
  std::vector<Scrape> scrapes;
  size_t samples = 0;
};

// `name{a="b",c="d"} value`, as exporters write it. Values hold no escapes in these captures.
model::Labels ParseLabels(std::string_view text, std::string_view job) {
  std::vector<model::Label> labels{{"instance", job}, {"job", job.substr(0, job.find('@'))}};
  const size_t brace = text.find('{');
  labels.push_back({model::kMetricName, text.substr(0, brace)});
  for (size_t at = brace; at != std::string_view::npos && at + 2 < text.size();) {
    const size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) break;
    size_t end = text.find("\",", equals + 2);
    if (end == std::string_view::npos) end = text.rfind("\"}");
    labels.push_back(
        {text.substr(at + 1, equals - at - 1), text.substr(equals + 2, end - equals - 2)});
    at = end + 1;
  }
  return model::Labels::FromPairs(std::move(labels));
}

Capture Load(const char* path) {
  auto text = RealFileSystem().ReadFile(path);
  if (!text.ok()) {
    fmt::print(stderr, "{}\n", Message(text.status()));
    std::exit(2);
  }
  if (text->starts_with("\x1f\x8b")) {
    std::string raw;
    CHECK(GzipDecompress(*text, kTextMax, &raw).ok());
    *text = std::move(raw);
  }
  Capture made;
  StringMap<uint32_t> known;
  StringMap<int64_t> turns;
  std::string_view rest(*text);
  std::string_view job;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const size_t space = line.rfind(' ');
    if (line.starts_with("##SCRAPE ")) {
      job = line.substr(9, space - 9);
      Scrape& scrape = made.scrapes.emplace_back();
      scrape.turn = turns[std::string(job)]++;
      std::from_chars(line.data() + space + 1, line.data() + line.size(), scrape.time_ms);
      continue;
    }
    if (line.empty() || line[0] == '#' || space == std::string_view::npos) continue;
    const std::string key = fmt::format("{} {}", job, line.substr(0, space));
    const auto [it, added] = known.try_emplace(key, made.series.size());
    if (added) made.series.push_back(ParseLabels(line.substr(0, space), job));
    const double value = std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr);
    made.scrapes.back().samples.emplace_back(it->second, value);
    ++made.samples;
  }
  return made;
}

class Store {
 public:
  explicit Store(const Capture& capture) : clock_(capture.scrapes.front().time_ms) {
    log::Configure(log::Level::kError, log::Format::kText);
    options_.directory = directory_.path() + "/db";
    options_.wal_fsync = WalFsync::kOs;
    Open();
  }
  void Open() {
    db_.reset();
    auto db = Db::Open(options_, RealFileSystem(), clock_, registry_, nullptr);
    CHECK(db.ok());
    db_ = *std::move(db);
  }
  // Every scrape at its time, or one every five seconds.
  void Feed(const Capture& capture, bool aligned) {
    storage::WriteBatch batch;
    const int64_t start_ms = capture.scrapes.front().time_ms / kAlignMs * kAlignMs;
    for (const Scrape& scrape : capture.scrapes) {
      const int64_t time_ms = aligned ? start_ms + scrape.turn * kAlignMs : scrape.time_ms;
      clock_.Advance(time_ms - clock_.NowMs());
      batch.Clear();
      for (const auto& [series, value] : scrape.samples) {
        batch.AddSeries(capture.series[series]);
        batch.AddSample(time_ms, value);
      }
      const auto outcome = db_->Commit(batch, {});
      CHECK(outcome.ok() && outcome->rejected == 0);
      db_->Maintain();
    }
  }
  size_t ReadAll() {
    storage::SelectRequest request;
    request.range = kAll;
    request.matchers = {*model::Matcher::Make(model::MatchType::kNotEqual, "job", "")};
    const auto set = db_->Select(request);
    CHECK(set.ok());
    storage::ColumnBatch batch;
    size_t samples = 0;
    while (*(*set)->Next(&batch)) {
      for (const auto& series : batch.series) samples += series.values.size();
    }
    return samples;
  }
  Db& db() { return *db_; }
  ManualClock& clock() { return clock_; }

 private:
  TemporaryDirectory directory_;
  Options options_;
  ManualClock clock_;
  Registry registry_;
  std::unique_ptr<Db> db_;
};

void Report(benchmark::State& state, const Capture& capture, Db& db) {
  const Stats stats = db.stats();
  const auto samples = static_cast<double>(capture.samples);
  const auto data = static_cast<double>(stats.block_data_bytes);
  const auto all = static_cast<double>(stats.block_bytes);
  state.counters["blocks"] = static_cast<double>(stats.blocks);
  state.counters["data_B/sample"] = data / samples;
  state.counters["index_B/series"] = (all - data) / static_cast<double>(capture.series.size());
  state.counters["all_B/sample"] = all / samples;
}

void PerSample(benchmark::State& state, size_t samples) {
  state.counters["ns/sample"] =
      benchmark::Counter(static_cast<double>(samples) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Fed in the time of the capture, sealed every ten minutes; then a clean stop.
void CleanStop(benchmark::State& state, const Capture& capture, bool aligned) {
  for (auto _ : state) {
    state.PauseTiming();
    std::optional<Store> store(capture);
    store->Feed(capture, aligned);
    state.ResumeTiming();
    CHECK(store->db().Close().ok());
    state.PauseTiming();
    store->Open();
    Report(state, capture, store->db());
    CHECK(store->ReadAll() > 0);
    store.reset();
    state.ResumeTiming();
  }
  PerSample(state, static_cast<size_t>(state.iterations()) * capture.samples);
}

// Merged as far as it is after so many days.
void MergeAll(benchmark::State& state, const Capture& capture, int64_t days) {
  for (auto _ : state) {
    state.PauseTiming();
    std::optional<Store> store(capture);
    store->Feed(capture, true);
    CHECK(store->db().Seal().ok());
    store->clock().Advance(days * 24 * 3600 * 1000);
    state.ResumeTiming();
    CHECK(store->db().Compact().ok());
    state.PauseTiming();
    Report(state, capture, store->db());
    store.reset();
    state.ResumeTiming();
  }
  PerSample(state, static_cast<size_t>(state.iterations()) * capture.samples);
}

// `opened`: by a store just opened, which has decompressed nothing yet.
void ReadAll(benchmark::State& state, const Capture& capture, bool opened) {
  Store store(capture);
  store.Feed(capture, true);
  CHECK(store.db().Seal().ok());
  store.clock().Advance(int64_t{3} * 24 * 3600 * 1000);
  CHECK(store.db().Compact().ok());
  size_t samples = 0;
  for (auto _ : state) {
    if (opened) {
      state.PauseTiming();
      store.Open();
      state.ResumeTiming();
    }
    samples += store.ReadAll();
  }
  PerSample(state, samples);
}

// A day of Kubernetes-like series of which a tenth of the pods is replaced every ten minutes, as
// one block. `one_target`: all pods' series come from one target, as kube-state-metrics has them.
constexpr size_t kPods = 200;
constexpr size_t kSeriesOfPod = 50;
constexpr int64_t kScrapes = 24 * 240;  // every 15 s
constexpr int64_t kStartMs = 1'700'000'000'000;

struct Pod {
  int64_t first = 0;  // scrape
  int64_t end = 0;
  uint64_t number = 0;
};

std::vector<Pod> ChurningPods(Rng& rng) {
  std::vector<Pod> pods;
  std::vector<size_t> alive;
  const auto start = [&](int64_t at) {
    pods.push_back({at, kScrapes, pods.size()});
    return pods.size() - 1;
  };
  while (alive.size() < kPods) alive.push_back(start(0));
  for (int64_t at = 40; at < kScrapes; at += 40) {
    for (size_t i = 0; i < kPods / 10; ++i) {
      size_t& slot = alive[rng.Below(kPods)];
      const int64_t when = at + static_cast<int64_t>(rng.Below(40));
      pods[slot].end = std::max(pods[slot].first + 1, when);
      slot = start(when);
    }
  }
  std::erase_if(pods, [](const Pod& pod) { return pod.first >= kScrapes; });
  return pods;
}

model::Labels PodLabels(const Pod& pod, size_t series) {
  const uint64_t uid = (pod.number + 1) * 0x9e3779b97f4a7c15ULL;
  return model::Labels{
      {"__name__", fmt::format("container_metric_{:02}_total", series)},
      {"cluster", "production-eu-west-1"},
      {"container", pod.number % 3 == 0 ? "application" : "proxy"},
      {"endpoint", "http-metrics"},
      {"instance", fmt::format("10.{}.{}.{}:9100", uid >> 60, uid >> 52 & 255, uid >> 44 & 255)},
      {"job", "monitoring/application"},
      {"namespace", fmt::format("team-{}", uid % 20)},
      {"node", fmt::format("ip-10-0-{}.ec2.internal", uid % 97)},
      {"pod", fmt::format("app-{}-{:08x}", uid % 20, uid >> 32)},
      {"service", "application-metrics"},
      {"uid", fmt::format("{:016x}", uid * 31)}};
}

void FillSeries(const Pod& pod, size_t series, bool one_target, Columns* columns) {
  SeededRng values(pod.number * 1000 + series);
  SeededRng jitter(one_target ? 0 : pod.number);
  columns->Clear();
  double value = static_cast<double>(values.Below(1'000'000));
  for (int64_t at = 0; at < pod.end; ++at) {
    const auto late_ms = static_cast<int64_t>(jitter.Below(7));
    if (at < pod.first) continue;
    if (series % 3 == 1) value += static_cast<double>(values.Below(100));
    const double shown = series % 3 == 2 ? static_cast<double>(values.Below(4000)) / 100 : value;
    columns->Append(kStartMs + at * 15'000 + late_ms, shown);
  }
}

void Churn(benchmark::State& state, bool one_target) {
  SeededRng rng(1);
  const std::vector<Pod> pods = ChurningPods(rng);
  std::vector<std::pair<model::Labels, size_t>> all;
  for (size_t series = 0; series < kSeriesOfPod; ++series) {
    for (size_t i = 0; i < pods.size(); ++i) {
      all.emplace_back(PodLabels(pods[i], series), i * kSeriesOfPod + series);
    }
  }
  std::sort(all.begin(), all.end());
  TemporaryDirectory directory;
  auto store = *storage::OpenFileBlobStore(RealFileSystem(), directory.path());
  for (auto _ : state) {
    BlockMeta meta;
    meta.id = "churn";
    meta.level = 2;
    auto writer = *BlockWriter::Create(*store, meta);
    Columns columns;
    size_t memory = 0;
    for (const auto& [labels, number] : all) {
      FillSeries(pods[number / kSeriesOfPod], number % kSeriesOfPod, one_target, &columns);
      CHECK(writer->Add(labels, columns).ok());
      memory = std::max(memory, writer->memory_bytes());
    }
    meta = *writer->Finish();
    const auto series = static_cast<double>(meta.series);
    const auto data = static_cast<double>(meta.data_bytes);
    const auto index = static_cast<double>(meta.size - meta.data_bytes);
    state.counters["samples/series"] = static_cast<double>(meta.samples) / series;
    state.counters["data_B/sample"] = data / static_cast<double>(meta.samples);
    state.counters["index_B/series"] = index / series;
    state.counters["all_B/series"] = (data + index) / series;
    state.counters["writer_KiB"] = static_cast<double>(memory) / 1024;
  }
}

void Register(const Capture& capture) {
  const auto add = [](const std::string& name, const auto& run) {
    return benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond);
  };
  for (const bool aligned : {true, false}) {
    add(aligned ? "CleanStop/aligned" : "CleanStop/as_scraped", [&capture,
                                                                 aligned](benchmark::State& state) {
      CleanStop(state, capture, aligned);
    })->Iterations(1);
  }
  for (const int64_t days : {0, 3}) {
    add(fmt::format("MergeAll/days:{}", days), [&capture, days](benchmark::State& state) {
      MergeAll(state, capture, days);
    })->Iterations(1);
  }
  add("Churn/target_a_pod", [](benchmark::State& state) { Churn(state, false); })->Iterations(1);
  add("Churn/one_target", [](benchmark::State& state) { Churn(state, true); })->Iterations(1);
  for (const bool opened : {false, true}) {
    add(opened ? "ReadAll/opened" : "ReadAll/cached",
        [&capture, opened](benchmark::State& state) { ReadAll(state, capture, opened); });
  }
}

}  // namespace
}  // namespace hearth::tsdb

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::puts("nothing measured: block_bench FILE wants a file of scrapes");
    return 0;
  }
  const hearth::tsdb::Capture capture = hearth::tsdb::Load(argv[1]);
  hearth::tsdb::Register(capture);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The panel queries of the product over 100,000 series × 240 samples (one hour at 15 s) in a
// columnar store in memory, on one core. The store hands out views: what is timed is the engine.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "promql/engine.h"

namespace hearth::promql {
namespace {

constexpr int64_t kSamples = 240;
constexpr int64_t kStepMs = 15'000;
constexpr size_t kSeries = 100'000;

// Series sorted by labels, one shared timeline.
class ColumnStore : public storage::Querier {
 public:
  ColumnStore() {
    for (int64_t i = 0; i < kSamples; ++i) times_.push_back(i * kStepMs);
    AddAll();
    std::sort(series_.begin(), series_.end(),
              [](const Row& a, const Row& b) { return a.labels < b.labels; });
  }
  size_t size() const { return series_.size(); }

  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override {
    return std::make_unique<Set>(this, request);
  }
  absl::StatusOr<std::vector<model::Labels>> Series(storage::TimeRange,
                                                    const std::vector<std::vector<model::Matcher>>&,
                                                    size_t) const override {
    return std::vector<model::Labels>();
  }
  absl::StatusOr<std::vector<std::string>> LabelNames(
      storage::TimeRange, const std::vector<std::vector<model::Matcher>>&, size_t) const override {
    return std::vector<std::string>();
  }
  absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view, storage::TimeRange, const std::vector<std::vector<model::Matcher>>&,
      size_t) const override {
    return std::vector<std::string>();
  }
  std::vector<model::Metadata> MetricMetadata(std::string_view, size_t) const override {
    return {};
  }

 private:
  struct Row {
    model::Labels labels;
    std::vector<double> values;
  };
  class Set : public storage::SeriesSet {
   public:
    Set(const ColumnStore* store, const storage::SelectRequest& request) : store_(*store) {
      // An index would do this: the metric's name is one contiguous run.
      for (const model::Matcher& matcher : request.matchers) {
        if (matcher.name() == model::kMetricName && matcher.type() == model::MatchType::kEqual) {
          name_ = matcher.value();
        } else {
          matchers_.push_back(matcher);
        }
      }
      const auto less = [](const Row& row, std::string_view name) {
        return row.labels.Get(model::kMetricName) < name;
      };
      at_ = std::lower_bound(store_.series_.begin(), store_.series_.end(), name_, less);
      const auto& times = store_.times_;
      first_ = static_cast<size_t>(
          std::lower_bound(times.begin(), times.end(), request.range.min_ms) - times.begin());
      count_ =
          static_cast<size_t>(std::upper_bound(times.begin(), times.end(), request.range.max_ms) -
                              times.begin()) -
          first_;
    }
    absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
      batch->series.clear();
      for (; at_ != store_.series_.end() && batch->series.size() < storage::kTileSeries; ++at_) {
        if (at_->labels.Get(model::kMetricName) != name_) break;
        const bool matches =
            std::all_of(matchers_.begin(), matchers_.end(), [this](const model::Matcher& matcher) {
              return matcher.Matches(at_->labels.Get(matcher.name()));
            });
        if (!matches) continue;
        batch->series.push_back({at_->labels,
                                 std::span(store_.times_).subspan(first_, count_),
                                 std::span(at_->values).subspan(first_, count_),
                                 1,
                                 {}});
      }
      return !batch->series.empty();
    }

   private:
    const ColumnStore& store_;
    std::vector<Row>::const_iterator at_;
    std::string name_;
    std::vector<model::Matcher> matchers_;
    size_t first_ = 0;
    size_t count_ = 0;
  };

  void Add(const model::Labels& labels, double slope, bool counter) {
    Row row{labels, {}};
    double value = slope * 100;
    for (int64_t i = 0; i < kSamples; ++i) {
      row.values.push_back(value);
      value +=
          counter ? slope * static_cast<double>(1 + i % 3) : slope * static_cast<double>(i % 5 - 2);
    }
    series_.push_back(std::move(row));
  }

  void AddAll() {
    const char* const modes[] = {"idle",    "iowait", "irq",    "nice",
                                 "softirq", "steal",  "system", "user"};
    const char* const les[] = {"0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf"};
    for (int node = 0; node < 55; ++node) {
      const std::string instance = fmt::format("10.0.0.{}:9100", node);
      const double slope = 0.1 + node % 7;
      for (const char* mode : modes) {
        for (const char* cpu : {"0", "1"}) {
          Add({{"__name__", "node_cpu_seconds_total"},
               {"instance", instance},
               {"mode", mode},
               {"cpu", cpu},
               {"job", "node"}},
              slope, true);
        }
      }
      for (const char* name : {"node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"}) {
        Add({{"__name__", name}, {"instance", instance}, {"job", "node"}}, slope, false);
      }
      for (const char* device : {"sda", "sdb"}) {
        Add({{"__name__", "node_disk_read_bytes_total"},
             {"instance", instance},
             {"device", device}},
            slope, true);
        Add({{"__name__", "node_network_receive_bytes_total"},
             {"instance", instance},
             {"device", device}},
            slope, true);
      }
      for (const char* name :
           {"kubelet_volume_stats_used_bytes", "kubelet_volume_stats_capacity_bytes"}) {
        Add({{"__name__", name}, {"persistentvolumeclaim", instance}}, slope, false);
      }
    }
    for (int pod = 0; pod < 1500; ++pod) {
      Add({{"__name__", "kube_pod_status_phase"},
           {"phase", "Running"},
           {"pod", fmt::format("pod-{}", pod)},
           {"namespace", fmt::format("ns-{}", pod % 20)}},
          0, false);
    }
    for (int app = 0; app < 60; ++app) {
      const std::string instance = fmt::format("app-{}", app);
      const std::string job = fmt::format("job-{}", app % 6);
      for (const char* code : {"200", "404", "500", "503"}) {
        for (const char* path : {"/", "/a", "/b", "/c"}) {
          Add({{"__name__", "http_requests_total"},
               {"instance", instance},
               {"job", job},
               {"code", code},
               {"path", path}},
              1 + app % 3, true);
        }
      }
      for (const char* le : les) {
        Add({{"__name__", "http_request_duration_seconds_bucket"},
             {"instance", instance},
             {"job", job},
             {"le", le}},
            1 + app % 3, true);
      }
      Add({{"__name__", "http_active_connections"}, {"instance", instance}, {"job", job}}, 1,
          false);
    }
    for (int i = 0; series_.size() < kSeries; ++i) {
      Add({{"__name__", "other_total"}, {"i", std::to_string(i)}}, 1, true);
    }
  }

  std::vector<int64_t> times_;
  std::vector<Row> series_;
};

const ColumnStore& Store() {
  static const auto* const store = new ColumnStore;
  return *store;
}

constexpr const char* kPanels[] = {
    "100 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100",
    "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
    "sum by (namespace) (kube_pod_status_phase{phase=\"Running\"})",
    "kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes",
    "sum(rate(http_requests_total[5m]))",
    "100 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\", "
    "instance=~\"10.*\"}[5m])) * 100",
    "100 * (1 - node_memory_MemAvailable_bytes{instance=~\"10.*\"} / "
    "node_memory_MemTotal_bytes{instance=~\"10.*\"})",
    "sum by (instance) (rate(node_disk_read_bytes_total{instance=~\"10.*\"}[5m]))",
    "sum by (instance) (rate(node_network_receive_bytes_total{instance=~\"10.*\", "
    "device!=\"lo\"}[5m]))",
    "sum by (job)(rate(http_requests_total[5m]))",
    "100 * sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m])) / sum by (job) "
    "(rate(http_requests_total[5m]))",
    "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))",
    "sum by (job) (http_active_connections)",
    // Not a panel: everything at once, for the cost of one sample.
    "sum(rate(other_total[5m]))",
};

void BM_Panel(benchmark::State& state) {
  const Engine engine({}, &SystemClock(), nullptr);
  const std::string_view query = kPanels[state.range(0)];
  Store();  // made once, outside of what is timed
  for (auto _ : state) {
    const auto result =
        engine.Range(Store(), query, 0, (kSamples - 1) * kStepMs, kStepMs, QueryContext{});
    CHECK(result.ok());
    benchmark::DoNotOptimize(result->matrix.size());
  }
  state.SetLabel(std::string(query));
}
BENCHMARK(BM_Panel)->DenseRange(0, 13)->Unit(benchmark::kMicrosecond);

void BM_Parse(benchmark::State& state) {
  for (auto _ : state) {
    for (const char* panel : kPanels) benchmark::DoNotOptimize(ParseExpr(panel).ok());
  }
}
BENCHMARK(BM_Parse)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace hearth::promql

BENCHMARK_MAIN();

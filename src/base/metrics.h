// SPDX-License-Identifier: Apache-2.0
// hearth's own metrics: a Registry hands out counters, gauges and histograms and writes them in
// Prometheus' text format 0.0.4. Names are hearth_<module>_<what>_<unit>[_total].
//
// Increments are lock-free and cheap; registering and writing take a lock. What Add... returns
// lives as long as the Registry; the same name and labels return the same object. The number of
// label values of a family is bounded by whoever adds them (labels are ours, never a user's bytes).
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth {

class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void Observe(double value);
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  friend class Registry;
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;  // not cumulative; one more than bounds_
  std::atomic<uint64_t> count_{0};
  std::atomic<double> sum_{0};
};

// Seconds, from 100 µs to 10 s: fits requests, fsyncs and queries.
std::vector<double> LatencyBuckets();

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& AddCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& AddHistogram(std::string_view name, std::string_view help,
                          std::vector<double> upper_bounds, MetricLabels labels = {});
  // A value read when written. `read` must stay callable until RemoveCallbacks(owner).
  void AddCallback(const void* owner, std::string_view name, std::string_view help, bool is_counter,
                   MetricLabels labels, std::function<double()> read);
  void RemoveCallbacks(const void* owner);

  // All families sorted by name, in text format 0.0.4.
  std::string Text() const;

 private:
  struct Metric {
    MetricLabels labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> read;
    const void* owner = nullptr;
  };
  struct Family {
    std::string help;
    std::string type;
    std::vector<std::unique_ptr<Metric>> metrics;
  };
  Metric& Find(std::string_view name, std::string_view help, std::string_view type,
               MetricLabels labels) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void WriteMetric(const std::string& name, const Metric& metric, std::string* out);

  mutable absl::Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth

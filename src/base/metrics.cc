// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace hearth {
namespace {

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void AppendEscaped(std::string_view text, bool quotes, std::string* out) {
  for (const char c : text) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"' && quotes) {
      *out += "\\\"";
    } else {
      out->push_back(c);
    }
  }
}

void AppendLabels(const MetricLabels& labels, std::string_view le, std::string* out) {
  if (labels.empty() && le.empty()) return;
  out->push_back('{');
  bool first = true;
  const auto append = [&](std::string_view name, std::string_view value) {
    if (!first) out->push_back(',');
    first = false;
    *out += name;
    *out += "=\"";
    AppendEscaped(value, true, out);
    out->push_back('"');
  };
  for (const auto& [name, value] : labels) append(name, value);
  if (!le.empty()) append("le", le);
  out->push_back('}');
}

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)),
      buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::Observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<double> LatencyBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
}

Registry::Metric& Registry::Find(std::string_view name, std::string_view help,
                                 std::string_view type, MetricLabels labels) {
  Family& family = families_.try_emplace(std::string(name)).first->second;
  if (family.type.empty()) {
    family.help = help;
    family.type = type;
  }
  CHECK(family.type == type);
  for (const auto& metric : family.metrics) {
    if (metric->labels == labels) return *metric;
  }
  family.metrics.push_back(std::make_unique<Metric>());
  family.metrics.back()->labels = std::move(labels);
  return *family.metrics.back();
}

Counter& Registry::AddCounter(std::string_view name, std::string_view help, MetricLabels labels) {
  absl::MutexLock lock(&mutex_);
  Metric& metric = Find(name, help, "counter", std::move(labels));
  if (metric.counter == nullptr) metric.counter = std::make_unique<Counter>();
  return *metric.counter;
}

Gauge& Registry::AddGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  absl::MutexLock lock(&mutex_);
  Metric& metric = Find(name, help, "gauge", std::move(labels));
  if (metric.gauge == nullptr) metric.gauge = std::make_unique<Gauge>();
  return *metric.gauge;
}

Histogram& Registry::AddHistogram(std::string_view name, std::string_view help,
                                  std::vector<double> upper_bounds, MetricLabels labels) {
  absl::MutexLock lock(&mutex_);
  Metric& metric = Find(name, help, "histogram", std::move(labels));
  if (metric.histogram == nullptr) {
    metric.histogram = std::make_unique<Histogram>(std::move(upper_bounds));
  }
  return *metric.histogram;
}

void Registry::AddCallback(const void* owner, std::string_view name, std::string_view help,
                           bool is_counter, MetricLabels labels, std::function<double()> read) {
  absl::MutexLock lock(&mutex_);
  Metric& metric = Find(name, help, is_counter ? "counter" : "gauge", std::move(labels));
  metric.owner = owner;
  metric.read = std::move(read);
}

void Registry::RemoveCallbacks(const void* owner) {
  absl::MutexLock lock(&mutex_);
  for (auto& [name, family] : families_) {
    std::erase_if(family.metrics, [owner](const auto& m) { return m->read && m->owner == owner; });
  }
}

void Registry::WriteMetric(const std::string& name, const Metric& metric, std::string* out) {
  const auto line = [&](std::string_view suffix, std::string_view le, const std::string& value) {
    *out += name;
    *out += suffix;
    AppendLabels(metric.labels, le, out);
    out->push_back(' ');
    *out += value;
    out->push_back('\n');
  };
  if (metric.read) {
    line("", "", Number(metric.read()));
  } else if (metric.counter != nullptr) {
    line("", "", std::to_string(metric.counter->value()));
  } else if (metric.gauge != nullptr) {
    line("", "", Number(metric.gauge->value()));
  } else if (metric.histogram != nullptr) {
    const Histogram& histogram = *metric.histogram;
    uint64_t total = 0;
    for (size_t i = 0; i < histogram.bounds_.size(); ++i) {
      total += histogram.buckets_[i].load(std::memory_order_relaxed);
      line("_bucket", Number(histogram.bounds_[i]), std::to_string(total));
    }
    total += histogram.buckets_[histogram.bounds_.size()].load(std::memory_order_relaxed);
    line("_bucket", "+Inf", std::to_string(total));
    line("_sum", "", Number(histogram.sum_.load(std::memory_order_relaxed)));
    line("_count", "", std::to_string(total));
  }
}

std::string Registry::Text() const {
  std::string out;
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, family] : families_) {
    if (family.metrics.empty()) continue;
    out += "# HELP " + name + " ";
    AppendEscaped(family.help, false, &out);
    out += "\n# TYPE " + name + " " + family.type + "\n";
    for (const auto& metric : family.metrics) WriteMetric(name, *metric, &out);
  }
  return out;
}

}  // namespace hearth

// SPDX-License-Identifier: Apache-2.0
#include "fleet.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "bodies.h"

namespace hearth::bench {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// xorshift64*; quality does not matter here, only that it is the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  double Next() {  // in [0, 1)
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<double>((state_ * 0x2545f4914f6cdd1d) >> 11) * 0x1.0p-53;
  }

 private:
  uint64_t state_;
};

struct Series {
  SeriesLabels labels;
  double level = 0;
  double growth = 0;  // of a counter, per step; 0 for a gauge
  bool integer = false;
};

class Fleet {
 public:
  explicit Fleet(size_t series_count) {
    for (size_t instance = 0; series_.size() < series_count; ++instance) AddInstance(instance);
    series_.resize(series_count);
  }

  const std::vector<Series>& series() const { return series_; }
  const Symbols& symbols() const { return symbols_; }

  // The value of series `index` at `step`; steps are asked for in order.
  double Value(size_t index, uint64_t step) {
    Series& one = series_[index];
    Random random(index * 1'000'003 + step);
    if (one.growth == 0) return one.level * (0.9 + 0.2 * random.Next());
    one.level += one.growth * random.Next() * 2;
    return one.integer ? static_cast<double>(static_cast<int64_t>(one.level)) : one.level;
  }

 private:
  void Add(std::string_view name, Labels labels, double level, double growth, bool integer) {
    labels.insert(labels.begin(), {"__name__", std::string(name)});
    Series one;
    for (const auto& [key, value] : labels) {
      one.labels.push_back(symbols_.Intern(key));
      one.labels.push_back(symbols_.Intern(value));
    }
    one.level = level;
    one.growth = growth;
    one.integer = integer;
    series_.push_back(std::move(one));
  }

  void AddNode(const std::string& instance) {
    for (const char* cpu : {"0", "1", "2", "3"}) {
      for (const char* mode :
           {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}) {
        Add("node_cpu_seconds_total",
            {{"cpu", cpu}, {"instance", instance}, {"job", "node"}, {"mode", mode}}, 1000,
            mode[1] == 'd' ? 12 : 0.4, false);
      }
    }
    const Labels node = {{"instance", instance}, {"job", "node"}};
    Add("node_memory_MemAvailable_bytes", node, 5e9, 0, false);
    Add("node_memory_MemTotal_bytes", node, 16e9, 0, false);
    for (const char* device : {"nvme0n1", "nvme1n1"}) {
      const Labels disk = {{"device", device}, {"instance", instance}, {"job", "node"}};
      Add("node_disk_read_bytes_total", disk, 1e9, 40960, true);
      Add("node_disk_written_bytes_total", disk, 1e9, 409600, true);
    }
    for (const char* device : {"eth0", "eth1", "lo"}) {
      const Labels network = {{"device", device}, {"instance", instance}, {"job", "node"}};
      Add("node_network_receive_bytes_total", network, 1e9, 1e5, true);
      Add("node_network_transmit_bytes_total", network, 1e9, 2e5, true);
    }
    for (const char* mount : {"/", "/var/lib"}) {
      const Labels disk = {{"device", "/dev/nvme0n1p1"},
                           {"fstype", "ext4"},
                           {"instance", instance},
                           {"job", "node"},
                           {"mountpoint", mount}};
      Add("node_filesystem_avail_bytes", disk, 2e10, 0, false);
      Add("node_filesystem_size_bytes", disk, 1e11, 0, false);
    }
  }

  void AddPods(size_t number) {
    for (int pod = 0; pod < 4; ++pod) {
      const std::string name = "app-" + std::to_string(number) + "-" + std::to_string(pod);
      const std::string space = "team-" + std::to_string(number % 20);
      for (const char* phase : {"Failed", "Pending", "Running", "Succeeded", "Unknown"}) {
        Add("kube_pod_status_phase",
            {{"instance", "kube-state-metrics:8080"},
             {"job", "kube-state-metrics"},
             {"namespace", space},
             {"phase", phase},
             {"pod", name}},
            phase[0] == 'R' ? 1 : 0, 0, true);
      }
      Add("kube_pod_container_status_restarts_total",
          {{"container", "app"},
           {"instance", "kube-state-metrics:8080"},
           {"job", "kube-state-metrics"},
           {"namespace", space},
           {"pod", name}},
          0, pod == 0 ? 0.01 : 1e-9, true);
    }
    const Labels claim = {{"namespace", "team-" + std::to_string(number % 20)},
                          {"persistentvolumeclaim", "data-" + std::to_string(number)}};
    Add("kubelet_volume_stats_capacity_bytes", claim, 1e11, 0, false);
    Add("kubelet_volume_stats_used_bytes", claim, 4e10, 0, false);
  }

  void AddService(size_t number) {
    const std::string instance = "app-" + std::to_string(number) + ":8080";
    const std::string job = "service-" + std::to_string(number % 50);
    for (const char* path : {"/", "/buy"}) {
      for (const char* code : {"200", "201", "404", "500", "503"}) {
        Add("http_requests_total",
            {{"code", code},
             {"instance", instance},
             {"job", job},
             {"method", "GET"},
             {"path", path}},
            0, code[0] == '2' ? 300 : 4, true);
      }
    }
    double growth = 20;
    for (const char* bound : {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5",
                              "5", "10", "30", "+Inf"}) {
      Add("http_request_duration_seconds_bucket",
          {{"instance", instance}, {"job", job}, {"le", bound}, {"method", "GET"}, {"path", "/"}},
          0, growth += 25, true);
    }
    const Labels request = {{"instance", instance}, {"job", job}, {"method", "GET"}, {"path", "/"}};
    Add("http_request_duration_seconds_count", request, 0, growth, true);
    Add("http_request_duration_seconds_sum", request, 0, growth / 10, false);
    Add("http_active_connections", {{"instance", instance}, {"job", job}}, 30, 0, true);
  }

  void AddInstance(size_t number) {
    AddNode("10." + std::to_string(number >> 16) + "." + std::to_string(number >> 8 & 255) + "." +
            std::to_string(number & 255) + ":9100");
    AddPods(number);
    AddService(number);
  }

  Symbols symbols_;
  std::vector<Series> series_;
};

}  // namespace

bool WriteFleet(const FleetPlan& plan) {
  BodyFile file(plan.out);
  if (!file.ok()) return false;
  Fleet fleet(plan.series);
  for (uint64_t step = 0; step < plan.first_step; ++step) {
    for (size_t i = 0; i < plan.series; ++i) fleet.Value(i, step);
  }
  BodyWriter writer(fleet.symbols(), 1, plan.samples_per_body, &file);
  const uint64_t last = plan.first_step + plan.steps;
  for (uint64_t step = plan.first_step; step < last; step += plan.samples_per_series) {
    const uint64_t end = std::min(last, step + plan.samples_per_series);
    for (size_t i = 0; i < plan.series; ++i) {
      writer.BeginSeries(fleet.series()[i].labels);
      for (uint64_t at = step; at < end; ++at) {
        writer.AddSample(plan.start_ms + static_cast<int64_t>(at) * plan.step_ms,
                         fleet.Value(i, at));
      }
      writer.EndSeries();
    }
    writer.Flush();
  }
  return file.Finish();
}

}  // namespace hearth::bench

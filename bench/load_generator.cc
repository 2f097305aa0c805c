// SPDX-License-Identifier: Apache-2.0
// Writes a file of remote-write bodies, made before the measurement because building them costs
// more than serving them:
//
//   [u32 body bytes][u32 samples][body] …      little-endian; the body is snappy over protobuf
//
// The fleet: each instance has 100 series that the three dashboards select from (CPU, memory,
// disks, networks, file systems, pods, volumes, requests, a latency histogram). Counters grow by
// random steps, so that values do not compress better than real ones. Seeded: the same arguments
// give the same bytes.
//
// load_generator FILE SERIES START_MS STEP_MS FIRST_STEP STEPS SAMPLES_PER_SERIES SAMPLES_PER_BODY
#include <snappy.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

void AppendVarint(uint64_t number, std::string* out) {
  while (number > 0x7f) {
    out->push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  out->push_back(static_cast<char>(number));
}

void AppendField(int number, std::string_view data, std::string* out) {
  AppendVarint(static_cast<uint64_t>(number) << 3 | 2, out);
  AppendVarint(data.size(), out);
  out->append(data);
}

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
  std::string labels;  // encoded label fields of a TimeSeries
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

  std::vector<Series>& series() { return series_; }

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
      std::string label;
      AppendField(1, key, &label);
      AppendField(2, value, &label);
      AppendField(1, label, &one.labels);
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

  std::vector<Series> series_;
};

struct Plan {
  size_t series_count;
  int64_t start_ms;
  int64_t step_ms;
  uint64_t first_step;
  uint64_t steps;
  uint64_t samples_per_series;
  uint64_t samples_per_body;
};

class BodyFile {
 public:
  explicit BodyFile(const char* path) : file_(std::fopen(path, "wb")) {}
  ~BodyFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;
  bool ok() const { return file_ != nullptr && !failed_; }

  void Add(const std::string& raw, uint32_t samples) {
    snappy::Compress(raw.data(), raw.size(), &body_);
    const uint32_t head[2] = {static_cast<uint32_t>(body_.size()), samples};
    failed_ = failed_ || std::fwrite(head, sizeof head, 1, file_) != 1 ||
              std::fwrite(body_.data(), body_.size(), 1, file_) != 1;
  }

 private:
  std::FILE* file_;
  std::string body_;
  bool failed_ = false;
};

void AppendSample(int64_t time_ms, double value, std::string* out) {
  std::string sample(9, '\x09');
  std::memcpy(sample.data() + 1, &value, sizeof value);
  sample.push_back('\x10');
  AppendVarint(static_cast<uint64_t>(time_ms), &sample);
  AppendField(2, sample, out);
}

void WriteBodies(const Plan& plan, BodyFile* file) {
  Fleet fleet(plan.series_count);
  // Counters go on from where an earlier file ended.
  for (uint64_t step = 0; step < plan.first_step; ++step) {
    for (size_t i = 0; i < plan.series_count; ++i) fleet.Value(i, step);
  }
  std::string raw, one;
  const uint64_t last = plan.first_step + plan.steps;
  for (uint64_t step = plan.first_step; step < last; step += plan.samples_per_series) {
    const uint64_t end = std::min(last, step + plan.samples_per_series);
    uint32_t samples = 0;
    for (size_t i = 0; i < plan.series_count; ++i) {
      one = fleet.series()[i].labels;
      for (uint64_t at = step; at < end; ++at, ++samples) {
        AppendSample(plan.start_ms + static_cast<int64_t>(at) * plan.step_ms, fleet.Value(i, at),
                     &one);
      }
      AppendField(1, one, &raw);
      if (samples >= plan.samples_per_body || i + 1 == plan.series_count) {
        file->Add(raw, samples);
        raw.clear();
        samples = 0;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) {
    std::fprintf(stderr,
                 "usage: %s FILE SERIES START_MS STEP_MS FIRST_STEP STEPS SAMPLES_PER_SERIES "
                 "SAMPLES_PER_BODY\n",
                 argv[0]);
    return 2;
  }
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const Plan plan = {number(2),
                     static_cast<int64_t>(number(3)),
                     static_cast<int64_t>(number(4)),
                     number(5),
                     number(6),
                     number(7),
                     number(8)};
  BodyFile file(argv[1]);
  if (file.ok()) WriteBodies(plan, &file);
  if (!file.ok()) {
    std::perror(argv[1]);
    return 1;
  }
  return 0;
}

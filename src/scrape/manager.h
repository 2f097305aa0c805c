// SPDX-License-Identifier: Apache-2.0
// The collector: discovers targets, scrapes each on its schedule and commits what it finds.
//
//   ApplyConfig ─→ jobs ─→ discovery (static, file, HTTP, Kubernetes) ─→ relabel ─→ targets
//   scheduler thread ─→ due targets ─→ pool: fetch → parse → relabel → limits → Appender::Commit
//
// Semantics of prometheus/scrape: targets are spread over the interval by a hash, times are aligned
// to the schedule within 2 ms, series that vanish get a staleness marker, and every scrape adds up,
// scrape_duration_seconds, scrape_samples_scraped, scrape_samples_post_metric_relabeling and
// scrape_series_added.
//
// Thread-safe. What the constructor borrows must outlive it.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "scrape/config.h"
#include "scrape/fetcher.h"
#include "scrape/kubernetes_watch.h"
#include "storage/appender.h"

namespace hearth::scrape {

struct ManagerOptions {
  std::string workspace;  // Origin::workspace of every commit
  size_t threads = 16;    // scrapes under way at once; they mostly wait for the network
  // Due scrapes that wait for a thread; beyond it a scrape is skipped and counted.
  size_t queue_max = 10'000;
  // Bodies beyond this are refused where the job sets no body_size_limit.
  size_t body_bytes_max = 256 << 20;
  size_t targets_max = 100'000;  // over all jobs; what is beyond is dropped and logged
  // Files of file_sd are looked at this often (mtime and size), besides their refresh_interval.
  int64_t file_poll_ms = 5'000;
  int64_t time_tolerance_ms = 2;  // prometheus/scrape ScrapeTimestampTolerance
  uint64_t spread_seed = 0;       // mixed into the targets' offsets, so that two collectors differ
  // Told what goes wrong, once each time that it changes: "COLLECTOR" (a target), "EXPORTER" (the
  // store) or "SERVICE_DISCOVERY", and a text. From several threads; quick. May be empty.
  std::function<void(std::string_view component, std::string_view text)> report = nullptr;
  // How to reach the Kubernetes cluster around us: for kubernetes_sd_configs that name no other.
  std::optional<KubernetesAccess> in_cluster = std::nullopt;
};

enum class Health : uint8_t { kUnknown, kUp, kDown };
std::string_view Name(Health health);  // "unknown", "up", "down"

// A target as /api/v1/targets shows it.
struct TargetStatus {
  std::string job;           // scrapePool
  model::Labels discovered;  // with __address__, __meta_…
  model::Labels labels;      // after relabelling, public ones
  std::string scrape_url;
  std::string global_url;      // the same with localhost replaced, where a host name is known
  std::string last_error;      // "" after a good scrape
  int64_t last_scrape_ms = 0;  // 0: never
  double last_duration_seconds = 0;
  Health health = Health::kUnknown;
  int64_t interval_ms = 0;
  int64_t timeout_ms = 0;
  size_t samples = 0;  // of the last scrape
};

struct DroppedTarget {
  std::string job;
  model::Labels discovered;
};

struct TargetsSnapshot {
  std::vector<TargetStatus> active;  // by job, then labels
  std::vector<DroppedTarget> dropped;
  std::vector<std::pair<std::string, size_t>> dropped_counts;  // per job
};

// What a target says its metrics are, as of its last good scrape.
struct TargetMetadata {
  model::Labels labels;                   // public ones
  std::vector<model::Metadata> metadata;  // by metric name
};

class Manager {
 public:
  Manager(ManagerOptions options, Fetcher& fetcher, storage::Appender& appender, FileSystem& files,
          const Clock& clock, Registry& metrics);
  ~Manager();  // as Stop()
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Bodies of `address` (host:port of a target) come from `read` instead of the network: hearth's
  // own /metrics. Before Start.
  void AddSelf(std::string address, std::function<std::string()> read);

  // Takes over the jobs of `config`. Unchanged jobs keep targets, schedule and series caches; what
  // is gone gets staleness markers.
  void ApplyConfig(std::shared_ptr<const Config> config);

  void Start();  // begins to scrape
  void Stop();   // ends scrapes under way; writes no staleness markers, as Prometheus at shutdown

  TargetsSnapshot Targets() const;
  std::vector<TargetMetadata> Metadata() const;  // by job, then labels

  // For tests with a ManualClock, in place of Start(): does everything that is due now, on the
  // calling thread, and returns when the next thing is due (Clock::MonotonicNs).
  int64_t RunDueForTest();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::scrape

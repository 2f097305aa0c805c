// SPDX-License-Identifier: Apache-2.0
// Inside of manager.h. One mutex guards who is scraped when; a scrape itself runs on the pool
// without it, owning its target's ScrapeLoop by the flag `running`.
//
//   Job ── Discovery ─→ groups ─→ Sync ─→ Target (by key)
//   due_: (when, target), soonest first; the scheduler takes what is due and hands it to the pool.
//   A target that vanished stays for a while in ending_, with its cache: back in time, it goes on
//   as if nothing had happened; else its series get staleness markers (prometheus/scrape
//   endOfRunStaleness).
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "base/threads.h"
#include "scrape/discovery.h"
#include "scrape/manager.h"
#include "scrape/scrape_loop.h"
#include "scrape/target_groups.h"
#include "storage/write_batch.h"

namespace hearth::scrape {

// Guarded by the manager's mutex, but for `identity`'s labels, address and url, which never change,
// and for `loop` and `loop_job`, which belong to whoever set `running`.
struct Target {
  TargetIdentity identity;
  std::string key;  // job and identity
  std::shared_ptr<const JobConfig> job;
  std::unique_ptr<ScrapeLoop> loop;
  std::shared_ptr<const JobConfig> loop_job;  // what `loop` was given
  std::string forced_error;                   // over the job's target_limit

  int64_t due_ns = 0;      // monotonic
  int64_t aligned_ms = 0;  // the wall time that due_ns stands for
  bool running = false;
  bool ended = false;
  int64_t end_time_ms = 0;  // of the staleness markers

  Health health = Health::kUnknown;
  std::string last_error;
  int64_t last_scrape_ms = 0;
  double last_duration_seconds = 0;
  size_t last_samples = 0;
  uint64_t metadata_version = 0;
  std::shared_ptr<const std::vector<model::Metadata>> metadata;  // null: none yet
};

struct Job {
  std::shared_ptr<const JobConfig> config;
  std::shared_ptr<Discovery> discovery;  // used by one thread at a time, by `discovering`
  std::vector<TargetGroup> groups;       // what it found last
  bool discovering = false;
  int64_t discovery_due_ns = 0;
  std::map<std::string, std::shared_ptr<Target>> targets;  // by key
  std::vector<DroppedTarget> dropped;
  size_t dropped_count = 0;
};

class Manager::Impl {
 public:
  Impl(ManagerOptions options, Fetcher& fetcher, storage::Appender& appender, FileSystem& files,
       const Clock& clock, Registry& metrics);
  ~Impl();

  void AddSelf(std::string address, std::function<std::string()> read);
  void ApplyConfig(std::shared_ptr<const Config> config) ABSL_LOCKS_EXCLUDED(mutex_);
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  TargetsSnapshot Targets() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<TargetMetadata> Metadata() const ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t RunDueForTest() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Metrics {
    explicit Metrics(Registry& registry);
    Counter& good;
    Counter& failed;
    Counter& skipped;
    Counter& samples;
    Counter& rejected;
    Counter& duplicates;
    Counter& commit_failures;
    Counter& discovery_failures;
    Gauge& targets;
    Histogram& duration;
  };
  using TargetPtr = std::shared_ptr<Target>;
  // A scrape, the end of a target, or (without a target) the discovery of a job.
  struct Task {
    TargetPtr target;
    std::string job;
    bool is_end = false;
  };
  // What a scrape needs to know, copied under the mutex.
  struct ScrapePlan {
    std::shared_ptr<const JobConfig> job;
    int64_t time_ms = 0;
    int64_t timeout_ms = 0;
    HistogramConfig histograms;
    std::string forced_error;
  };
  using Due = std::set<std::pair<int64_t, TargetPtr>>;

  // Scheduling (manager_schedule.cc).
  void RunScheduler() ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t NextDueLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes what is due; the caller runs each task or leaves it out.
  std::vector<Task> TakeDueLocked(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run(const Task& task) ABSL_LOCKS_EXCLUDED(mutex_);
  void Skip(const Task& task) ABSL_LOCKS_EXCLUDED(mutex_);
  void ScheduleFirstLocked(const TargetPtr& target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ScheduleNextLocked(const TargetPtr& target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ScheduleEndLocked(const TargetPtr& target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsWokenLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return woken_ || stopping_; }

  // Discovery and targets (manager_targets.cc).
  void Discover(const std::string& job_name) ABSL_LOCKS_EXCLUDED(mutex_);
  void SyncLocked(Job* job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlaceTargetLocked(Job* job, TargetIdentity identity,
                         std::map<std::string, TargetPtr>* targets)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndTargetLocked(const TargetPtr& target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The gauge is of all managers of the process.
  void ShowTargetCountLocked(size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Report(std::string_view component, std::string_view text) const {
    if (options_.report) options_.report(component, text);
  }
  void ApplyLimitLocked(Job* job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // One scrape (manager_scrape.cc).
  void Scrape(const TargetPtr& target) ABSL_LOCKS_EXCLUDED(mutex_);
  void EndTarget(const TargetPtr& target) ABSL_LOCKS_EXCLUDED(mutex_);
  ScrapePlan PlanLocked(Target* target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<FetchResult> Fetch(const Target& target, const ScrapePlan& plan);
  absl::Status FetchAndAppend(const Target& target, const ScrapePlan& plan,
                              storage::WriteBatch* batch, ScrapeCounts* counts);
  void Commit(const JobConfig& job, const storage::WriteBatch& batch, bool refuse_late);
  std::unique_ptr<storage::WriteBatch> TakeBatch() ABSL_LOCKS_EXCLUDED(mutex_);
  void ReturnBatch(std::unique_ptr<storage::WriteBatch> batch) ABSL_LOCKS_EXCLUDED(mutex_);

  const ManagerOptions options_;
  Fetcher& fetcher_;
  storage::Appender& appender_;
  FileSystem& files_;
  const Clock& clock_;
  Metrics metrics_;
  KubeWatchPool kubernetes_;
  StringMap<std::function<std::string()>> self_;
  std::atomic<bool> cancelled_{false};

  mutable absl::Mutex mutex_;
  std::map<std::string, Job> jobs_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, TargetPtr> ending_ ABSL_GUARDED_BY(mutex_);  // by key
  Due due_ ABSL_GUARDED_BY(mutex_);
  size_t target_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t shown_target_count_ ABSL_GUARDED_BY(mutex_) = 0;  // of which the gauge knows
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<storage::WriteBatch>> free_batches_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<ThreadPool> pool_;
  Thread scheduler_;
};

}  // namespace hearth::scrape

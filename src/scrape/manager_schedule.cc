// SPDX-License-Identifier: Apache-2.0
// When what is done: first times, next times, the scheduler's loop.
#include <algorithm>

#include "base/log.h"
#include "scrape/manager_impl.h"

namespace hearth::scrape {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// The scheduler looks at the clock at least this often: the wall clock may jump.
constexpr int64_t kIdleNs = 60'000 * kNsPerMs;

}  // namespace

Manager::Impl::Metrics::Metrics(Registry& registry)
    : good(registry.AddCounter("hearth_scrape_scrapes_total", "Scrapes, by result.",
                               {{"result", "good"}})),
      failed(registry.AddCounter("hearth_scrape_scrapes_total", "Scrapes, by result.",
                                 {{"result", "failed"}})),
      skipped(registry.AddCounter(
          "hearth_scrape_skipped_total",
          "Scrapes left out because the one before still ran or the queue was full.")),
      samples(registry.AddCounter("hearth_scrape_samples_total",
                                  "Samples of scrapes given to the store.")),
      rejected(registry.AddCounter("hearth_scrape_rejected_samples_total",
                                   "Samples of scrapes that the store refused.")),
      duplicates(registry.AddCounter("hearth_scrape_duplicate_samples_total",
                                     "Samples left out: the same series twice in one body.")),
      commit_failures(registry.AddCounter("hearth_scrape_commit_failures_total",
                                          "Scrapes that the store could not take.")),
      discovery_failures(registry.AddCounter("hearth_scrape_discovery_failures_total",
                                             "Reads of file_sd and http_sd that failed.")),
      targets(registry.AddGauge("hearth_scrape_targets", "Targets that are scraped.")),
      duration(registry.AddHistogram("hearth_scrape_duration_seconds",
                                     "From asking a target to its samples being durable.",
                                     LatencyBuckets())) {}

Manager::Impl::Impl(ManagerOptions options, Fetcher& fetcher, storage::Appender& appender,
                    FileSystem& files, const Clock& clock, Registry& metrics)
    : options_(std::move(options)),
      fetcher_(fetcher),
      appender_(appender),
      files_(files),
      clock_(clock),
      metrics_(metrics),
      kubernetes_(fetcher, metrics) {}

Manager::Impl::~Impl() { Stop(); }

void Manager::Impl::Start() {
  pool_ = std::make_unique<ThreadPool>(ThreadPool::Options{
      .name = "scrape", .threads = options_.threads, .queue_max = options_.queue_max});
  scheduler_ = Thread("scrape-sched", [this] { RunScheduler(); });
}

void Manager::Impl::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  cancelled_.store(true);
  scheduler_.Join();
  pool_.reset();  // finishes what was begun, which is cancelled
  absl::MutexLock lock(&mutex_);
  ShowTargetCountLocked(0);
}

void Manager::Impl::RunScheduler() {
  while (true) {
    std::vector<Task> tasks;
    {
      absl::MutexLock lock(&mutex_);
      while (!stopping_) {
        woken_ = false;
        const int64_t now_ns = clock_.MonotonicNs();
        tasks = TakeDueLocked(now_ns);
        if (!tasks.empty()) break;
        const int64_t deadline = std::min(NextDueLocked(), now_ns + kIdleNs);
        clock_.WaitUntil(mutex_, absl::Condition(this, &Impl::IsWokenLocked), deadline);
      }
      if (stopping_) return;
    }
    for (Task& task : tasks) {
      if (!pool_->TrySubmit([this, task] { Run(task); })) Skip(task);
    }
  }
}

int64_t Manager::Impl::RunDueForTest() {
  while (true) {
    std::vector<Task> tasks;
    {
      absl::MutexLock lock(&mutex_);
      tasks = TakeDueLocked(clock_.MonotonicNs());
      if (tasks.empty()) return NextDueLocked();
    }
    for (const Task& task : tasks) Run(task);
  }
}

int64_t Manager::Impl::NextDueLocked() const {
  int64_t next = due_.empty() ? Discovery::kNever : due_.begin()->first;
  for (const auto& [name, job] : jobs_) {
    if (!job.discovering) next = std::min(next, job.discovery_due_ns);
  }
  return next;
}

void Manager::Impl::Run(const Task& task) {
  if (task.target == nullptr) {
    Discover(task.job);
  } else if (task.is_end) {
    EndTarget(task.target);
  } else {
    Scrape(task.target);
  }
}

// The queue is full: better no scrape than one that is late by an unknown time.
void Manager::Impl::Skip(const Task& task) {
  metrics_.skipped.Add();
  log::Warn("scrape", "the queue of due scrapes is full, one is left out",
            {{"max", options_.queue_max}});
  absl::MutexLock lock(&mutex_);
  if (task.target == nullptr) {
    const auto found = jobs_.find(task.job);
    if (found == jobs_.end()) return;
    found->second.discovering = false;
    found->second.discovery_due_ns = clock_.MonotonicNs() + options_.file_poll_ms * kNsPerMs;
    return;
  }
  task.target->running = false;
  if (task.target->ended) {
    ending_.insert_or_assign(task.target->key, task.target);
    ScheduleEndLocked(task.target);
  } else {
    ScheduleNextLocked(task.target);
  }
}

std::vector<Manager::Impl::Task> Manager::Impl::TakeDueLocked(int64_t now_ns) {
  std::vector<Task> tasks;
  for (auto& [name, job] : jobs_) {
    if (job.discovering || job.discovery_due_ns > now_ns) continue;
    job.discovering = true;
    tasks.push_back({nullptr, name, false});
  }
  while (!due_.empty() && due_.begin()->first <= now_ns) {
    TargetPtr target = due_.begin()->second;
    due_.erase(due_.begin());
    if (target->ended) ending_.erase(target->key);
    target->running = true;
    const bool is_end = target->ended;
    tasks.push_back({std::move(target), "", is_end});
  }
  return tasks;
}

// prometheus/scrape Target.offset: a target keeps its place in the interval over restarts.
void Manager::Impl::ScheduleFirstLocked(const TargetPtr& target) {
  const int64_t interval = target->identity.interval_ms;
  const uint64_t hash = target->identity.labels.view().Hash() ^
                        std::hash<std::string>{}(target->identity.url) ^ options_.spread_seed;
  const auto offset = static_cast<int64_t>(hash % static_cast<uint64_t>(interval));
  const int64_t now_ms = clock_.NowMs();
  int64_t wait_ms = (offset - now_ms % interval + interval) % interval;
  if (wait_ms == 0) wait_ms = interval;
  target->aligned_ms = now_ms + wait_ms;
  target->due_ns = clock_.MonotonicNs() + wait_ms * kNsPerMs;
  due_.emplace(target->due_ns, target);
}

void Manager::Impl::ScheduleNextLocked(const TargetPtr& target) {
  const int64_t interval = target->identity.interval_ms;
  const int64_t now_ns = clock_.MonotonicNs();
  do {
    target->due_ns += interval * kNsPerMs;
    target->aligned_ms += interval;
    // As Go's ticker: a tick that nobody took is gone.
    if (target->due_ns <= now_ns) metrics_.skipped.Add();
  } while (target->due_ns <= now_ns);
  due_.emplace(target->due_ns, target);
}

// The markers stand at the first missed scrape; they are written one interval and a tenth later, in
// case the target comes back.
void Manager::Impl::ScheduleEndLocked(const TargetPtr& target) {
  const int64_t interval = target->identity.interval_ms;
  target->end_time_ms = target->aligned_ms;
  due_.emplace(target->due_ns + (interval + interval / 10) * kNsPerMs, target);
}

}  // namespace hearth::scrape

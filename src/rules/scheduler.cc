// SPDX-License-Identifier: Apache-2.0
#include "rules/scheduler.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace hearth::rules {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// The loop looks at the wall clock so often, because that may jump.
constexpr int64_t kLookEveryMs = 1'000;
// Groups that wait for a thread of the pool: more than a process has groups.
constexpr size_t kQueueMax = 100'000;

// labels.Hash of {file=…, name=…} in Prometheus' default build (labels_stringlabels.go): XXH64 of
// names and values, each behind its size.
uint64_t GroupHash(const Group& group) {
  std::string bytes;
  for (const std::string_view text : {std::string_view("file"), std::string_view(group.file),
                                      std::string_view("name"), std::string_view(group.name)}) {
    if (text.size() < 255) {
      bytes.push_back(static_cast<char>(text.size()));
    } else {
      bytes.push_back(static_cast<char>(0xff));
      for (unsigned shift = 0; shift < 24; shift += 8) {
        bytes.push_back(static_cast<char>(text.size() >> shift));
      }
    }
    bytes += text;
  }
  return XXH64(bytes.data(), bytes.size(), 0);
}

}  // namespace

int64_t Scheduler::SlotBefore(const Group& group, int64_t time_ms) {
  const auto interval_ns = static_cast<uint64_t>(std::max<int64_t>(group.interval_ms, 1)) *
                           static_cast<uint64_t>(kNsPerMs);
  const auto offset_ns = static_cast<int64_t>(GroupHash(group) % interval_ns);
  const int64_t adjusted_ns = time_ms * kNsPerMs - offset_ns;
  const auto interval = static_cast<int64_t>(interval_ns);
  return (adjusted_ns - adjusted_ns % interval + offset_ns) / kNsPerMs;
}

Scheduler::Scheduler(SchedulerOptions options, const promql::Engine& engine, const Clock& clock,
                     Registry& metrics)
    : options_(options),
      engine_(engine),
      clock_(clock),
      metrics_(metrics),
      rule_seconds_(metrics.AddHistogram("prometheus_rule_group_duration_histogram_seconds",
                                         "The duration of rule group evaluations.",
                                         {.01, .1, 1, 10})) {
  if (options_.threads == 0) return;
  pool_ = std::make_unique<ThreadPool>(ThreadPool::Options{"rules", options_.threads, kQueueMax});
  loop_ = Thread("rules", [this] { Loop(); });
}

Scheduler::~Scheduler() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = changed_ = true;
    for (const auto& [group, job] : jobs_) job->home->cancelled = true;
  }
  loop_.Join();
  pool_.reset();
  absl::MutexLock lock(&mutex_);
  for (const auto& [group, job] : jobs_) metrics_.RemoveCallbacks(group);
}

void Scheduler::AddMetrics(const std::shared_ptr<Job>& job) {
  // Groups live as long as their job, and their callbacks are removed before them.
  const EvaluatedGroup* group = job->group.get();
  const MetricLabels labels = {{"rule_group", group->group().file + ";" + group->group().name},
                               {"workspace", job->home->workspace}};
  const auto add = [&](std::string_view name, std::string_view help, bool counter,
                       std::function<double()> read) {
    metrics_.AddCallback(group, name, help, counter, labels, std::move(read));
  };
  add("prometheus_rule_evaluations_total", "The total number of rule evaluations.", true,
      [group] { return static_cast<double>(group->evaluations()); });
  add("prometheus_rule_evaluation_failures_total", "The total number of rule evaluation failures.",
      true, [group] { return static_cast<double>(group->failures()); });
  add("prometheus_rule_group_iterations_missed_total",
      "The total number of rule group evaluations missed due to slow rule group evaluation.", true,
      [group] { return static_cast<double>(group->missed()); });
  add("prometheus_rule_group_iterations_total",
      "The total number of scheduled rule group evaluations, whether executed or missed.", true,
      [group] { return static_cast<double>(group->iterations() + group->missed()); });
  add("hearth_rules_group_reads_saved_total",
      "Reads of the store that rules of the group spared each other by sharing a selector.", true,
      [group] { return static_cast<double>(group->reads_saved()); });
  add("prometheus_rule_group_interval_seconds", "The interval of a rule group.", false,
      [group] { return static_cast<double>(group->group().interval_ms) / 1000; });
  add("prometheus_rule_group_last_duration_seconds",
      "The duration of the last rule group evaluation.", false,
      [group] { return group->duration_seconds(); });
  add("prometheus_rule_group_last_evaluation_timestamp_seconds",
      "The timestamp of the last rule group evaluation in seconds.", false, [group] {
        const int64_t at_ms = group->last_evaluation_ms();
        return at_ms == kNever ? 0.0 : static_cast<double>(at_ms) / 1000;
      });
  add("prometheus_rule_group_last_evaluation_samples",
      "The number of samples returned during the last rule group evaluation.", false,
      [group] { return static_cast<double>(group->samples_last()); });
  add("prometheus_rule_group_rules", "The number of rules.", false,
      [group] { return static_cast<double>(group->group().rules.size()); });
}

void Scheduler::Add(std::shared_ptr<EvaluatedGroup> group, std::shared_ptr<Home> home) {
  auto job = std::make_shared<Job>();
  job->group = std::move(group);
  job->home = std::move(home);
  job->due_ms = SlotBefore(job->group->group(), clock_.NowMs()) + job->group->group().interval_ms;
  AddMetrics(job);
  absl::MutexLock lock(&mutex_);
  jobs_[job->group.get()] = job;
  changed_ = true;
}

void Scheduler::Remove(const EvaluatedGroup* group, bool mark_stale) {
  std::shared_ptr<Job> job;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = jobs_.find(group);
    if (found == jobs_.end()) return;
    job = found->second;
    job->removed = true;
    mutex_.Await(absl::Condition(
        +[](Job* waited) { return !waited->running; }, job.get()));
    if (mark_stale) {
      job->due_ms = clock_.NowMs() + 2 * group->group().interval_ms;
      changed_ = true;
    } else {
      jobs_.erase(group);
    }
  }
  metrics_.RemoveCallbacks(group);
}

void Scheduler::RemoveAll(const std::shared_ptr<Home>& home) {
  home->cancelled = true;
  std::vector<std::shared_ptr<Job>> jobs;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [group, job] : jobs_) {
      if (job->home == home) jobs.push_back(job);
    }
  }
  for (const auto& job : jobs) Remove(job->group.get(), false);
}

std::shared_ptr<Scheduler::Job> Scheduler::TakeDue(int64_t now_ms) {
  std::shared_ptr<Job> due;
  for (const auto& [group, job] : jobs_) {
    if (job->running) continue;
    // The clock was set back: the old slots are far away.
    const int64_t interval_ms = group->group().interval_ms;
    if (!job->removed && job->due_ms > now_ms + 2 * interval_ms) {
      job->due_ms = SlotBefore(group->group(), now_ms) + interval_ms;
    }
    if (job->due_ms > now_ms) continue;
    if (due == nullptr || job->due_ms < due->due_ms) due = job;
  }
  if (due != nullptr) due->running = true;
  return due;
}

int64_t Scheduler::NextDueMs() const {
  int64_t next_ms = std::numeric_limits<int64_t>::max();
  for (const auto& [group, job] : jobs_) {
    if (!job->running) next_ms = std::min(next_ms, job->due_ms);
  }
  return next_ms;
}

void Scheduler::Evaluate(Job& job, int64_t slot_ms) {
  EvaluatedGroup& group = *job.group;
  Home& home = *job.home;
  const auto settings = home.settings();
  EvaluationWorld world;
  world.workspace = home.workspace;
  world.engine = &engine_;
  world.querier = home.querier;
  world.appender = home.appender;
  world.clock = &clock_;
  world.settings = settings.get();
  world.cancelled = &home.cancelled;
  world.failed = home.failed;
  if (home.sink) {
    world.notify = [&home](const std::vector<AlertNotice>& alerts) {
      home.sink(home.workspace, alerts);
    };
  }
  if (job.removed) return group.MarkStale(slot_ms, world);
  const bool was_evaluated = group.iterations() > 0;
  const int64_t started_ns = clock_.MonotonicNs();
  group.Evaluate(slot_ms, world);
  rule_seconds_.Observe(static_cast<double>(clock_.MonotonicNs() - started_ns) / 1e9);
  // After the second evaluation: by then recording rules that alerts read have values again.
  if (group.needs_restore() && was_evaluated) group.Restore(clock_.NowMs(), world);
}

void Scheduler::Run(const std::shared_ptr<Job>& job) {
  int64_t slot_ms = 0;
  bool removed = false;
  {
    absl::MutexLock lock(&mutex_);
    removed = job->removed;
    slot_ms = job->due_ms;
    const int64_t interval_ms = std::max<int64_t>(job->group->group().interval_ms, 1);
    // due_ms is one interval after the last slot; what lies between it and now was missed.
    const int64_t missed = removed || job->first ? 0 : (clock_.NowMs() - slot_ms) / interval_ms;
    if (missed > 0) job->group->CountMissed(static_cast<uint64_t>(missed));
    slot_ms += std::max<int64_t>(missed, 0) * interval_ms;
    job->first = false;
  }
  if (!job->home->cancelled) Evaluate(*job, removed ? clock_.NowMs() : slot_ms);
  absl::MutexLock lock(&mutex_);
  job->due_ms = slot_ms + job->group->group().interval_ms;
  job->running = false;
  if (removed) jobs_.erase(job->group.get());
  changed_ = true;
}

void Scheduler::RunDue() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      absl::MutexLock lock(&mutex_);
      job = TakeDue(clock_.NowMs());
    }
    if (job == nullptr) return;
    Run(job);
  }
}

void Scheduler::Loop() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    changed_ = false;
    const int64_t now_ms = clock_.NowMs();
    while (const auto job = TakeDue(now_ms)) {
      if (pool_->TrySubmit([this, job] { Run(job); })) continue;
      job->running = false;  // tried again at the next look
      break;
    }
    const int64_t wait_ms = std::clamp<int64_t>(NextDueMs() - now_ms, 1, kLookEveryMs);
    clock_.WaitUntil(mutex_, absl::Condition(&changed_), clock_.MonotonicNs() + wait_ms * kNsPerMs);
  }
}

}  // namespace hearth::rules

// SPDX-License-Identifier: Apache-2.0
// When rule groups are evaluated: one thread watches the clock, a bounded pool evaluates. A group
// has its slots as in Prometheus (its name's hash within the interval), is never evaluated twice at
// a time, and whoever has been due longest comes first, so that no workspace starves another. Slots
// that went by while a group was still busy are missed, and counted.
//
// Thread-safe. Lock order: a RuleBook's mutex before the Scheduler's; neither is held while a group
// is evaluated.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/threads.h"
#include "promql/engine.h"
#include "rules/evaluated_group.h"

namespace hearth::rules {

struct SchedulerOptions {
  size_t threads = 2;  // groups evaluated at a time; 0: none by itself, only RunDue (tests)
};

class Scheduler {
 public:
  // What one workspace brings along for its groups; shared by all of them.
  struct Home {
    std::string workspace;
    const storage::Querier* querier = nullptr;
    storage::Appender* appender = nullptr;
    AlertSink sink;      // may be empty
    FailureSink failed;  // likewise; set before the first group
    std::atomic<bool> cancelled{false};
    std::shared_ptr<const EvaluationSettings> settings() const {
      absl::MutexLock lock(&mutex);
      return settings_;
    }
    void set_settings(std::shared_ptr<const EvaluationSettings> settings) {
      absl::MutexLock lock(&mutex);
      settings_ = std::move(settings);
    }

   private:
    mutable absl::Mutex mutex;
    std::shared_ptr<const EvaluationSettings> settings_ ABSL_GUARDED_BY(mutex) =
        std::make_shared<const EvaluationSettings>();
  };

  Scheduler(SchedulerOptions options, const promql::Engine& engine, const Clock& clock,
            Registry& metrics);
  ~Scheduler();  // stops; groups of all books must be gone

  // Begins with the group's next slot.
  void Add(std::shared_ptr<EvaluatedGroup> group, std::shared_ptr<Home> home);
  // Returns when the group is evaluated no more. `mark_stale`: its series end two intervals later,
  // so that a rule that was only moved can go on with them.
  void Remove(const EvaluatedGroup* group, bool mark_stale);
  // All of a workspace, at once and without staleness markers.
  void RemoveAll(const std::shared_ptr<Home>& home);

  // Evaluates what is due now, on the caller's thread. For tests with a ManualClock.
  void RunDue();

  const promql::Engine& engine() const { return engine_; }

  // Slots of a group: `offset + n * interval` (rules/group.go EvalTimestamp), the last one not
  // after `time_ms`.
  static int64_t SlotBefore(const Group& group, int64_t time_ms);

 private:
  struct Job {
    std::shared_ptr<EvaluatedGroup> group;
    std::shared_ptr<Home> home;
    int64_t due_ms = 0;  // the slot that is waited for
    bool first = true;   // no slot has been used yet
    bool running = false;
    bool removed = false;  // evaluates no more; due_ms is when its series end
  };
  void Loop();
  // The longest due job that nobody works on, marked as running; null where there is none.
  std::shared_ptr<Job> TakeDue(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t NextDueMs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run(const std::shared_ptr<Job>& job);
  void Evaluate(Job& job, int64_t slot_ms);
  void AddMetrics(const std::shared_ptr<Job>& job);

  const SchedulerOptions options_;
  const promql::Engine& engine_;
  const Clock& clock_;
  Registry& metrics_;
  Histogram& rule_seconds_;
  absl::Mutex mutex_;
  std::map<const EvaluatedGroup*, std::shared_ptr<Job>> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;  // wakes the loop
  std::unique_ptr<ThreadPool> pool_;
  Thread loop_;
};

}  // namespace hearth::rules

// SPDX-License-Identifier: Apache-2.0
// One rule group that is evaluated: its rules with their state (active alerts, series written the
// last time), as rules/group.go, alerting.go and recording.go of Prometheus 3.14 do it. Time is a
// parameter; nothing here waits or has a thread.
//
// Evaluate, Restore, MarkStale and CopyStateFrom are called by one thread at a time; View by any.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "promql/engine.h"
#include "rules/alert.h"
#include "rules/rule_file.h"
#include "rules/shared_reads.h"
#include "rules/template.h"
#include "storage/appender.h"
#include "storage/querier.h"

namespace hearth::rules {

// What all groups of a workspace share; defaults are those of a Prometheus server.
struct EvaluationSettings {
  model::Labels external_labels;  // for templates; notifications add them themselves
  std::string external_url;
  int64_t query_offset_ms = 0;              // of groups that name none
  int64_t resend_delay_ms = 60'000;         // --rules.alert.resend-delay
  int64_t outage_tolerance_ms = 3'600'000;  // --rules.alert.for-outage-tolerance
  int64_t for_grace_period_ms = 600'000;    // --rules.alert.for-grace-period
};

// Where rules read and write. Everything pointed to outlives the call.
struct EvaluationWorld {
  std::string_view workspace;
  const promql::Engine* engine = nullptr;
  const storage::Querier* querier = nullptr;
  storage::Appender* appender = nullptr;
  const Clock* clock = nullptr;
  const EvaluationSettings* settings = nullptr;
  const std::atomic<bool>* cancelled = nullptr;                 // may be null
  std::function<void(const std::vector<AlertNotice>&)> notify;  // may be empty
  FailureSink failed;                                           // may be empty
  bool log_failures = true;
};

class EvaluatedGroup {
 public:
  // `group` has no errors. `restored` false: ALERTS is written only after Restore.
  static absl::StatusOr<std::shared_ptr<EvaluatedGroup>> Make(
      Group group, bool restored, const promql::ParserOptions& parser = {});
  ~EvaluatedGroup();

  // All rules in order at `time_ms`; an error of one stays with it.
  void Evaluate(int64_t time_ms, const EvaluationWorld& world);
  // `for` state of alerts from ALERTS_FOR_STATE (RestoreForState).
  void Restore(int64_t now_ms, const EvaluationWorld& world);
  bool needs_restore() const { return needs_restore_; }
  // Takes over alerts and written series of the rules that are the same by name and labels.
  void CopyStateFrom(const EvaluatedGroup& old);
  // Ends every series that the group wrote.
  void MarkStale(int64_t time_ms, const EvaluationWorld& world);

  const Group& group() const { return group_; }
  GroupView View() const;
  size_t samples_last() const { return samples_last_.load(std::memory_order_relaxed); }
  uint64_t iterations() const { return iterations_.load(std::memory_order_relaxed); }
  uint64_t evaluations() const { return evaluations_.load(std::memory_order_relaxed); }
  uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  double duration_seconds() const;
  int64_t last_evaluation_ms() const;
  void CountMissed(uint64_t n) { missed_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }
  // Reads of the store that rules of the group spared each other (shared_reads.h).
  uint64_t reads_saved() const { return reads_saved_.load(std::memory_order_relaxed); }

 private:
  struct State;                                         // of one rule
  using Series = std::map<std::string, model::Labels>;  // by packed labels
  explicit EvaluatedGroup(Group group);
  void EvaluateRule(State& rule, int64_t time_ms, const EvaluationWorld& world);
  absl::StatusOr<std::vector<promql::Sample>> Run(State& rule, int64_t time_ms, int64_t offset_ms,
                                                  const EvaluationWorld& world);
  absl::StatusOr<std::vector<promql::Sample>> Record(const State& rule,
                                                     std::vector<promql::Sample> vector) const;
  absl::StatusOr<std::vector<promql::Sample>> UpdateAlerts(State& rule,
                                                           std::vector<promql::Sample> vector,
                                                           int64_t time_ms, int64_t offset_ms,
                                                           const EvaluationWorld& world);
  void Send(State& rule, int64_t time_ms, const EvaluationWorld& world);
  absl::Status Store(State& rule, const std::vector<promql::Sample>& vector, int64_t stale_at_ms,
                     const EvaluationWorld& world);
  void StoreStale(int64_t time_ms, const EvaluationWorld& world);
  absl::Status RestoreRule(State& rule, int64_t now_ms, const EvaluationWorld& world);
  int64_t OffsetMs(const EvaluationWorld& world) const;

  const Group group_;
  bool needs_restore_ = false;
  storage::Position position_;     // what was written; later rules of the group see it
  Series stale_;                   // of rules that are gone
  std::set<std::string> written_;  // names of the metrics that the rules write
  ReadHabits habits_;
  mutable absl::Mutex mutex_;  // state of rules as View reads it
  std::vector<std::unique_ptr<State>> rules_;
  double evaluation_seconds_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_evaluation_ms_ ABSL_GUARDED_BY(mutex_) = kNever;
  std::atomic<uint64_t> iterations_{0};
  std::atomic<size_t> samples_last_{0};
  std::atomic<uint64_t> evaluations_{0};
  std::atomic<uint64_t> failures_{0};
  std::atomic<uint64_t> missed_{0};
  std::atomic<uint64_t> reads_saved_{0};
};

// A query's answer as rules take it: a vector, or a scalar as one sample without labels.
absl::StatusOr<std::vector<promql::Sample>> QueryVector(const promql::Engine& engine,
                                                        const storage::Querier& querier,
                                                        const promql::Expr& expr,
                                                        std::string_view text, int64_t time_ms,
                                                        const promql::QueryContext& context);

}  // namespace hearth::rules

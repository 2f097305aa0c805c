// SPDX-License-Identifier: Apache-2.0
// One AMP workspace as a whole: its store, its limits, what it has used. Opened and closed as one
// by the Manager (manager.h).
//
// Thread-safe. Held by shared_ptr: a workspace that is deleted while a request runs lives until
// that request has ended.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "auth/policy.h"
#include "base/clock.h"
#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"
#include "storage/appender.h"
#include "storage/querier.h"
#include "tsdb/db.h"
#include "workspace/admission.h"
#include "workspace/settings.h"
#include "workspace/token_bucket.h"
#include "workspace/vended_logs.h"

namespace hearth::rules {
class RuleBook;
struct EvaluationSettings;
struct RuleFailure;
}  // namespace hearth::rules

namespace hearth::workspace {

// Counted since the process started.
struct Usage {
  uint64_t samples_ingested = 0;
  uint64_t samples_refused = 0;
  uint64_t query_samples = 0;  // AMP's "query samples processed"
};

// Who may still write; owned by the Manager, which looks at disk and memory.
struct WriteGuard {
  std::atomic<bool> disk_full{false};
  std::atomic<bool> memory_full{false};
};

// Request rates of AMP, by what is asked for (aws-contract.md §11.1).
enum class CallKind : size_t { kWrite, kQuery, kMetadata, kOther };

// The limits that only --fidelity aws enforces; 0: none.
struct RateLimits {
  double samples_per_second = 0;
  bool calls = false;  // RemoteWrite 3,000, QueryMetrics 300, series and labels 10, others 100
};

// What a workspace borrows from its Manager; all outlive it.
struct Surroundings {
  const WriteGuard& guard;
  const Clock& clock;
  catalog::Catalog* catalog = nullptr;  // for HA leases; null in tests
  VendedLogs* logs = nullptr;           // null in tests
  RateLimits rates{};
};

// What came of a write: the store's outcome, its series indexes being those of the batch given,
// and what was left out before.
struct WriteOutcome {
  storage::AppendOutcome stored;
  // A limit of this workspace refused series: the first one's index, and Cortex's words.
  std::optional<std::pair<uint32_t, std::string>> refused;
  size_t refused_samples = 0;
  std::string_view refused_reason;  // of the discarded-samples metric
  // Samples of a replica that is not the elected one: "" or Cortex's words (the answer is 202).
  std::string follower;
  size_t follower_samples = 0;
};

// A query as AMP's query log has it; texts as they came.
struct QueryRecord {
  std::string_view query;
  bool range = false;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
  std::string_view user_agent;
  std::string_view dashboard_uid;  // X-Dashboard-Uid
  std::string_view panel_id;       // X-Panel-Id
  int64_t samples = 0;
  int status = 200;
};

class Workspace : public storage::Appender {
 public:
  Workspace(Settings settings, std::unique_ptr<tsdb::Db> db, const Surroundings& around);
  ~Workspace() override;

  const std::string& id() const { return id_; }
  const std::string& account() const { return account_; }
  const std::string& region() const { return region_; }
  const std::string& arn() const { return arn_; }

  // Label-set limits, resource policy and logging take effect (the store's own options are the
  // Manager's business).
  void Configure(Settings settings);
  // As they are in force; never null.
  std::shared_ptr<const Settings> settings() const;
  // The workspace's own policy for callers of its data plane; null where it has none.
  std::shared_ptr<const auth::PolicyDocument> resource_policy() const;

  // As tsdb::Db::Resolve; marks nothing where a limit of this workspace has to see all labels.
  void Resolve(storage::WriteBatch* batch) const;
  // De-duplicates, applies the limits, stores. ResourceExhausted while the volume or the memory is
  // too full; else as tsdb::Db, Aborted after Resolve included.
  absl::StatusOr<WriteOutcome> Write(const storage::WriteBatch& batch,
                                     const storage::Origin& origin);
  // For writers that need no more than the store's outcome: what a limit refused is counted in
  // `rejected`, what a follower sent is not counted at all.
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin& origin) override;
  const storage::Querier& querier() const { return *db_; }
  tsdb::Db& db() { return *db_; }
  const tsdb::Db& db() const { return *db_; }

  // The volume is too full: Write refuses, and so should whatever else adds to the disk.
  bool disk_full() const { return around_.guard.disk_full.load(std::memory_order_relaxed); }

  // Rules. Null where the Manager was opened without a scheduler of rules.
  rules::RuleBook* rules() { return rules_.get(); }
  void OpenRules(std::unique_ptr<rules::RuleBook> rules);
  // Settings of the process or of the configuration; the row's query offset wins over theirs.
  void ConfigureRules(const rules::EvaluationSettings& settings);
  void SetRuleQueryOffset(std::optional<int64_t> seconds);
  // No rule is evaluated when it returns; what they wrote stays.
  void StopRules();

  // How long samples are kept; changes with the workspace's configuration.
  int64_t retention_ms() const { return retention_ms_.load(std::memory_order_relaxed); }
  void SetRetention(int64_t retention_ms) {
    retention_ms_.store(retention_ms, std::memory_order_relaxed);
    db_->SetRetention(retention_ms);
  }

  void CountQuery(int64_t samples) {
    query_samples_.fetch_add(static_cast<uint64_t>(samples), std::memory_order_relaxed);
  }
  Usage usage() const;

  // False where a rate of AWS is exceeded: 429, nothing was done.
  bool TakeCall(CallKind kind);
  bool TakeSamples(size_t samples);
  // The rate of TakeSamples, for its words.
  double samples_per_second() const { return around_.rates.samples_per_second; }

  // Into the workspace's query log, where it has one and the query is heavy enough.
  void LogQuery(const QueryRecord& record);
  // Into its rule and alert log, where its control plane asked for one.
  void LogRuleFailure(const rules::RuleFailure& failure);

 private:
  const std::string id_;
  const std::string account_;
  const std::string region_;
  const std::string arn_;
  const std::unique_ptr<tsdb::Db> db_;
  const Surroundings around_;
  Admission admission_;
  TokenBucket sample_rate_;
  std::array<TokenBucket, 4> call_rates_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Settings> settings_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const auth::PolicyDocument> policy_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int64_t> retention_ms_{0};
  std::atomic<uint64_t> samples_ingested_{0};
  std::atomic<uint64_t> samples_refused_{0};
  std::atomic<uint64_t> query_samples_{0};
  std::unique_ptr<rules::RuleBook> rules_;
  absl::Mutex rules_mutex_;
  std::unique_ptr<rules::EvaluationSettings> rule_settings_ ABSL_GUARDED_BY(rules_mutex_);
  std::optional<int64_t> rule_offset_seconds_ ABSL_GUARDED_BY(rules_mutex_);
};

}  // namespace hearth::workspace

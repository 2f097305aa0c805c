// SPDX-License-Identifier: Apache-2.0
#include "workspace/workspace.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/json_text.h"
#include "base/log.h"
#include "base/status.h"
#include "rules/rule_book.h"

namespace hearth::workspace {
namespace {

// A burst is a second's worth (aws-contract.md §11.1 for the rates).
constexpr double kWritesPerSecond = 3000;
constexpr double kQueriesPerSecond = 300;
constexpr double kMetadataPerSecond = 10;
constexpr double kOthersPerSecond = 100;
// A sender's batches come in bursts; Cortex' burst is of that order too.
constexpr double kSampleBurstSeconds = 2;

std::shared_ptr<const auth::PolicyDocument> ParsePolicy(const catalog::AmpWorkspace& row) {
  if (row.resource_policy.empty()) return nullptr;
  auto policy = auth::PolicyDocument::Parse(row.resource_policy, auth::PolicyKind::kResource);
  if (policy.ok()) return *std::move(policy);
  // It was checked when it came in: only a newer or older hearth could have written it.
  log::Error("workspace", "resource policy cannot be read and is left out",
             {{"workspace", row.id}, {"error", Message(policy.status())}});
  return nullptr;
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

// Indexes of the filtered batch as those of the one that came in.
void RestoreIndexes(const std::vector<uint32_t>& origin, storage::AppendOutcome* outcome) {
  if (origin.empty()) return;
  for (storage::Rejection& rejection : outcome->rejections) {
    rejection.series = origin[rejection.series];
  }
}

}  // namespace

Workspace::Workspace(Settings settings, std::unique_ptr<tsdb::Db> db, const Surroundings& around)
    : id_(settings.row.id),
      account_(settings.row.account),
      region_(settings.row.region),
      arn_(catalog::AmpWorkspaceArn(settings.row)),
      db_(std::move(db)),
      around_(around),
      admission_(id_, around.catalog, around.clock),
      sample_rate_(around.rates.samples_per_second,
                   around.rates.samples_per_second * kSampleBurstSeconds),
      call_rates_{TokenBucket{kWritesPerSecond, kWritesPerSecond},
                  TokenBucket{kQueriesPerSecond, kQueriesPerSecond},
                  TokenBucket{kMetadataPerSecond, kMetadataPerSecond},
                  TokenBucket{kOthersPerSecond, kOthersPerSecond}} {
  Configure(std::move(settings));
}

void Workspace::Configure(Settings settings) {
  admission_.Configure(settings.row.config.label_set_limits, *db_);
  auto policy = ParsePolicy(settings.row);
  auto shared = std::make_shared<const Settings>(std::move(settings));
  absl::MutexLock lock(&mutex_);
  settings_ = std::move(shared);
  policy_ = std::move(policy);
}

std::shared_ptr<const Settings> Workspace::settings() const {
  absl::MutexLock lock(&mutex_);
  return settings_;
}

std::shared_ptr<const auth::PolicyDocument> Workspace::resource_policy() const {
  absl::MutexLock lock(&mutex_);
  return policy_;
}

void Workspace::Resolve(storage::WriteBatch* batch) const {
  if (!admission_.NeedsLabels()) db_->Resolve(batch);
}

absl::StatusOr<WriteOutcome> Workspace::Write(const storage::WriteBatch& batch,
                                              const storage::Origin& origin) {
  if (around_.guard.disk_full.load(std::memory_order_relaxed)) {
    return ResourceExhausted(
        "the data volume is over --disk-limit: nothing was stored; reads go on, and writing "
        "resumes by itself when space is free");
  }
  if (around_.guard.memory_full.load(std::memory_order_relaxed)) {
    return ResourceExhausted(
        "the process is at --memory-limit: nothing was stored; reads go on, and writing resumes by "
        "itself when memory is free");
  }
  storage::WriteBatch filtered;
  Admitted admitted = admission_.Admit(batch, &filtered);
  WriteOutcome outcome;
  // Followers send a whole request of nothing that counts.
  if (!admitted.batch->empty() || batch.empty()) {
    TRY_ASSIGN(outcome.stored, db_->Commit(*admitted.batch, origin));
    RestoreIndexes(admitted.origin, &outcome.stored);
  }
  outcome.refused = std::move(admitted.refused);
  outcome.refused_samples = admitted.refused_samples;
  outcome.refused_reason = admitted.refused_reason;
  outcome.follower = std::move(admitted.follower);
  outcome.follower_samples = admitted.follower_samples;
  samples_ingested_.fetch_add(outcome.stored.stored, std::memory_order_relaxed);
  samples_refused_.fetch_add(outcome.stored.rejected + outcome.refused_samples,
                             std::memory_order_relaxed);
  return outcome;
}

Workspace::~Workspace() { StopRules(); }

void Workspace::OpenRules(std::unique_ptr<rules::RuleBook> rules) { rules_ = std::move(rules); }

void Workspace::ConfigureRules(const rules::EvaluationSettings& settings) {
  if (rules_ == nullptr) return;
  absl::MutexLock lock(&rules_mutex_);
  rule_settings_ = std::make_unique<rules::EvaluationSettings>(settings);
  rules::EvaluationSettings in_force = settings;
  if (rule_offset_seconds_) in_force.query_offset_ms = *rule_offset_seconds_ * 1000;
  rules_->Configure(std::move(in_force));
}

void Workspace::SetRuleQueryOffset(std::optional<int64_t> seconds) {
  rules::EvaluationSettings settings;
  {
    absl::MutexLock lock(&rules_mutex_);
    rule_offset_seconds_ = seconds;
    if (rule_settings_ != nullptr) settings = *rule_settings_;
  }
  ConfigureRules(settings);
}

void Workspace::StopRules() {
  if (rules_ != nullptr) rules_->Stop();
}

absl::StatusOr<storage::AppendOutcome> Workspace::Commit(const storage::WriteBatch& batch,
                                                         const storage::Origin& origin) {
  TRY_ASSIGN(WriteOutcome outcome, Write(batch, origin));
  outcome.stored.rejected += outcome.refused_samples;
  return std::move(outcome.stored);
}

Usage Workspace::usage() const {
  return {samples_ingested_.load(std::memory_order_relaxed),
          samples_refused_.load(std::memory_order_relaxed),
          query_samples_.load(std::memory_order_relaxed)};
}

bool Workspace::TakeCall(CallKind kind) {
  if (!around_.rates.calls) return true;
  return call_rates_[static_cast<size_t>(kind)].Take(1, around_.clock.MonotonicNs());
}

bool Workspace::TakeSamples(size_t samples) {
  if (around_.rates.samples_per_second <= 0) return true;
  return sample_rate_.Take(static_cast<double>(samples), around_.clock.MonotonicNs());
}

void Workspace::LogQuery(const QueryRecord& record) {
  const auto now = settings();
  if (!now->query_logging || around_.logs == nullptr) return;
  if (record.samples < now->query_logging->samples_at_least) return;
  // The members of AMP's own query log; numbers are texts there.
  std::string line = fmt::format(
      R"({{"timestamp":{},"component":"query-frontend","workspaceId":{},"message":{{"query":{},)"
      R"("queryType":"{}","start":"{}","end":"{}","step":"{}","userAgent":{},"dashboardUid":{},)"
      R"("panelId":{},"samples":"{}","responseCode":"{}"}}}})",
      around_.clock.NowMs(), Quoted(id_), Quoted(record.query), record.range ? "range" : "instant",
      record.start_ms / 1000, record.end_ms / 1000, record.step_ms / 1000,
      Quoted(record.user_agent), Quoted(record.dashboard_uid), Quoted(record.panel_id),
      record.samples, record.status);
  around_.logs->Write(now->query_logging->log_group, id_, line);
}

void Workspace::LogRuleFailure(const rules::RuleFailure& failure) {
  const auto now = settings();
  if (now->rule_log_group.empty() || around_.logs == nullptr) return;
  // The members of AMP's own rule log.
  const std::string text =
      fmt::format("Evaluating rule failed, name={}, group={}, namespace={}, err={}", failure.rule,
                  failure.group, failure.file, failure.error);
  around_.logs->Write(
      now->rule_log_group, id_,
      fmt::format(R"({{"timestamp":{},"component":"ruler","workspaceId":{},"message":{{"log":{},)"
                  R"("level":"ERROR","name":{},"group":{},"namespace":{}}}}})",
                  around_.clock.NowMs(), Quoted(id_), Quoted(text), Quoted(failure.rule),
                  Quoted(failure.group), Quoted(failure.file)));
}

}  // namespace hearth::workspace

// SPDX-License-Identifier: Apache-2.0
#include "rules/evaluated_group.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/log.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/parser.h"
#include "rules/rule_state.h"
#include "storage/write_batch.h"

namespace hearth::rules {
namespace {

constexpr double kNsPerSecond = 1e9;

model::Labels Merge(const TextPairs& group, const TextPairs& rule) {
  std::vector<model::Label> pairs;
  for (const TextPairs* list : {&group, &rule}) {
    for (const auto& [name, value] : *list) pairs.push_back({name, value});
  }
  return model::Labels::FromPairs(std::move(pairs));
}

// Samples that a store refuses because another rule writes the same series are expected of
// staleness markers; see rules/group.go.
bool IsOrderProblem(storage::RejectReason reason) {
  return reason == storage::RejectReason::kOutOfOrder || reason == storage::RejectReason::kTooOld ||
         reason == storage::RejectReason::kDuplicate;
}

}  // namespace

std::string_view Name(AlertState state) {
  switch (state) {
    case AlertState::kUnknown:
      return "unknown";
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
  }
  return "";
}

std::string_view Name(Health health) {
  return health == Health::kGood ? "ok" : health == Health::kBad ? "err" : "unknown";
}

absl::StatusOr<std::vector<promql::Sample>> QueryVector(const promql::Engine& engine,
                                                        const storage::Querier& querier,
                                                        const promql::Expr& expr,
                                                        std::string_view text, int64_t time_ms,
                                                        const promql::QueryContext& context) {
  TRY_ASSIGN(promql::Result result, engine.Instant(querier, expr, text, time_ms, context));
  if (result.type == promql::ValueType::kVector) return std::move(result.vector);
  if (result.type == promql::ValueType::kScalar) {
    promql::Sample sample;
    sample.time_ms = time_ms;
    sample.value = result.scalar;
    return std::vector<promql::Sample>{std::move(sample)};
  }
  return FailedPrecondition("rule result is not a vector or scalar");
}

EvaluatedGroup::EvaluatedGroup(Group group) : group_(std::move(group)) {}
EvaluatedGroup::~EvaluatedGroup() = default;

absl::StatusOr<std::shared_ptr<EvaluatedGroup>> EvaluatedGroup::Make(
    Group group, bool restored, const promql::ParserOptions& parser) {
  std::shared_ptr<EvaluatedGroup> made(new EvaluatedGroup(std::move(group)));
  for (const Rule& rule : made->group_.rules) {
    auto state = std::make_unique<State>();
    state->rule = rule;
    TRY_ASSIGN(state->expr, promql::ParseExpr(rule.expr, parser));
    state->query = state->expr->String();
    // Positions of warnings refer to the text that was parsed.
    TRY_ASSIGN(state->expr, promql::ParseExpr(state->query, parser));
    state->labels = Merge(made->group_.labels, rule.labels);
    state->restored = restored;
    if (rule.alerting()) {
      for (const model::Label& label : state->labels) {
        TRY_ASSIGN(auto text, AlertTemplate::Parse(rule.alert, label.value));
        state->label_templates.emplace_back(label.name, std::move(text));
      }
      for (const auto& [name, value] : rule.annotations) {
        TRY_ASSIGN(auto text, AlertTemplate::Parse(rule.alert, value));
        state->annotation_templates.emplace_back(name, std::move(text));
      }
      std::sort(state->annotation_templates.begin(), state->annotation_templates.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    made->rules_.push_back(std::move(state));
  }
  made->written_ = {"ALERTS", "ALERTS_FOR_STATE"};
  for (const Rule& rule : made->group_.rules) made->written_.insert(rule.record);
  made->needs_restore_ = !restored;
  return made;
}

int64_t EvaluatedGroup::OffsetMs(const EvaluationWorld& world) const {
  return group_.query_offset_ms.value_or(world.settings->query_offset_ms);
}

double EvaluatedGroup::duration_seconds() const {
  absl::MutexLock lock(&mutex_);
  return evaluation_seconds_;
}

int64_t EvaluatedGroup::last_evaluation_ms() const {
  absl::MutexLock lock(&mutex_);
  return last_evaluation_ms_;
}

void EvaluatedGroup::Evaluate(int64_t time_ms, const EvaluationWorld& world) {
  const int64_t started_ns = world.clock->MonotonicNs();
  const int64_t started_ms = world.clock->NowMs();
  size_t samples = 0;
  SharedReads reads(*world.querier, time_ms, written_, habits_);
  EvaluationWorld shared = world;
  shared.querier = &reads;
  for (const auto& rule : rules_) {
    if (world.cancelled != nullptr && world.cancelled->load()) return;
    EvaluateRule(*rule, time_ms, shared);
    samples += rule->previous.size();
  }
  reads_saved_.fetch_add(reads.reads_saved(), std::memory_order_relaxed);
  habits_ = reads.TakeHabits();
  samples_last_.store(samples, std::memory_order_relaxed);
  StoreStale(time_ms, world);
  iterations_.fetch_add(1, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  evaluation_seconds_ = static_cast<double>(world.clock->MonotonicNs() - started_ns) / kNsPerSecond;
  last_evaluation_ms_ = started_ms;
}

void EvaluatedGroup::EvaluateRule(State& rule, int64_t time_ms, const EvaluationWorld& world) {
  const int64_t started_ns = world.clock->MonotonicNs();
  const int64_t started_ms = world.clock->NowMs();
  const int64_t offset_ms = OffsetMs(world);
  evaluations_.fetch_add(1, std::memory_order_relaxed);
  auto vector = Run(rule, time_ms, offset_ms, world);
  absl::Status status = vector.status();
  if (vector.ok()) {
    if (rule.rule.alerting()) Send(rule, time_ms, world);
    status = Store(rule, *vector, time_ms - offset_ms, world);
  }
  if (!status.ok()) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    if (world.log_failures && status.code() != absl::StatusCode::kCancelled) {
      if (world.failed) {
        world.failed({group_.file, group_.name, rule.rule.name(), Message(status)});
      }
      log::Warn("rules", "rule failed",
                {{"workspace", world.workspace},
                 {"file", group_.file},
                 {"group", group_.name},
                 {"rule", rule.rule.name()},
                 {"error", Message(status)}});
    }
  }
  absl::MutexLock lock(&mutex_);
  rule.health = status.ok() ? Health::kGood : Health::kBad;
  rule.last_error = status.ok() ? "" : Message(status);
  rule.evaluation_seconds =
      static_cast<double>(world.clock->MonotonicNs() - started_ns) / kNsPerSecond;
  rule.last_evaluation_ms = started_ms;
}

absl::StatusOr<std::vector<promql::Sample>> EvaluatedGroup::Run(State& rule, int64_t time_ms,
                                                                int64_t offset_ms,
                                                                const EvaluationWorld& world) {
  promql::QueryContext context;
  context.cancelled = world.cancelled;
  context.at_least = position_;
  const promql::QueryOrigin origin{"", "", "", group_.file, group_.name};
  context.origin = &origin;
  TRY_ASSIGN(auto vector, QueryVector(*world.engine, *world.querier, *rule.expr, rule.query,
                                      time_ms - offset_ms, context));
  if (!rule.rule.alerting()) return Record(rule, std::move(vector));
  return UpdateAlerts(rule, std::move(vector), time_ms, offset_ms, world);
}

absl::StatusOr<std::vector<promql::Sample>> EvaluatedGroup::Record(
    const State& rule, std::vector<promql::Sample> vector) const {
  std::set<std::string_view> seen;
  for (promql::Sample& sample : vector) {
    model::LabelsBuilder builder(sample.labels);
    builder.Set(model::kMetricName, rule.rule.record);
    for (const model::Label& label : rule.labels) builder.Set(label.name, label.value);
    // An empty label of the rule takes the label away; Merge has dropped it.
    for (const TextPairs* list : {&group_.labels, &rule.rule.labels}) {
      for (const auto& [name, value] : *list) {
        if (value.empty() && rule.labels.Get(name).empty()) builder.Delete(name);
      }
    }
    sample.labels = builder.Build();
  }
  for (const promql::Sample& sample : vector) {
    if (!seen.insert(sample.labels.packed()).second) {
      return FailedPrecondition(
          "vector contains metrics with the same labelset after applying rule labels");
    }
  }
  if (group_.limit > 0 && static_cast<int64_t>(vector.size()) > group_.limit) {
    return FailedPrecondition("exceeded limit of {} with {} series", group_.limit, vector.size());
  }
  return vector;
}

absl::Status EvaluatedGroup::Store(State& rule, const std::vector<promql::Sample>& vector,
                                   int64_t stale_at_ms, const EvaluationWorld& world) {
  storage::WriteBatch batch;
  Series written;
  for (const promql::Sample& sample : vector) {
    batch.AddSeries(sample.labels);
    if (sample.histogram != nullptr) {
      batch.AddHistogram({sample.time_ms, sample.histogram});
    } else {
      batch.AddSample(sample.time_ms, sample.value);
    }
    written.emplace(sample.labels.packed(), sample.labels);
  }
  for (const auto& [packed, labels] : rule.previous) {
    if (written.contains(packed)) continue;
    batch.AddSeries(labels);
    batch.AddSample(stale_at_ms, model::StaleNan());
  }
  if (batch.empty()) {
    rule.previous.clear();
    return absl::OkStatus();
  }
  const std::string source = "rule/" + group_.name;
  TRY_ASSIGN(const storage::AppendOutcome outcome,
             world.appender->Commit(batch, {world.workspace, source, 0, /*refuse_late=*/true}));
  position_ = std::max(position_, outcome.position);
  const storage::Rejection* first = nullptr;
  for (const storage::Rejection& rejection : outcome.rejections) {
    if (rejection.series >= vector.size() && IsOrderProblem(rejection.reason)) continue;
    if (rejection.series < vector.size()) {
      written.erase(std::string(vector[rejection.series].labels.packed()));
    }
    if (first == nullptr) first = &rejection;
  }
  rule.previous = std::move(written);
  if (first == nullptr) return absl::OkStatus();
  const storage::WriteBatch::Series& series = batch.series()[first->series];
  return FailedPrecondition("{} of {} results were not stored; the first: {} at {} ms: {}",
                            outcome.rejected, vector.size(), batch.labels(series).ToString(),
                            first->time_ms, storage::MetricName(first->reason));
}

void EvaluatedGroup::StoreStale(int64_t time_ms, const EvaluationWorld& world) {
  if (stale_.empty()) return;
  storage::WriteBatch batch;
  for (const auto& [packed, labels] : stale_) {
    batch.AddSeries(labels);
    batch.AddSample(time_ms - OffsetMs(world), model::StaleNan());
  }
  const std::string source = "rule/" + group_.name;
  const auto outcome =
      world.appender->Commit(batch, {world.workspace, source, 0, /*refuse_late=*/true});
  if (!outcome.ok()) {
    log::Warn("rules", "staleness markers of rules that are gone were not stored",
              {{"workspace", world.workspace},
               {"group", group_.name},
               {"error", Message(outcome.status())}});
    return;
  }
  position_ = std::max(position_, outcome->position);
  stale_.clear();
}

void EvaluatedGroup::MarkStale(int64_t time_ms, const EvaluationWorld& world) {
  for (const auto& rule : rules_) {
    stale_.insert(rule->previous.begin(), rule->previous.end());
    rule->previous.clear();
  }
  StoreStale(time_ms, world);
}

void EvaluatedGroup::CopyStateFrom(const EvaluatedGroup& old) {
  std::unordered_map<std::string, std::vector<const State*>> by_identity;
  for (const auto& rule : old.rules_) by_identity[rule->Identity()].push_back(rule.get());
  stale_ = old.stale_;
  position_ = old.position_;
  std::set<const State*> matched;
  absl::MutexLock old_lock(&old.mutex_);
  absl::MutexLock lock(&mutex_);
  evaluation_seconds_ = old.evaluation_seconds_;
  last_evaluation_ms_ = old.last_evaluation_ms_;
  for (const auto& rule : rules_) {
    auto& candidates = by_identity[rule->Identity()];
    if (candidates.empty()) continue;
    const State* from = candidates.front();
    candidates.erase(candidates.begin());
    matched.insert(from);
    rule->previous = from->previous;
    if (rule->rule.alerting() && from->rule.alerting()) rule->active = from->active;
  }
  for (const auto& rule : old.rules_) {
    if (!matched.contains(rule.get())) {
      stale_.insert(rule->previous.begin(), rule->previous.end());
    }
  }
}

GroupView EvaluatedGroup::View() const {
  GroupView view;
  view.name = group_.name;
  view.file = group_.file;
  view.interval_ms = group_.interval_ms;
  view.limit = group_.limit;
  view.iterations_missed = missed();
  absl::MutexLock lock(&mutex_);
  view.evaluation_seconds = evaluation_seconds_;
  view.last_evaluation_ms = last_evaluation_ms_;
  for (const auto& rule : rules_) {
    RuleView& shown = view.rules.emplace_back();
    shown.alerting = rule->rule.alerting();
    shown.name = rule->rule.name();
    shown.query = rule->query;
    shown.for_ms = rule->rule.for_ms;
    shown.keep_firing_for_ms = rule->rule.keep_firing_for_ms;
    shown.labels = rule->labels;
    shown.annotations = rule->rule.annotations;
    std::sort(shown.annotations.begin(), shown.annotations.end());
    shown.health = rule->health;
    shown.last_error = rule->last_error;
    shown.evaluation_seconds = rule->evaluation_seconds;
    shown.last_evaluation_ms = rule->last_evaluation_ms;
    if (rule->last_evaluation_ms != kNever) shown.state = AlertState::kInactive;
    for (const auto& [packed, alert] : rule->active) {
      if (shown.state != AlertState::kUnknown) shown.state = std::max(shown.state, alert.state);
      if (alert.resolved_at_ms == kNever) shown.alerts.push_back(alert);
    }
  }
  return view;
}

}  // namespace hearth::rules

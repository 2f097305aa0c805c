// SPDX-License-Identifier: Apache-2.0
// Alerting rules: from an expression's elements to alerts, their states and series
// (rules/alerting.go), and the `for` state after a restart (rules/group.go RestoreForState).
#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/float_histogram.h"
#include "promql/parser.h"
#include "rules/evaluated_group.h"
#include "rules/rule_state.h"
#include "rules/template_host.h"

namespace hearth::rules {
namespace {

// A resolved alert is kept and sent again for so long, so that an Alertmanager that was away hears
// of it (rules/alerting.go resolvedRetention).
constexpr int64_t kResolvedRetentionMs = 15 * 60 * 1000;
// Sends that may fail before an alert ends by itself there: two evaluations and two sends.
constexpr int64_t kValidityFactor = 4;

std::map<std::string, std::string> MapOf(model::LabelsView labels) {
  std::map<std::string, std::string> map;
  for (const model::Label& label : labels) map.emplace(label.name, label.value);
  return map;
}

std::string HistogramText(const promql::Sample& sample) {
  if (sample.histogram == nullptr) return "";
  return promql::FloatHistogram::FromModel(*sample.histogram).ToString();
}

// Labels and annotations of one element.
class Expander {
 public:
  Expander(const EvaluationWorld& world, const storage::Position& position, int64_t time_ms,
           std::string_view rule)
      : world_(world), position_(position), time_ms_(time_ms), rule_(rule) {
    environment_.time_ms = time_ms;
    environment_.external_url = world.settings->external_url;
    environment_.query = [this](std::string_view text) { return Query(text); };
    data_.external_labels = MapOf(world.settings->external_labels);
    data_.external_url = world.settings->external_url;
  }

  void Take(const promql::Sample& sample) {
    data_.labels = MapOf(sample.labels);
    data_.value = sample.value;
    data_.histogram = HistogramText(sample);
  }

  std::string Expand(const AlertTemplate& text) const {
    auto result = text.Expand(data_, environment_);
    if (result.ok()) return *std::move(result);
    if (world_.log_failures) {
      log::Warn(
          "rules", "template of an alert failed",
          {{"workspace", world_.workspace}, {"alert", rule_}, {"error", Message(result.status())}});
    }
    return fmt::format("<error expanding template: {}>", Message(result.status()));
  }

 private:
  absl::StatusOr<std::vector<TemplateSample>> Query(std::string_view text) const {
    TRY_ASSIGN(const promql::ExprPtr expr, promql::ParseExpr(text));
    promql::QueryContext context;
    context.cancelled = world_.cancelled;
    context.at_least = position_;
    TRY_ASSIGN(const auto vector,
               QueryVector(*world_.engine, *world_.querier, *expr, text, time_ms_, context));
    std::vector<TemplateSample> samples;
    for (const promql::Sample& sample : vector) {
      samples.push_back({MapOf(sample.labels), sample.value, HistogramText(sample)});
    }
    return samples;
  }

  const EvaluationWorld& world_;
  const storage::Position& position_;
  const int64_t time_ms_;
  const std::string_view rule_;
  TemplateEnvironment environment_;
  AlertData data_;
};

promql::Sample MakeSample(model::LabelsView rule_labels, model::LabelsView alert_labels,
                          std::string_view metric, std::string_view alert, std::string_view state,
                          int64_t time_ms, double value) {
  model::LabelsBuilder builder(rule_labels);
  for (const model::Label& label : alert_labels) builder.Set(label.name, label.value);
  builder.Set(model::kMetricName, metric);
  builder.Set(kAlertName, alert);
  if (!state.empty()) builder.Set(kAlertState, state);
  promql::Sample sample;
  sample.labels = builder.Build();
  sample.time_ms = time_ms;
  sample.value = value;
  return sample;
}

double SecondsOf(int64_t ms) {
  // Go's Unix() rounds towards the past.
  return static_cast<double>(ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000));
}

// The alert's element is gone: is it still kept firing? Sets its state; false: it is inactive.
bool KeepsFiring(Alert* alert, int64_t keep_firing_for_ms, int64_t time_ms) {
  bool keep = false;
  if (alert->state == AlertState::kFiring && keep_firing_for_ms > 0) {
    if (alert->keep_firing_since_ms == kNever) alert->keep_firing_since_ms = time_ms;
    keep = time_ms - alert->keep_firing_since_ms < keep_firing_for_ms;
  }
  if (alert->state != AlertState::kInactive && !keep) {
    alert->state = AlertState::kInactive;
    alert->resolved_at_ms = time_ms;
  }
  return keep;
}

// An alert for each element, by its packed labels.
using Templates = std::vector<std::pair<std::string, AlertTemplate>>;
absl::StatusOr<std::map<std::string, Alert>> FindAlerts(std::string_view name,
                                                        const Templates& labels,
                                                        const Templates& annotations,
                                                        const std::vector<promql::Sample>& vector,
                                                        int64_t time_ms, Expander* expander) {
  std::map<std::string, Alert> found;
  for (const promql::Sample& sample : vector) {
    expander->Take(sample);
    model::LabelsBuilder builder(sample.labels);
    builder.Delete(model::kMetricName);
    for (const auto& [label, text] : labels) builder.Set(label, expander->Expand(text));
    builder.Set(kAlertName, name);
    Alert alert;
    alert.labels = builder.Build();
    for (const auto& [annotation, text] : annotations) {
      alert.annotations.emplace_back(annotation, expander->Expand(text));
    }
    alert.active_at_ms = time_ms;
    alert.value = sample.value;
    std::string key(alert.labels.packed());
    if (!found.emplace(std::move(key), std::move(alert)).second) {
      return FailedPrecondition(
          "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  return found;
}

}  // namespace

absl::StatusOr<std::vector<promql::Sample>> EvaluatedGroup::UpdateAlerts(
    State& rule, std::vector<promql::Sample> vector, int64_t time_ms, int64_t offset_ms,
    const EvaluationWorld& world) {
  Expander expander(world, position_, time_ms, rule.rule.alert);
  TRY_ASSIGN(const auto found, FindAlerts(rule.rule.alert, rule.label_templates,
                                          rule.annotation_templates, vector, time_ms, &expander));
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, alert] : found) {
    const auto known = rule.active.find(key);
    if (known != rule.active.end() && known->second.state != AlertState::kInactive) {
      known->second.value = alert.value;
      known->second.annotations = alert.annotations;
    } else {
      rule.active.insert_or_assign(key, alert);
    }
  }
  std::vector<promql::Sample> results;
  int64_t count = 0;
  for (auto it = rule.active.begin(); it != rule.active.end();) {
    Alert& alert = it->second;
    if (found.contains(it->first)) {
      alert.keep_firing_since_ms = kNever;
    } else {
      const bool forget =
          alert.state == AlertState::kPending ||
          (alert.resolved_at_ms != kNever && time_ms - alert.resolved_at_ms > kResolvedRetentionMs);
      if (!KeepsFiring(&alert, rule.rule.keep_firing_for_ms, time_ms)) {
        it = forget ? rule.active.erase(it) : std::next(it);
        continue;
      }
    }
    ++it;
    ++count;
    if (alert.state == AlertState::kPending && time_ms - alert.active_at_ms >= rule.rule.for_ms) {
      alert.state = AlertState::kFiring;
      alert.fired_at_ms = time_ms;
    }
    if (alert.state == AlertState::kFiring && time_ms - alert.active_at_ms < rule.rule.for_ms) {
      alert.state = AlertState::kPending;
      alert.fired_at_ms = alert.last_sent_ms = alert.keep_firing_since_ms = kNever;
    }
    if (!rule.restored) continue;
    results.push_back(MakeSample(rule.labels, alert.labels, kAlertsMetric, rule.rule.alert,
                                 Name(alert.state), time_ms - offset_ms, 1));
    results.push_back(MakeSample(rule.labels, alert.labels, kForStateMetric, rule.rule.alert, "",
                                 time_ms - offset_ms, SecondsOf(alert.active_at_ms)));
  }
  if (group_.limit > 0 && count > group_.limit) {
    rule.active.clear();
    return FailedPrecondition("exceeded limit of {} with {} alerts", group_.limit, count);
  }
  return results;
}

void EvaluatedGroup::Send(State& rule, int64_t time_ms, const EvaluationWorld& world) {
  if (!world.notify) return;
  const int64_t resend_ms = world.settings->resend_delay_ms;
  std::vector<AlertNotice> notices;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [key, alert] : rule.active) {
      if (alert.state == AlertState::kPending) continue;
      const bool resolved_since =
          alert.resolved_at_ms != kNever && alert.resolved_at_ms > alert.last_sent_ms;
      const bool due = alert.last_sent_ms == kNever || alert.last_sent_ms + resend_ms < time_ms;
      if (!resolved_since && !due) continue;
      alert.last_sent_ms = time_ms;
      alert.valid_until_ms = time_ms + kValidityFactor * std::max(group_.interval_ms, resend_ms);
      AlertNotice& notice = notices.emplace_back();
      notice.labels = alert.labels;
      notice.annotations = alert.annotations;
      notice.starts_at_ms = alert.fired_at_ms == kNever ? alert.active_at_ms : alert.fired_at_ms;
      notice.ends_at_ms =
          alert.resolved_at_ms == kNever ? alert.valid_until_ms : alert.resolved_at_ms;
      notice.generator_url = world.settings->external_url + TableLinkFor(rule.query);
    }
  }
  if (!notices.empty()) world.notify(notices);
}

void EvaluatedGroup::Restore(int64_t now_ms, const EvaluationWorld& world) {
  needs_restore_ = false;
  for (const auto& rule : rules_) {
    if (!rule->rule.alerting() || rule->restored) continue;
    // A `for` that is shorter than the grace period is waited for once more in full.
    if (rule->rule.for_ms >= world.settings->for_grace_period_ms) {
      if (const absl::Status status = RestoreRule(*rule, now_ms, world); !status.ok()) {
        log::Error("rules", "`for` state not restored; the alert waits its time again",
                   {{"workspace", world.workspace},
                    {"alert", rule->rule.alert},
                    {"error", Message(status)}});
      }
    }
    rule->restored = true;
  }
}

absl::Status EvaluatedGroup::RestoreRule(State& rule, int64_t now_ms,
                                         const EvaluationWorld& world) {
  storage::SelectRequest request;
  request.range = {now_ms - world.settings->outage_tolerance_ms, now_ms};
  request.matchers.push_back(model::Matcher::Equal(model::kMetricName, kForStateMetric));
  for (const model::Label& label : rule.labels) {
    // A template's value is another for each alert.
    if (label.value.find("{{") != std::string_view::npos) continue;
    if (label.name == kAlertName || label.name == model::kMetricName) continue;
    request.matchers.push_back(model::Matcher::Equal(label.name, label.value));
  }
  request.matchers.push_back(model::Matcher::Equal(kAlertName, rule.rule.alert));
  TRY_ASSIGN(const auto set, world.querier->Select(request));
  struct Last {
    int64_t time_ms;
    double value;
  };
  std::map<std::string, Last> last;
  storage::ColumnBatch batch;
  for (;;) {
    TRY_ASSIGN(const bool more, set->Next(&batch));
    if (!more) break;
    for (const storage::SeriesColumns& series : batch.series) {
      if (series.times_ms.empty()) continue;
      model::LabelsBuilder builder(series.labels);
      builder.Delete(model::kMetricName);
      last[std::string(builder.Build().packed())] = {series.times_ms.back(), series.values.back()};
    }
  }
  const int64_t grace_ms = world.settings->for_grace_period_ms;
  absl::MutexLock lock(&mutex_);
  for (auto& [key, alert] : rule.active) {
    const auto found = last.find(key);
    if (found == last.end() || model::IsStaleNan(found->second.value)) continue;
    const int64_t down_at_ms = found->second.time_ms / 1000 * 1000;
    int64_t active_at_ms = static_cast<int64_t>(found->second.value) * 1000;
    const int64_t remaining_ms = rule.rule.for_ms - (down_at_ms - active_at_ms);
    if (remaining_ms <= 0) {
      // It was firing: the next evaluation makes it fire again.
    } else if (remaining_ms < grace_ms) {
      active_at_ms = now_ms + grace_ms - rule.rule.for_ms;
    } else {
      active_at_ms += now_ms - down_at_ms;  // the time down does not count
    }
    alert.active_at_ms = active_at_ms;
  }
  return absl::OkStatus();
}

}  // namespace hearth::rules

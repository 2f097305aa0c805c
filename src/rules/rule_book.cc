// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_book.h"

#include <fmt/core.h>

#include <set>

#include "base/log.h"
#include "base/status.h"

namespace hearth::rules {
namespace {

constexpr int64_t kNamespaceIntervalMs = 60'000;

GroupView ViewOfBroken(const Group& group) {
  GroupView view;
  view.name = group.name;
  view.file = group.file;
  view.interval_ms = group.interval_ms;
  view.limit = group.limit;
  for (const Rule& rule : group.rules) {
    RuleView& shown = view.rules.emplace_back();
    shown.alerting = rule.alerting();
    shown.name = rule.name();
    shown.query = rule.expr;
    shown.for_ms = rule.for_ms;
    shown.keep_firing_for_ms = rule.keep_firing_for_ms;
    std::vector<model::Label> labels;
    for (const TextPairs* list : {&group.labels, &rule.labels}) {
      for (const auto& [name, value] : *list) labels.push_back({name, value});
    }
    shown.labels = model::Labels::FromPairs(std::move(labels));
    shown.annotations = rule.annotations;
    shown.health = Health::kBad;
  }
  return view;
}

}  // namespace

RuleBook::RuleBook(std::string workspace, Scheduler& scheduler, const storage::Querier& querier,
                   storage::Appender& appender, AlertSink sink, Registry& metrics)
    : scheduler_(scheduler), metrics_(metrics), home_(std::make_shared<Scheduler::Home>()) {
  home_->workspace = std::move(workspace);
  home_->querier = &querier;
  home_->appender = &appender;
  home_->sink = std::move(sink);
  const MetricLabels labels = {{"workspace", home_->workspace}};
  metrics_.AddCallback(this, "hearth_rules_broken_groups",
                       "Rule groups whose newest text is not in use because of errors.", false,
                       labels, [this] { return static_cast<double>(broken_count_.load()); });
  metrics_.AddCallback(this, "hearth_rules_errors", "Errors in the texts of rules.", false, labels,
                       [this] { return static_cast<double>(error_count_.load()); });
}

RuleBook::~RuleBook() {
  Stop();
  metrics_.RemoveCallbacks(this);
}

void RuleBook::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  scheduler_.RemoveAll(home_);
}

void RuleBook::Configure(EvaluationSettings settings) {
  home_->set_settings(std::make_shared<const EvaluationSettings>(std::move(settings)));
}

void RuleBook::SetFiles(const std::vector<RuleText>& files, int64_t default_interval_ms) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return;
  std::set<std::string> named;
  for (const RuleText& file : files) {
    named.insert(file.name);
    sources_[file.name] = false;
    if (file.error.empty()) {
      Replace(file.name, file.text, default_interval_ms, files_set_);
    } else {
      SetErrors(file.name, {file.error});
    }
  }
  std::vector<std::string> gone;
  for (const auto& [source, is_namespace] : sources_) {
    if (!is_namespace && !named.contains(source)) gone.push_back(source);
  }
  for (const std::string& source : gone) {
    Replace(source, "", default_interval_ms, true);
    sources_.erase(source);
    errors_.erase(source);
  }
  files_set_ = true;
  Count();
}

void RuleBook::SetNamespaces(const std::vector<RuleText>& namespaces) {
  std::set<std::string> gone;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [source, is_namespace] : sources_) {
      if (is_namespace) gone.insert(source);
    }
  }
  for (const RuleText& one : namespaces) {
    gone.erase(one.name);
    SetNamespace(one.name, one.text);
  }
  for (const std::string& name : gone) RemoveNamespace(name);
}

void RuleBook::FinishOpening() {
  absl::MutexLock lock(&mutex_);
  opened_ = true;
}

void RuleBook::Count() {
  size_t broken = 0;
  size_t errors = 0;
  for (const auto& [key, entry] : entries_) broken += entry.errors.empty() ? 0 : 1;
  for (const auto& [source, list] : errors_) errors += list.size();
  broken_count_ = broken;
  error_count_ = errors;
}

void RuleBook::SetNamespace(const std::string& name, std::string_view text) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return;
  sources_[name] = true;
  Replace(name, text, kNamespaceIntervalMs, opened_);
  Count();
}

void RuleBook::RemoveNamespace(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return;
  Replace(name, "", kNamespaceIntervalMs, true);
  sources_.erase(name);
  errors_.erase(name);
  Count();
}

void RuleBook::SetErrors(const std::string& source, std::vector<std::string> errors) {
  for (const std::string& error : errors) {
    log::Error("rules", "rules not loaded; what was good before goes on",
               {{"workspace", home_->workspace}, {"error", error}});
  }
  errors_[source] = std::move(errors);
}

void RuleBook::Replace(const std::string& source, std::string_view text,
                       int64_t default_interval_ms, bool restored) {
  RuleFileOptions options;
  options.parser = scheduler_.engine().options().parser;
  RuleFile file = ParseRuleFile(text, source, options);
  SetErrors(source, file.errors);
  // Not one group could be read: all that were there go on.
  if (file.groups.empty() && !file.errors.empty()) return;
  std::set<Key> named;
  for (Group& group : file.groups) {
    if (group.interval_ms == 0) group.interval_ms = default_interval_ms;
    Key key(source, group.name);
    if (!named.insert(key).second) continue;  // repeated: an error already
    if (entries_.size() >= kGroupsMax && !entries_.contains(key)) {
      errors_[source].push_back(
          fmt::format("{}: group {}: a workspace may have at most {} rule groups", source,
                      group.name, kGroupsMax));
      continue;
    }
    Use(key, std::move(group), restored);
  }
  std::vector<Key> gone;
  for (const auto& [key, entry] : entries_) {
    if (key.first == source && !named.contains(key)) gone.push_back(key);
  }
  for (const Key& key : gone) Drop(key);
}

void RuleBook::Drop(const Key& key) {
  const auto found = entries_.find(key);
  if (found->second.group != nullptr) scheduler_.Remove(found->second.group.get(), true);
  entries_.erase(found);
}

void RuleBook::Use(const Key& key, Group group, bool restored) {
  Entry& entry = entries_[key];
  entry.errors = group.errors;
  if (entry.errors.empty()) {
    if (entry.group != nullptr && entry.group->group() == group) return;
    auto made = EvaluatedGroup::Make(group, entry.group != nullptr || restored,
                                     scheduler_.engine().options().parser);
    if (made.ok()) {
      if (entry.group != nullptr) {
        scheduler_.Remove(entry.group.get(), false);
        (*made)->CopyStateFrom(*entry.group);
      }
      entry.group = *made;
      return scheduler_.Add(*std::move(made), home_);
    }
    entry.errors.push_back(key.first + ": " + Message(made.status()));
  }
  if (entry.group == nullptr) entry.broken = std::move(group);
}

std::vector<GroupView> RuleBook::Groups() const {
  std::vector<GroupView> views;
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, entry] : entries_) {
    GroupView& view = views.emplace_back(entry.group == nullptr ? ViewOfBroken(entry.broken)
                                                                : entry.group->View());
    view.load_errors = entry.errors;
    if (entry.group != nullptr || entry.errors.empty()) continue;
    for (RuleView& rule : view.rules) rule.last_error = entry.errors[0];
  }
  return views;
}

std::vector<std::string> RuleBook::Errors() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> all;
  for (const auto& [source, errors] : errors_) all.insert(all.end(), errors.begin(), errors.end());
  return all;
}

}  // namespace hearth::rules

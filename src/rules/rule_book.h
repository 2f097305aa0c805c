// SPDX-License-Identifier: Apache-2.0
// All rules of one workspace: rule files of the configuration and rule groups namespaces of AMP,
// parsed, scheduled and shown. A text that is broken never stops anything: groups that can be read
// are used, and of a broken group the last good version goes on, with its errors in sight.
//
// Thread-safe. The Scheduler, querier and appender outlive it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "rules/alert.h"
#include "rules/evaluated_group.h"
#include "rules/scheduler.h"

namespace hearth::rules {

// Groups of one workspace; beyond it new ones are refused with an error. AMP's own quota is 1,000.
inline constexpr size_t kGroupsMax = 10'000;

struct RuleText {
  std::string name;  // a file's path, or a namespace
  std::string text;
  std::string error;  // the file could not be read: why
};

class RuleBook {
 public:
  RuleBook(std::string workspace, Scheduler& scheduler, const storage::Querier& querier,
           storage::Appender& appender, AlertSink sink, Registry& metrics);
  ~RuleBook();  // Stop()

  // Told of every rule that fails; to be set before there are rules.
  void set_failure_sink(FailureSink sink) { home_->failed = std::move(sink); }
  void Configure(EvaluationSettings settings);
  // Takes the place of all files given before. Groups that are the same go on with their state.
  void SetFiles(const std::vector<RuleText>& files, int64_t default_interval_ms);
  // One AMP namespace; groups without an interval have AMP's default of 60 s.
  void SetNamespace(const std::string& name, std::string_view text);
  void RemoveNamespace(const std::string& name);
  // Takes the place of all namespaces given before.
  void SetNamespaces(const std::vector<RuleText>& namespaces);
  // The namespaces that were there at start are all set: what comes later has no past to restore.
  void FinishOpening();
  // No evaluation begins or goes on when it returns.
  void Stop();

  // By file, then name; broken groups that never were good are among them, with health "err".
  std::vector<GroupView> Groups() const;
  // What is wrong with the texts: "file:12: …".
  std::vector<std::string> Errors() const;

 private:
  struct Entry {
    std::shared_ptr<EvaluatedGroup> group;  // null: never was good
    Group broken;                           // what could be read, where `group` is null
    std::vector<std::string> errors;        // of the newest text
  };
  using Key = std::pair<std::string, std::string>;  // source, group
  // `restored` false: `for` state is looked for in the store.
  void Replace(const std::string& source, std::string_view text, int64_t default_interval_ms,
               bool restored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetErrors(const std::string& source, std::vector<std::string> errors)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Use(const Key& key, Group group, bool restored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Scheduler& scheduler_;
  Registry& metrics_;
  const std::shared_ptr<Scheduler::Home> home_;
  mutable absl::Mutex mutex_;
  std::map<Key, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<std::string>> errors_ ABSL_GUARDED_BY(mutex_);  // by source
  std::map<std::string, bool> sources_ ABSL_GUARDED_BY(mutex_);  // true: a namespace
  void Count() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool files_set_ ABSL_GUARDED_BY(mutex_) = false;
  // For metrics, which are read under the registry's lock.
  std::atomic<size_t> broken_count_{0};
  std::atomic<size_t> error_count_{0};
};

}  // namespace hearth::rules

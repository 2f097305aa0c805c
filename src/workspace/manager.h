// SPDX-License-Identifier: Apache-2.0
// All AMP workspaces of this process: opened from the catalog at start, made and deleted while it
// runs, sealed at the end. One thread gives every store its turn of maintenance and watches the
// volume.
//
//   <directory>/<ws-id>/…    the store of a workspace (tsdb/db.h)
//
// Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/string_map.h"
#include "base/threads.h"
#include "catalog/catalog.h"
#include "rules/evaluated_group.h"
#include "tsdb/options.h"
#include "workspace/settings.h"
#include "workspace/vended_logs.h"
#include "workspace/workspace.h"

namespace hearth::rules {
class Scheduler;
}

namespace hearth::workspace {

struct Options {
  std::string directory;
  tsdb::Options store;  // the defaults of every store; `directory` is set for each
  // Share of the volume that may be used before writes are refused (--disk-limit), 0 … 1, or bytes
  // of our own where disk_limit_bytes is not 0.
  double disk_limit_share = 0.90;
  uint64_t disk_limit_bytes = 0;
  int64_t maintain_every_ms = 1000;
  // Of workspaces that set none; what the control plane reports as in force.
  int64_t rule_query_offset_ms = 0;
  RateLimits rates{};  // --fidelity aws
  // Where vended logs go; "" is "logs" beside `directory`.
  std::string log_directory;
  // Rules of all workspaces; null: none are evaluated. Outlives the Manager.
  rules::Scheduler* rule_scheduler = nullptr;
  rules::AlertSink alert_sink;  // may be empty
  rules::EvaluationSettings rule_settings;
};

class Manager {
 public:
  // Opens every workspace of the catalog. A store that cannot be opened fails the start, by name.
  static absl::StatusOr<std::unique_ptr<Manager>> Open(Options options, catalog::Catalog& catalog,
                                                       FileSystem& file_system, const Clock& clock,
                                                       Registry& metrics);
  ~Manager();  // Close()

  std::shared_ptr<Workspace> Find(std::string_view id) const;  // null where there is none
  std::vector<std::shared_ptr<Workspace>> All() const;         // by id

  // Opens the store of a row that was just committed; OK where it is open.
  absl::Status Add(const catalog::AmpWorkspace& row);
  // Closes the store and frees its disk. The row is gone already. Requests that still hold the
  // workspace finish first.
  absl::Status Remove(std::string_view id);
  // Settings that were just changed take effect.
  void Configure(const Settings& settings);

  // Rule settings of all workspaces, those that are still to come included. A workspace's own query
  // offset stays in force.
  void ConfigureRules(const rules::EvaluationSettings& settings);
  // The workspace's rule groups namespaces as the catalog has them now; NotFound where it is not
  // open.
  absl::Status ReloadRuleNamespaces(std::string_view id);

  // Seals every store; later calls to Find see nothing.
  void Close();

  const Options& options() const { return options_; }

 private:
  Manager(Options options, catalog::Catalog& catalog, FileSystem& file_system, const Clock& clock,
          Registry& metrics);
  absl::Status Open(Settings settings);
  absl::StatusOr<std::shared_ptr<Workspace>> OpenStore(Settings settings);
  absl::Status LoadRuleNamespaces(Workspace& workspace);
  tsdb::Options StoreOptions(const catalog::AmpWorkspace& row) const;
  void MaintainLoop();
  void WatchDisk();

  const Options options_;
  catalog::Catalog& catalog_;
  FileSystem& file_system_;
  const Clock& clock_;
  Registry& metrics_;
  WriteGuard guard_;
  VendedLogs logs_;
  ThreadPool background_;
  absl::Mutex opening_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);  // stores come and go one at a time
  mutable absl::Mutex mutex_;
  StringMap<std::shared_ptr<Workspace>> workspaces_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  rules::EvaluationSettings rule_settings_ ABSL_GUARDED_BY(mutex_);
  Thread maintenance_;
};

}  // namespace hearth::workspace

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
#include <functional>
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
#include "tsdb/memory_budget.h"
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
  // of our own where disk_limit_bytes is not 0. Near it the oldest blocks go, of the workspace that
  // holds most; of a volume only while what fills it is mostly ours.
  double disk_limit_share = 0.90;
  uint64_t disk_limit_bytes = 0;
  // Kept free by a file of ours that is given up where the volume is so full that not even a block
  // can be dropped (the manifest has to be written for it).
  uint64_t disk_reserve_bytes = 4 << 20;
  // What the process may take (--memory-limit); 0: unlimited. The heads' part of it is budgeted
  // exactly; the rest by what `resident_bytes` tells, if that is set.
  uint64_t memory_limit_bytes = 0;
  std::function<uint64_t()> resident_bytes;
  // Ends the query that takes most; false where none runs. Asked where sealing, evicting and
  // refusing new series did not help. May be empty.
  std::function<bool()> end_largest_query;
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
  const tsdb::MemoryBudget& memory() const { return memory_; }

 private:
  Manager(Options options, catalog::Catalog& catalog, FileSystem& file_system, const Clock& clock,
          Registry& metrics);
  absl::Status Open(Settings settings);
  // Many at a time: a store waits for the disk more than it computes.
  absl::Status OpenAll(std::vector<Settings> all);
  absl::StatusOr<std::shared_ptr<Workspace>> OpenStore(Settings settings);
  absl::Status LoadRuleNamespaces(Workspace& workspace);
  tsdb::Options StoreOptions(const catalog::AmpWorkspace& row) const;
  void MaintainLoop();
  void WatchDisk();
  void WatchMemory();
  // Used and allowed bytes; false where the volume cannot be asked.
  bool DiskUse(uint64_t* used, uint64_t* limit, uint64_t* ours) const;
  // Drops oldest blocks until `excess` bytes are freed, or none is left that may go.
  void FreeDisk(uint64_t excess);
  absl::StatusOr<uint64_t> DropOneBlock();
  void KeepReserve();
  std::string reserve_path() const { return JoinPath(options_.directory, ".reserve"); }

  const Options options_;
  catalog::Catalog& catalog_;
  FileSystem& file_system_;
  const Clock& clock_;
  Registry& metrics_;
  WriteGuard guard_;
  VendedLogs logs_;
  tsdb::MemoryBudget memory_;
  const std::shared_ptr<tsdb::BlockCache> block_cache_;  // of all stores
  int64_t last_trim_ns_ = 0;                             // of the maintenance thread
  ThreadPool background_;
  absl::Mutex opening_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);  // stores come and go one at a time
  mutable absl::Mutex mutex_;
  StringMap<std::shared_ptr<Workspace>> workspaces_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  rules::EvaluationSettings rule_settings_ ABSL_GUARDED_BY(mutex_);
  Thread maintenance_;
};

}  // namespace hearth::workspace

// SPDX-License-Identifier: Apache-2.0
// One AMP workspace as a whole: its store, its limits, what it has used. Opened and closed as one
// by the Manager (manager.h).
//
// Thread-safe. Held by shared_ptr: a workspace that is deleted while a request runs lives until
// that request has ended.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "catalog/amp_workspaces.h"
#include "storage/appender.h"
#include "storage/querier.h"
#include "tsdb/db.h"

namespace hearth::workspace {

// Counted since the process started.
struct Usage {
  uint64_t samples_ingested = 0;
  uint64_t samples_refused = 0;
  uint64_t query_samples = 0;  // AMP's "query samples processed"
};

// Who may still write; owned by the Manager, which looks at the disk.
struct WriteGuard {
  std::atomic<bool> disk_full{false};
};

class Workspace : public storage::Appender {
 public:
  Workspace(catalog::AmpWorkspace row, std::unique_ptr<tsdb::Db> db, const WriteGuard& guard);

  const std::string& id() const { return row_.id; }
  const std::string& account() const { return row_.account; }
  const std::string& region() const { return row_.region; }
  const std::string& arn() const { return arn_; }

  // ResourceExhausted while the volume is too full; else as tsdb::Db.
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin& origin) override;
  const storage::Querier& querier() const { return *db_; }
  tsdb::Db& db() { return *db_; }
  const tsdb::Db& db() const { return *db_; }

  void CountQuery(int64_t samples) {
    query_samples_.fetch_add(static_cast<uint64_t>(samples), std::memory_order_relaxed);
  }
  Usage usage() const;

 private:
  const catalog::AmpWorkspace row_;
  const std::string arn_;
  const std::unique_ptr<tsdb::Db> db_;
  const WriteGuard& guard_;
  std::atomic<uint64_t> samples_ingested_{0};
  std::atomic<uint64_t> samples_refused_{0};
  std::atomic<uint64_t> query_samples_{0};
};

}  // namespace hearth::workspace

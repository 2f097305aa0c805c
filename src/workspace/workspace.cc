// SPDX-License-Identifier: Apache-2.0
#include "workspace/workspace.h"

#include <utility>

#include "base/status.h"

namespace hearth::workspace {

Workspace::Workspace(catalog::AmpWorkspace row, std::unique_ptr<tsdb::Db> db,
                     const WriteGuard& guard)
    : row_(std::move(row)),
      arn_(catalog::AmpWorkspaceArn(row_)),
      db_(std::move(db)),
      guard_(guard) {}

absl::StatusOr<storage::AppendOutcome> Workspace::Commit(const storage::WriteBatch& batch,
                                                         const storage::Origin& origin) {
  if (guard_.disk_full.load(std::memory_order_relaxed)) {
    return ResourceExhausted(
        "the data volume is over --disk-limit: nothing was stored; reads go on, and writing "
        "resumes "
        "by itself when space is free");
  }
  TRY_ASSIGN(storage::AppendOutcome outcome, db_->Commit(batch, origin));
  samples_ingested_.fetch_add(outcome.stored, std::memory_order_relaxed);
  samples_refused_.fetch_add(outcome.rejected, std::memory_order_relaxed);
  return outcome;
}

Usage Workspace::usage() const {
  return {samples_ingested_.load(std::memory_order_relaxed),
          samples_refused_.load(std::memory_order_relaxed),
          query_samples_.load(std::memory_order_relaxed)};
}

}  // namespace hearth::workspace

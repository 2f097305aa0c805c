// SPDX-License-Identifier: Apache-2.0
// Deletion and snapshots.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "tsdb/db_impl.h"

namespace hearth::tsdb {

using storage::TimeRange;

absl::StatusOr<std::vector<storage::SeriesExemplars>> Db::Impl::Exemplars(
    TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors) const {
  return exemplars_.Select(Visible(range), selectors);
}

// What is to go is sealed first, so that it is all in blocks; the deletion then names those blocks
// by its number. Whatever is written from here on is in later ones.
absl::Status Db::Impl::DeleteSeries(TimeRange range,
                                    const std::vector<std::vector<model::Matcher>>& selectors) {
  if (selectors.empty()) return InvalidArgument("a deletion needs a selector");
  for (const auto& matchers : selectors) {
    if (matchers.empty()) return InvalidArgument("a deletion's selector needs a matcher");
  }
  if (range.min_ms > range.max_ms) return InvalidArgument("the deletion ends before it begins");
  absl::MutexLock lock(&maintenance_mutex_);
  TRY(SealAll());
  const absl::Status deleted = catalog_.Delete({0, range, selectors});
  // To the end: histograms behind the gap have no predecessor any more.
  changes_.Mark({range.min_ms, INT64_MAX});
  TRY(deleted);
  NoteTombstones();
  exemplars_.Delete(range, selectors);
  TRY(exemplars_.Save(file_system_));
  absl::MutexLock head_lock(&mutex_);
  for (const auto& matchers : selectors) head_.Forget(matchers, range);
  return absl::OkStatus();
}

absl::Status Db::Impl::CleanTombstones() {
  absl::MutexLock lock(&maintenance_mutex_);
  const int64_t min_ms = RetentionCut();
  // Every block that a deletion may concern is written anew, one by one.
  std::vector<std::string> ids;
  for (const auto& block : *catalog_.list()) {
    if (block->has_tombstones() && !block->left_alone()) ids.push_back(block->meta().id);
  }
  for (const std::string& id : ids) TRY(Merge({id}, min_ms, &stop_));
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Db::Impl::DropOldestBlock(int64_t before_ms) {
  absl::MutexLock lock(&maintenance_mutex_);
  const BlockMeta* oldest = nullptr;
  for (const auto& block : *catalog_.list()) {
    const BlockMeta& meta = block->meta();
    if (meta.max_ms < before_ms && (oldest == nullptr || meta.max_ms < oldest->max_ms)) {
      oldest = &meta;
    }
  }
  if (oldest == nullptr) return 0;
  const BlockMeta dropped = *oldest;
  TRY(catalog_.Change({}, {dropped.id}, {}));
  Publish();
  changes_.Mark({dropped.min_ms, INT64_MAX});
  metrics_.blocks_dropped->Add();
  log::Warn("tsdb", "dropped the oldest block: the disk budget is spent",
            {{"directory", options_.directory},
             {"block", dropped.id},
             {"until_ms", dropped.max_ms},
             {"bytes", dropped.size}});
  return dropped.size;
}

int64_t Db::Impl::OldestBlockEnd() const {
  absl::ReaderMutexLock lock(&mutex_);
  int64_t end_ms = INT64_MAX;
  for (const auto& block : *blocks_) end_ms = std::min(end_ms, block->meta().max_ms);
  return end_ms;
}

absl::Status Db::Impl::CopyTo(const std::string& directory) {
  TRY(file_system_.MakeDirectories(directory));
  TRY(catalog_.CopyTo(directory));
  TRY(metadata_.Save(file_system_));
  TRY(exemplars_.Save(file_system_));
  for (const char* const name : {"metadata", "exemplars", "imports"}) {
    const auto bytes = file_system_.ReadFile(JoinPath(options_.directory, name));
    if (absl::IsNotFound(bytes.status())) continue;
    TRY(bytes);
    TRY(file_system_.WriteFileAtomic(JoinPath(directory, name), *bytes));
  }
  TRY(file_system_.SyncDirectory(directory));
  return file_system_.SyncDirectory(DirectoryOf(directory));
}

absl::Status Db::Impl::Snapshot(const std::string& directory, bool skip_head) {
  if (file_system_.Exists(directory)) {
    return AlreadyExists("{} exists already; a snapshot makes its directory", directory);
  }
  absl::MutexLock lock(&maintenance_mutex_);
  if (!skip_head) TRY(SealAll());
  const absl::Status status = CopyTo(directory);
  if (status.ok()) {
    log::Info("tsdb", "made a snapshot",
              {{"directory", directory}, {"blocks", catalog_.list()->size()}});
    return status;
  }
  if (const absl::Status removed = file_system_.RemoveTree(directory); !removed.ok()) {
    log::Warn("tsdb", "cannot remove a snapshot that failed", {{"error", Message(removed)}});
  }
  return Annotate(status, "snapshot to " + directory);
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// The parts of a Db and how they are locked; private to tsdb. Lock order: maintenance_mutex_, then
// mutex_, then what Wal, MetadataStore and the blocks have of their own.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tsdb/block_catalog.h"
#include "tsdb/change_clock.h"
#include "tsdb/db.h"
#include "tsdb/exemplar_store.h"
#include "tsdb/head.h"
#include "tsdb/head_reader.h"
#include "tsdb/import_log.h"
#include "tsdb/metadata_store.h"
#include "tsdb/series_set.h"
#include "tsdb/wal.h"

namespace hearth::tsdb {

struct DbMetrics {
  Counter* samples = nullptr;
  Counter* duplicates = nullptr;
  Counter* new_series = nullptr;
  Counter* unknown_series = nullptr;
  Counter* seals = nullptr;
  Counter* seal_failures = nullptr;
  Counter* merges = nullptr;
  Counter* blocks_dropped = nullptr;
  Histogram* seal_seconds = nullptr;
  Histogram* seal_lock_seconds = nullptr;
  Gauge* series = nullptr;
  Gauge* head_bytes = nullptr;
  Gauge* blocks = nullptr;
  Gauge* block_data_bytes = nullptr;
  Gauge* block_index_bytes = nullptr;
  static DbMetrics Register(Registry& registry);
};

class LoggedSeries;  // db_replay.cc

class Db::Impl {
 public:
  Impl(Options options, FileSystem& file_system, const Clock& clock, Registry& registry,
       ThreadPool* background);
  ~Impl();
  absl::Status Open();

  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch, bool refuse_late);
  void Resolve(storage::WriteBatch* batch) const;
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const;
  absl::Status ForEachSeries(const std::vector<std::vector<model::Matcher>>& selectors,
                             storage::TimeRange range,
                             absl::FunctionRef<void(model::LabelsView)> visit) const;
  // Label names, or with `name` its values. Without selectors a block answers from its index, for
  // all of its time, as Prometheus does; with them only series with samples in the range count.
  absl::StatusOr<std::vector<std::string>> LabelTexts(
      std::optional<std::string_view> name, storage::TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const;
  Stats stats() const;
  void Maintain();
  absl::Status Seal();
  absl::Status Compact();
  absl::Status Close(bool merge);
  absl::StatusOr<std::vector<storage::SeriesExemplars>> Exemplars(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors) const;
  absl::StatusOr<uint64_t> DropOldestBlock(int64_t before_ms);
  int64_t OldestBlockEnd() const;
  absl::Status DeleteSeries(storage::TimeRange range,
                            const std::vector<std::vector<model::Matcher>>& selectors);
  absl::Status CleanTombstones();
  absl::Status Snapshot(const std::string& directory, bool skip_head);
  absl::StatusOr<storage::ImportOutcome> Import(const std::string& key, storage::TimeRange range,
                                                storage::SeriesSet& series);

  Options options_;  // what may change at run time is below
  FileSystem& file_system_;
  const Clock& clock_;
  ThreadPool* const background_;
  const DbMetrics metrics_;
  WalMetrics wal_metrics_;
  std::atomic<int64_t> retention_ms_;
  std::atomic<int64_t> late_window_ms_;
  std::atomic<int64_t> max_age_ms_;
  std::atomic<size_t> series_max_;
  MetadataStore metadata_;
  ExemplarStore exemplars_;
  ImportLog imports_;
  std::unique_ptr<Wal> wal_;
  ChangeClock changes_;

  int64_t VisibleFrom() const { return clock_.NowMs() - retention_ms_; }

 private:
  absl::Status Replay(storage::Position covered);
  void CarrySeries(const LoggedSeries& series) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReplayAside(uint8_t type, std::string_view payload);
  void ReportReplay(uint64_t unresolved) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SeedFromBlocks();
  AppendRules Rules() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<storage::Position> LogPlan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What of the plan is not all plain samples.
  absl::StatusOr<storage::Position> LogMixedPlan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepExemplars(const storage::WriteBatch& batch, storage::AppendOutcome* outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CopyTo(const std::string& directory)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  storage::TimeRange Visible(storage::TimeRange range) const;
  // Calls read(head), where need be again, until what it read is of one state of the head; `begin`
  // before each time, with the lock held (shared), for what belongs to that state.
  absl::Status ReadHead(absl::FunctionRef<absl::Status()> begin,
                        absl::FunctionRef<void(const HeadReader&)> read) const;
  struct Found;  // by Select
  absl::Status BeginSelect(storage::SelectRequest* request, Found* found) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void SelectHead(const storage::SelectRequest& request, const HeadReader& head,
                  Found* found) const;
  // Calls visit(labels) for series of the head that match and may have samples in the range, and
  // says which blocks there are beside them.
  absl::Status VisitHead(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                         absl::FunctionRef<void(model::LabelsView)> visit,
                         std::shared_ptr<const BlockList>* blocks) const;
  Pressure pressure() const {
    return options_.memory == nullptr ? Pressure::kNone : options_.memory->pressure();
  }
  void ReportMemory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropScratch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const std::string& Explosion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t IdleBefore() const;
  std::unique_ptr<RebuiltIndex> RebuildIndex(int64_t idle_before_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);

  bool SealDue() const;
  bool CompactionDue() const;
  void RunDue();
  void WaitForJob();
  absl::Status SealAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  absl::Status SealFrozen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  absl::Status CompactAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  absl::Status Merge(const std::vector<std::string>& ids, int64_t min_ms,
                     const std::atomic<bool>* stop)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  // Writes the imported series as the block that `meta` names, and reads it back.
  absl::StatusOr<BlockMeta> WriteImported(storage::TimeRange range, storage::SeriesSet& series,
                                          BlockMeta meta, uint64_t* expired)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  void MergeAtStop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  absl::StatusOr<std::vector<std::shared_ptr<const Block>>> BlocksToMerge(
      const std::vector<std::string>& ids) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  int64_t RetentionCut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  int64_t NewestBlockMs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  void NoteTombstones() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_) {
    tombstones_ = catalog_.manifest().tombstones.size();
  }
  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mutex_);
  void UpdateGauges();

  // One seal or merge at a time.
  absl::Mutex maintenance_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  BlockCatalog catalog_ ABSL_GUARDED_BY(maintenance_mutex_);
  storage::Position frozen_up_to_ ABSL_GUARDED_BY(maintenance_mutex_);
  // The clocks when retention was last looked at, and until when the wall clock is not believed.
  int64_t wall_seen_ms_ ABSL_GUARDED_BY(maintenance_mutex_) = INT64_MIN;
  int64_t monotonic_seen_ns_ ABSL_GUARDED_BY(maintenance_mutex_) = 0;
  int64_t clock_doubted_until_ns_ ABSL_GUARDED_BY(maintenance_mutex_) = INT64_MIN;
  BlockCache& cache_ = catalog_.cache();  // thread-safe by itself
  const uint64_t store_key_ = BlockCache::NewOwner();
  std::atomic<size_t> tombstones_{0};  // of the manifest, for stats()
  std::atomic<int64_t> next_compaction_ns_{0};
  std::atomic<bool> stop_{false};

  absl::Mutex job_mutex_;
  bool job_running_ ABSL_GUARDED_BY(job_mutex_) = false;
  double shown_series_ ABSL_GUARDED_BY(job_mutex_) = 0;  // what the gauges hold of this store
  double shown_bytes_ ABSL_GUARDED_BY(job_mutex_) = 0;
  double shown_blocks_ ABSL_GUARDED_BY(job_mutex_) = 0;
  double shown_data_bytes_ ABSL_GUARDED_BY(job_mutex_) = 0;
  double shown_index_bytes_ ABSL_GUARDED_BY(job_mutex_) = 0;

  mutable absl::Mutex mutex_;
  Head head_ ABSL_GUARDED_BY(mutex_);
  AppendPlan plan_ ABSL_GUARDED_BY(mutex_);  // reused by every commit, as are these three
  SeriesFrame series_frame_ ABSL_GUARDED_BY(mutex_);
  std::vector<SampleRecord> records_ ABSL_GUARDED_BY(mutex_);
  std::string payload_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const BlockList> blocks_ ABSL_GUARDED_BY(mutex_);
  // The newest sample that was imported since the start: the head does not know of it.
  int64_t imported_until_ms_ ABSL_GUARDED_BY(mutex_) = INT64_MIN;
  int64_t first_unsealed_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t retry_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_seal_ns_ ABSL_GUARDED_BY(mutex_) = INT64_MIN / 2;
  int64_t reported_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // to the budget
  std::string explosion_ ABSL_GUARDED_BY(mutex_);
  int64_t explosion_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t replayed_samples_ = 0;
  int64_t replay_ms_ = 0;
};

}  // namespace hearth::tsdb

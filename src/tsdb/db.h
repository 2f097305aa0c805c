// SPDX-License-Identifier: Apache-2.0
// The store of one AMP workspace: a write-ahead log, a head of compressed chunks in memory, and
// sealed blocks on disk behind BlobStore.
//
//   Commit ─► log frame ─► head ──(10 min or 64 MiB)──► block ──(compaction)──► larger block
//                            │                            │                         │
//   Select ◄── merged by labels and time ◄────────────────┴─────────────────────────┘
//
//   <directory>/wal/<epoch>-<segment>   frames not yet in a block        docs/formats/wal.md
//   <directory>/blocks/<uuid>           immutable, checksummed           docs/formats/block.md
//   <directory>/manifest                which blocks exist               docs/formats/manifest.md
//   <directory>/metadata                what metrics are, by name
//   <directory>/exemplars               the newest exemplars
//   <directory>/imports                 what was imported, by key
//
// A Db has no thread of its own: its owner calls Maintain() about every second, and hands in the
// pool that seals and compacts. An idle Db costs a few KiB, so that one process may hold thousands.
//
// Thread-safe, all of it. Must outlive the SeriesSets it handed out. Rules of what is stored and
// what is refused: storage/appender.h, RejectReason.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/threads.h"
#include "storage/admin.h"
#include "storage/appender.h"
#include "storage/changes.h"
#include "storage/querier.h"
#include "tsdb/options.h"

namespace hearth::tsdb {

class Db : public storage::Appender,
           public storage::Querier,
           public storage::Admin,
           public storage::Changes {
 public:
  // Opens or creates the store and replays its log. What is damaged is set aside, counted and
  // logged; only an unreadable directory, a block or log of a newer hearth, or bad options fail.
  // `background` may be null (Maintain then works in the caller's thread). All must outlive the Db.
  static absl::StatusOr<std::unique_ptr<Db>> Open(Options options, FileSystem& file_system,
                                                  const Clock& clock, Registry& registry,
                                                  ThreadPool* background);
  ~Db() override;  // without Close(): as a crash, but for a tidy end of background work

  // As storage::Appender. Besides: Unavailable after Close, while the log is broken (it heals by
  // itself) and while the head is full. A float staleness marker that follows a histogram becomes a
  // histogram's. Hints about counter resets are derived as Prometheus' chunks do.
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin& origin) override;

  // Marks those series of `batch` whose raw labels the store knows; the labels of the others are
  // to be packed before Commit. Commit is Aborted, nothing being stored, if numbers of series have
  // changed since: then all labels are.
  void Resolve(storage::WriteBatch* batch) const;

  // As storage::Querier. Samples older than retention are not seen, even where their file is.
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override;
  absl::StatusOr<std::vector<model::Labels>> Series(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override;
  absl::StatusOr<std::vector<std::string>> LabelNames(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override;
  absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view name, storage::TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const override;
  std::vector<model::Metadata> MetricMetadata(std::string_view metric, size_t limit) const override;
  absl::StatusOr<std::vector<storage::SeriesExemplars>> Exemplars(
      storage::TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors) const override;

  // As storage::Admin.
  absl::Status DeleteSeries(storage::TimeRange range,
                            const std::vector<std::vector<model::Matcher>>& selectors) override;
  absl::Status CleanTombstones() override;
  absl::Status Snapshot(const std::string& directory, bool skip_head) override;
  absl::StatusOr<storage::ImportOutcome> Import(const std::string& key, storage::TimeRange range,
                                                storage::SeriesSet& series) override;
  std::optional<storage::ImportOutcome> FindImport(const std::string& key) const override;

  // As storage::Changes.
  uint64_t store_number() const override;
  uint64_t change_number() const override;
  std::vector<storage::TimeRange> ChangedSince(uint64_t number,
                                               storage::TimeRange range) const override;
  int64_t visible_from_ms() const override;

  // Does what is due: sync (kInterval), seal, compact, drop what is older than retention, mend a
  // broken log. Cheap when nothing is. Starts at most one background job a Db.
  void Maintain();

  // Drops the block with the oldest samples, if it ends before `before_ms`: what --disk-limit asks
  // for. The bytes freed; 0 where there is no such block.
  absl::StatusOr<uint64_t> DropOldestBlock(int64_t before_ms);
  // Where its oldest block ends; INT64_MAX where it has none.
  int64_t oldest_block_end_ms() const;

  // Seals the head now, whatever its age. Returns when the block is durable and the log truncated.
  absl::Status Seal();
  // Merges and drops what is due now, in this thread.
  absl::Status Compact();
  // Seals everything and closes; the next start has nothing to replay. Commit fails afterwards.
  // With `merge` blocks that were sealed lately are merged where that takes a second or less.
  absl::Status Close(bool merge = true);

  void SetRetention(int64_t retention_ms);
  void SetOutOfOrderWindow(int64_t window_ms);
  void SetMaxSampleAge(int64_t age_ms);
  void SetSeriesMax(size_t series_max);

  Stats stats() const;
  // Everything up to here is seen by a query that begins now.
  storage::Position last_position() const;

 private:
  class Impl;
  explicit Db(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::tsdb

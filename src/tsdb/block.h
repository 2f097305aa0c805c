// SPDX-License-Identifier: Apache-2.0
// A sealed block: its meta data in memory, the rest on disk until a query needs it; what it then
// reads is checked (checksums, every number against its bound) and kept in the cache. Foreign or
// damaged bytes are DataLoss naming the block, never more. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"
#include "storage/blob_store.h"
#include "tsdb/block_cache.h"
#include "tsdb/block_format.h"
#include "tsdb/series_set.h"
#include "tsdb/tombstone.h"

namespace hearth::tsdb {

class BlockIndex;
class BlockReader;
class LabelDictionary;
class MatchedValues;
class SeriesGroup;
class StatisticsPart;
class ValuePage;

// Some label names' values; one part of the file.
struct LabelPage {
  uint32_t first_name = 0;
  std::vector<std::shared_ptr<const LabelDictionary>> dictionaries;
};

class Block {
 public:
  // `meta` as the manifest has it. Nothing is read yet. Store and cache must outlive it.
  Block(BlockMeta meta, storage::BlobStore& store, BlockCache& cache);
  // Deletes the blob if it is obsolete: so readers of a block that was merged or dropped finish.
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // The meta data of a blob's own footer.
  static absl::StatusOr<BlockMeta> ReadMeta(const std::string& id, uint64_t size,
                                            storage::BlobStore& store);

  const BlockMeta& meta() const { return meta_; }
  uint64_t key() const { return cache_key_; }  // of this object; never used again
  storage::TimeRange AllTime() const { return {meta_.min_ms, meta_.max_ms}; }
  bool Overlaps(storage::TimeRange range) const {
    return meta_.min_ms <= range.max_ms && meta_.max_ms >= range.min_ms;
  }
  // Deletions that queries from now on see; those below meta().tombstones_from do not count.
  void SetTombstones(std::shared_ptr<const std::vector<Tombstone>> tombstones) const;
  bool has_tombstones() const;

  void MarkObsolete() const { obsolete_ = true; }
  // Set by a merge that found it damaged, or too large for what a merge may hold.
  void LeaveAlone() const { left_alone_ = true; }
  bool left_alone() const { return left_alone_; }
  // What reading it all from front to end holds in memory, at most.
  absl::StatusOr<uint64_t> MergeMemory() const;

  // Series that match, with samples that may lie in the range. `use_cache` false: a merge, which
  // reads everything once. `self` keeps the block alive.
  static absl::StatusOr<std::unique_ptr<SeriesSource>> Select(
      std::shared_ptr<const Block> self, const std::vector<model::Matcher>& matchers,
      storage::TimeRange range, bool use_cache);
  // To seek in; its series are numbered as those of Select().
  static absl::StatusOr<std::unique_ptr<SeriesSource>> Open(std::shared_ptr<const Block> self);
  absl::Status ForEachSeries(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                             absl::FunctionRef<void(model::LabelsView)> visit) const;

  // From the index alone, whatever the time: each once, in any order.
  absl::Status ForEachLabelName(absl::FunctionRef<void(std::string_view)> visit) const;
  absl::Status ForEachLabelValue(std::string_view name,
                                 absl::FunctionRef<void(std::string_view)> visit) const;

  absl::StatusOr<std::shared_ptr<const BlockIndex>> Index() const;
  // What is known of a matcher: by 0 for an absent label, else 1 + the value's number.
  std::shared_ptr<const MatchedValues> Matched(const model::Matcher& matcher, size_t values) const;
  // Parts of the file. `index` is Index()'s; numbers are below its counts.
  absl::StatusOr<std::shared_ptr<const ValuePage>> Page(const BlockIndex& index, uint32_t page,
                                                        bool use_cache) const;
  absl::StatusOr<std::shared_ptr<const std::string>> TimePage(const BlockIndex& index,
                                                              uint32_t page, bool use_cache) const;
  absl::StatusOr<std::shared_ptr<const LabelPage>> Labels(const BlockIndex& index, uint32_t page,
                                                          bool use_cache) const;
  absl::StatusOr<std::shared_ptr<const SeriesGroup>> Group(const BlockIndex& index, uint32_t group,
                                                           bool use_cache) const;
  // `parsed` is Group()'s; the part is one of the group's.
  absl::StatusOr<std::shared_ptr<const StatisticsPart>> Statistics(const BlockIndex& index,
                                                                   uint32_t group, uint32_t part,
                                                                   const SeriesGroup& parsed) const;

 private:
  absl::StatusOr<std::string> ReadExtent(const Extent& extent, size_t raw_max) const;
  absl::StatusOr<std::shared_ptr<const BlockIndex>> LoadIndex() const;
  absl::Status Damaged(const absl::Status& status) const;
  // One part, by way of the cache: `make` turns its bytes into what is kept, null where they do not
  // parse.
  template <typename Part, typename MakeFn>
  absl::StatusOr<std::shared_ptr<const Part>> LoadPart(uint64_t kind, uint32_t number,
                                                       const Extent& extent, size_t raw_max,
                                                       bool use_cache, const MakeFn& make) const;
  // Null where nothing is deleted.
  absl::StatusOr<std::shared_ptr<const DeletedSeries>> Deleted(BlockReader* reader) const;

  const BlockMeta meta_;
  const uint64_t cache_key_;
  storage::BlobStore& store_;
  BlockCache& cache_;
  mutable absl::Mutex mutex_;
  mutable std::shared_ptr<const std::vector<Tombstone>> tombstones_ ABSL_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const DeletedSeries> deleted_ ABSL_GUARDED_BY(mutex_);  // made of those
  mutable std::atomic<bool> obsolete_{false};
  mutable std::atomic<bool> left_alone_{false};
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Which series a list of matchers finds in a store, in the order of their labels, and where each of
// them is: one row a series, one number a source (blocks in the order of their writing, the head
// last). Kept in the block cache while neither blocks nor head change what it says, so that a
// query that comes again (dashboards and rules do) neither matches nor sorts nor compares labels.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"
#include "tsdb/block_cache.h"
#include "tsdb/series_index.h"

namespace hearth::tsdb {

// A part of each row's labels: what a query that groups by few labels looks at.
struct Projection {
  std::vector<std::string> names;   // sorted
  std::vector<uint32_t> ids;        // of each row: index + 1 into `packed`
  std::vector<std::string> packed;  // distinct label sets
};

// All labels of each row, packed.
struct RowLabels {
  std::string bytes;
  std::vector<uint32_t> ends;  // of each row, in `bytes`
  model::LabelsView at(size_t row) const {
    const uint32_t begin = row == 0 ? 0 : ends[row - 1];
    return model::LabelsView(std::string_view(bytes).substr(begin, ends[row] - begin));
  }
};

// Immutable but for what is noted under its own lock; thread-safe.
class Selection {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;
  // Projections that one selection remembers; more are made anew each time.
  static constexpr size_t kProjectionsMax = 4;
  // Whole labels are remembered of small selections: these many rows, and bytes for each of them.
  static constexpr size_t kLabelRowsMax = 2048;
  static constexpr size_t kLabelBytesMax = 512;

  uint64_t store = 0;  // its BlockCache::NewOwner()
  std::vector<model::Matcher> matchers;
  std::vector<uint64_t> blocks;  // Block::key of all sources but the last
  uint64_t head_epoch = 0;
  // Series of the head with numbers below it are looked at; rises where later ones do not match.
  mutable std::atomic<uint32_t> head_series{0};
  SeriesIds head_ids;         // those of the head that match, in the order of rows
  std::vector<uint32_t> ids;  // [row][source]; of the head: an index into head_ids
  size_t sources() const { return blocks.size() + 1; }
  size_t rows() const { return ids.size() / sources(); }
  uint32_t id(size_t row, size_t source) const { return ids[row * sources() + source]; }

  std::shared_ptr<const Projection> FindProjection(const std::vector<std::string>& names) const;
  void Keep(std::shared_ptr<const Projection> projection) const;
  std::shared_ptr<const RowLabels> labels() const;  // null: not known
  void Keep(std::shared_ptr<const RowLabels> labels) const;
  // With room for the projections and labels that may come.
  uint64_t memory_bytes() const;

 private:
  mutable absl::Mutex mutex_;
  mutable std::vector<std::shared_ptr<const Projection>> projections_ ABSL_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const RowLabels> labels_ ABSL_GUARDED_BY(mutex_);
};

// Where a selection stands in the cache.
BlockCache::Key SelectionKey(uint64_t store, const std::vector<model::Matcher>& matchers,
                             const std::vector<uint64_t>& blocks, uint64_t head_epoch);
// Null where the cache has none for exactly these.
std::shared_ptr<const Selection> FindSelection(BlockCache& cache, uint64_t store,
                                               const std::vector<model::Matcher>& matchers,
                                               const std::vector<uint64_t>& blocks,
                                               uint64_t head_epoch);
// In the place of one that is out of date.
void KeepSelection(BlockCache& cache, std::shared_ptr<const Selection> selection);

}  // namespace hearth::tsdb

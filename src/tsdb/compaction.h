// SPDX-License-Identifier: Apache-2.0
// Which blocks are due to be merged or dropped, and the merge itself. Small blocks become blocks of
// two hours, those become blocks of a day, those of a tenth of retention (at most 31 days), so that
// the number of files stays below 10 + 31 + 24 or so.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tsdb/block_catalog.h"
#include "tsdb/block_format.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

// Blocks whose every sample is older than retention.
std::vector<std::string> ExpiredBlocks(const std::vector<BlockMeta>& blocks, int64_t min_ms);

// What one merge may hold in memory: half of it for what it reads, the rest for what it writes and
// for pages in work. Blocks beyond it are merged fewer at a time, or not.
inline constexpr uint64_t kMergeMemoryMax = 64 << 20;
// Free disk that must be left when the output of a merge is as large as all that it reads.
inline constexpr uint64_t kMergeDiskLeft = 64 << 20;

// The highest level: of blocks that are not merged any more.
inline constexpr uint32_t kLevelMax = 3;

// The blocks to merge next; empty where nothing is due. `settle_ms`: how long after the end of a
// time window its last samples may still be sealed.
std::vector<std::string> NextMerge(const std::vector<BlockMeta>& blocks, int64_t now_ms,
                                   int64_t settle_ms, int64_t retention_ms);

// What a clean stop merges at most, before its windows are over: it has ten seconds for all stores,
// and this takes a second or less.
inline constexpr uint64_t kStopSamplesMax = 20'000'000;
// Sealed blocks of one window of two hours with at most so many samples; empty where there are
// none.
std::vector<std::string> NextMergeAtStop(const std::vector<BlockMeta>& blocks,
                                         uint64_t samples_max);

// Writes all series of `sources` (in the order of their writing) as the block that `meta` names.
// Samples outside of `range` are left out. A block of no samples is not written: series == 0 then.
// Cancelled when `stop` becomes true; FailedPrecondition where it would take more memory than a
// merge may.
absl::StatusOr<BlockMeta> WriteMerged(std::vector<std::unique_ptr<SeriesSource>> sources,
                                      storage::TimeRange range, BlockMeta meta,
                                      storage::BlobStore& store, const std::atomic<bool>* stop);

}  // namespace hearth::tsdb

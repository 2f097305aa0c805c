// SPDX-License-Identifier: Apache-2.0
// Which blocks are due to be merged or dropped, and the merge itself. Small blocks become blocks of
// two hours, those become blocks of a day, so that the number of files stays below
// days of retention + 24 or so.
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

// The blocks to merge next; empty where nothing is due. `settle_ms`: how long after the end of a
// time window its last samples may still be sealed.
std::vector<std::string> NextMerge(const std::vector<BlockMeta>& blocks, int64_t now_ms,
                                   int64_t settle_ms);

// Writes all series of `sources` (in the order of their writing) as the block that `meta` names.
// Samples outside of `range` are left out. A block of no samples is not written: series == 0 then.
// Cancelled when `stop` becomes true.
absl::StatusOr<BlockMeta> WriteMerged(std::vector<std::unique_ptr<SeriesSource>> sources,
                                      storage::TimeRange range, BlockMeta meta,
                                      storage::BlobStore& store, const std::atomic<bool>* stop);

}  // namespace hearth::tsdb

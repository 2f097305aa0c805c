// SPDX-License-Identifier: Apache-2.0
// How a store is opened, and what it tells about itself. Times are milliseconds, sizes bytes.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tsdb/memory_budget.h"

namespace hearth::tsdb {

class BlockCache;

// When an acknowledged sample is on disk (product.md, --wal-fsync). Each survives `kill -9`.
enum class WalFsync : uint8_t {
  kAlways,    // before the acknowledgement (fdatasync, one for all requests that wait): power loss
  kInterval,  // at most Options::sync_interval_ms after it
  kOs,        // when the kernel writes it back
};

// For Options::block_cache.
std::shared_ptr<BlockCache> MakeBlockCache(uint64_t bytes_max);

struct Options {
  std::string directory;  // made where missing; one Db at a time owns it

  WalFsync wal_fsync = WalFsync::kAlways;
  int64_t sync_interval_ms = 1000;  // for kInterval
  // How long the thread that syncs for all waits for more requests to join. 0: those that come
  // while a sync runs share the next one, which is batching enough on a disk that syncs in 0.1 ms.
  int64_t group_commit_delay_us = 0;
  uint64_t wal_segment_bytes = 16 << 20;  // also what a replay holds in memory at once

  int64_t retention_ms = int64_t{150} * 24 * 3600 * 1000;  // AMP's default, 150 days
  int64_t out_of_order_window_ms = 3600 * 1000;            // --fidelity lenient; aws: 60 s
  int64_t future_limit_ms = 10 * 60 * 1000;                // further ahead of the clock: refused
  int64_t max_sample_age_ms = 0;  // older than the clock by more is refused; 0: retention alone

  // The head is sealed into a block when its oldest sample arrived so long ago, or when head or log
  // hold so much: replay, memory and log stay bounded.
  int64_t seal_interval_ms = 10 * 60 * 1000;
  uint64_t seal_bytes = 64 << 20;
  // Beyond this the head takes nothing more (Unavailable): sealing fails or cannot keep up.
  uint64_t head_bytes_max = 1 << 30;
  // Shared by all stores of the process; null: none but head_bytes_max. Must outlive the store.
  MemoryBudget* memory = nullptr;
  // Series that got no sample for so long leave the head (their samples are in blocks).
  int64_t idle_series_ms = 3600 * 1000;
  size_t series_max = 10'000'000;  // in the head; a new one beyond is refused. AMP's default quota
  size_t metadata_max = 20'000;    // metrics with metadata; AMP's quota. More are not kept
  size_t exemplar_bytes_max = 4 << 20;  // the oldest go first; some 20,000. 0: none are kept
  // Indexes and pages of blocks held in memory, and what was found in them: of this store, or of
  // all that are given the same cache, under its budget.
  uint64_t block_cache_bytes = 64 << 20;
  std::shared_ptr<BlockCache> block_cache;

  absl::Status Validate() const;  // InvalidArgument names the field and its value
};

struct Stats {
  size_t series = 0;          // in the head
  uint64_t head_samples = 0;  // not sealed yet
  uint64_t head_chunks = 0;   // with those that are being sealed
  uint64_t head_bytes = 0;    // open chunks, out-of-order samples, labels, index; an estimate
  uint64_t wal_bytes = 0;
  size_t exemplars = 0;
  uint64_t exemplar_bytes = 0;
  size_t tombstones = 0;  // deletions that are not carried out on the disk yet
  size_t blocks = 0;
  uint64_t block_bytes = 0;
  uint64_t block_data_bytes = 0;  // of them: samples and times; the rest is index
  uint64_t block_samples = 0;
  uint64_t disk_bytes = 0;  // log + blocks
  int64_t oldest_ms = 0;    // of all samples held; newest < oldest where there are none
  int64_t newest_ms = -1;
  uint64_t quarantined_frames = 0;  // ranges of the log set aside as corrupt at the last start
  uint64_t replayed_samples = 0;
  int64_t replay_ms = 0;
};

}  // namespace hearth::tsdb

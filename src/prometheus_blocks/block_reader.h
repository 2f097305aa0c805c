// SPDX-License-Identifier: Apache-2.0
// One block of Prometheus: its series in the order of their labels, with their samples, deletions
// applied. Not thread-safe. Errors name file and offset.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/prometheus_chunk.h"
#include "model/labels.h"
#include "prometheus_blocks/block_meta.h"
#include "prometheus_blocks/index_reader.h"
#include "storage/querier.h"

namespace hearth::prometheus_blocks {

class BlockReader {
 public:
  static absl::StatusOr<std::unique_ptr<BlockReader>> Open(FileSystem& file_system,
                                                           const BlockMeta& meta);
  const BlockMeta& meta() const { return meta_; }
  // Series from the first one on again; only samples of the range (both ends included) are given.
  void Restart(storage::TimeRange range);
  // The next series that has samples in the range; false at the end. The pointers stay good until
  // the next call.
  absl::StatusOr<bool> Next(const model::Labels** labels, const codec::ChunkSamples** samples);

 private:
  BlockReader(BlockMeta meta, std::unique_ptr<IndexReader> index)
      : meta_(std::move(meta)), index_(std::move(index)) {}
  absl::Status OpenSegments(FileSystem& file_system);
  absl::Status ReadTombstones(FileSystem& file_system);
  // Adds what it takes in the file to `bytes_read`.
  absl::Status ReadChunk(const ChunkRef& ref, uint64_t* bytes_read);
  void SortSamples();
  void RemoveDeleted(uint64_t series);

  const BlockMeta meta_;
  const std::unique_ptr<IndexReader> index_;
  std::vector<std::unique_ptr<WindowReader>> segments_;
  uint64_t segment_bytes_ = 0;                                              // of all
  absl::flat_hash_map<uint64_t, std::vector<storage::TimeRange>> deleted_;  // by series
  storage::TimeRange range_{INT64_MIN, INT64_MAX};
  IndexedSeries series_;
  codec::ChunkSamples samples_;
};

}  // namespace hearth::prometheus_blocks

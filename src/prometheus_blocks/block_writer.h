// SPDX-License-Identifier: Apache-2.0
// Writes one block as Prometheus has it (tsdb/docs/format): chunk segments, index, meta.json. It is
// made under a temporary name that Prometheus ignores and removes, and renamed when it is whole and
// durable. What is not finished is removed. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/file_system.h"
#include "codec/prometheus_chunk.h"
#include "model/labels.h"
#include "prometheus_blocks/block_meta.h"

namespace hearth::prometheus_blocks {

class IndexWriter;

class BlockWriter {
 public:
  // `meta`: ulid, min_ms, end_ms, export_key; the rest is counted here, but export_checksum, which
  // the caller gives at the end. `directory` is the parent, which is there.
  static absl::StatusOr<std::unique_ptr<BlockWriter>> Create(FileSystem& file_system,
                                                             const std::string& directory,
                                                             BlockMeta meta);
  ~BlockWriter();
  // Labels above those before; chunks by time, not overlapping, at least one.
  absl::Status Add(model::LabelsView labels, std::span<const codec::EncodedChunk> chunks);
  // Durable when OK; where no series came nothing is written, and series is 0.
  absl::StatusOr<BlockMeta> Finish(uint64_t export_checksum);

 private:
  BlockWriter(FileSystem& file_system, std::string directory, BlockMeta meta);
  absl::Status PutChunk(const codec::EncodedChunk& chunk, uint64_t* ref);
  absl::Status OpenSegment();
  absl::Status CloseSegment();

  FileSystem& file_system_;
  const std::string directory_;
  const std::string temporary_;
  BlockMeta meta_;
  std::unique_ptr<IndexWriter> index_;
  std::unique_ptr<WritableFile> segment_;
  std::string buffer_;       // of the segment's end
  uint64_t segment_at_ = 0;  // where the next chunk goes
  uint32_t segments_ = 0;
  bool finished_ = false;
};

}  // namespace hearth::prometheus_blocks

// SPDX-License-Identifier: Apache-2.0
// The index file of a block (tsdb/docs/format/index.md), versions 1 and 2: its series, one after
// the other in the order of their labels. Symbols and the list of all series are held in memory,
// the series are read as they come. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "prometheus_blocks/window_reader.h"

namespace hearth::prometheus_blocks {

struct ChunkRef {
  int64_t min_ms = 0;
  int64_t max_ms = 0;  // both included
  uint64_t ref = 0;    // segment << 32 | offset
};

struct IndexedSeries {
  uint64_t ref = 0;  // as tombstones name it
  model::Labels labels;
  std::vector<ChunkRef> chunks;  // may be none
};

class IndexReader {
 public:
  // FailedPrecondition: a version that is not known. DataLoss names file and offset.
  static absl::StatusOr<std::unique_ptr<IndexReader>> Open(FileSystem& file_system,
                                                           const std::string& path);
  // The next series; false at the end. Labels rise strictly, else DataLoss.
  absl::StatusOr<bool> Next(IndexedSeries* series);
  // To the first series again.
  void Rewind();
  size_t series_count() const { return refs_.size(); }

 private:
  explicit IndexReader(std::unique_ptr<WindowReader> file) : file_(std::move(file)) {}
  absl::Status ReadHeader();
  absl::Status ReadSymbols();
  absl::Status FindAllSeries();
  // The bytes of a section that begins with its length: checked against its checksum.
  absl::StatusOr<std::string> ReadSection(uint64_t offset) const;
  absl::StatusOr<std::string_view> Symbol(uint64_t ref, uint64_t offset) const;
  absl::Status ReadLabels(BigEndianReader* in, uint64_t offset, model::Labels* labels) const;
  absl::Status ReadChunks(BigEndianReader* in, uint64_t offset, IndexedSeries* series) const;

  const std::unique_ptr<WindowReader> file_;
  uint8_t version_ = 0;
  uint64_t symbols_at_ = 0;
  uint64_t postings_table_at_ = 0;
  std::string symbols_;                      // the section's bytes
  std::vector<std::string_view> symbol_of_;  // version 2: by number
  std::vector<uint32_t> refs_;
  size_t next_ = 0;
  model::Labels before_;
};

}  // namespace hearth::prometheus_blocks

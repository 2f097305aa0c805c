// SPDX-License-Identifier: Apache-2.0
// The index file of a block, version 2 (tsdb/docs/format/index.md). Symbols come first in the file,
// so series are kept in memory, packed, until Finish. Not thread-safe. Private to this module.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/string_map.h"
#include "model/labels.h"
#include "prometheus_blocks/index_reader.h"

namespace hearth::prometheus_blocks {

class IndexWriter {
 public:
  // Labels and references above those before; at least one chunk.
  void Add(model::LabelsView labels, std::span<const ChunkRef> chunks);
  size_t series_count() const { return series_.size(); }
  // Writes and syncs the file. InvalidArgument: more than the format's 4-byte references can hold.
  absl::Status Finish(FileSystem& file_system, const std::string& path);

 private:
  struct Series {
    std::vector<uint32_t> symbols;  // name, value, name, … in the order of their coming
    std::string chunks;             // as the file has them
  };
  struct Posting {
    uint32_t name = 0;
    uint32_t value = 0;  // by rank
    std::vector<uint32_t> refs;
  };
  class Output;
  uint32_t Symbol(std::string_view text);
  std::vector<uint32_t> RankSymbols(std::vector<std::string_view>* sorted) const;
  absl::Status WriteSymbols(const std::vector<std::string_view>& sorted, Output* out) const;
  absl::Status WriteSeries(const std::vector<uint32_t>& rank, Output* out,
                           std::vector<uint32_t>* refs) const;
  std::vector<Posting> Postings(const std::vector<uint32_t>& rank,
                                const std::vector<uint32_t>& refs) const;

  StringMap<uint32_t> symbols_;
  std::vector<Series> series_;
};

}  // namespace hearth::prometheus_blocks

// SPDX-License-Identifier: Apache-2.0
// Writes one block, series by series in the order of their labels. Holds one page of values, one of
// times and the index in memory, never the samples of the whole block. Not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "model/labels.h"
#include "storage/blob_store.h"
#include "tsdb/block_format.h"
#include "tsdb/label_arena.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

class BlockWriter {
 public:
  // `meta`: id, level, sequence, covers, sources; the rest is counted here.
  static absl::StatusOr<std::unique_ptr<BlockWriter>> Create(storage::BlobStore& store,
                                                             BlockMeta meta);
  // Labels above those before; samples not empty, sorted, each time once, whatever its kind.
  absl::Status Add(model::LabelsView labels, const Columns& samples);
  bool empty() const { return meta_.series == 0; }
  // Durable when OK.
  absl::StatusOr<BlockMeta> Finish();

 private:
  struct OpenPage {
    std::string bytes;
    uint32_t number = 0;  // taken with the first byte
  };
  struct Timeline {
    uint32_t id = 0;
    uint32_t count = 0;
    int64_t first_ms = 0;
    int64_t last_ms = 0;
  };
  struct Posting {
    uint32_t last = 0;
    std::string ids;  // varint gaps
  };

  BlockWriter(std::unique_ptr<storage::BlobWriter> file, BlockMeta meta)
      : file_(std::move(file)), meta_(std::move(meta)) {}
  uint32_t Symbol(std::string_view text);
  absl::StatusOr<Extent> Write(std::string_view raw);
  absl::Status FlushPage(OpenPage* page);
  // Where the bytes that `put` appends go: page and offset.
  template <typename PutFn>
  absl::StatusOr<std::pair<uint32_t, uint32_t>> PutInPage(OpenPage* page, const PutFn& put);
  absl::Status AddFloats(const Columns& samples);
  absl::Status AddHistograms(const std::vector<model::HistogramSample>& histograms);
  absl::StatusOr<uint32_t> TimelineOf(std::span<const int64_t> times_ms);
  std::string SymbolsSection() const;
  std::string PostingsSection() const;
  std::string PagesSection() const;

  std::unique_ptr<storage::BlobWriter> file_;
  BlockMeta meta_;
  uint64_t written_ = 0;
  OpenPage values_;
  OpenPage times_;
  std::vector<Extent> pages_;
  LabelArena symbol_bytes_;
  std::vector<std::string_view> symbols_;  // by number, in the order of their coming
  absl::flat_hash_map<std::string_view, uint32_t, TransparentStringHash, TransparentStringEqual>
      symbol_numbers_;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, Timeline> timelines_;
  std::string timeline_table_;
  std::string series_table_;
  std::vector<uint32_t> series_offsets_;
  absl::flat_hash_map<uint64_t, Posting> postings_;  // name << 32 | value
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Writes one block, series by series in the order of their labels. Holds one page of values, one of
// times, one group of series and the label values in memory, never the samples or the label sets of
// the whole block. Not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "model/labels.h"
#include "storage/blob_store.h"
#include "tsdb/block_index.h"
#include "tsdb/column_statistics.h"
#include "tsdb/series_set.h"
#include "tsdb/value_page.h"

namespace hearth::tsdb {

class BlockWriter {
 public:
  // `meta`: id, level, sequence, covers, sources; the rest is counted here.
  static absl::StatusOr<std::unique_ptr<BlockWriter>> Create(storage::BlobStore& store,
                                                             BlockMeta meta);
  // Labels above those before; samples not empty, sorted, each time once, whatever its kind.
  absl::Status Add(model::LabelsView labels, const Columns& samples);
  bool empty() const { return meta_.series == 0; }
  // What it holds; grows with the number of distinct label values and timelines alone.
  size_t memory_bytes() const;
  // Durable when OK.
  absl::StatusOr<BlockMeta> Finish();

 private:
  BlockWriter(std::unique_ptr<storage::BlobWriter> file, BlockMeta meta);
  absl::StatusOr<Extent> Write(std::string_view raw, int level);
  absl::Status FlushPage();
  absl::Status FlushTimes();
  absl::Status FlushStatistics();
  absl::Status FlushGroup();
  // Makes room for one more entry of the open page.
  absl::Status PreparePage();
  absl::Status AddFloats(const Columns& samples);
  absl::Status AddHistograms(const std::vector<model::HistogramSample>& histograms);
  absl::StatusOr<uint32_t> TimelineOf(std::span<const int64_t> times_ms);
  uint32_t NameNumber(std::string_view name);
  absl::StatusOr<std::string> WriteLabels();
  std::vector<uint32_t> NameRank() const;

  std::unique_ptr<storage::BlobWriter> file_;
  BlockMeta meta_;
  const int page_level_;
  uint64_t written_ = 0;

  ValuePageBuilder page_;
  uint64_t entries_ = 0;  // so far, those of the open page included
  uint64_t page_count_ = 0;
  uint64_t page_end_ = 0;
  std::string page_table_;

  std::string times_;
  std::vector<Extent> time_pages_;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, uint32_t> timelines_;  // hash to number
  uint32_t timeline_count_ = 0;
  std::string timeline_table_;
  int64_t timeline_before_ms_ = 0;

  StringMap<uint32_t> name_numbers_;
  std::vector<std::string> names_;
  std::deque<LabelDictionaryBuilder> values_;  // by name

  // Of the group in work.
  StatisticsBuilder statistics_;
  std::vector<Extent> statistics_parts_;
  uint64_t statistics_end_ = 0;

  SeriesGroupBuilder group_;
  std::vector<std::pair<uint32_t, uint32_t>> labels_;  // of the series in hand, as places_ is
  Places places_;
  uint64_t group_first_entry_ = 0;
  uint64_t group_count_ = 0;
  uint64_t group_end_ = 0;
  std::string group_table_;
};

}  // namespace hearth::tsdb

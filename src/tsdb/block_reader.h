// SPDX-License-Identifier: Apache-2.0
// Reads the index of one block for one query, merge or call: it loads the groups of series and the
// label values that it needs and keeps the last group, so memory stays bounded whatever the block's
// size. Errors are DataLoss, not yet naming the block. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"
#include "tsdb/block.h"
#include "tsdb/block_index.h"
#include "tsdb/series_index.h"

namespace hearth::tsdb {

class BlockReader {
 public:
  // `block` must outlive it. `use_cache` as Block::Select has it.
  BlockReader(const Block& block, std::shared_ptr<const BlockIndex> index, bool use_cache)
      : block_(block), index_(std::move(index)), use_cache_(use_cache) {}

  const BlockIndex& index() const { return *index_; }
  // Series for which every matcher holds, ascending. No matchers: all.
  absl::StatusOr<SeriesIds> Find(const std::vector<model::Matcher>& matchers);
  absl::Status Labels(uint32_t series, std::string* packed);
  absl::Status FindPlaces(uint32_t series, Places* places);
  // Whether the group of the series whose places were found last has statistics, and those of a
  // column of the series' group.
  bool HasStatistics() const { return !index_->groups()[group_number_].statistics.empty(); }
  absl::Status Statistics(uint32_t series, uint32_t column, ColumnStatistics* statistics);
  absl::StatusOr<const LabelDictionary*> Dictionary(uint32_t name);  // valid as long as this is

 private:
  class Test;
  absl::StatusOr<std::vector<Test>> MakeTests(const std::vector<model::Matcher>& matchers,
                                              bool* none);
  absl::Status FindInGroup(uint32_t group, std::vector<Test>* tests, SeriesIds* ids);
  absl::Status LoadGroup(uint32_t group);

  const Block& block_;
  const std::shared_ptr<const BlockIndex> index_;
  const bool use_cache_;
  std::vector<std::shared_ptr<const LabelPage>> label_pages_;
  std::shared_ptr<const SeriesGroup> group_;
  uint32_t group_number_ = UINT32_MAX;
  std::vector<const LabelDictionary*> dictionaries_;  // of the group's labels, in their order
  std::shared_ptr<const StatisticsPart> statistics_;  // of the group, as is the number of the part
  uint32_t statistics_part_ = 0;
  uint32_t labels_asked_ = 0;  // of the group
  std::vector<uint32_t> row_labels_;
  // The labels that were asked for last, of the group: which of its columns, what it says there,
  // and where the label ends in the packed text.
  struct RowLabel {
    uint32_t label = 0;
    uint32_t value = 0;
    size_t end = 0;
  };
  std::vector<RowLabel> row_;
  std::string row_packed_;
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// The index sections of a block, parsed and checked: whatever Parse accepts can be used without
// further checks but those that a function states. Immutable, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "storage/querier.h"
#include "tsdb/block_format.h"
#include "tsdb/series_index.h"

namespace hearth::tsdb {

class BlockIndex {
 public:
  struct Timeline {
    uint32_t page = 0;
    uint32_t offset = 0;
    uint32_t count = 0;
    int64_t first_ms = 0;
    int64_t last_ms = 0;
  };
  struct Column {
    uint32_t timeline = 0;
    uint32_t page = 0;
    uint32_t offset = 0;
    bool has_starts = false;  // and if so, where they are
    uint32_t starts_page = 0;
    uint32_t starts_offset = 0;
  };
  struct HistogramPlace {
    int64_t first_ms = 0;
    int64_t last_ms = 0;
    uint32_t count = 0;
    uint32_t page = 0;
    uint32_t offset = 0;
  };
  struct Places {
    std::vector<Column> columns;
    std::vector<HistogramPlace> histograms;
  };
  struct Bytes {
    uint32_t version = kBlockVersion;
    std::string sections[kSections];  // decompressed
  };
  static absl::StatusOr<std::shared_ptr<const BlockIndex>> Parse(Bytes bytes);

  size_t series_count() const { return series_offsets_.size(); }
  const std::vector<Timeline>& timelines() const { return timelines_; }
  const std::vector<Extent>& pages() const { return pages_; }
  uint64_t memory_bytes() const { return memory_bytes_; }

  // The packed labels and the places of a series; DataLoss where its record does not parse.
  absl::Status Labels(uint32_t series, std::string* packed) const;
  absl::Status Find(uint32_t series, Places* places) const;
  // From the first to the last sample of the series.
  storage::TimeRange TimesOf(const Places& places) const;

  // "" and false where absent.
  std::string_view symbol(uint32_t number) const { return symbols_[number]; }
  bool FindSymbol(std::string_view text, uint32_t* number) const;
  std::string_view Value(uint32_t series, uint32_t name) const;
  struct Posting {
    uint32_t name = 0;
    uint32_t value = 0;
    std::string_view ids;
  };
  // Of one name, by value number.
  std::pair<const Posting*, const Posting*> Postings(uint32_t name) const;
  void AppendIds(const Posting& posting, SeriesIds* ids) const;
  const std::vector<Posting>& all_postings() const { return postings_; }

 private:
  absl::Status ParseSymbols();
  absl::Status ParseSeries();
  absl::Status ParsePostings();
  absl::Status ParseTimelines();
  absl::Status ParsePages();

  Bytes bytes_;
  std::vector<std::string_view> symbols_;
  std::vector<uint32_t> symbol_order_;
  std::string_view series_;
  std::vector<uint32_t> series_offsets_;
  std::vector<Posting> postings_;  // by name, then value
  std::vector<Timeline> timelines_;
  std::vector<Extent> pages_;
  uint64_t memory_bytes_ = 0;
};

// FindSeries over a block. For one query: it remembers the name it looked up last.
class BlockIndexReader : public IndexReader {
 public:
  explicit BlockIndexReader(const BlockIndex& index) : index_(index) {}
  size_t series_count() const override { return index_.series_count(); }
  size_t ValueCount(std::string_view name) const override;
  void Postings(std::string_view name, std::string_view value, SeriesIds* ids) const override;
  void ForEachName(absl::FunctionRef<void(std::string_view)> visit) const override;
  void ForEachValue(std::string_view name,
                    absl::FunctionRef<void(std::string_view)> visit) const override;
  std::string_view Value(uint32_t id, std::string_view name) const override;

 private:
  bool FindName(std::string_view name, uint32_t* number) const;
  const BlockIndex& index_;
  mutable std::string last_name_;
  mutable uint32_t last_number_ = 0;
  mutable bool last_found_ = false;
};

}  // namespace hearth::tsdb

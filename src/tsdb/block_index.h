// SPDX-License-Identifier: Apache-2.0
// What is always known of a block that is read: its label names, its timelines, and which parts of
// the file hold pages, label values and groups of series. Those parts are loaded by whoever needs
// them (block.h). What Parse accepts can be used without further checks. Immutable, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/querier.h"
#include "tsdb/block_format.h"
#include "tsdb/label_dictionary.h"
#include "tsdb/series_group.h"

namespace hearth::tsdb {

class BlockIndex {
 public:
  struct Timeline {
    uint32_t page = 0;  // of times
    uint32_t offset = 0;
    uint32_t count = 0;
    int64_t first_ms = 0;
    int64_t last_ms = 0;
  };
  struct Name {
    std::string text;
    uint32_t page = 0;  // of label values
    uint32_t offset = 0;
  };
  struct Group {
    Extent extent;
    uint32_t first_series = 0;
    uint32_t series = 0;
    uint64_t first_entry = 0;
    uint64_t entries = 0;
    std::vector<SeriesGroupBuilder::Zone> zones;
    std::vector<Extent> statistics;  // of kStatisticsColumns columns each; or none
    uint32_t first_statistics = 0;   // the number of the first of them in the block
  };
  struct Page {
    Extent extent;
    uint64_t first_entry = 0;
  };
  struct Bytes {
    uint32_t version = kBlockVersion;
    std::string sections[kSections];  // decompressed
  };
  static absl::StatusOr<std::shared_ptr<const BlockIndex>> Parse(const Bytes& bytes);

  bool has_flags() const { return version_ > 3; }  // of its columns
  uint32_t series_count() const { return series_; }
  uint64_t memory_bytes() const { return memory_bytes_; }
  const std::vector<Name>& names() const { return names_; }
  const std::vector<uint32_t>& value_counts() const { return value_counts_; }  // by name
  bool FindName(std::string_view text, uint32_t* number) const;
  const std::vector<Extent>& value_pages() const { return label_pages_; }
  const std::vector<Timeline>& timelines() const { return timelines_; }
  const std::vector<Extent>& time_pages() const { return time_pages_; }
  const std::vector<Page>& pages() const { return pages_; }
  const std::vector<Group>& groups() const { return groups_; }
  // The group of a series that there is.
  uint32_t GroupOf(uint32_t series) const;
  // The page that holds an entry, and its number there; DataLoss where there is none.
  absl::Status PageOf(uint64_t entry, uint32_t* page, uint32_t* in_page) const;
  // From the first to the last sample of a series.
  storage::TimeRange TimesOf(const Places& places) const;

  // The parts, of decompressed bytes; null where these do not parse.
  std::shared_ptr<const LabelDictionary> ParseDictionary(uint32_t name,
                                                         std::string_view page) const;
  std::shared_ptr<const SeriesGroup> ParseGroup(uint32_t group, std::string_view bytes) const;

 private:
  absl::Status ParseLabels(std::string_view section);
  absl::Status ParseGroups(std::string_view section);
  absl::Status ParseTimelines(std::string_view section);
  absl::Status ParsePages(std::string_view section);
  bool ParseZones(ByteReader* reader, Group* group) const;

  uint32_t version_ = kBlockVersion;
  std::vector<Name> names_;  // as they are numbered
  std::vector<uint32_t> value_counts_;
  std::vector<uint32_t> names_by_text_;
  std::vector<Extent> label_pages_;
  std::vector<Group> groups_;
  std::vector<Extent> time_pages_;
  std::vector<Timeline> timelines_;
  std::vector<Page> pages_;
  uint64_t entries_ = 0;
  uint32_t series_ = 0;
  uint64_t memory_bytes_ = 0;
};

}  // namespace hearth::tsdb

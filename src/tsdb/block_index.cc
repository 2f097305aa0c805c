// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_index.h"

#include <algorithm>
#include <numeric>

#include "base/status.h"
#include "tsdb/coding.h"
#include "tsdb/value_page.h"

namespace hearth::tsdb {
namespace {

// `end`: where the part before them in the same list ended; moved on.
bool GetExtents(ByteReader* reader, uint64_t* end, std::vector<Extent>* extents) {
  extents->resize(reader->Count(7));
  for (Extent& extent : *extents) {
    if (!GetExtent(reader, end, &extent)) return false;
  }
  return reader->ok();
}
bool GetExtents(ByteReader* reader, std::vector<Extent>* extents) {
  uint64_t end = 0;
  return GetExtents(reader, &end, extents);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const BlockIndex>> BlockIndex::Parse(const Bytes& bytes) {
  auto index = std::make_shared<BlockIndex>();
  index->version_ = bytes.version;
  TRY(index->ParseLabels(bytes.sections[kLabels]));
  TRY(index->ParsePages(bytes.sections[kPages]));
  TRY(index->ParseTimelines(bytes.sections[kTimelines]));
  TRY(index->ParseGroups(bytes.sections[kGroups]));
  index->memory_bytes_ = sizeof(BlockIndex) + index->names_.size() * 64 +
                         (index->label_pages_.size() + index->time_pages_.size()) * sizeof(Extent) +
                         index->timelines_.size() * sizeof(Timeline) +
                         index->pages_.size() * sizeof(Page);
  for (const Group& group : index->groups_) {
    index->memory_bytes_ += sizeof group + group.zones.size() * sizeof(group.zones[0]) +
                            group.statistics.size() * sizeof(Extent);
  }
  return index;
}

absl::Status BlockIndex::ParseLabels(std::string_view section) {
  ByteReader reader(section);
  names_.resize(reader.Count(5));
  for (Name& name : names_) {
    name.text = reader.Bytes();
    name.page = static_cast<uint32_t>(reader.Varint());
    name.offset = static_cast<uint32_t>(reader.Varint());
    value_counts_.push_back(static_cast<uint32_t>(reader.Varint()));
  }
  const auto bad = [] { return DataLoss("the table of label names does not parse"); };
  if (!reader.ok() || !GetExtents(&reader, &label_pages_) || !reader.done()) return bad();
  names_by_text_.resize(names_.size());
  std::iota(names_by_text_.begin(), names_by_text_.end(), 0U);
  std::sort(names_by_text_.begin(), names_by_text_.end(),
            [this](uint32_t a, uint32_t b) { return names_[a].text < names_[b].text; });
  std::string_view before;
  for (const uint32_t number : names_by_text_) {
    const Name& name = names_[number];
    if (name.text <= before || name.page >= label_pages_.size()) return bad();
    before = name.text;
  }
  return absl::OkStatus();
}

absl::Status BlockIndex::ParsePages(std::string_view section) {
  ByteReader reader(section);
  pages_.resize(reader.Count(8));
  uint64_t end = 0;
  for (Page& page : pages_) {
    page.first_entry = entries_;
    const bool ok = GetExtent(&reader, &end, &page.extent);
    const uint64_t entries = reader.Varint();
    if (!ok || entries == 0 || entries > kPageEntriesMax) {
      return DataLoss("the table of pages does not parse");
    }
    entries_ += entries;
  }
  return reader.ok() && reader.done() ? absl::OkStatus()
                                      : DataLoss("the table of pages does not parse");
}

absl::Status BlockIndex::ParseTimelines(std::string_view section) {
  ByteReader reader(section);
  const auto bad = [] { return DataLoss("the table of timelines does not parse"); };
  if (!GetExtents(&reader, &time_pages_)) return bad();
  timelines_.resize(reader.Count(5));
  int64_t before_ms = 0;
  for (Timeline& timeline : timelines_) {
    timeline.page = static_cast<uint32_t>(reader.Varint());
    timeline.offset = static_cast<uint32_t>(reader.Varint());
    timeline.count = static_cast<uint32_t>(reader.Varint());
    timeline.first_ms = WrappingAdd(before_ms, reader.SignedVarint());
    timeline.last_ms = WrappingAdd(timeline.first_ms, static_cast<int64_t>(reader.Varint()));
    before_ms = timeline.first_ms;
    if (!reader.ok() || timeline.page >= time_pages_.size() || timeline.count == 0 ||
        timeline.count > kColumnSamplesMax || timeline.last_ms < timeline.first_ms) {
      return bad();
    }
  }
  return reader.ok() && reader.done() ? absl::OkStatus() : bad();
}

bool BlockIndex::ParseZones(ByteReader* reader, Group* group) const {
  group->zones.resize(reader->Count(3));
  std::string_view before;
  for (SeriesGroupBuilder::Zone& zone : group->zones) {
    zone.name = static_cast<uint32_t>(reader->Varint());
    zone.min = static_cast<uint32_t>(reader->Varint());
    zone.max = zone.min + static_cast<uint32_t>(reader->Varint());
    if (!reader->ok() || zone.name >= names_.size() || names_[zone.name].text <= before) {
      return false;
    }
    before = names_[zone.name].text;
  }
  return reader->ok();
}

absl::Status BlockIndex::ParseGroups(std::string_view section) {
  ByteReader reader(section);
  groups_.resize(reader.Count(10));
  uint64_t end = 0;
  uint64_t statistics_end = 0;
  uint32_t statistics = 0;
  uint64_t entries = 0;
  for (Group& group : groups_) {
    group.first_series = series_;
    group.first_entry = entries;
    const bool ok = GetExtent(&reader, &end, &group.extent);
    const uint64_t series = reader.Varint();
    group.entries = reader.Varint();
    group.series = static_cast<uint32_t>(series);
    if (!ok || series == 0 || series > kGroupSeries || series > UINT32_MAX - series_ ||
        group.entries > entries_ - entries || !ParseZones(&reader, &group) ||
        (has_flags() && !GetExtents(&reader, &statistics_end, &group.statistics))) {
      return DataLoss("the table of groups does not parse");
    }
    group.first_statistics = statistics;
    statistics += static_cast<uint32_t>(group.statistics.size());
    series_ += group.series;
    entries += group.entries;
  }
  return reader.ok() && reader.done() && entries == entries_
             ? absl::OkStatus()
             : DataLoss("the table of groups does not parse");
}

bool BlockIndex::FindName(std::string_view text, uint32_t* number) const {
  const auto it = std::lower_bound(
      names_by_text_.begin(), names_by_text_.end(), text,
      [this](uint32_t name, std::string_view wanted) { return names_[name].text < wanted; });
  if (it == names_by_text_.end() || names_[*it].text != text) return false;
  *number = *it;
  return true;
}

uint32_t BlockIndex::GroupOf(uint32_t series) const {
  const auto it = std::upper_bound(
      groups_.begin(), groups_.end(), series,
      [](uint32_t wanted, const Group& group) { return wanted < group.first_series; });
  return static_cast<uint32_t>(it - groups_.begin()) - 1;
}

absl::Status BlockIndex::PageOf(uint64_t entry, uint32_t* page, uint32_t* in_page) const {
  if (entry >= entries_) return DataLoss("there is no page with entry {}", entry);
  const auto it = std::upper_bound(
      pages_.begin(), pages_.end(), entry,
      [](uint64_t wanted, const Page& candidate) { return wanted < candidate.first_entry; });
  *page = static_cast<uint32_t>(it - pages_.begin()) - 1;
  *in_page = static_cast<uint32_t>(entry - pages_[*page].first_entry);
  return absl::OkStatus();
}

storage::TimeRange BlockIndex::TimesOf(const Places& places) const {
  storage::TimeRange range{INT64_MAX, INT64_MIN};
  for (const ColumnPlace& column : places.columns) {
    range.min_ms = std::min(range.min_ms, timelines_[column.timeline].first_ms);
    range.max_ms = std::max(range.max_ms, timelines_[column.timeline].last_ms);
  }
  for (const HistogramPlace& place : places.histograms) {
    range.min_ms = std::min(range.min_ms, place.first_ms);
    range.max_ms = std::max(range.max_ms, place.last_ms);
  }
  return range;
}

std::shared_ptr<const LabelDictionary> BlockIndex::ParseDictionary(uint32_t name,
                                                                   std::string_view page) const {
  if (names_[name].offset > page.size()) return nullptr;
  ByteReader reader(page.substr(names_[name].offset));
  return LabelDictionary::Parse(&reader, value_counts_[name]);
}

std::shared_ptr<const SeriesGroup> BlockIndex::ParseGroup(uint32_t group,
                                                          std::string_view bytes) const {
  const Group& entry = groups_[group];
  auto parsed = SeriesGroup::Parse(bytes, {entry.series, entry.first_entry, entry.entries,
                                           timelines_.size(), has_flags(), value_counts_});
  if (parsed == nullptr || parsed->labels().size() != entry.zones.size()) return nullptr;
  const size_t parts = (parsed->columns() + kStatisticsColumns - 1) / kStatisticsColumns;
  if (!entry.statistics.empty() && entry.statistics.size() != parts) return nullptr;
  // A zone that is wrong would hide series: it is part of what is checked.
  for (size_t i = 0; i < entry.zones.size(); ++i) {
    const auto& [name, column] = parsed->labels()[i];
    const SeriesGroupBuilder::Zone& zone = entry.zones[i];
    if (name != zone.name || column.min() != zone.min || column.max() != zone.max) return nullptr;
  }
  return parsed;
}

}  // namespace hearth::tsdb

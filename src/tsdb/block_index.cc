// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_index.h"

#include <algorithm>

#include "base/status.h"
#include "tsdb/coding.h"
#include "tsdb/histogram_codec.h"

namespace hearth::tsdb {

absl::StatusOr<std::shared_ptr<const BlockIndex>> BlockIndex::Parse(Bytes bytes) {
  auto index = std::make_shared<BlockIndex>();
  index->bytes_ = std::move(bytes);
  TRY(index->ParsePages());
  TRY(index->ParseTimelines());
  TRY(index->ParseSymbols());
  TRY(index->ParseSeries());
  TRY(index->ParsePostings());
  for (const std::string& section : index->bytes_.sections) {
    index->memory_bytes_ += section.capacity();
  }
  index->memory_bytes_ += index->symbols_.size() * 20 + index->series_offsets_.size() * 4 +
                          index->postings_.size() * sizeof(Posting) +
                          index->timelines_.size() * sizeof(Timeline) +
                          index->pages_.size() * sizeof(Extent);
  return index;
}

absl::Status BlockIndex::ParsePages() {
  ByteReader reader(bytes_.sections[kPages]);
  pages_.resize(reader.Count(7));
  for (Extent& page : pages_) {
    if (!GetExtent(&reader, &page)) return DataLoss("the page table does not parse");
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("the page table does not parse");
}

absl::Status BlockIndex::ParseTimelines() {
  ByteReader reader(bytes_.sections[kTimelines]);
  timelines_.resize(reader.Count(5));
  for (Timeline& timeline : timelines_) {
    timeline.page = static_cast<uint32_t>(reader.Varint());
    timeline.offset = static_cast<uint32_t>(reader.Varint());
    timeline.count = static_cast<uint32_t>(reader.Varint());
    timeline.first_ms = reader.SignedVarint();
    timeline.last_ms = WrappingAdd(timeline.first_ms, static_cast<int64_t>(reader.Varint()));
    if (!reader.ok() || timeline.page >= pages_.size() || timeline.count == 0 ||
        timeline.count > kColumnSamplesMax || timeline.last_ms < timeline.first_ms) {
      return DataLoss("the table of timelines does not parse");
    }
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("the table of timelines does not parse");
}

absl::Status BlockIndex::ParseSymbols() {
  ByteReader reader(bytes_.sections[kSymbols]);
  symbols_.resize(reader.Count(5));
  for (std::string_view& symbol : symbols_) symbol = reader.Bytes();
  symbol_order_.resize(symbols_.size());
  for (uint32_t& number : symbol_order_) {
    number = reader.Fixed<uint32_t>();
    if (number >= symbols_.size()) return DataLoss("the symbols do not parse");
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("the symbols do not parse");
}

absl::Status BlockIndex::ParseSeries() {
  ByteReader reader(bytes_.sections[kSeries]);
  series_offsets_.resize(reader.Count(4));
  for (uint32_t& offset : series_offsets_) offset = reader.Fixed<uint32_t>();
  series_ = reader.Take(reader.left());
  for (const uint32_t offset : series_offsets_) {
    if (offset >= series_.size()) return DataLoss("the series table does not parse");
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("the series table does not parse");
}

absl::Status BlockIndex::ParsePostings() {
  ByteReader reader(bytes_.sections[kPostings]);
  postings_.resize(reader.Count(3));
  uint64_t before = 0;
  for (Posting& posting : postings_) {
    posting.name = static_cast<uint32_t>(reader.Varint());
    posting.value = static_cast<uint32_t>(reader.Varint());
    posting.ids = reader.Bytes();
    const uint64_t key = uint64_t{posting.name} << 32 | posting.value;
    if (!reader.ok() || posting.name >= symbols_.size() || posting.value >= symbols_.size() ||
        (&posting != postings_.data() && key <= before)) {
      return DataLoss("the postings do not parse");
    }
    before = key;
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("the postings do not parse");
}

absl::Status BlockIndex::Labels(uint32_t series, std::string* packed) const {
  packed->clear();
  ByteReader reader(series_.substr(series_offsets_[series]));
  const size_t n = reader.Count(2);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t name = reader.Varint();
    const uint64_t value = reader.Varint();
    if (!reader.ok() || name >= symbols_.size() || value >= symbols_.size()) {
      return DataLoss("series {} does not parse", series);
    }
    model::AppendPacked(symbols_[name], symbols_[value], packed);
  }
  if (!reader.ok() || !model::IsWellFormedPacked(*packed)) {
    return DataLoss("the labels of series {} are not well formed", series);
  }
  return absl::OkStatus();
}

absl::Status BlockIndex::Find(uint32_t series, Places* places) const {
  places->columns.clear();
  places->histograms.clear();
  ByteReader reader(series_.substr(series_offsets_[series]));
  for (size_t skip = 2 * reader.Count(2); skip > 0; --skip) reader.Varint();
  bool ok = true;
  const bool rich = bytes_.version >= 2;
  for (size_t n = reader.Count(rich ? 4 : 3); n > 0 && ok; --n) {
    Column column;
    column.timeline = static_cast<uint32_t>(reader.Varint());
    column.page = static_cast<uint32_t>(reader.Varint());
    column.offset = static_cast<uint32_t>(reader.Varint());
    const uint64_t starts = rich ? reader.Varint() : 0;
    if (starts != 0) {
      column.has_starts = true;
      column.starts_page = static_cast<uint32_t>(starts - 1);
      column.starts_offset = static_cast<uint32_t>(reader.Varint());
    }
    ok = column.timeline < timelines_.size() && column.page < pages_.size() &&
         starts <= pages_.size();
    places->columns.push_back(column);
  }
  for (size_t n = rich && ok ? reader.Count(5) : 0; n > 0 && ok; --n) {
    HistogramPlace place;
    place.first_ms = reader.SignedVarint();
    place.last_ms = WrappingAdd(place.first_ms, static_cast<int64_t>(reader.Varint()));
    place.count = static_cast<uint32_t>(reader.Varint());
    place.page = static_cast<uint32_t>(reader.Varint());
    place.offset = static_cast<uint32_t>(reader.Varint());
    ok = place.last_ms >= place.first_ms && place.count > 0 && place.count <= kHistogramChunkMax &&
         place.page < pages_.size();
    places->histograms.push_back(place);
  }
  if (!reader.ok() || !ok) return DataLoss("series {} does not parse", series);
  return absl::OkStatus();
}

storage::TimeRange BlockIndex::TimesOf(const Places& places) const {
  storage::TimeRange range{INT64_MAX, INT64_MIN};
  for (const Column& column : places.columns) {
    range.min_ms = std::min(range.min_ms, timelines_[column.timeline].first_ms);
    range.max_ms = std::max(range.max_ms, timelines_[column.timeline].last_ms);
  }
  for (const HistogramPlace& place : places.histograms) {
    range.min_ms = std::min(range.min_ms, place.first_ms);
    range.max_ms = std::max(range.max_ms, place.last_ms);
  }
  return range;
}

bool BlockIndex::FindSymbol(std::string_view text, uint32_t* number) const {
  const auto it =
      std::lower_bound(symbol_order_.begin(), symbol_order_.end(), text,
                       [this](uint32_t n, std::string_view t) { return symbols_[n] < t; });
  if (it == symbol_order_.end() || symbols_[*it] != text) return false;
  *number = *it;
  return true;
}

std::string_view BlockIndex::Value(uint32_t series, uint32_t name) const {
  ByteReader reader(series_.substr(series_offsets_[series]));
  for (size_t n = reader.Count(2); n > 0; --n) {
    const uint64_t label = reader.Varint();
    const uint64_t value = reader.Varint();
    if (label == name && value < symbols_.size()) return symbols_[value];
  }
  return {};
}

std::pair<const BlockIndex::Posting*, const BlockIndex::Posting*> BlockIndex::Postings(
    uint32_t name) const {
  const auto begin = std::lower_bound(postings_.begin(), postings_.end(), name,
                                      [](const Posting& p, uint32_t n) { return p.name < n; });
  const auto end = std::upper_bound(begin, postings_.end(), name,
                                    [](uint32_t n, const Posting& p) { return n < p.name; });
  const Posting* first = postings_.data() + (begin - postings_.begin());
  return {first, first + (end - begin)};
}

void BlockIndex::AppendIds(const Posting& posting, SeriesIds* ids) const {
  ByteReader reader(posting.ids);
  uint64_t id = 0;
  for (bool first = true; !reader.done(); first = false) {
    const uint64_t gap = reader.Varint();
    if (!reader.ok() || (!first && gap == 0) || gap >= series_offsets_.size()) return;
    id += gap;
    if (id >= series_offsets_.size()) return;
    ids->push_back(static_cast<uint32_t>(id));
  }
}

bool BlockIndexReader::FindName(std::string_view name, uint32_t* number) const {
  if (name != last_name_ || last_name_.empty()) {
    last_name_ = name;
    last_found_ = index_.FindSymbol(name, &last_number_);
  }
  *number = last_number_;
  return last_found_;
}

size_t BlockIndexReader::ValueCount(std::string_view name) const {
  uint32_t number = 0;
  if (!FindName(name, &number)) return 0;
  const auto [begin, end] = index_.Postings(number);
  return static_cast<size_t>(end - begin);
}

void BlockIndexReader::Postings(std::string_view name, std::string_view value,
                                SeriesIds* ids) const {
  uint32_t name_number = 0;
  uint32_t value_number = 0;
  if (!FindName(name, &name_number) || !index_.FindSymbol(value, &value_number)) return;
  const auto [begin, end] = index_.Postings(name_number);
  const auto* posting = std::lower_bound(
      begin, end, value_number,
      [](const BlockIndex::Posting& p, uint32_t value_of) { return p.value < value_of; });
  if (posting != end && posting->value == value_number) index_.AppendIds(*posting, ids);
}

void BlockIndexReader::ForEachName(absl::FunctionRef<void(std::string_view)> visit) const {
  const BlockIndex::Posting* before = nullptr;
  for (const BlockIndex::Posting& posting : index_.all_postings()) {
    if (before == nullptr || before->name != posting.name) visit(index_.symbol(posting.name));
    before = &posting;
  }
}

void BlockIndexReader::ForEachValue(std::string_view name,
                                    absl::FunctionRef<void(std::string_view)> visit) const {
  uint32_t number = 0;
  if (!FindName(name, &number)) return;
  const auto [begin, end] = index_.Postings(number);
  for (const auto* posting = begin; posting != end; ++posting) {
    visit(index_.symbol(posting->value));
  }
}

std::string_view BlockIndexReader::Value(uint32_t id, std::string_view name) const {
  uint32_t number = 0;
  return FindName(name, &number) ? index_.Value(id, number) : std::string_view();
}

}  // namespace hearth::tsdb

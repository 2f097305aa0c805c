// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block.h"

#include <algorithm>

#include "base/compress.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/block_index.h"
#include "tsdb/block_reader.h"
#include "tsdb/coding.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/matched_values.h"
#include "tsdb/value_page.h"

namespace hearth::tsdb {
namespace {

// Parts in the cache: kind << 32 | number.
enum PartKind : uint64_t {
  kIndexPart,
  kPagePart,
  kTimesPart,
  kLabelsPart,
  kGroupPart,
  kStatisticsPart
};

uint64_t MemoryBytes(const ValuePage& page) { return page.memory_bytes() + sizeof page; }
uint64_t MemoryBytes(const std::string& page) { return page.size() + sizeof page; }
uint64_t MemoryBytes(const SeriesGroup& group) { return group.memory_bytes() + sizeof group; }
uint64_t MemoryBytes(const StatisticsPart& part) { return part.memory_bytes() + sizeof part; }
uint64_t MemoryBytes(const LabelPage& page) {
  uint64_t bytes = sizeof page;
  for (const auto& values : page.dictionaries) bytes += values->memory_bytes() + sizeof *values;
  return bytes;
}

// The end of a file, which is read first: most footers, and before it sections and label values,
// whose reading then needs no disk.
constexpr uint64_t kFooterGuess = 64 << 10;
// Timelines that a source keeps decoded: a query's targets, seldom more. A merge has many sources.
constexpr size_t kTimelinesKept = 1024;
constexpr size_t kTimelinesKeptByMerge = 64;

absl::Status ReadFooter(const std::string& id, uint64_t size, storage::BlobStore& store,
                        Footer* footer) {
  if (size < kBlockHeaderBytes + kTrailerBytes) return DataLoss("only {} bytes long", size);
  uint64_t tail_bytes = std::min(size, kFooterGuess);
  for (;;) {
    std::string tail(tail_bytes, '\0');
    TRY(store.Read(id, size - tail_bytes, {tail.data(), tail.size()}));
    size_t needed = 0;
    TRY(ParseFooter(tail, &needed, footer));
    if (needed <= tail_bytes) return absl::OkStatus();
    if (needed > size) return DataLoss("the footer is longer than the file");
    tail_bytes = needed;
  }
}

class BlockSource : public SeriesSource {
 public:
  BlockSource(std::shared_ptr<const Block> block, BlockReader reader, SeriesIds ids,
              std::shared_ptr<const DeletedSeries> deleted, bool use_cache)
      : block_(std::move(block)),
        reader_(std::move(reader)),
        ids_(std::move(ids)),
        deleted_(std::move(deleted)),
        use_cache_(use_cache) {}

  absl::StatusOr<bool> Next() override {
    if (next_ == ids_.size()) return false;
    series_ = ids_[next_++];
    TRY(reader_.Labels(series_, &packed_));
    return true;
  }
  model::LabelsView labels() const override { return model::LabelsView(packed_); }
  uint32_t id() const override { return series_; }
  std::unique_ptr<SeriesSource> Fork() const override {
    return std::make_unique<BlockSource>(*this);
  }
  absl::Status Seek(uint32_t id, bool with_labels) override {
    series_ = id;
    return with_labels ? reader_.Labels(series_, &packed_) : absl::OkStatus();
  }

  absl::StatusOr<bool> Runs(storage::TimeRange range, bool times_only,
                            std::vector<SampleRun>* runs) override {
    if (deleted_ != nullptr) return false;
    TRY(reader_.FindPlaces(series_, &places_));
    if (!places_.histograms.empty()) return false;
    const bool summed = reader_.HasStatistics();
    uint32_t entry = 0;  // after the series' first
    uint32_t number = places_.first_column;
    for (const ColumnPlace& column : places_.columns) {
      const BlockIndex::Timeline& timeline = index().timelines()[column.timeline];
      const uint32_t place = entry;
      const uint32_t in_group = number++;
      entry += column.has_starts ? 2 : 1;
      if (timeline.first_ms > range.max_ms || timeline.last_ms < range.min_ms) continue;
      if (column.has_starts) return false;
      SampleRun& run = runs->emplace_back();
      run.first_ms = timeline.first_ms;
      run.last_ms = timeline.last_ms;
      run.count = timeline.count;
      run.times_key = column.timeline + 1;
      run.place = place;
      run.column = in_group;
      run.flags = column.flags;
      run.summed = summed;
      if (index().has_flags()) {
        run.marked = (column.flags & kColumnMarked) != 0;
      } else if (times_only) {
        TRY(LoadPage(places_.first_entry + place));
        run.marked = page_->MayBeMarked(entry_in_page_);
      }
    }
    return true;
  }

  absl::Status ReadRun(const SampleRun& run, int64_t* times_ms, double* values) override {
    if (times_ms != nullptr) {
      TRY_ASSIGN(const std::vector<int64_t>* times, Times(run.times_key - 1));
      std::copy(times->begin(), times->end(), times_ms);
    }
    if (values == nullptr) return absl::OkStatus();
    return ReadValues(places_.first_entry + run.place, {values, run.count});
  }

  absl::Status ReadStatistics(const SampleRun& run, ColumnStatistics* statistics) override {
    return reader_.Statistics(series_, run.column, statistics);
  }

  absl::Status Read(storage::TimeRange range, Columns* columns) override {
    const size_t begin = columns->size();
    const size_t histograms_begin = columns->histograms.size();
    TRY(reader_.FindPlaces(series_, &places_));
    uint64_t entry = places_.first_entry;
    for (const ColumnPlace& column : places_.columns) {
      const BlockIndex::Timeline& timeline = index().timelines()[column.timeline];
      if (timeline.first_ms <= range.max_ms && timeline.last_ms >= range.min_ms) {
        TRY(ReadColumn(column, entry, columns));
      }
      entry += column.has_starts ? 2 : 1;
    }
    for (const HistogramPlace& place : places_.histograms) {
      if (place.first_ms <= range.max_ms && place.last_ms >= range.min_ms) {
        TRY(ReadHistograms(place, entry, columns));
      }
      ++entry;
    }
    if (deleted_ != nullptr) deleted_->Remove(series_, begin, histograms_begin, columns);
    return absl::OkStatus();
  }

 private:
  const BlockIndex& index() const { return reader_.index(); }

  absl::Status ReadColumn(const ColumnPlace& column, uint64_t entry, Columns* columns) {
    TRY_ASSIGN(const std::vector<int64_t>* times, Times(column.timeline));
    const size_t at = columns->size();
    columns->times_ms.insert(columns->times_ms.end(), times->begin(), times->end());
    columns->values.resize(at + times->size());
    TRY(ReadValues(entry, std::span(columns->values).subspan(at)));
    if (!column.has_starts) return absl::OkStatus();
    TRY(LoadPage(entry + 1));
    std::string_view bytes;
    bool ok = page_->Bytes(entry_in_page_, &bytes);
    ByteReader starts(bytes);
    int64_t start = 0;
    for (int64_t& out : columns->StartsFrom(at)) {
      start = WrappingAdd(start, starts.SignedVarint());
      out = start;
    }
    ok = ok && starts.ok() && starts.done();
    if (ok) return absl::OkStatus();
    return DataLoss("block {}: start times of series {} do not parse", block_->meta().id, series_);
  }

  absl::Status ReadValues(uint64_t entry, std::span<double> values) {
    TRY(LoadPage(entry));
    if (page_->Values(entry_in_page_, values)) return absl::OkStatus();
    return DataLoss("block {}: values of series {} do not parse", block_->meta().id, series_);
  }

  absl::Status ReadHistograms(const HistogramPlace& place, uint64_t entry, Columns* columns) {
    TRY(LoadPage(entry));
    std::string_view bytes;
    if (page_->Bytes(entry_in_page_, &bytes) &&
        DecodeHistograms(bytes, place.count, &columns->histograms)) {
      return absl::OkStatus();
    }
    return DataLoss("block {}: histograms of series {} do not parse", block_->meta().id, series_);
  }

  absl::Status LoadPage(uint64_t entry) {
    uint32_t page = 0;
    TRY(index().PageOf(entry, &page, &entry_in_page_));
    if (page_ != nullptr && page_number_ == page) return absl::OkStatus();
    TRY_ASSIGN(page_, block_->Page(index(), page, use_cache_));
    page_number_ = page;
    return absl::OkStatus();
  }

  absl::StatusOr<const std::vector<int64_t>*> Times(uint32_t id) {
    const auto it = timelines_.find(id);
    if (it != timelines_.end()) return &it->second;
    if (timelines_.size() >= (use_cache_ ? kTimelinesKept : kTimelinesKeptByMerge))
      timelines_.clear();
    const BlockIndex::Timeline& timeline = index().timelines()[id];
    if (times_page_ == nullptr || times_number_ != timeline.page) {
      TRY_ASSIGN(times_page_, block_->TimePage(index(), timeline.page, use_cache_));
      times_number_ = timeline.page;
    }
    std::vector<int64_t> times(timeline.count);
    ByteReader reader(*times_page_);
    reader.Take(timeline.offset);
    if (!DecodeTimes(&reader, times) || times.front() != timeline.first_ms ||
        times.back() != timeline.last_ms) {
      return DataLoss("block {}: timeline {} does not parse", block_->meta().id, id);
    }
    return &timelines_.emplace(id, std::move(times)).first->second;
  }

  const std::shared_ptr<const Block> block_;
  BlockReader reader_;
  const SeriesIds ids_;
  const std::shared_ptr<const DeletedSeries> deleted_;
  const bool use_cache_;
  size_t next_ = 0;
  uint32_t series_ = 0;
  std::string packed_;
  Places places_;
  uint32_t page_number_ = 0;
  uint32_t entry_in_page_ = 0;
  uint32_t times_number_ = 0;
  std::shared_ptr<const ValuePage> page_;
  std::shared_ptr<const std::string> times_page_;
  absl::flat_hash_map<uint32_t, std::vector<int64_t>> timelines_;
};

bool Intersects(int64_t first_ms, int64_t last_ms, storage::TimeRange range) {
  return first_ms <= range.max_ms && last_ms >= range.min_ms;
}

bool AnyOverlaps(const BlockIndex& index, const Places& places, storage::TimeRange range) {
  for (const ColumnPlace& column : places.columns) {
    const BlockIndex::Timeline& timeline = index.timelines()[column.timeline];
    if (Intersects(timeline.first_ms, timeline.last_ms, range)) return true;
  }
  return std::any_of(places.histograms.begin(), places.histograms.end(),
                     [range](const HistogramPlace& place) {
                       return Intersects(place.first_ms, place.last_ms, range);
                     });
}

// `deleted` may be null.
absl::StatusOr<SeriesIds> FindOverlapping(BlockReader* reader,
                                          const std::vector<model::Matcher>& matchers,
                                          storage::TimeRange range, bool all,
                                          const DeletedSeries* deleted) {
  TRY_ASSIGN(SeriesIds ids, reader->Find(matchers));
  if (all && deleted == nullptr) return ids;
  absl::Status status;
  Places places;
  std::erase_if(ids, [&](uint32_t id) {
    if (const absl::Status read = reader->FindPlaces(id, &places); !read.ok()) {
      status = read;
      return true;
    }
    if (!AnyOverlaps(reader->index(), places, range)) return true;
    if (deleted == nullptr) return false;
    storage::TimeRange held = reader->index().TimesOf(places);
    held.min_ms = std::max(held.min_ms, range.min_ms);
    held.max_ms = std::min(held.max_ms, range.max_ms);
    return deleted->Hides(id, held);
  });
  TRY(status);
  return ids;
}

}  // namespace

Block::Block(BlockMeta meta, storage::BlobStore& store, BlockCache& cache)
    : meta_(std::move(meta)), cache_key_(BlockCache::NewOwner()), store_(store), cache_(cache) {}

Block::~Block() {
  if (!obsolete_) return;
  if (const absl::Status status = store_.Delete(meta_.id); !status.ok()) {
    log::Warn("tsdb", "cannot delete a block that is no longer needed; the next start tries again",
              {{"block", meta_.id}, {"error", Message(status)}});
  }
}

absl::StatusOr<BlockMeta> Block::ReadMeta(const std::string& id, uint64_t size,
                                          storage::BlobStore& store) {
  Footer footer;
  if (const absl::Status status = ReadFooter(id, size, store, &footer); !status.ok()) {
    return Annotate(status, "block " + id);
  }
  if (footer.meta.id != id) return DataLoss("block {} says it is {}", id, footer.meta.id);
  footer.meta.size = size;
  return footer.meta;
}

absl::Status Block::Damaged(const absl::Status& status) const {
  if (status.ok() || absl::IsFailedPrecondition(status)) {
    return Annotate(status, "block " + meta_.id);
  }
  return DataLoss("block {}: {}", meta_.id, Message(status));
}

absl::StatusOr<std::string> Block::ReadExtent(const Extent& extent, size_t raw_max) const {
  if (extent.offset > meta_.size || extent.stored > meta_.size - extent.offset ||
      extent.raw > raw_max) {
    return DataLoss("a part lies outside of the file");
  }
  std::string stored(extent.stored, '\0');
  TRY(store_.Read(meta_.id, extent.offset, {stored.data(), stored.size()}));
  if (Crc32c(stored) != extent.crc) {
    return DataLoss("wrong checksum of {} bytes at {}", extent.stored, extent.offset);
  }
  std::string raw;
  TRY(ZstdDecompress(stored, extent.raw, &raw));
  if (raw.size() != extent.raw) return DataLoss("a part at {} has the wrong size", extent.offset);
  return raw;
}

absl::StatusOr<std::shared_ptr<const BlockIndex>> Block::LoadIndex() const {
  Footer footer;
  TRY(ReadFooter(meta_.id, meta_.size, store_, &footer));
  if (footer.meta.id != meta_.id) return DataLoss("the file says it is {}", footer.meta.id);
  BlockIndex::Bytes bytes;
  bytes.version = footer.version;
  for (size_t i = 0; i < kSections; ++i) {
    TRY_ASSIGN(bytes.sections[i], ReadExtent(footer.sections[i], kSectionBytesMax));
  }
  return BlockIndex::Parse(bytes);
}

void Block::SetTombstones(std::shared_ptr<const std::vector<Tombstone>> tombstones) const {
  absl::MutexLock lock(&mutex_);
  tombstones_ = std::move(tombstones);
  deleted_ = nullptr;
}

bool Block::has_tombstones() const {
  absl::MutexLock lock(&mutex_);
  return tombstones_ != nullptr && !tombstones_->empty() &&
         tombstones_->back().number >= meta_.tombstones_from;
}

absl::StatusOr<std::shared_ptr<const DeletedSeries>> Block::Deleted(BlockReader* reader) const {
  std::shared_ptr<const std::vector<Tombstone>> tombstones;
  {
    absl::MutexLock lock(&mutex_);
    if (tombstones_ == nullptr || tombstones_->empty() ||
        tombstones_->back().number < meta_.tombstones_from) {
      return nullptr;
    }
    if (deleted_ != nullptr) return deleted_->empty() ? nullptr : deleted_;
    tombstones = tombstones_;
  }
  TRY_ASSIGN(DeletedSeries found, DeletedSeries::Find(*tombstones, meta_.tombstones_from,
                                                      [reader](const auto& matchers) {
                                                        return reader->Find(matchers);
                                                      }));
  auto deleted = std::make_shared<const DeletedSeries>(std::move(found));
  {
    absl::MutexLock lock(&mutex_);
    if (tombstones_ == tombstones) deleted_ = deleted;
  }
  return deleted->empty() ? nullptr : deleted;
}

absl::StatusOr<std::shared_ptr<const BlockIndex>> Block::Index() const {
  if (auto cached = cache_.Get({cache_key_, kIndexPart << 32}); cached != nullptr) {
    return std::static_pointer_cast<const BlockIndex>(cached);
  }
  auto index = LoadIndex();
  if (!index.ok()) return Damaged(index.status());
  cache_.Put({cache_key_, kIndexPart << 32}, *index, (*index)->memory_bytes());
  return *std::move(index);
}

std::shared_ptr<const MatchedValues> Block::Matched(const model::Matcher& matcher,
                                                    size_t values) const {
  return MatchedValues::Find(cache_, cache_key_, matcher, values);
}

absl::StatusOr<uint64_t> Block::MergeMemory() const {
  TRY_ASSIGN(const auto index, Index());
  uint64_t labels = 0;
  uint64_t group = 0;
  // Values are kept as text and as three numbers each; a group is narrower than its bytes at most.
  for (const Extent& page : index->value_pages()) labels += 3 * page.raw;
  for (const BlockIndex::Group& entry : index->groups()) {
    group = std::max<uint64_t>(group, 2 * entry.extent.raw);
  }
  return index->memory_bytes() + labels + group + 4 * kPageBytes +
         kTimelinesKeptByMerge * kColumnSamplesMax * sizeof(int64_t);
}

template <typename Part, typename MakeFn>
absl::StatusOr<std::shared_ptr<const Part>> Block::LoadPart(uint64_t kind, uint32_t number,
                                                            const Extent& extent, size_t raw_max,
                                                            bool use_cache,
                                                            const MakeFn& make) const {
  const BlockCache::Key key{cache_key_, kind << 32 | number};
  if (use_cache) {
    if (auto cached = cache_.Get(key); cached != nullptr) {
      return std::static_pointer_cast<const Part>(cached);
    }
  }
  auto raw = ReadExtent(extent, raw_max);
  if (!raw.ok()) return Damaged(raw.status());
  std::shared_ptr<const Part> part = make(*std::move(raw));
  if (part == nullptr) {
    return DataLoss("block {}: a part at {} does not parse", meta_.id, extent.offset);
  }
  if (use_cache) cache_.Put(key, part, MemoryBytes(*part));
  return part;
}

absl::StatusOr<std::shared_ptr<const ValuePage>> Block::Page(const BlockIndex& index, uint32_t page,
                                                             bool use_cache) const {
  return LoadPart<ValuePage>(kPagePart, page, index.pages()[page].extent, kPageBytesMax, use_cache,
                             [](std::string raw) { return ValuePage::Parse(std::move(raw)); });
}

absl::StatusOr<std::shared_ptr<const std::string>> Block::TimePage(const BlockIndex& index,
                                                                   uint32_t page,
                                                                   bool use_cache) const {
  return LoadPart<std::string>(
      kTimesPart, page, index.time_pages()[page], kPageBytesMax, use_cache,
      [](std::string raw) { return std::make_shared<const std::string>(std::move(raw)); });
}

absl::StatusOr<std::shared_ptr<const LabelPage>> Block::Labels(const BlockIndex& index,
                                                               uint32_t page,
                                                               bool use_cache) const {
  const auto make = [&](const std::string& raw) -> std::shared_ptr<const LabelPage> {
    auto labels = std::make_shared<LabelPage>();
    for (uint32_t name = 0; name < index.names().size(); ++name) {
      if (index.names()[name].page != page) continue;
      if (labels->dictionaries.empty()) labels->first_name = name;
      if (name != labels->first_name + labels->dictionaries.size()) return nullptr;
      labels->dictionaries.push_back(index.ParseDictionary(name, raw));
      if (labels->dictionaries.back() == nullptr) return nullptr;
    }
    return labels;
  };
  return LoadPart<LabelPage>(kLabelsPart, page, index.value_pages()[page], kGroupBytesMax,
                             use_cache, make);
}

absl::StatusOr<std::shared_ptr<const SeriesGroup>> Block::Group(const BlockIndex& index,
                                                                uint32_t group,
                                                                bool use_cache) const {
  return LoadPart<SeriesGroup>(
      kGroupPart, group, index.groups()[group].extent, kGroupBytesMax, use_cache,
      [&](const std::string& raw) { return index.ParseGroup(group, raw); });
}

absl::StatusOr<std::shared_ptr<const StatisticsPart>> Block::Statistics(
    const BlockIndex& index, uint32_t group, uint32_t part, const SeriesGroup& parsed) const {
  const BlockIndex::Group& entry = index.groups()[group];
  const size_t columns =
      std::min(kStatisticsColumns, parsed.columns() - size_t{part} * kStatisticsColumns);
  return LoadPart<StatisticsPart>(
      kStatisticsPart, entry.first_statistics + part, entry.statistics[part], kPageBytesMax, true,
      [columns](const std::string& raw) { return StatisticsPart::Parse(raw, columns); });
}

absl::StatusOr<std::unique_ptr<SeriesSource>> Block::Select(
    std::shared_ptr<const Block> self, const std::vector<model::Matcher>& matchers,
    storage::TimeRange range, bool use_cache) {
  TRY_ASSIGN(auto index, self->Index());
  const bool all = range.min_ms <= self->meta_.min_ms && range.max_ms >= self->meta_.max_ms;
  BlockReader reader(*self, std::move(index), use_cache);
  TRY_ASSIGN(auto deleted, self->Deleted(&reader));
  auto ids = FindOverlapping(&reader, matchers, range, all, deleted.get());
  if (!ids.ok()) return self->Damaged(ids.status());
  return std::make_unique<BlockSource>(std::move(self), std::move(reader), *std::move(ids),
                                       std::move(deleted), use_cache);
}

absl::StatusOr<std::unique_ptr<SeriesSource>> Block::Open(std::shared_ptr<const Block> self) {
  TRY_ASSIGN(auto index, self->Index());
  BlockReader reader(*self, std::move(index), true);
  TRY_ASSIGN(auto deleted, self->Deleted(&reader));
  return std::make_unique<BlockSource>(std::move(self), std::move(reader), SeriesIds(),
                                       std::move(deleted), true);
}

absl::Status Block::ForEachSeries(const std::vector<model::Matcher>& matchers,
                                  storage::TimeRange range,
                                  absl::FunctionRef<void(model::LabelsView)> visit) const {
  TRY_ASSIGN(auto index, Index());
  const bool all = range.min_ms <= meta_.min_ms && range.max_ms >= meta_.max_ms;
  BlockReader reader(*this, std::move(index), true);
  TRY_ASSIGN(const auto deleted, Deleted(&reader));
  const auto ids = FindOverlapping(&reader, matchers, range, all, deleted.get());
  if (!ids.ok()) return Damaged(ids.status());
  std::string packed;
  for (const uint32_t id : *ids) {
    if (const absl::Status status = reader.Labels(id, &packed); !status.ok()) {
      return Damaged(status);
    }
    visit(model::LabelsView(packed));
  }
  return absl::OkStatus();
}

absl::Status Block::ForEachLabelName(absl::FunctionRef<void(std::string_view)> visit) const {
  TRY_ASSIGN(const auto index, Index());
  for (const BlockIndex::Name& name : index->names()) visit(name.text);
  return absl::OkStatus();
}

absl::Status Block::ForEachLabelValue(std::string_view name,
                                      absl::FunctionRef<void(std::string_view)> visit) const {
  TRY_ASSIGN(auto index, Index());
  uint32_t number = 0;
  if (!index->FindName(name, &number)) return absl::OkStatus();
  BlockReader reader(*this, std::move(index), true);
  TRY_ASSIGN(const LabelDictionary* values, reader.Dictionary(number));
  for (const uint32_t value : values->sorted()) visit(values->value(value));
  return absl::OkStatus();
}

}  // namespace hearth::tsdb

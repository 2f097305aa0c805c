// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block.h"

#include <algorithm>

#include "base/compress.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/block_index.h"
#include "tsdb/coding.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/value_codec.h"

namespace hearth::tsdb {
namespace {

constexpr uint64_t kIndexPart = UINT64_MAX;
// Most footers; a longer one takes a second read.
constexpr uint64_t kFooterGuess = 4096;
// Timelines that a source keeps decoded: a query's targets, seldom more.
constexpr size_t kTimelinesKept = 1024;

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
  BlockSource(std::shared_ptr<const Block> block, std::shared_ptr<const BlockIndex> index,
              SeriesIds ids, std::shared_ptr<const DeletedSeries> deleted, bool use_cache)
      : block_(std::move(block)),
        index_(std::move(index)),
        ids_(std::move(ids)),
        deleted_(std::move(deleted)),
        use_cache_(use_cache) {}

  absl::StatusOr<bool> Next() override {
    if (next_ == ids_.size()) return false;
    series_ = ids_[next_++];
    TRY(index_->Labels(series_, &packed_));
    return true;
  }
  model::LabelsView labels() const override { return model::LabelsView(packed_); }
  uint32_t id() const override { return series_; }
  absl::Status Seek(uint32_t id, bool with_labels) override {
    series_ = id;
    return with_labels ? index_->Labels(series_, &packed_) : absl::OkStatus();
  }

  absl::StatusOr<bool> Runs(storage::TimeRange range, bool times_only,
                            std::vector<SampleRun>* runs) override {
    if (deleted_ != nullptr) return false;
    TRY(index_->Find(series_, &places_));
    if (!places_.histograms.empty()) return false;
    for (uint32_t i = 0; i < places_.columns.size(); ++i) {
      const BlockIndex::Column& column = places_.columns[i];
      const BlockIndex::Timeline& timeline = index_->timelines()[column.timeline];
      if (timeline.first_ms > range.max_ms || timeline.last_ms < range.min_ms) continue;
      if (column.has_starts) return false;
      SampleRun& run = runs->emplace_back();
      run.first_ms = timeline.first_ms;
      run.last_ms = timeline.last_ms;
      run.count = timeline.count;
      run.times_key = column.timeline + 1;
      run.place = i;
      if (times_only) {
        TRY(Load(column.page, &values_number_, &values_page_));
        run.marked =
            ValuesMayBeMarked(std::string_view(*values_page_)
                                  .substr(std::min<size_t>(column.offset, values_page_->size())));
      }
    }
    return true;
  }

  absl::Status ReadRun(const SampleRun& run, int64_t* times_ms, double* values) override {
    const BlockIndex::Column& column = places_.columns[run.place];
    if (times_ms != nullptr) {
      TRY_ASSIGN(const std::vector<int64_t>* times, Times(column.timeline));
      std::copy(times->begin(), times->end(), times_ms);
    }
    return values == nullptr ? absl::OkStatus() : ReadValues(column, {values, run.count});
  }

  absl::Status Read(storage::TimeRange range, Columns* columns) override {
    const size_t begin = columns->size();
    const size_t histograms_begin = columns->histograms.size();
    TRY(index_->Find(series_, &places_));
    for (const BlockIndex::Column& column : places_.columns) {
      const BlockIndex::Timeline& timeline = index_->timelines()[column.timeline];
      if (timeline.first_ms > range.max_ms || timeline.last_ms < range.min_ms) continue;
      TRY(ReadColumn(column, columns));
    }
    for (const BlockIndex::HistogramPlace& place : places_.histograms) {
      if (place.first_ms > range.max_ms || place.last_ms < range.min_ms) continue;
      TRY(ReadHistograms(place, columns));
    }
    if (deleted_ != nullptr) deleted_->Remove(series_, begin, histograms_begin, columns);
    return absl::OkStatus();
  }

 private:
  absl::Status ReadColumn(const BlockIndex::Column& column, Columns* columns) {
    TRY_ASSIGN(const std::vector<int64_t>* times, Times(column.timeline));
    const size_t at = columns->size();
    columns->times_ms.insert(columns->times_ms.end(), times->begin(), times->end());
    columns->values.resize(at + times->size());
    TRY(ReadValues(column, std::span(columns->values).subspan(at)));
    if (!column.has_starts) return absl::OkStatus();
    TRY(Load(column.starts_page, &values_number_, &values_page_));
    ByteReader starts_reader(*values_page_);
    starts_reader.Take(column.starts_offset);
    int64_t start = 0;
    for (int64_t& out : columns->StartsFrom(at)) {
      start = WrappingAdd(start, starts_reader.SignedVarint());
      out = start;
    }
    if (starts_reader.ok()) return absl::OkStatus();
    return DataLoss("block {}: start times of series {} do not parse", block_->meta().id, series_);
  }

  absl::Status ReadValues(const BlockIndex::Column& column, std::span<double> values) {
    TRY(Load(column.page, &values_number_, &values_page_));
    ByteReader reader(*values_page_);
    reader.Take(column.offset);
    if (DecodeValues(&reader, values)) return absl::OkStatus();
    return DataLoss("block {}: values of series {} do not parse", block_->meta().id, series_);
  }

  absl::Status ReadHistograms(const BlockIndex::HistogramPlace& place, Columns* columns) {
    TRY(Load(place.page, &values_number_, &values_page_));
    ByteReader reader(*values_page_);
    reader.Take(place.offset);
    const std::string_view bytes = reader.Bytes();
    if (reader.ok() && DecodeHistograms(bytes, place.count, &columns->histograms)) {
      return absl::OkStatus();
    }
    return DataLoss("block {}: histograms of series {} do not parse", block_->meta().id, series_);
  }

  absl::Status Load(uint32_t page, uint32_t* number, std::shared_ptr<const std::string>* bytes) {
    if (*bytes != nullptr && *number == page) return absl::OkStatus();
    TRY_ASSIGN(*bytes, block_->Page(*index_, page, use_cache_));
    *number = page;
    return absl::OkStatus();
  }

  absl::StatusOr<const std::vector<int64_t>*> Times(uint32_t id) {
    const auto it = timelines_.find(id);
    if (it != timelines_.end()) return &it->second;
    if (timelines_.size() >= kTimelinesKept) timelines_.clear();
    const BlockIndex::Timeline& timeline = index_->timelines()[id];
    TRY(Load(timeline.page, &times_number_, &times_page_));
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
  const std::shared_ptr<const BlockIndex> index_;
  const SeriesIds ids_;
  const std::shared_ptr<const DeletedSeries> deleted_;
  const bool use_cache_;
  size_t next_ = 0;
  uint32_t series_ = 0;
  std::string packed_;
  BlockIndex::Places places_;
  uint32_t values_number_ = 0;
  uint32_t times_number_ = 0;
  std::shared_ptr<const std::string> values_page_;
  std::shared_ptr<const std::string> times_page_;
  absl::flat_hash_map<uint32_t, std::vector<int64_t>> timelines_;
};

bool Intersects(int64_t first_ms, int64_t last_ms, storage::TimeRange range) {
  return first_ms <= range.max_ms && last_ms >= range.min_ms;
}

bool AnyOverlaps(const BlockIndex& index, const BlockIndex::Places& places,
                 storage::TimeRange range) {
  for (const BlockIndex::Column& column : places.columns) {
    const BlockIndex::Timeline& timeline = index.timelines()[column.timeline];
    if (Intersects(timeline.first_ms, timeline.last_ms, range)) return true;
  }
  return std::any_of(places.histograms.begin(), places.histograms.end(),
                     [range](const BlockIndex::HistogramPlace& place) {
                       return Intersects(place.first_ms, place.last_ms, range);
                     });
}

// `deleted` may be null.
absl::StatusOr<SeriesIds> FindOverlapping(const BlockIndex& index,
                                          const std::vector<model::Matcher>& matchers,
                                          storage::TimeRange range, bool all,
                                          const DeletedSeries* deleted) {
  SeriesIds ids = FindSeries(BlockIndexReader(index), matchers);
  if (all && deleted == nullptr) return ids;
  absl::Status status;
  BlockIndex::Places places;
  std::erase_if(ids, [&](uint32_t id) {
    if (const absl::Status read = index.Find(id, &places); !read.ok()) {
      status = read;
      return true;
    }
    if (!AnyOverlaps(index, places, range)) return true;
    if (deleted == nullptr) return false;
    storage::TimeRange held = index.TimesOf(places);
    held.min_ms = std::max(held.min_ms, range.min_ms);
    held.max_ms = std::min(held.max_ms, range.max_ms);
    return deleted->Hides(id, held);
  });
  TRY(status);
  return ids;
}

std::atomic<uint64_t> next_cache_key{1};

}  // namespace

Block::Block(BlockMeta meta, storage::BlobStore& store, BlockCache& cache)
    : meta_(std::move(meta)), cache_key_(next_cache_key++), store_(store), cache_(cache) {}

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
  return BlockIndex::Parse(std::move(bytes));
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

std::shared_ptr<const DeletedSeries> Block::Deleted(const BlockIndex& index) const {
  absl::MutexLock lock(&mutex_);
  if (tombstones_ == nullptr || tombstones_->empty() ||
      tombstones_->back().number < meta_.tombstones_from) {
    return nullptr;
  }
  if (deleted_ == nullptr) {
    deleted_ = std::make_shared<const DeletedSeries>(BlockIndexReader(index), *tombstones_,
                                                     meta_.tombstones_from);
  }
  return deleted_->empty() ? nullptr : deleted_;
}

absl::StatusOr<std::shared_ptr<const BlockIndex>> Block::Index() const {
  if (auto cached = cache_.Get({cache_key_, kIndexPart}); cached != nullptr) {
    return std::static_pointer_cast<const BlockIndex>(cached);
  }
  auto index = LoadIndex();
  if (!index.ok()) return Damaged(index.status());
  cache_.Put({cache_key_, kIndexPart}, *index, (*index)->memory_bytes());
  return *std::move(index);
}

absl::StatusOr<std::shared_ptr<const std::string>> Block::Page(const BlockIndex& index,
                                                               uint32_t page,
                                                               bool use_cache) const {
  if (use_cache) {
    if (auto cached = cache_.Get({cache_key_, page}); cached != nullptr) {
      return std::static_pointer_cast<const std::string>(cached);
    }
  }
  auto raw = ReadExtent(index.pages()[page], kPageBytesMax);
  if (!raw.ok()) return Damaged(raw.status());
  auto bytes = std::make_shared<const std::string>(*std::move(raw));
  if (use_cache) cache_.Put({cache_key_, page}, bytes, bytes->size() + 64);
  return bytes;
}

absl::StatusOr<std::unique_ptr<SeriesSource>> Block::Select(
    std::shared_ptr<const Block> self, const std::vector<model::Matcher>& matchers,
    storage::TimeRange range, bool use_cache) {
  TRY_ASSIGN(auto index, self->Index());
  const bool all = range.min_ms <= self->meta_.min_ms && range.max_ms >= self->meta_.max_ms;
  auto deleted = self->Deleted(*index);
  auto ids = FindOverlapping(*index, matchers, range, all, deleted.get());
  if (!ids.ok()) return self->Damaged(ids.status());
  return std::make_unique<BlockSource>(std::move(self), std::move(index), *std::move(ids),
                                       std::move(deleted), use_cache);
}

absl::StatusOr<std::unique_ptr<SeriesSource>> Block::Open(std::shared_ptr<const Block> self) {
  TRY_ASSIGN(auto index, self->Index());
  auto deleted = self->Deleted(*index);
  return std::make_unique<BlockSource>(std::move(self), std::move(index), SeriesIds(),
                                       std::move(deleted), true);
}

absl::Status Block::ForEachSeries(const std::vector<model::Matcher>& matchers,
                                  storage::TimeRange range,
                                  absl::FunctionRef<void(model::LabelsView)> visit) const {
  TRY_ASSIGN(const auto index, Index());
  const bool all = range.min_ms <= meta_.min_ms && range.max_ms >= meta_.max_ms;
  const auto deleted = Deleted(*index);
  const auto ids = FindOverlapping(*index, matchers, range, all, deleted.get());
  if (!ids.ok()) return Damaged(ids.status());
  std::string packed;
  for (const uint32_t id : *ids) {
    if (const absl::Status status = index->Labels(id, &packed); !status.ok()) {
      return Damaged(status);
    }
    visit(model::LabelsView(packed));
  }
  return absl::OkStatus();
}

absl::Status Block::ForEachLabelName(absl::FunctionRef<void(std::string_view)> visit) const {
  TRY_ASSIGN(const auto index, Index());
  BlockIndexReader(*index).ForEachName(visit);
  return absl::OkStatus();
}

absl::Status Block::ForEachLabelValue(std::string_view name,
                                      absl::FunctionRef<void(std::string_view)> visit) const {
  TRY_ASSIGN(const auto index, Index());
  BlockIndexReader(*index).ForEachValue(name, visit);
  return absl::OkStatus();
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_writer.h"

#include <xxhash.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/compress.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "tsdb/coding.h"
#include "tsdb/histogram_codec.h"

namespace hearth::tsdb {
namespace {

// zstd: what is merged soon is compressed quickly, what stays for months thoroughly. On real
// scrapes 1, 3 and 6 give 0.281, 0.279 and 0.273 bytes a sample.
int PageLevel(uint32_t block_level) { return block_level == 0 ? 1 : block_level == 1 ? 3 : 6; }
// Of the index: small, and read by every first query.
constexpr int kIndexLevel = 6;
// Where every series has times of its own, remembering them all would take more memory than the
// block.
constexpr size_t kTimelinesRemembered = 128 << 10;

std::string ExtentsBytes(const std::vector<Extent>& extents) {
  std::string out;
  PutVarint(extents.size(), &out);
  uint64_t end = 0;
  for (const Extent& extent : extents) PutExtent(extent, &end, &out);
  return out;
}

std::string Counted(uint64_t n, std::string_view table) {
  std::string out;
  PutVarint(n, &out);
  out += table;
  return out;
}

}  // namespace

BlockWriter::BlockWriter(std::unique_ptr<storage::BlobWriter> file, BlockMeta meta)
    : file_(std::move(file)), meta_(std::move(meta)), page_level_(PageLevel(meta_.level)) {}

absl::StatusOr<std::unique_ptr<BlockWriter>> BlockWriter::Create(storage::BlobStore& store,
                                                                 BlockMeta meta) {
  TRY_ASSIGN(auto file, store.Create(meta.id));
  meta.min_ms = INT64_MAX;
  meta.max_ms = INT64_MIN;
  meta.series = 0;
  meta.samples = 0;
  meta.data_bytes = 0;
  auto writer = std::unique_ptr<BlockWriter>(new BlockWriter(std::move(file), std::move(meta)));
  std::string header(kBlockMagic);
  PutFixed(kBlockVersion, &header);
  PutFixed(Crc32c(header), &header);
  TRY(writer->file_->Append(header));
  writer->written_ = header.size();
  return writer;
}

absl::StatusOr<Extent> BlockWriter::Write(std::string_view raw, int level) {
  const std::string stored = ZstdCompress(raw, level);
  const Extent extent{written_, stored.size(), raw.size(), Crc32c(stored)};
  TRY(file_->Append(stored));
  written_ += stored.size();
  return extent;
}

absl::Status BlockWriter::FlushPage() {
  const size_t entries = page_.entries();
  if (entries == 0) return absl::OkStatus();
  TRY_ASSIGN(const Extent extent, Write(page_.Take(), page_level_));
  PutExtent(extent, &page_end_, &page_table_);
  PutVarint(entries, &page_table_);
  ++page_count_;
  meta_.data_bytes += extent.stored;
  return absl::OkStatus();
}

absl::Status BlockWriter::FlushTimes() {
  if (times_.empty()) return absl::OkStatus();
  TRY_ASSIGN(const Extent extent, Write(times_, page_level_));
  time_pages_.push_back(extent);
  meta_.data_bytes += extent.stored;
  times_.clear();
  return absl::OkStatus();
}

absl::Status BlockWriter::PreparePage() {
  if (page_.bytes() >= kPageBytes || page_.entries() >= kPageEntriesMax) TRY(FlushPage());
  ++entries_;
  return absl::OkStatus();
}

// Series of one scrape share their times: each distinct run of times is kept once, as far back as
// is remembered.
absl::StatusOr<uint32_t> BlockWriter::TimelineOf(std::span<const int64_t> times_ms) {
  const XXH128_hash_t hash = XXH3_128bits(times_ms.data(), times_ms.size_bytes());
  if (timelines_.size() >= kTimelinesRemembered) timelines_.clear();
  const auto [it, added] =
      timelines_.try_emplace(std::pair(hash.low64, hash.high64), timeline_count_);
  if (!added) return it->second;
  if (times_.size() >= kPageBytes) TRY(FlushTimes());
  PutVarint(time_pages_.size(), &timeline_table_);
  PutVarint(times_.size(), &timeline_table_);
  PutVarint(times_ms.size(), &timeline_table_);
  PutZigzag(WrappingSub(times_ms.front(), timeline_before_ms_), &timeline_table_);
  PutVarint(static_cast<uint64_t>(times_ms.back()) - static_cast<uint64_t>(times_ms.front()),
            &timeline_table_);
  timeline_before_ms_ = times_ms.front();
  EncodeTimes(times_ms, &times_);
  return timeline_count_++;
}

uint32_t BlockWriter::NameNumber(std::string_view name) {
  const auto it = name_numbers_.find(name);
  if (it != name_numbers_.end()) return it->second;
  const auto number = static_cast<uint32_t>(names_.size());
  names_.emplace_back(name);
  values_.emplace_back();
  name_numbers_.emplace(name, number);
  return number;
}

absl::Status BlockWriter::Add(model::LabelsView labels, const Columns& samples) {
  labels_.clear();
  for (const model::Label& label : labels) {
    const uint32_t name = NameNumber(label.name);
    labels_.emplace_back(name, values_[name].Number(label.value) + 1);
  }
  if ((group_.names() + labels_.size()) * (group_.series() + 1) > kGroupCells) TRY(FlushGroup());
  places_.columns.clear();
  places_.histograms.clear();
  TRY(AddFloats(samples));
  TRY(AddHistograms(samples.histograms));
  if (places_.columns.size() + places_.histograms.size() > kSeriesChunksMax) {
    return ResourceExhausted("series {} has more than {} chunks in one block", labels.ToString(),
                             kSeriesChunksMax);
  }
  group_.Add(labels_, places_);
  ++meta_.series;
  meta_.samples += samples.size() + samples.histograms.size();
  if (group_.series() >= kGroupSeries || group_.chunks() >= kGroupChunks) return FlushGroup();
  return absl::OkStatus();
}

absl::Status BlockWriter::AddFloats(const Columns& samples) {
  const size_t n = samples.size();
  if (n == 0) return absl::OkStatus();
  for (size_t at = 0; at < n; at += kColumnSamplesMax) {
    const size_t count = std::min(kColumnSamplesMax, n - at);
    const auto values = std::span(samples.values).subspan(at, count);
    ColumnPlace place;
    TRY_ASSIGN(place.timeline, TimelineOf(std::span(samples.times_ms).subspan(at, count)));
    TRY(PreparePage());
    page_.AddValues(values);
    place.flags = FlagsOf(values);
    if (meta_.level > 0) {
      if (statistics_.size() >= kStatisticsColumns) TRY(FlushStatistics());
      statistics_.Add(StatisticsOf(values), at > 0);
    }
    place.has_starts = samples.HasStarts(at, at + count);
    if (place.has_starts) {
      std::string starts;
      int64_t before = 0;
      for (size_t i = at; i < at + count; ++i) {
        const int64_t start = i < samples.starts.size() ? samples.starts[i] : 0;
        PutZigzag(WrappingSub(start, std::exchange(before, start)), &starts);
      }
      TRY(PreparePage());
      page_.AddBytes(starts);
    }
    places_.columns.push_back(place);
  }
  meta_.min_ms = std::min(meta_.min_ms, samples.times_ms.front());
  meta_.max_ms = std::max(meta_.max_ms, samples.times_ms.back());
  return absl::OkStatus();
}

absl::Status BlockWriter::AddHistograms(const std::vector<model::HistogramSample>& histograms) {
  const auto add = [&](const HistogramChunk& chunk) -> absl::Status {
    TRY(PreparePage());
    page_.AddBytes(chunk.bytes);
    places_.histograms.push_back({chunk.first_ms, chunk.last_ms, chunk.count});
    meta_.min_ms = std::min(meta_.min_ms, chunk.first_ms);
    meta_.max_ms = std::max(meta_.max_ms, chunk.last_ms);
    return absl::OkStatus();
  };
  HistogramChunkBuilder builder;
  for (const model::HistogramSample& sample : histograms) {
    if (builder.Append(sample)) continue;
    TRY(add(builder.Take()));
    builder.Append(sample);
  }
  return builder.empty() ? absl::OkStatus() : add(builder.Take());
}

std::vector<uint32_t> BlockWriter::NameRank() const {
  std::vector<uint32_t> order(names_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
  std::vector<uint32_t> rank(names_.size());
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  return rank;
}

absl::Status BlockWriter::FlushStatistics() {
  if (statistics_.size() == 0) return absl::OkStatus();
  TRY_ASSIGN(const Extent extent, Write(statistics_.Take(), kIndexLevel));
  statistics_parts_.push_back(extent);
  meta_.data_bytes += extent.stored;
  return absl::OkStatus();
}

absl::Status BlockWriter::FlushGroup() {
  const uint32_t series = group_.series();
  if (series == 0) return absl::OkStatus();
  TRY(FlushStatistics());
  std::vector<SeriesGroupBuilder::Zone> zones;
  const std::string bytes = group_.Take(NameRank(), &zones);
  TRY_ASSIGN(const Extent extent, Write(bytes, kIndexLevel));
  PutExtent(extent, &group_end_, &group_table_);
  PutVarint(series, &group_table_);
  PutVarint(entries_ - std::exchange(group_first_entry_, entries_), &group_table_);
  PutVarint(zones.size(), &group_table_);
  for (const SeriesGroupBuilder::Zone& zone : zones) {
    PutVarint(zone.name, &group_table_);
    PutVarint(zone.min, &group_table_);
    PutVarint(zone.max - zone.min, &group_table_);
  }
  PutVarint(statistics_parts_.size(), &group_table_);
  for (const Extent& part : statistics_parts_) PutExtent(part, &statistics_end_, &group_table_);
  statistics_parts_.clear();
  ++group_count_;
  return absl::OkStatus();
}

// The values of each name, several names a page; returns the section that says where.
absl::StatusOr<std::string> BlockWriter::WriteLabels() {
  std::string section;
  PutVarint(names_.size(), &section);
  std::vector<Extent> pages;
  std::string page;
  for (size_t name = 0; name < names_.size(); ++name) {
    PutBytes(names_[name], &section);
    PutVarint(pages.size(), &section);
    PutVarint(page.size(), &section);
    PutVarint(values_[name].size(), &section);
    page += values_[name].Bytes();
    if (page.size() < kPageBytes && name + 1 < names_.size()) continue;
    TRY_ASSIGN(const Extent extent, Write(page, kIndexLevel));
    pages.push_back(extent);
    page.clear();
  }
  return section + ExtentsBytes(pages);
}

size_t BlockWriter::memory_bytes() const {
  size_t bytes = timelines_.size() * 32 + timeline_table_.capacity() + page_table_.capacity() +
                 group_table_.capacity();
  for (const LabelDictionaryBuilder& values : values_) bytes += values.memory_bytes();
  return bytes;
}

absl::StatusOr<BlockMeta> BlockWriter::Finish() {
  TRY(FlushPage());
  TRY(FlushTimes());
  TRY(FlushGroup());
  TRY_ASSIGN(const std::string labels, WriteLabels());
  Footer footer;
  TRY_ASSIGN(footer.sections[kLabels], Write(labels, kIndexLevel));
  TRY_ASSIGN(footer.sections[kGroups], Write(Counted(group_count_, group_table_), kIndexLevel));
  TRY_ASSIGN(
      footer.sections[kTimelines],
      Write(ExtentsBytes(time_pages_) + Counted(timeline_count_, timeline_table_), kIndexLevel));
  TRY_ASSIGN(footer.sections[kPages], Write(Counted(page_count_, page_table_), kIndexLevel));
  footer.meta = meta_;
  const std::string end = FooterBytes(footer);
  TRY(file_->Append(end));
  TRY(file_->Finish());
  meta_.size = written_ + end.size();
  return meta_;
}

}  // namespace hearth::tsdb

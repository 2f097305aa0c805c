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
#include "tsdb/value_codec.h"

namespace hearth::tsdb {

absl::StatusOr<std::unique_ptr<BlockWriter>> BlockWriter::Create(storage::BlobStore& store,
                                                                 BlockMeta meta) {
  TRY_ASSIGN(auto file, store.Create(meta.id));
  meta.min_ms = INT64_MAX;
  meta.max_ms = INT64_MIN;
  auto writer = std::unique_ptr<BlockWriter>(new BlockWriter(std::move(file), std::move(meta)));
  std::string header(kBlockMagic);
  PutFixed(kBlockVersion, &header);
  PutFixed(Crc32c(header), &header);
  TRY(writer->file_->Append(header));
  writer->written_ = header.size();
  return writer;
}

uint32_t BlockWriter::Symbol(std::string_view text) {
  const auto it = symbol_numbers_.find(text);
  if (it != symbol_numbers_.end()) return it->second;
  const auto number = static_cast<uint32_t>(symbols_.size());
  symbols_.push_back(symbol_bytes_.Add(text));
  symbol_numbers_.emplace(symbols_.back(), number);
  return number;
}

absl::StatusOr<Extent> BlockWriter::Write(std::string_view raw) {
  const std::string stored = ZstdCompress(raw);
  const Extent extent{written_, stored.size(), raw.size(), Crc32c(stored)};
  TRY(file_->Append(stored));
  written_ += stored.size();
  return extent;
}

absl::Status BlockWriter::FlushPage(OpenPage* page) {
  if (page->bytes.empty()) return absl::OkStatus();
  TRY_ASSIGN(pages_[page->number], Write(page->bytes));
  page->bytes.clear();
  return absl::OkStatus();
}

template <typename PutFn>
absl::StatusOr<std::pair<uint32_t, uint32_t>> BlockWriter::PutInPage(OpenPage* page,
                                                                     const PutFn& put) {
  if (page->bytes.size() >= kPageBytes) TRY(FlushPage(page));
  if (page->bytes.empty()) {
    page->number = static_cast<uint32_t>(pages_.size());
    pages_.emplace_back();
  }
  const auto offset = static_cast<uint32_t>(page->bytes.size());
  put(&page->bytes);
  return std::pair(page->number, offset);
}

// Series of one scrape share their times: each distinct run of times is kept once.
absl::StatusOr<uint32_t> BlockWriter::TimelineOf(std::span<const int64_t> times_ms) {
  const XXH128_hash_t hash = XXH3_128bits(times_ms.data(), times_ms.size_bytes());
  const Timeline made{static_cast<uint32_t>(timelines_.size()),
                      static_cast<uint32_t>(times_ms.size()), times_ms.front(), times_ms.back()};
  const auto [it, added] = timelines_.try_emplace(std::pair(hash.low64, hash.high64), made);
  if (!added) return it->second.id;
  TRY_ASSIGN(const auto place,
             PutInPage(&times_, [&](std::string* out) { EncodeTimes(times_ms, out); }));
  PutVarint(place.first, &timeline_table_);
  PutVarint(place.second, &timeline_table_);
  PutVarint(made.count, &timeline_table_);
  PutZigzag(made.first_ms, &timeline_table_);
  PutVarint(static_cast<uint64_t>(made.last_ms) - static_cast<uint64_t>(made.first_ms),
            &timeline_table_);
  return made.id;
}

absl::Status BlockWriter::Add(model::LabelsView labels, const Columns& samples) {
  const auto ordinal = static_cast<uint32_t>(meta_.series);
  series_offsets_.push_back(static_cast<uint32_t>(series_table_.size()));
  PutVarint(labels.CountLabels(), &series_table_);
  for (const model::Label& label : labels) {
    const uint32_t name = Symbol(label.name);
    const uint32_t value = Symbol(label.value);
    PutVarint(name, &series_table_);
    PutVarint(value, &series_table_);
    Posting& posting = postings_[uint64_t{name} << 32 | value];
    PutVarint(posting.ids.empty() ? ordinal : ordinal - posting.last, &posting.ids);
    posting.last = ordinal;
  }
  TRY(AddFloats(samples));
  TRY(AddHistograms(samples.histograms));
  ++meta_.series;
  meta_.samples += samples.size() + samples.histograms.size();
  return absl::OkStatus();
}

absl::Status BlockWriter::AddFloats(const Columns& samples) {
  const size_t n = samples.size();
  PutVarint((n + kColumnSamplesMax - 1) / kColumnSamplesMax, &series_table_);
  for (size_t at = 0; at < n; at += kColumnSamplesMax) {
    const size_t count = std::min(kColumnSamplesMax, n - at);
    TRY_ASSIGN(const uint32_t timeline, TimelineOf(std::span(samples.times_ms).subspan(at, count)));
    TRY_ASSIGN(const auto place, PutInPage(&values_, [&](std::string* out) {
                 EncodeValues(std::span(samples.values).subspan(at, count), out);
               }));
    PutVarint(timeline, &series_table_);
    PutVarint(place.first, &series_table_);
    PutVarint(place.second, &series_table_);
    if (!samples.HasStarts(at, at + count)) {
      PutVarint(0, &series_table_);
      continue;
    }
    TRY_ASSIGN(const auto starts, PutInPage(&values_, [&](std::string* out) {
                 int64_t before = 0;
                 for (size_t i = at; i < at + count; ++i) {
                   const int64_t start = i < samples.starts.size() ? samples.starts[i] : 0;
                   PutZigzag(WrappingSub(start, std::exchange(before, start)), out);
                 }
               }));
    PutVarint(uint64_t{starts.first} + 1, &series_table_);
    PutVarint(starts.second, &series_table_);
  }
  if (n == 0) return absl::OkStatus();
  meta_.min_ms = std::min(meta_.min_ms, samples.times_ms.front());
  meta_.max_ms = std::max(meta_.max_ms, samples.times_ms.back());
  return absl::OkStatus();
}

absl::Status BlockWriter::AddHistograms(const std::vector<model::HistogramSample>& histograms) {
  std::vector<HistogramChunk> chunks;
  HistogramChunkBuilder builder;
  for (const model::HistogramSample& sample : histograms) {
    if (builder.Append(sample)) continue;
    chunks.push_back(builder.Take());
    builder.Append(sample);
  }
  if (!builder.empty()) chunks.push_back(builder.Take());
  PutVarint(chunks.size(), &series_table_);
  for (const HistogramChunk& chunk : chunks) {
    TRY_ASSIGN(const auto place,
               PutInPage(&values_, [&](std::string* out) { PutBytes(chunk.bytes, out); }));
    PutZigzag(chunk.first_ms, &series_table_);
    PutVarint(static_cast<uint64_t>(chunk.last_ms) - static_cast<uint64_t>(chunk.first_ms),
              &series_table_);
    PutVarint(chunk.count, &series_table_);
    PutVarint(place.first, &series_table_);
    PutVarint(place.second, &series_table_);
    meta_.min_ms = std::min(meta_.min_ms, chunk.first_ms);
    meta_.max_ms = std::max(meta_.max_ms, chunk.last_ms);
  }
  return absl::OkStatus();
}

std::string BlockWriter::SymbolsSection() const {
  std::string out;
  PutVarint(symbols_.size(), &out);
  for (const std::string_view symbol : symbols_) PutBytes(symbol, &out);
  std::vector<uint32_t> order(symbols_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return symbols_[a] < symbols_[b]; });
  for (const uint32_t number : order) PutFixed(number, &out);
  return out;
}

std::string BlockWriter::PostingsSection() const {
  std::vector<uint64_t> keys;
  keys.reserve(postings_.size());
  for (const auto& [key, posting] : postings_) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  std::string out;
  PutVarint(keys.size(), &out);
  for (const uint64_t key : keys) {
    PutVarint(key >> 32, &out);
    PutVarint(key & 0xffffffffU, &out);
    PutBytes(postings_.at(key).ids, &out);
  }
  return out;
}

std::string BlockWriter::PagesSection() const {
  std::string out;
  PutVarint(pages_.size(), &out);
  for (const Extent& page : pages_) PutExtent(page, &out);
  return out;
}

absl::StatusOr<BlockMeta> BlockWriter::Finish() {
  TRY(FlushPage(&values_));
  TRY(FlushPage(&times_));
  std::string series;
  PutVarint(series_offsets_.size(), &series);
  for (const uint32_t offset : series_offsets_) PutFixed(offset, &series);
  series += series_table_;
  std::string timelines;
  PutVarint(timelines_.size(), &timelines);
  timelines += timeline_table_;
  Footer footer;
  TRY_ASSIGN(footer.sections[kSymbols], Write(SymbolsSection()));
  TRY_ASSIGN(footer.sections[kSeries], Write(series));
  TRY_ASSIGN(footer.sections[kPostings], Write(PostingsSection()));
  TRY_ASSIGN(footer.sections[kTimelines], Write(timelines));
  TRY_ASSIGN(footer.sections[kPages], Write(PagesSection()));
  footer.meta = meta_;
  const std::string end = FooterBytes(footer);
  TRY(file_->Append(end));
  TRY(file_->Finish());
  meta_.size = written_ + end.size();
  return meta_;
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "prometheus_blocks/index_reader.h"

#include <algorithm>
#include <utility>

#include "base/crc32c.h"
#include "base/status.h"

namespace hearth::prometheus_blocks {
namespace {

constexpr uint64_t kHeaderBytes = 5;
constexpr uint64_t kSeriesBytesMax = 16 << 20;  // of one series' entry
constexpr size_t kLengthBytesMax = 10;          // of a varint

}  // namespace

absl::StatusOr<std::unique_ptr<IndexReader>> IndexReader::Open(FileSystem& file_system,
                                                               const std::string& path) {
  TRY_ASSIGN(auto file, WindowReader::Open(file_system, path));
  auto reader = std::unique_ptr<IndexReader>(new IndexReader(std::move(file)));
  TRY(reader->ReadHeader());
  TRY(reader->ReadSymbols());
  TRY(reader->FindAllSeries());
  return reader;
}

absl::Status IndexReader::ReadHeader() {
  if (file_->size() < kHeaderBytes + kTocBytes) {
    return file_->Damaged(0, fmt::format("{} bytes are too few for an index", file_->size()));
  }
  TRY_ASSIGN(const std::string_view head, file_->Get(0, kHeaderBytes));
  BigEndianReader in(head);
  if (in.Fixed(4) != kIndexMagic) return file_->Damaged(0, "it is not an index of Prometheus");
  version_ = static_cast<uint8_t>(in.Fixed(1));
  if (version_ != 1 && version_ != 2) {
    return FailedPrecondition("{}: index version {} is not known; 1 and 2 are", file_->path(),
                              version_);
  }
  const uint64_t toc_at = file_->size() - kTocBytes;
  TRY_ASSIGN(const std::string_view toc, file_->Get(toc_at, kTocBytes));
  BigEndianReader fields(toc);
  symbols_at_ = fields.Fixed(8);
  for (int i = 0; i < 4; ++i) fields.Fixed(8);  // where else sections begin
  postings_table_at_ = fields.Fixed(8);
  if (fields.Fixed(4) != Crc32c(toc.substr(0, kTocBytes - kCrcBytes))) {
    return file_->Damaged(toc_at, "the checksum of the table of contents is wrong");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> IndexReader::ReadSection(uint64_t offset) const {
  TRY_ASSIGN(const std::string_view head, file_->Get(offset, 4));
  const uint64_t length = BigEndianReader(head).Fixed(4);
  TRY_ASSIGN(const std::string_view bytes, file_->Get(offset + 4, length + kCrcBytes));
  const std::string_view content = bytes.substr(0, static_cast<size_t>(length));
  BigEndianReader crc(bytes.substr(content.size()));
  if (crc.Fixed(4) != Crc32c(content)) return file_->Damaged(offset, "a checksum is wrong");
  return std::string(content);
}

absl::Status IndexReader::ReadSymbols() {
  if (symbols_at_ == 0) return absl::OkStatus();
  TRY_ASSIGN(symbols_, ReadSection(symbols_at_));
  BigEndianReader in(symbols_);
  const uint64_t count = in.Fixed(4);
  if (count > in.left()) return file_->Damaged(symbols_at_, "it counts more symbols than fit");
  symbol_of_.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) symbol_of_.push_back(in.Take(in.Uvarint()));
  return in.ok() ? absl::OkStatus() : file_->Damaged(symbols_at_, "the symbols do not parse");
}

// In version 1 a symbol's number is where it stands in the file.
absl::StatusOr<std::string_view> IndexReader::Symbol(uint64_t ref, uint64_t offset) const {
  if (version_ == 2) {
    if (ref < symbol_of_.size()) return symbol_of_[static_cast<size_t>(ref)];
    return file_->Damaged(offset, fmt::format("symbol {} of {}", ref, symbol_of_.size()));
  }
  const uint64_t begin = symbols_at_ + 4;
  if (ref < begin + 4 || ref - begin >= symbols_.size()) {
    return file_->Damaged(offset, fmt::format("a symbol at {}", ref));
  }
  BigEndianReader in(std::string_view(symbols_).substr(static_cast<size_t>(ref - begin)));
  const std::string_view symbol = in.Take(in.Uvarint());
  if (!in.ok()) return file_->Damaged(offset, fmt::format("a symbol at {}", ref));
  return symbol;
}

// The postings of the pair of empty strings are those of every series.
absl::Status IndexReader::FindAllSeries() {
  if (postings_table_at_ == 0) return absl::OkStatus();
  TRY_ASSIGN(const std::string table, ReadSection(postings_table_at_));
  BigEndianReader in(table);
  const uint64_t count = in.Fixed(4);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t keys = in.Uvarint();
    const std::string_view name = in.Take(in.Uvarint());
    const std::string_view value = in.Take(in.Uvarint());
    const uint64_t offset = in.Uvarint();
    if (!in.ok() || keys != 2) break;
    if (!name.empty() || !value.empty()) continue;
    TRY_ASSIGN(const std::string postings, ReadSection(offset));
    BigEndianReader refs(postings);
    const uint64_t series = refs.Fixed(4);
    if (series * 4 != refs.left()) return file_->Damaged(offset, "a list of series is cut");
    refs_.reserve(static_cast<size_t>(series));
    for (uint64_t k = 0; k < series; ++k) refs_.push_back(static_cast<uint32_t>(refs.Fixed(4)));
    return absl::OkStatus();
  }
  return count == 0 ? absl::OkStatus()
                    : file_->Damaged(postings_table_at_, "it does not list all series");
}

absl::Status IndexReader::ReadLabels(BigEndianReader* in, uint64_t offset,
                                     model::Labels* labels) const {
  const uint64_t count = in->Uvarint();
  if (count > in->left()) return file_->Damaged(offset, "it counts more labels than fit");
  std::vector<model::Label> pairs(static_cast<size_t>(count));
  for (model::Label& label : pairs) {
    TRY_ASSIGN(label.name, Symbol(in->Uvarint(), offset));
    TRY_ASSIGN(label.value, Symbol(in->Uvarint(), offset));
    const bool first = &label == pairs.data();
    if (label.name.empty() || (!first && label.name <= (&label - 1)->name)) {
      return file_->Damaged(offset, "the labels of a series are not sorted");
    }
  }
  *labels = model::Labels::FromPairs(std::move(pairs));
  return absl::OkStatus();
}

absl::Status IndexReader::ReadChunks(BigEndianReader* in, uint64_t offset,
                                     IndexedSeries* series) const {
  const uint64_t count = in->Uvarint();
  if (count > in->left()) return file_->Damaged(offset, "it counts more chunks than fit");
  series->chunks.resize(static_cast<size_t>(count));
  uint64_t time = 0;  // unsigned: foreign sums wrap
  uint64_t ref = 0;
  for (size_t i = 0; i < series->chunks.size(); ++i) {
    ChunkRef& chunk = series->chunks[i];
    time += i == 0 ? static_cast<uint64_t>(in->Varint()) : in->Uvarint();
    chunk.min_ms = static_cast<int64_t>(time);
    time += in->Uvarint();
    chunk.max_ms = static_cast<int64_t>(time);
    ref += i == 0 ? in->Uvarint() : static_cast<uint64_t>(in->Varint());
    chunk.ref = ref;
  }
  return in->ok() ? absl::OkStatus() : file_->Damaged(offset, "a series does not parse");
}

absl::StatusOr<bool> IndexReader::Next(IndexedSeries* series) {
  if (next_ == refs_.size()) return false;
  series->ref = refs_[next_++];
  const uint64_t offset = series->ref * (version_ == 2 ? kSeriesAlign : 1);
  TRY_ASSIGN(const std::string_view head, file_->GetUpTo(offset, kLengthBytesMax));
  BigEndianReader length_reader(head);
  const uint64_t length = length_reader.Uvarint();
  if (!length_reader.ok() || length > kSeriesBytesMax) {
    return file_->Damaged(offset, "the length of a series is wrong");
  }
  const uint64_t begin = offset + head.size() - length_reader.left();
  TRY_ASSIGN(const std::string_view bytes, file_->Get(begin, length + kCrcBytes));
  const std::string_view content = bytes.substr(0, static_cast<size_t>(length));
  if (BigEndianReader(bytes.substr(content.size())).Fixed(4) != Crc32c(content)) {
    return file_->Damaged(offset, "the checksum of a series is wrong");
  }
  BigEndianReader in(content);
  TRY(ReadLabels(&in, offset, &series->labels));
  TRY(ReadChunks(&in, offset, series));
  if (next_ > 1 && series->labels <= before_) {
    return file_->Damaged(offset, "the series are not sorted by their labels");
  }
  before_ = series->labels;
  return true;
}

void IndexReader::Rewind() {
  next_ = 0;
  before_ = model::Labels();
}

}  // namespace hearth::prometheus_blocks

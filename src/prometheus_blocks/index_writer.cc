// SPDX-License-Identifier: Apache-2.0
#include "prometheus_blocks/index_writer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/crc32c.h"
#include "base/status.h"
#include "prometheus_blocks/window_reader.h"

namespace hearth::prometheus_blocks {
namespace {

constexpr uint8_t kVersion = 2;
constexpr size_t kBufferBytes = 1 << 20;
constexpr uint64_t kPostingsAlign = 4;

}  // namespace

// The file, written forwards through a buffer.
class IndexWriter::Output {
 public:
  explicit Output(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  uint64_t position() const { return written_ + buffer_.size(); }
  absl::Status Put(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
  }
  absl::Status Align(uint64_t to) {
    return Put(std::string(static_cast<size_t>((to - position() % to) % to), '\0'));
  }
  // Length, content, checksum: how sections are framed.
  absl::Status Section(std::string_view content) {
    if (content.size() > UINT32_MAX) {
      return InvalidArgument(
          "a section of {} bytes is more than an index can hold: export less at "
          "once, with --match",
          content.size());
    }
    std::string frame;
    PutBigEndian(content.size(), 4, &frame);
    TRY(Put(frame));
    TRY(Put(content));
    return PutCrc(content);
  }
  absl::Status PutCrc(std::string_view content) {
    std::string crc;
    PutBigEndian(Crc32c(content), kCrcBytes, &crc);
    return Put(crc);
  }
  absl::Status Finish() {
    TRY(Flush());
    TRY(file_->Sync());
    return file_->Close();
  }

 private:
  absl::Status Flush() {
    TRY(file_->Append(buffer_));
    written_ += buffer_.size();
    buffer_.clear();
    return absl::OkStatus();
  }
  std::unique_ptr<WritableFile> file_;
  std::string buffer_;
  uint64_t written_ = 0;
};

uint32_t IndexWriter::Symbol(std::string_view text) {
  const auto it = symbols_.find(text);
  if (it != symbols_.end()) return it->second;
  const auto number = static_cast<uint32_t>(symbols_.size());
  symbols_.emplace(std::string(text), number);
  return number;
}

void IndexWriter::Add(model::LabelsView labels, std::span<const ChunkRef> chunks) {
  Series series;
  for (const model::Label& label : labels) {
    series.symbols.push_back(Symbol(label.name));
    series.symbols.push_back(Symbol(label.value));
  }
  PutUvarint(chunks.size(), &series.chunks);
  const ChunkRef* before = nullptr;
  for (const ChunkRef& chunk : chunks) {
    if (before == nullptr) {
      PutVarint(chunk.min_ms, &series.chunks);
    } else {
      PutUvarint(static_cast<uint64_t>(chunk.min_ms - before->max_ms), &series.chunks);
    }
    PutUvarint(static_cast<uint64_t>(chunk.max_ms - chunk.min_ms), &series.chunks);
    if (before == nullptr) {
      PutUvarint(chunk.ref, &series.chunks);
    } else {
      PutVarint(static_cast<int64_t>(chunk.ref - before->ref), &series.chunks);
    }
    before = &chunk;
  }
  series_.push_back(std::move(series));
}

std::vector<uint32_t> IndexWriter::RankSymbols(std::vector<std::string_view>* sorted) const {
  std::vector<std::pair<std::string_view, uint32_t>> order;
  order.reserve(symbols_.size());
  for (const auto& [text, number] : symbols_) order.emplace_back(text, number);
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> rank(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    sorted->push_back(order[i].first);
    rank[order[i].second] = static_cast<uint32_t>(i);
  }
  return rank;
}

absl::Status IndexWriter::WriteSymbols(const std::vector<std::string_view>& sorted,
                                       Output* out) const {
  std::string content;
  PutBigEndian(sorted.size(), 4, &content);
  for (const std::string_view symbol : sorted) {
    PutUvarint(symbol.size(), &content);
    content += symbol;
  }
  return out->Section(content);
}

absl::Status IndexWriter::WriteSeries(const std::vector<uint32_t>& rank, Output* out,
                                      std::vector<uint32_t>* refs) const {
  std::string content;
  std::string length;
  for (const Series& series : series_) {
    TRY(out->Align(kSeriesAlign));
    const uint64_t ref = out->position() / kSeriesAlign;
    if (ref > UINT32_MAX) {
      return InvalidArgument(
          "{} series are more than an index can hold: export less at once, with "
          "--match",
          series_.size());
    }
    refs->push_back(static_cast<uint32_t>(ref));
    content.clear();
    PutUvarint(series.symbols.size() / 2, &content);
    for (const uint32_t symbol : series.symbols) PutUvarint(rank[symbol], &content);
    content += series.chunks;
    length.clear();
    PutUvarint(content.size(), &length);
    TRY(out->Put(length));
    TRY(out->Put(content));
    TRY(out->PutCrc(content));
  }
  return absl::OkStatus();
}

std::vector<IndexWriter::Posting> IndexWriter::Postings(const std::vector<uint32_t>& rank,
                                                        const std::vector<uint32_t>& refs) const {
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> by_pair;  // name << 32 | value, by rank
  for (size_t i = 0; i < series_.size(); ++i) {
    const std::vector<uint32_t>& symbols = series_[i].symbols;
    for (size_t k = 0; k < symbols.size(); k += 2) {
      by_pair[uint64_t{rank[symbols[k]]} << 32 | rank[symbols[k + 1]]].push_back(refs[i]);
    }
  }
  std::vector<Posting> postings;
  postings.reserve(by_pair.size());
  for (auto& [pair, list] : by_pair) {
    postings.push_back(
        {static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair), std::move(list)});
  }
  std::sort(postings.begin(), postings.end(), [](const Posting& a, const Posting& b) {
    return std::pair(a.name, a.value) < std::pair(b.name, b.value);
  });
  return postings;
}

absl::Status IndexWriter::Finish(FileSystem& file_system, const std::string& path) {
  TRY_ASSIGN(auto file, file_system.Create(path));
  Output out(std::move(file));
  std::string head;
  PutBigEndian(kIndexMagic, 4, &head);
  PutBigEndian(kVersion, 1, &head);
  TRY(out.Put(head));
  std::vector<std::string_view> sorted;
  const std::vector<uint32_t> rank = RankSymbols(&sorted);
  const uint64_t symbols_at = out.position();
  TRY(WriteSymbols(sorted, &out));
  const uint64_t series_at = out.position();
  std::vector<uint32_t> refs;
  refs.reserve(series_.size());
  TRY(WriteSeries(rank, &out, &refs));
  // There are no label indices: no reader wants them any more.
  const uint64_t label_indices_at = out.position();

  std::string table;
  std::string content;
  uint32_t lists = 0;
  const auto put_list = [&](std::string_view name, std::string_view value,
                            const std::vector<uint32_t>& list) -> absl::Status {
    TRY(out.Align(kPostingsAlign));
    PutUvarint(2, &table);
    for (const std::string_view text : {name, value}) {
      PutUvarint(text.size(), &table);
      table += text;
    }
    PutUvarint(out.position(), &table);
    ++lists;
    content.clear();
    PutBigEndian(list.size(), 4, &content);
    for (const uint32_t ref : list) PutBigEndian(ref, 4, &content);
    return out.Section(content);
  };
  TRY(out.Align(kPostingsAlign));
  const uint64_t postings_at = out.position();
  TRY(put_list("", "", refs));
  for (const Posting& posting : Postings(rank, refs)) {
    TRY(put_list(sorted[posting.name], sorted[posting.value], posting.refs));
  }
  const uint64_t table_at = out.position();
  std::string count;
  PutBigEndian(lists, 4, &count);
  TRY(out.Section(count + table));

  std::string toc;
  for (const uint64_t at :
       {symbols_at, series_at, label_indices_at, table_at, postings_at, table_at}) {
    PutBigEndian(at, 8, &toc);
  }
  TRY(out.Put(toc));
  TRY(out.PutCrc(toc));
  return out.Finish();
}

}  // namespace hearth::prometheus_blocks

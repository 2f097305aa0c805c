// SPDX-License-Identifier: Apache-2.0
#include "prometheus_blocks/block_reader.h"

#include <algorithm>
#include <numeric>

#include "base/crc32c.h"
#include "base/status.h"

namespace hearth::prometheus_blocks {
namespace {

constexpr uint64_t kChunkHeaderBytesMax = 6;  // length and encoding
constexpr uint64_t kChunkBytesMax = 64 << 20;
constexpr uint8_t kSegmentVersion = 1;
constexpr uint8_t kTombstonesVersion = 1;

bool IsSegmentName(const std::string& name) {
  return name.size() == 6 && name.find_first_not_of("0123456789") == std::string::npos;
}

// Keeps the elements for which `keep` holds of a column; one that is shorter has no more.
template <typename T>
void Keep(const std::vector<bool>& keep, std::vector<T>* column) {
  size_t kept = 0;
  for (size_t i = 0; i < column->size(); ++i) {
    if (keep[i]) (*column)[kept++] = std::move((*column)[i]);
  }
  column->resize(kept);
}

template <typename T>
void Reorder(const std::vector<uint32_t>& order, std::vector<T>* column) {
  std::vector<T> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order) sorted.push_back(std::move((*column)[i]));
  *column = std::move(sorted);
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlockReader>> BlockReader::Open(FileSystem& file_system,
                                                               const BlockMeta& meta) {
  TRY_ASSIGN(auto index, IndexReader::Open(file_system, JoinPath(meta.directory, "index")));
  auto reader = std::unique_ptr<BlockReader>(new BlockReader(meta, std::move(index)));
  TRY(reader->OpenSegments(file_system));
  TRY(reader->ReadTombstones(file_system));
  return reader;
}

absl::Status BlockReader::OpenSegments(FileSystem& file_system) {
  const std::string directory = JoinPath(meta_.directory, "chunks");
  const auto names = file_system.List(directory);
  if (absl::IsNotFound(names.status()) && index_->series_count() == 0) return absl::OkStatus();
  TRY(names);
  for (const std::string& name : *names) {
    if (!IsSegmentName(name)) continue;
    TRY_ASSIGN(auto segment, WindowReader::Open(file_system, JoinPath(directory, name)));
    TRY_ASSIGN(const std::string_view head, segment->Get(0, kSegmentHeaderBytes));
    BigEndianReader in(head);
    if (in.Fixed(4) != kChunksMagic) {
      return segment->Damaged(0, "it is no chunks file of Prometheus");
    }
    if (const uint64_t version = in.Fixed(1); version != kSegmentVersion) {
      return FailedPrecondition("{}: chunks version {} is not known; {} is", segment->path(),
                                version, kSegmentVersion);
    }
    segment_bytes_ += segment->size();
    segments_.push_back(std::move(segment));
  }
  return absl::OkStatus();
}

absl::Status BlockReader::ReadTombstones(FileSystem& file_system) {
  const std::string path = JoinPath(meta_.directory, "tombstones");
  const auto bytes = file_system.ReadFile(path);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
  TRY(bytes);
  const std::string_view all = *bytes;
  constexpr size_t kHeader = 5;
  BigEndianReader in(all.substr(0, all.size() - std::min(all.size(), kCrcBytes)));
  const uint64_t magic = in.Fixed(4);
  const uint64_t version = in.Fixed(1);
  if (!in.ok() || magic != kTombstonesMagic) return DataLoss("{}: it is no such file", path);
  if (version != kTombstonesVersion) {
    return FailedPrecondition("{}: tombstones version {} is not known; {} is", path, version,
                              kTombstonesVersion);
  }
  const std::string_view stones = all.substr(kHeader, all.size() - kHeader - kCrcBytes);
  if (BigEndianReader(all.substr(all.size() - kCrcBytes)).Fixed(4) != Crc32c(stones)) {
    return DataLoss("{}: its checksum is wrong", path);
  }
  while (in.left() > 0) {
    const uint64_t series = in.Uvarint();
    const int64_t min_ms = in.Varint();
    const int64_t max_ms = in.Varint();
    if (!in.ok()) return DataLoss("{}: it does not parse", path);
    deleted_[series].push_back({min_ms, max_ms});
  }
  return absl::OkStatus();
}

void BlockReader::Restart(storage::TimeRange range) {
  index_->Rewind();
  range_ = range;
}

absl::Status BlockReader::ReadChunk(const ChunkRef& ref, uint64_t* bytes_read) {
  const uint64_t segment = ref.ref >> 32;
  const uint64_t offset = ref.ref & UINT32_MAX;
  if (segment >= segments_.size()) {
    return DataLoss("{}: series {} points to segment {} of {}", meta_.directory,
                    series_.labels.ToString(), segment + 1, segments_.size());
  }
  WindowReader& file = *segments_[static_cast<size_t>(segment)];
  TRY_ASSIGN(const std::string_view head, file.GetUpTo(offset, kChunkHeaderBytesMax));
  BigEndianReader in(head);
  const uint64_t length = in.Uvarint();
  if (!in.ok() || length > kChunkBytesMax) return file.Damaged(offset, "a chunk's length is wrong");
  // An index that names chunks again and again must not become many times the block.
  *bytes_read += length;
  if (*bytes_read > segment_bytes_) {
    return DataLoss("{}: series {} has more bytes of chunks than all segments together ({})",
                    meta_.directory, series_.labels.ToString(), segment_bytes_);
  }
  const uint64_t begin = offset + head.size() - in.left();
  TRY_ASSIGN(const std::string_view bytes, file.Get(begin, 1 + length + kCrcBytes));
  const std::string_view checked = bytes.substr(0, static_cast<size_t>(1 + length));
  if (BigEndianReader(bytes.substr(checked.size())).Fixed(4) != Crc32c(checked)) {
    return file.Damaged(offset, "a chunk's checksum is wrong");
  }
  const absl::Status status =
      codec::DecodeChunk(static_cast<uint8_t>(checked[0]), checked.substr(1), &samples_);
  return status.ok() ? status : file.Damaged(offset, Message(status));
}

// Chunks of one series may overlap, where late samples were compacted; the first written counts.
void BlockReader::SortSamples() {
  const auto settle = [](auto& times, const auto& time_of, const auto& reorder, const auto& keep) {
    bool rising = true;
    for (size_t i = 1; i < times.size(); ++i) {
      rising = rising && time_of(times[i - 1]) < time_of(times[i]);
    }
    if (rising) return;
    std::vector<uint32_t> order(times.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return time_of(times[a]) < time_of(times[b]); });
    reorder(order);
    std::vector<bool> kept(times.size(), true);
    for (size_t i = 1; i < times.size(); ++i) {
      kept[i] = time_of(times[i - 1]) != time_of(times[i]);
    }
    keep(kept);
  };
  codec::ChunkSamples& s = samples_;
  if (!s.start_times_ms.empty()) s.start_times_ms.resize(s.times_ms.size());
  settle(
      s.times_ms, [](int64_t time_ms) { return time_ms; },
      [&](const std::vector<uint32_t>& order) {
        Reorder(order, &s.values);
        if (!s.start_times_ms.empty()) Reorder(order, &s.start_times_ms);
        Reorder(order, &s.times_ms);
      },
      [&](const std::vector<bool>& kept) {
        Keep(kept, &s.values);
        Keep(kept, &s.start_times_ms);
        Keep(kept, &s.times_ms);
      });
  settle(
      s.histograms, [](const model::HistogramSample& sample) { return sample.time_ms; },
      [&](const std::vector<uint32_t>& order) { Reorder(order, &s.histograms); },
      [&](const std::vector<bool>& kept) { Keep(kept, &s.histograms); });
  if (s.histograms.empty() || s.times_ms.empty()) return;
  std::erase_if(s.histograms, [&](const model::HistogramSample& sample) {
    return std::binary_search(s.times_ms.begin(), s.times_ms.end(), sample.time_ms);
  });
}

void BlockReader::RemoveDeleted(uint64_t series) {
  const auto found = deleted_.find(series);
  if (found == deleted_.end()) return;
  const auto lives = [&](int64_t time_ms) {
    return std::none_of(found->second.begin(), found->second.end(), [&](const auto& range) {
      return time_ms >= range.min_ms && time_ms <= range.max_ms;
    });
  };
  std::vector<bool> kept;
  for (const int64_t time_ms : samples_.times_ms) kept.push_back(lives(time_ms));
  Keep(kept, &samples_.values);
  Keep(kept, &samples_.start_times_ms);
  Keep(kept, &samples_.times_ms);
  std::erase_if(samples_.histograms,
                [&](const model::HistogramSample& sample) { return !lives(sample.time_ms); });
}

absl::StatusOr<bool> BlockReader::Next(const model::Labels** labels,
                                       const codec::ChunkSamples** samples) {
  for (;;) {
    TRY_ASSIGN(const bool more, index_->Next(&series_));
    if (!more) return false;
    samples_.Clear();
    uint64_t bytes_read = 0;
    for (const ChunkRef& chunk : series_.chunks) {
      if (chunk.max_ms < range_.min_ms || chunk.min_ms > range_.max_ms) continue;
      TRY(ReadChunk(chunk, &bytes_read));
    }
    SortSamples();
    samples_.Trim(range_.min_ms, range_.max_ms);
    RemoveDeleted(series_.ref);
    if (samples_.empty()) continue;
    *labels = &series_.labels;
    *samples = &samples_;
    return true;
  }
}

}  // namespace hearth::prometheus_blocks

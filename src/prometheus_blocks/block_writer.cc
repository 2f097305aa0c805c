// SPDX-License-Identifier: Apache-2.0
#include "prometheus_blocks/block_writer.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "prometheus_blocks/index_writer.h"
#include "prometheus_blocks/window_reader.h"

namespace hearth::prometheus_blocks {
namespace {

constexpr uint64_t kSegmentBytesMax = uint64_t{512} << 20;  // as Prometheus cuts them
constexpr size_t kBufferBytes = 1 << 20;
constexpr std::string_view kTemporarySuffix = ".tmp-for-creation";

}  // namespace

BlockWriter::BlockWriter(FileSystem& file_system, std::string directory, BlockMeta meta)
    : file_system_(file_system),
      directory_(JoinPath(directory, meta.ulid)),
      temporary_(directory_ + std::string(kTemporarySuffix)),
      meta_(std::move(meta)),
      index_(std::make_unique<IndexWriter>()) {}

absl::StatusOr<std::unique_ptr<BlockWriter>> BlockWriter::Create(FileSystem& file_system,
                                                                 const std::string& directory,
                                                                 BlockMeta meta) {
  auto writer =
      std::unique_ptr<BlockWriter>(new BlockWriter(file_system, directory, std::move(meta)));
  TRY(file_system.MakeDirectories(JoinPath(writer->temporary_, "chunks")));
  return writer;
}

BlockWriter::~BlockWriter() {
  if (finished_) return;
  segment_.reset();
  if (const absl::Status status = file_system_.RemoveTree(temporary_); !status.ok()) {
    log::Warn("export", "cannot remove a block that was not finished",
              {{"error", Message(status)}});
  }
}

absl::Status BlockWriter::OpenSegment() {
  const std::string path =
      JoinPath(JoinPath(temporary_, "chunks"), fmt::format("{:06}", segments_ + 1));
  TRY_ASSIGN(segment_, file_system_.Create(path));
  ++segments_;
  PutBigEndian(kChunksMagic, 4, &buffer_);
  PutBigEndian(1, 1, &buffer_);  // version
  PutBigEndian(0, 3, &buffer_);
  segment_at_ = kSegmentHeaderBytes;
  return absl::OkStatus();
}

absl::Status BlockWriter::CloseSegment() {
  if (segment_ == nullptr) return absl::OkStatus();
  TRY(segment_->Append(buffer_));
  buffer_.clear();
  TRY(segment_->Sync());
  TRY(segment_->Close());
  segment_.reset();
  return absl::OkStatus();
}

absl::Status BlockWriter::PutChunk(const codec::EncodedChunk& chunk, uint64_t* ref) {
  constexpr uint64_t kFrameBytesMax = 16;
  if (segment_ != nullptr && segment_at_ + chunk.data.size() + kFrameBytesMax > kSegmentBytesMax) {
    TRY(CloseSegment());
  }
  if (segment_ == nullptr) TRY(OpenSegment());
  *ref = uint64_t{segments_ - 1} << 32 | segment_at_;
  const size_t before = buffer_.size();
  PutUvarint(chunk.data.size(), &buffer_);
  const size_t checked = buffer_.size();
  buffer_.push_back(static_cast<char>(chunk.encoding));
  buffer_ += chunk.data;
  PutBigEndian(Crc32c(std::string_view(buffer_).substr(checked)), kCrcBytes, &buffer_);
  segment_at_ += buffer_.size() - before;
  if (buffer_.size() < kBufferBytes) return absl::OkStatus();
  TRY(segment_->Append(buffer_));
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status BlockWriter::Add(model::LabelsView labels,
                              std::span<const codec::EncodedChunk> chunks) {
  std::vector<ChunkRef> refs;
  refs.reserve(chunks.size());
  for (const codec::EncodedChunk& chunk : chunks) {
    if (chunk.min_ms < meta_.min_ms || chunk.max_ms >= meta_.end_ms ||
        (!refs.empty() && chunk.min_ms <= refs.back().max_ms)) {
      return Internal("a chunk of {} at {} … {} ms is outside of its block, or not in order",
                      labels.ToString(), chunk.min_ms, chunk.max_ms);
    }
    ChunkRef ref{chunk.min_ms, chunk.max_ms, 0};
    TRY(PutChunk(chunk, &ref.ref));
    refs.push_back(ref);
    const bool floats = chunk.encoding == codec::ChunkEncoding::kXor ||
                        chunk.encoding == codec::ChunkEncoding::kXor2;
    (floats ? meta_.float_samples : meta_.histogram_samples) += chunk.samples;
    meta_.samples += chunk.samples;
  }
  meta_.chunks += refs.size();
  ++meta_.series;
  index_->Add(labels, refs);
  return absl::OkStatus();
}

absl::StatusOr<BlockMeta> BlockWriter::Finish(uint64_t export_checksum) {
  if (meta_.series == 0) return meta_;
  meta_.export_checksum = export_checksum;
  TRY(CloseSegment());
  TRY(file_system_.SyncDirectory(JoinPath(temporary_, "chunks")));
  TRY(index_->Finish(file_system_, JoinPath(temporary_, "index")));
  std::string stones;
  PutBigEndian(kTombstonesMagic, 4, &stones);
  PutBigEndian(1, 1, &stones);
  PutBigEndian(Crc32c(""), kCrcBytes, &stones);
  TRY(file_system_.WriteFileAtomic(JoinPath(temporary_, "tombstones"), stones));
  TRY(file_system_.WriteFileAtomic(JoinPath(temporary_, "meta.json"), MetaJson(meta_)));
  TRY(file_system_.SyncDirectory(temporary_));
  TRY(file_system_.Rename(temporary_, directory_));
  finished_ = true;
  meta_.directory = directory_;
  TRY(file_system_.SyncDirectory(DirectoryOf(directory_)));
  return meta_;
}

}  // namespace hearth::prometheus_blocks

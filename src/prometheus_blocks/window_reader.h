// SPDX-License-Identifier: Apache-2.0
// A file read piece by piece, mostly forwards: one window of it is held in memory. Big-endian
// integers and varints as Prometheus' files have them. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace hearth::prometheus_blocks {

class WindowReader {
 public:
  static absl::StatusOr<std::unique_ptr<WindowReader>> Open(FileSystem& file_system,
                                                            std::string path);
  const std::string& path() const { return path_; }
  uint64_t size() const { return file_->size(); }
  // Exactly `count` bytes from `offset`, valid until the next call. DataLoss beyond the file's end.
  absl::StatusOr<std::string_view> Get(uint64_t offset, uint64_t count);
  // At most `count`: fewer where the file ends.
  absl::StatusOr<std::string_view> GetUpTo(uint64_t offset, uint64_t count);
  // DataLoss that names file and offset.
  absl::Status Damaged(uint64_t offset, std::string_view what) const;

 private:
  WindowReader(std::string path, std::unique_ptr<RandomAccessFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  const std::string path_;
  const std::unique_ptr<RandomAccessFile> file_;
  std::string window_;
  uint64_t window_offset_ = 0;
};

// Numbers from bytes that nobody vouches for: once something does not fit it stays failed and hands
// out zeros.
class BigEndianReader {
 public:
  explicit BigEndianReader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  size_t left() const { return rest_.size(); }
  uint64_t Fixed(size_t bytes);  // 1 … 8
  uint64_t Uvarint();
  int64_t Varint();
  std::string_view Take(uint64_t count);

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void PutBigEndian(uint64_t value, size_t bytes, std::string* out);
void PutUvarint(uint64_t value, std::string* out);
void PutVarint(int64_t value, std::string* out);

// Magic numbers and sizes of the formats.
inline constexpr uint32_t kIndexMagic = 0xBAAAD700;
inline constexpr uint32_t kChunksMagic = 0x85BD40DD;
inline constexpr uint32_t kTombstonesMagic = 0x0130BA30;
inline constexpr size_t kCrcBytes = 4;
inline constexpr size_t kTocBytes = 6 * 8 + kCrcBytes;
inline constexpr size_t kSegmentHeaderBytes = 8;
inline constexpr uint64_t kSeriesAlign = 16;

}  // namespace hearth::prometheus_blocks

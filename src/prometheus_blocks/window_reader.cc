// SPDX-License-Identifier: Apache-2.0
#include "prometheus_blocks/window_reader.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/status.h"

namespace hearth::prometheus_blocks {
namespace {

constexpr uint64_t kWindowBytes = 256 << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<WindowReader>> WindowReader::Open(FileSystem& file_system,
                                                                 std::string path) {
  TRY_ASSIGN(auto file, file_system.OpenRead(path));
  return std::unique_ptr<WindowReader>(new WindowReader(std::move(path), std::move(file)));
}

absl::Status WindowReader::Damaged(uint64_t offset, std::string_view what) const {
  return DataLoss("{} at offset {}: {}", path_, offset, what);
}

absl::StatusOr<std::string_view> WindowReader::GetUpTo(uint64_t offset, uint64_t count) {
  if (offset > size()) return Damaged(offset, "beyond the end of the file");
  return Get(offset, std::min(count, size() - offset));
}

absl::StatusOr<std::string_view> WindowReader::Get(uint64_t offset, uint64_t count) {
  if (offset > size() || count > size() - offset) {
    return Damaged(offset, fmt::format("{} bytes were expected, the file ends before", count));
  }
  const bool inside = offset >= window_offset_ && offset + count <= window_offset_ + window_.size();
  if (!inside) {
    const uint64_t bytes = std::min(std::max(count, kWindowBytes), size() - offset);
    window_.resize(static_cast<size_t>(bytes));
    window_offset_ = offset;
    if (absl::Status status = file_->Read(offset, {window_.data(), window_.size()}); !status.ok()) {
      window_.clear();
      return Annotate(status, path_);
    }
  }
  return std::string_view(window_).substr(static_cast<size_t>(offset - window_offset_),
                                          static_cast<size_t>(count));
}

uint64_t BigEndianReader::Fixed(size_t bytes) {
  const std::string_view taken = Take(bytes);
  uint64_t value = 0;
  for (const char byte : taken) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

uint64_t BigEndianReader::Uvarint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::string_view taken = Take(1);
    if (taken.empty()) return 0;
    const auto byte = static_cast<unsigned char>(taken[0]);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  ok_ = false;
  return 0;
}

int64_t BigEndianReader::Varint() {
  const uint64_t value = Uvarint();
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

std::string_view BigEndianReader::Take(uint64_t count) {
  if (!ok_ || count > rest_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, static_cast<size_t>(count));
  rest_.remove_prefix(taken.size());
  return taken;
}

void PutBigEndian(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = bytes; i-- > 0;) out->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

void PutUvarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void PutVarint(int64_t value, std::string* out) {
  PutUvarint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63), out);
}

}  // namespace hearth::prometheus_blocks

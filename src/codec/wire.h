// SPDX-License-Identifier: Apache-2.0
// Protobuf's wire format: bounded readers over bytes that nobody vouches for, and appenders.
// Readers return where they stopped, or null where the bytes end early or break the format.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hearth::codec::wire {

enum Type : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

const char* ReadVarintSlow(const char* p, const char* end, uint64_t* value);

inline const char* ReadVarint(const char* p, const char* end, uint64_t* value) {
  if (p < end && static_cast<unsigned char>(*p) < 0x80) [[likely]] {
    *value = static_cast<unsigned char>(*p);
    return p + 1;
  }
  return ReadVarintSlow(p, end, value);
}

inline const char* ReadFixed64(const char* p, const char* end, uint64_t* value) {
  if (end - p < 8) return nullptr;
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(value, p, 8);
  return p + 8;
}

inline const char* ReadBytes(const char* p, const char* end, std::string_view* bytes) {
  uint64_t size = 0;
  p = ReadVarint(p, end, &size);
  if (p == nullptr || size > static_cast<uint64_t>(end - p)) return nullptr;
  *bytes = {p, static_cast<size_t>(size)};
  return p + size;
}

// A field's number and type. Field 0 and types above 5 are malformed.
inline const char* ReadTag(const char* p, const char* end, uint32_t* field, uint32_t* type) {
  uint64_t tag = 0;
  p = ReadVarint(p, end, &tag);
  if (p == nullptr || tag < 8 || tag > UINT32_MAX) return nullptr;
  *field = static_cast<uint32_t>(tag >> 3);
  *type = static_cast<uint32_t>(tag & 7);
  return p;
}

// Past a field of that type that the reader does not know. Groups (3, 4) are malformed: proto3 has
// none.
const char* Skip(const char* p, const char* end, uint32_t type);

inline int64_t ZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

void AppendVarint(uint64_t value, std::string* out);
void AppendTag(uint32_t field, Type type, std::string* out);
void AppendBytesField(uint32_t field, std::string_view bytes, std::string* out);
void AppendVarintField(uint32_t field, uint64_t value, std::string* out);
void AppendDoubleField(uint32_t field, double value, std::string* out);
inline uint64_t UnZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

}  // namespace hearth::codec::wire

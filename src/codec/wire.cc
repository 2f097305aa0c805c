// SPDX-License-Identifier: Apache-2.0
#include "codec/wire.h"

namespace hearth::codec::wire {

const char* ReadVarintSlow(const char* p, const char* end, uint64_t* value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (p == end) return nullptr;
    const auto byte = static_cast<unsigned char>(*p++);
    if (shift == 63 && byte > 1) return nullptr;  // more than 64 bits
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return p;
    }
  }
  return nullptr;
}

const char* Skip(const char* p, const char* end, uint32_t type) {
  uint64_t ignored = 0;
  std::string_view bytes;
  switch (type) {
    case kVarint:
      return ReadVarint(p, end, &ignored);
    case kFixed64:
      return ReadFixed64(p, end, &ignored);
    case kBytes:
      return ReadBytes(p, end, &bytes);
    case kFixed32:
      return end - p < 4 ? nullptr : p + 4;
    default:
      return nullptr;
  }
}

void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void AppendTag(uint32_t field, Type type, std::string* out) {
  AppendVarint((uint64_t{field} << 3) | type, out);
}

void AppendBytesField(uint32_t field, std::string_view bytes, std::string* out) {
  AppendTag(field, kBytes, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes);
}

void AppendVarintField(uint32_t field, uint64_t value, std::string* out) {
  AppendTag(field, kVarint, out);
  AppendVarint(value, out);
}

void AppendDoubleField(uint32_t field, double value, std::string* out) {
  AppendTag(field, kFixed64, out);
  char bytes[8];
  std::memcpy(bytes, &value, sizeof bytes);
  out->append(bytes, sizeof bytes);
}

}  // namespace hearth::codec::wire

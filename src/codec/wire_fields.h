// SPDX-License-Identifier: Apache-2.0
// Walks the fields of one protobuf message, for decoders that need no last cycle:
//
//   wire::FieldReader fields(message);
//   wire::Field field;
//   while (fields.Next(&field)) {
//     if (field.Is(1, wire::kBytes)) name = field.bytes;
//   }
//   if (!fields.good()) …   // the bytes end early or break the format
#pragma once

#include <bit>
#include <string_view>
#include <vector>

#include "codec/wire.h"

namespace hearth::codec::wire {

struct Field {
  uint32_t number = 0;
  uint32_t type = 0;
  uint64_t bits = 0;  // kVarint, kFixed64 and kFixed32
  std::string_view bytes;

  bool Is(uint32_t want_number, Type want_type) const {
    return number == want_number && type == want_type;
  }
  double as_double() const { return std::bit_cast<double>(bits); }
  int64_t as_int() const { return static_cast<int64_t>(bits); }
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : p_(message.data()), end_(p_ + message.size()) {}

  bool Next(Field* field) {
    if (p_ == nullptr || p_ >= end_) return false;
    p_ = ReadTag(p_, end_, &field->number, &field->type);
    if (p_ == nullptr) return false;
    switch (field->type) {
      case kVarint:
        p_ = ReadVarint(p_, end_, &field->bits);
        break;
      case kFixed64:
        p_ = ReadFixed64(p_, end_, &field->bits);
        break;
      case kBytes:
        p_ = ReadBytes(p_, end_, &field->bytes);
        break;
      case kFixed32: {
        if (end_ - p_ < 4) {
          p_ = nullptr;
          break;
        }
        uint32_t bits = 0;
        std::memcpy(&bits, p_, 4);
        field->bits = bits;
        p_ += 4;
        break;
      }
      default:
        p_ = nullptr;  // groups: proto3 has none
    }
    return p_ != nullptr;
  }
  bool good() const { return p_ != nullptr; }

 private:
  const char* p_;
  const char* end_;
};

// Repeated numbers come packed or one by one; false where malformed or more than `max`.
template <typename T>
bool ReadRepeatedFixed64(const Field& field, size_t max, std::vector<T>* out) {
  if (field.type == kFixed64) {
    if (out->size() >= max) return false;
    out->push_back(std::bit_cast<T>(field.bits));
    return true;
  }
  if (field.type != kBytes || field.bytes.size() % 8 != 0) return false;
  if (out->size() + field.bytes.size() / 8 > max) return false;
  for (size_t i = 0; i < field.bytes.size(); i += 8) {
    uint64_t bits = 0;
    std::memcpy(&bits, field.bytes.data() + i, 8);
    out->push_back(std::bit_cast<T>(bits));
  }
  return true;
}
inline bool ReadRepeatedVarint(const Field& field, size_t max, std::vector<uint64_t>* out) {
  if (field.type == kVarint) {
    if (out->size() >= max) return false;
    out->push_back(field.bits);
    return true;
  }
  if (field.type != kBytes) return false;
  const char* p = field.bytes.data();
  const char* const end = p + field.bytes.size();
  while (p < end) {
    uint64_t number = 0;
    p = ReadVarint(p, end, &number);
    if (p == nullptr || out->size() >= max) return false;
    out->push_back(number);
  }
  return true;
}

}  // namespace hearth::codec::wire

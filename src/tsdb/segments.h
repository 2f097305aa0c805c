// SPDX-License-Identifier: Apache-2.0
// Memory that grows without moving, in segments of twice the size of the one before: what was
// handed out stays where it is, and pages of a segment that are not in use yet take no memory.
//
//   Segments<T>   an array, appended to
//   ByteSegments  runs of bytes, named by 32 bits in units of kUnit
//
// One thread appends; others may read what was there when they last held the owner's lock.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace hearth::tsdb {

template <typename T, size_t kFirstLog = 6>
class Segments {
 public:
  Segments() = default;
  Segments(Segments&& other) noexcept
      : segments_(std::exchange(other.segments_, {})), size_(std::exchange(other.size_, 0)) {}
  Segments& operator=(Segments&& other) noexcept {
    if (this != &other) {
      Clear();
      segments_ = std::exchange(other.segments_, {});
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~Segments() { Clear(); }

  size_t size() const { return size_; }
  T& operator[](size_t i) {
    const Place place(i);
    return segments_[place.segment][place.offset];
  }
  const T& operator[](size_t i) const {
    const Place place(i);
    return segments_[place.segment][place.offset];
  }
  T& Add(const T& value) { return Add(T(value)); }
  T& Add(T&& value = T()) {
    const Place place(size_);
    T*& segment = segments_[place.segment];
    if (segment == nullptr) {
      segment = static_cast<T*>(
          ::operator new(SegmentSize(place.segment) * sizeof(T), std::align_val_t(alignof(T))));
    }
    ++size_;
    return *new (segment + place.offset) T(std::move(value));
  }
  void Clear() {
    for (size_t i = 0; i < size_; ++i) (*this)[i].~T();
    for (T*& segment : segments_) {
      if (segment != nullptr) ::operator delete(segment, std::align_val_t(alignof(T)));
      segment = nullptr;
    }
    size_ = 0;
  }
  size_t memory_bytes() const { return size_ * sizeof(T); }

 private:
  struct Place {
    explicit Place(size_t i) {
      const size_t n = i + (size_t{1} << kFirstLog);
      const auto log = static_cast<size_t>(std::bit_width(n)) - 1;
      segment = log - kFirstLog;
      offset = n - (size_t{1} << log);
    }
    size_t segment;
    size_t offset;
  };
  static size_t SegmentSize(size_t segment) { return size_t{1} << (segment + kFirstLog); }
  std::array<T*, 33 - kFirstLog> segments_{};
  size_t size_ = 0;
};

// Readers may touch kSlack bytes beyond the end of what they were given.
template <size_t kUnit>
class ByteSegments {
 public:
  static constexpr size_t kSlack = 16;

  // 0 is never handed out.
  uint32_t Allocate(size_t bytes) {
    const uint64_t units = (bytes + kUnit - 1) / kUnit;
    Place place(next_);
    while (place.offset + units > SegmentUnits(place.segment)) {
      next_ += SegmentUnits(place.segment) - place.offset;
      place = Place(next_);
    }
    auto& segment = segments_[place.segment];
    if (segment == nullptr) {
      segment =
          std::make_unique_for_overwrite<uint8_t[]>(SegmentUnits(place.segment) * kUnit + kSlack);
    }
    const auto ref = static_cast<uint32_t>(next_);
    next_ += units;
    used_ += units;
    return ref;
  }
  // No more may be allocated: numbers run out. Far beyond any budget of memory but the largest.
  bool full() const { return next_ >= kUnitsMax; }
  uint8_t* at(uint32_t ref) {
    const Place place(ref);
    return segments_[place.segment].get() + place.offset * kUnit;
  }
  const uint8_t* at(uint32_t ref) const {
    const Place place(ref);
    return segments_[place.segment].get() + place.offset * kUnit;
  }
  size_t memory_bytes() const { return used_ * kUnit; }

 private:
  static constexpr size_t kFirstLog = 9;
  // Below all numbers by the longest run that a request can bring.
  static constexpr uint64_t kUnitsMax = (uint64_t{1} << 32) - (uint64_t{1} << 28);
  struct Place {
    explicit Place(uint64_t unit) {
      const uint64_t n = unit + (uint64_t{1} << kFirstLog);
      const auto log = static_cast<size_t>(std::bit_width(n)) - 1;
      segment = log - kFirstLog;
      offset = n - (uint64_t{1} << log);
    }
    size_t segment;
    uint64_t offset;
  };
  static uint64_t SegmentUnits(size_t segment) { return uint64_t{1} << (segment + kFirstLog); }
  std::array<std::unique_ptr<uint8_t[]>, 33 - kFirstLog> segments_;
  uint64_t next_ = 1;
  uint64_t used_ = 0;
};

}  // namespace hearth::tsdb

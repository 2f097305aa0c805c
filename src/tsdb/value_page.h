// SPDX-License-Identifier: Apache-2.0
// A page of a block: some hundred columns of values, and runs of bytes (histograms, start times),
// laid out so that compression finds like beside like. docs/formats/block.md, "Pages of values".
//
//   varint entries
//   codes       a byte an entry            (value_codec.h; 2: a run of bytes)
//   counts      a varint an entry: values of the column, or bytes of the run
//   widths      a byte for each entry that has planes
//   parameters  of the columns, varint bytes and bytes each: not of runs
//   runs        of bytes
//   planes      of the columns of width 1, then of width 2, … 8
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/value_codec.h"

namespace hearth::tsdb {

// Of one page: what is kept beside its bytes stays small.
inline constexpr size_t kPageEntriesMax = 4096;

// Not thread-safe.
class ValuePageBuilder {
 public:
  void AddValues(std::span<const double> values);  // 1 … kColumnSamplesMax
  void AddBytes(std::string_view run);
  size_t entries() const { return codes_.size(); }
  size_t bytes() const { return bytes_; }
  std::string Take();  // the page; empty afterwards

 private:
  EncodedValues column_;  // reused
  std::string codes_;
  std::string counts_;
  std::string widths_;
  std::string parameters_;
  std::string runs_;
  std::string planes_[8];
  size_t bytes_ = 0;
};

// A page that was read. Immutable, thread-safe.
class ValuePage {
 public:
  // Null where the bytes are not a page.
  static std::shared_ptr<const ValuePage> Parse(std::string bytes);

  size_t entries() const { return entries_.size(); }
  size_t memory_bytes() const { return bytes_.capacity() + entries_.size() * sizeof(Entry); }
  // False where `entry` is not a column of so many values, or does not parse.
  bool Values(size_t entry, std::span<double> values) const;
  // False where no staleness marker is among the values of `entry`, which is a column.
  bool MayBeMarked(size_t entry) const;
  // False where `entry` is not a run of bytes.
  bool Bytes(size_t entry, std::string_view* run) const;

 private:
  struct Entry {
    uint8_t code = 0;
    uint8_t width = 0;
    uint16_t parameter_bytes = 0;
    uint32_t count = 0;
    uint32_t parameters = 0;  // where they begin
    uint32_t data = 0;        // where the planes or the run begin
  };
  bool ParseEntries();

  std::string bytes_;
  std::vector<Entry> entries_;
};

}  // namespace hearth::tsdb

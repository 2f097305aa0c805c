// SPDX-License-Identifier: Apache-2.0
// XOR2 of prometheus_chunk.h: time and value share a prefix, staleness markers have one of their
// own and do not become what the next value is compared with; start times may follow each sample.
// Private to codec.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/chunk_bits.h"
#include "codec/prometheus_chunk.h"

namespace hearth::codec {

// Start times as XOR2 and the ST encodings carry them: nothing while they are all unknown or as the
// first one's.
class StartTimeReader {
 public:
  explicit StartTimeReader(uint8_t header)
      : first_known_((header & 0x80) != 0), changes_on_(header & 0x7f) {}
  // After the `index`-th sample, whose time and whose predecessor's are given.
  void Read(size_t index, int64_t time_ms, int64_t before_ms, BitReader* in);
  int64_t start_ms() const { return start_ms_; }  // 0: unknown

 private:
  bool first_known_;
  size_t changes_on_;  // the first sample that has one of its own; 0: none
  int64_t gap_ms_ = 0;
  int64_t start_ms_ = 0;
};

class StartTimeWriter {
 public:
  // At most 127 samples a chunk: so many the header can count.
  void Write(size_t index, int64_t time_ms, int64_t before_ms, int64_t start_ms, BitWriter* out);
  uint8_t header() const { return header_; }

 private:
  uint8_t header_ = 0;
  int64_t gap_ms_ = 0;
  int64_t start_ms_ = 0;
};

class Xor2Reader {
 public:
  explicit Xor2Reader(std::string_view data);  // with a header
  absl::Status Read(ChunkSamples* out);

 private:
  void Advance(int dod_width);
  void ReadJoint();
  void ReadValue();

  const size_t count_;
  BitReader in_;
  StartTimeReader start_;
  int64_t time_ms_ = 0;
  int64_t delta_ = 0;
  double value_ = 0;
  XorColumn base_;
};

class Xor2Writer {
 public:
  // Appends the `index`-th sample behind the header's place.
  void Add(size_t index, int64_t time_ms, double value, int64_t start_ms, BitWriter* out);
  uint8_t header() const { return start_.header(); }

 private:
  void WriteJoint(int64_t dod, double value, BitWriter* out);
  void WriteValue(double value, BitWriter* out);

  int64_t time_ms_ = 0;
  int64_t delta_ = 0;
  XorColumn base_;
  StartTimeWriter start_;
};

}  // namespace hearth::codec

// SPDX-License-Identifier: Apache-2.0
#include "codec/xor2_chunk.h"

#include <bit>

#include "base/status.h"
#include "codec/histogram_chunk.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

// Widths of a time's delta of deltas, in two's complement, behind so many ones; 1 and 5 have none.
constexpr int kDodWidths[] = {0, 0, 13, 20, 64, 0};
constexpr int kOnesMax = 5;

bool FitsTwosComplement(int64_t value, int width) {
  return value >= -(int64_t{1} << (width - 1)) && value < int64_t{1} << (width - 1);
}

}  // namespace

void StartTimeReader::Read(size_t index, int64_t time_ms, int64_t before_ms, BitReader* in) {
  if (index == 0) {
    if (first_known_) start_ms_ = WrappingSub(time_ms, in->Varint());
    return;
  }
  if (changes_on_ == 0 || index < changes_on_) return;
  const int64_t number = ReadVarbitInt(in);
  gap_ms_ = index == changes_on_ ? number : WrappingAdd(gap_ms_, number);
  start_ms_ = WrappingSub(before_ms, gap_ms_);
}

void StartTimeWriter::Write(size_t index, int64_t time_ms, int64_t before_ms, int64_t start_ms,
                            BitWriter* out) {
  if (index == 0) {
    start_ms_ = start_ms;
    if (start_ms == 0) return;
    header_ = 0x80;
    return out->Varint(WrappingSub(time_ms, start_ms));
  }
  const bool begun = (header_ & 0x7f) != 0;
  if (!begun && start_ms == start_ms_) return;
  const int64_t gap_ms = WrappingSub(before_ms, start_ms);
  if (!begun) header_ = static_cast<uint8_t>(header_ | index);
  WriteVarbitInt(begun ? WrappingSub(gap_ms, gap_ms_) : gap_ms, out);
  gap_ms_ = gap_ms;
  start_ms_ = start_ms;
}

Xor2Reader::Xor2Reader(std::string_view data)
    : count_(ChunkHeader16(data)),
      in_(data.substr(kChunkHeaderBytes)),
      start_(static_cast<uint8_t>(data[kChunkHeaderBytes - 1])) {}

absl::Status Xor2Reader::Read(ChunkSamples* out) {
  for (size_t i = 0; i < count_; ++i) {
    const int64_t before_ms = time_ms_;
    if (i == 0) {
      time_ms_ = in_.Varint();
      value_ = std::bit_cast<double>(in_.Bits(64));
      if (!model::IsStaleNan(value_)) base_.value = value_;
    } else if (i == 1) {
      delta_ = static_cast<int64_t>(in_.Uvarint());
      time_ms_ = WrappingAdd(time_ms_, delta_);
      ReadValue();
    } else {
      ReadJoint();
    }
    start_.Read(i, time_ms_, before_ms, &in_);
    if (!in_.ok() || !base_.ok) return EndsEarly(i, count_);
    if (i > 0 && time_ms_ <= before_ms) return NotSorted(time_ms_);
    if (start_.start_ms() != 0) {
      out->start_times_ms.resize(out->times_ms.size());
      out->start_times_ms.push_back(start_.start_ms());
    }
    out->times_ms.push_back(time_ms_);
    out->values.push_back(value_);
  }
  return absl::OkStatus();
}

void Xor2Reader::Advance(int dod_width) {
  uint64_t dod = in_.Bits(dod_width);
  if (dod_width > 0 && dod_width < 64 && dod >> (dod_width - 1) != 0) {
    dod -= uint64_t{1} << dod_width;
  }
  delta_ = WrappingAdd(delta_, static_cast<int64_t>(dod));
  time_ms_ = WrappingAdd(time_ms_, delta_);
}

void Xor2Reader::ReadJoint() {
  int ones = 0;
  while (ones < kOnesMax && in_.Bit()) ++ones;
  Advance(kDodWidths[ones]);
  if (ones == 0) value_ = base_.value;
  if (ones == 1) {
    in_.Bit() ? base_.ReadNewWindow(&in_) : base_.ReadSameWindow(&in_);
    value_ = base_.value;
  }
  if (ones >= 2 && ones <= 4) ReadValue();
  if (ones == kOnesMax) value_ = model::StaleNan();
}

void Xor2Reader::ReadValue() {
  if (in_.Bit()) {
    if (!in_.Bit()) {
      base_.ReadSameWindow(&in_);
    } else if (!in_.Bit()) {
      base_.ReadNewWindow(&in_);
    } else {
      value_ = model::StaleNan();
      return;
    }
  }
  value_ = base_.value;
}

void Xor2Writer::Add(size_t index, int64_t time_ms, double value, int64_t start_ms,
                     BitWriter* out) {
  const int64_t before_ms = time_ms_;
  const int64_t delta = index == 0 ? 0 : WrappingSub(time_ms, before_ms);
  if (index == 0) {
    out->Varint(time_ms);
    out->Bits(std::bit_cast<uint64_t>(value), 64);
    if (!model::IsStaleNan(value)) base_.value = value;
  } else if (index == 1) {
    out->Uvarint(static_cast<uint64_t>(delta));
    WriteValue(value, out);
  } else {
    WriteJoint(WrappingSub(delta, delta_), value, out);
  }
  time_ms_ = time_ms;
  delta_ = delta;
  start_.Write(index, time_ms, before_ms, start_ms, out);
}

void Xor2Writer::WriteJoint(int64_t dod, double value, BitWriter* out) {
  if (dod == 0) {
    if (model::IsStaleNan(value)) return out->Bits(0b11111, 5);
    if (model::SameBits(value, base_.value)) return out->Bit(false);
    out->Bits(0b10, 2);
    const bool same = base_.Fits(value);
    out->Bit(!same);
    return same ? base_.WriteSameWindow(value, out) : base_.WriteNewWindow(value, out);
  }
  int ones = 2;
  while (ones < 4 && !FitsTwosComplement(dod, kDodWidths[ones])) ++ones;
  out->Bits((uint64_t{2} << ones) - 2, ones + 1);
  out->Bits(static_cast<uint64_t>(dod), kDodWidths[ones]);
  WriteValue(value, out);
}

void Xor2Writer::WriteValue(double value, BitWriter* out) {
  if (model::IsStaleNan(value)) return out->Bits(0b111, 3);
  if (model::SameBits(value, base_.value)) return out->Bit(false);
  if (base_.Fits(value)) {
    out->Bits(0b10, 2);
    return base_.WriteSameWindow(value, out);
  }
  out->Bits(0b110, 3);
  base_.WriteNewWindow(value, out);
}

}  // namespace hearth::codec

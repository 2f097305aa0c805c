// SPDX-License-Identifier: Apache-2.0
#include "codec/chunk_bits.h"

#include <iterator>

namespace hearth::codec {
namespace {

// Widths behind prefixes of 1, 2, 3 … ones and a zero; behind eight ones come 64 bits.
constexpr int kWidths[] = {0, 3, 6, 9, 12, 18, 25, 56};
constexpr int kOnesMax = 8;
constexpr int kLeadingMax = 31;  // five bits

// How many ones come before a zero, at most eight.
int ReadPrefix(BitReader* in) {
  int ones = 0;
  while (ones < kOnesMax && in->Bit()) ++ones;
  return ones;
}

void WriteBehindPrefix(int ones, uint64_t value, BitWriter* out) {
  if (ones == kOnesMax) {
    out->Bits(0xff, kOnesMax);
    out->Bits(value, 64);
    return;
  }
  out->Bits((uint64_t{2} << ones) - 2, ones + 1);
  out->Bits(value, kWidths[ones]);
}

}  // namespace

bool XorColumn::Fits(double next) const {
  const uint64_t changed = std::bit_cast<uint64_t>(next) ^ std::bit_cast<uint64_t>(value);
  return leading >= 0 && std::min(std::countl_zero(changed), kLeadingMax) >= leading &&
         std::countr_zero(changed) >= trailing;
}

void XorColumn::WriteSameWindow(double next, BitWriter* out) {
  const uint64_t changed = std::bit_cast<uint64_t>(next) ^ std::bit_cast<uint64_t>(value);
  out->Bits(changed >> trailing, 64 - leading - trailing);
  value = next;
}

void XorColumn::WriteNewWindow(double next, BitWriter* out) {
  const uint64_t changed = std::bit_cast<uint64_t>(next) ^ std::bit_cast<uint64_t>(value);
  leading = std::min(std::countl_zero(changed), kLeadingMax);
  trailing = std::countr_zero(changed);
  out->Bits(static_cast<uint64_t>(leading), 5);
  out->Bits(static_cast<uint64_t>(64 - leading - trailing), 6);  // 64 is written as 0
  WriteSameWindow(next, out);
}

void XorColumn::Write(double next, BitWriter* out) {
  const bool changed = std::bit_cast<uint64_t>(next) != std::bit_cast<uint64_t>(value);
  out->Bit(changed);
  if (!changed) return;
  const bool same = Fits(next);
  out->Bit(!same);
  same ? WriteSameWindow(next, out) : WriteNewWindow(next, out);
}

void XorColumn::ReadSameWindow(BitReader* in) {
  if (leading < 0) leading = 0;  // as upstream's readers begin
  const uint64_t changed = in->Bits(64 - leading - trailing) << trailing;
  value = std::bit_cast<double>(std::bit_cast<uint64_t>(value) ^ changed);
}

void XorColumn::ReadNewWindow(BitReader* in) {
  const auto new_leading = static_cast<int>(in->Bits(5));
  auto width = static_cast<int>(in->Bits(6));
  if (width == 0) width = 64;
  if (new_leading + width > 64) {
    ok = false;
    return;
  }
  leading = new_leading;
  trailing = 64 - new_leading - width;
  ReadSameWindow(in);
}

void XorColumn::Read(BitReader* in) {
  if (!in->Bit()) return;
  in->Bit() ? ReadNewWindow(in) : ReadSameWindow(in);
}

void WriteVarbitInt(int64_t value, BitWriter* out) {
  int ones = 0;
  if (value != 0) {
    ones = 1;
    while (ones < kOnesMax && !FitsSigned(value, kWidths[ones])) ++ones;
  }
  WriteBehindPrefix(ones, static_cast<uint64_t>(value), out);
}

int64_t ReadVarbitInt(BitReader* in) {
  const int ones = ReadPrefix(in);
  if (ones == kOnesMax) return static_cast<int64_t>(in->Bits(64));
  return ones == 0 ? 0 : SignedOf(in->Bits(kWidths[ones]), kWidths[ones]);
}

void WriteVarbitUint(uint64_t value, BitWriter* out) {
  int ones = 0;
  while (ones < kOnesMax && value >> kWidths[ones] != 0) ++ones;
  WriteBehindPrefix(ones, value, out);
}

uint64_t ReadVarbitUint(BitReader* in) {
  const int ones = ReadPrefix(in);
  return in->Bits(ones == kOnesMax ? 64 : kWidths[ones]);
}

}  // namespace hearth::codec

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/value.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

// The longest sample: 2 + 4 + 64 bits of time, 1 + 4 + 64 of value.
constexpr uint32_t kSampleBitsMax = 160;
constexpr uint32_t kCapacityFirst = 48;             // a quiet series' ten minutes at 15 s fit
constexpr unsigned kLeadMax = 31;                   // five bits
constexpr double kIntegerMax = 9007199254740992.0;  // 2^53: beyond it neighbours are not integers

bool ToInteger(uint64_t bits, int64_t* integer) {
  const auto value = std::bit_cast<double>(bits);
  if (!(value >= -kIntegerMax && value <= kIntegerMax)) return false;
  *integer = static_cast<int64_t>(value);
  return std::bit_cast<uint64_t>(static_cast<double>(*integer)) == bits;
}

// What BitReader::Peek always holds, and a bit where a search in it ends.
constexpr uint32_t kPeekBits = 56;
// Of an integer, behind the bits that lead to them.
constexpr unsigned kNibblesPeeked = (kPeekBits - 8) / 4;
constexpr uint64_t kPeekEnd = uint64_t{1} << kPeekBits;

unsigned Nibbles(uint64_t value) { return (static_cast<unsigned>(std::bit_width(value)) + 3) / 4; }

// Trusts its bytes: they never leave the process.
class BitReader {
 public:
  explicit BitReader(const uint8_t* data) : data_(data) {}
  uint64_t Peek() const {  // at least 57 bits
    uint64_t word = 0;
    std::memcpy(&word, data_ + (at_ >> 3), sizeof word);
    return word >> (at_ & 7);
  }
  void Skip(unsigned bits) { at_ += bits; }
  uint64_t Get(unsigned bits) {
    if (bits > 56) {
      const uint64_t low = Get(32);
      return low | (Get(bits - 32) << 32);
    }
    const uint64_t value = Peek() & ((uint64_t{1} << bits) - 1);
    at_ += bits;
    return value;
  }

 private:
  const uint8_t* data_;
  size_t at_ = 0;
};

int64_t GetTime(BitReader* reader) {
  static constexpr unsigned kBits[] = {7, 14, 20, 32, 64};
  const auto ones = static_cast<unsigned>(std::countr_one(reader->Peek() & 15));
  reader->Skip(ones == 4 ? 4 : ones + 1);
  return Unzigzag(reader->Get(kBits[ones]));
}

struct ValueState {
  uint64_t bits = 0;
  int64_t change = 0;
  unsigned lead = 0;
  unsigned trail = 0;
};

void GetValue(BitReader* reader, ValueState* state) {
  const auto ones = static_cast<unsigned>(std::countr_one(reader->Peek() & 15));
  reader->Skip(ones == 4 ? 4 : ones + 1);
  switch (ones) {
    case 0: {
      const uint64_t head = reader->Get(5);
      const int64_t coded = Unzigzag(reader->Get(static_cast<unsigned>(head >> 1) * 4));
      const int64_t change = (head & 1) != 0 ? coded : coded + state->change;
      const auto before = static_cast<int64_t>(std::bit_cast<double>(state->bits));
      state->bits = std::bit_cast<uint64_t>(static_cast<double>(before + change));
      state->change = change;
      return;
    }
    case 2:
      state->lead = static_cast<unsigned>(reader->Get(5));
      state->trail = 64 - state->lead - (static_cast<unsigned>(reader->Get(6)) + 1);
      [[fallthrough]];
    case 1:
      state->bits ^= reader->Get(64 - state->lead - state->trail) << state->trail;
      return;
    case 3:
      state->bits = model::kStaleNanBits;
      return;
    default:
      state->bits = reader->Get(64);
  }
}

}  // namespace

void DecodeChunk(const uint8_t* data, uint32_t count, int64_t* times, double* out) {
  if (count == 0) return;
  BitReader reader(data);
  auto time = static_cast<int64_t>(reader.Get(64));
  ValueState value;
  value.bits = reader.Get(64);
  int64_t spacing = 0;
  times[0] = time;
  out[0] = std::bit_cast<double>(value.bits);
  for (uint32_t i = 1; i < count; ++i) {
    const uint64_t control = reader.Peek() & 3;
    if ((control & 1) == 0) {
      reader.Skip(1);
    } else {
      reader.Skip(2);
      bool changes = true;
      if (control == 3) {
        spacing = WrappingAdd(spacing, GetTime(&reader));
        changes = reader.Get(1) != 0;
      }
      if (changes) GetValue(&reader, &value);
    }
    time = WrappingAdd(time, spacing);
    times[i] = time;
    out[i] = std::bit_cast<double>(value.bits);
  }
}

void DecodeRegularChunk(const uint8_t* data, uint32_t count, double* values) {
  if (count == 0) return;
  BitReader reader(data);
  reader.Skip(64);
  ValueState value;
  value.bits = reader.Get(64);
  values[0] = std::bit_cast<double>(value.bits);
  if (count == 1) return;
  // The second sample sets the spacing.
  reader.Skip(2);
  GetTime(&reader);
  if (reader.Get(1) != 0) GetValue(&reader, &value);
  values[1] = std::bit_cast<double>(value.bits);
  for (uint32_t i = 2; i < count;) {
    // Repeated values are one bit each: a run of them is found at once.
    const auto same =
        std::min(static_cast<uint32_t>(std::countr_zero(reader.Peek() | kPeekEnd)), count - i);
    const auto repeated = std::bit_cast<double>(value.bits);
    for (uint32_t end = i + same; i < end; ++i) values[i] = repeated;
    reader.Skip(same);
    if (same == kPeekBits || i == count) continue;
    const uint64_t word = reader.Peek() >> 2;
    const auto nibbles = static_cast<unsigned>(word >> 2 & 15);
    if ((word & 1) == 0 && nibbles <= kNibblesPeeked) {
      // GetValue's first case, with one look at the bits: most numbers are small integers.
      const int64_t coded = Unzigzag(word >> 6 & ((uint64_t{1} << (nibbles * 4)) - 1));
      value.change = (word & 2) != 0 ? coded : coded + value.change;
      const auto before = static_cast<int64_t>(std::bit_cast<double>(value.bits));
      value.bits = std::bit_cast<uint64_t>(static_cast<double>(before + value.change));
      reader.Skip(8 + nibbles * 4);
    } else {
      reader.Skip(2);
      GetValue(&reader, &value);
    }
    values[i++] = std::bit_cast<double>(value.bits);
  }
}

void RegularTimes(int64_t first_ms, int64_t last_ms, uint32_t count, int64_t* times_ms) {
  const int64_t spacing = count < 2 ? 0 : WrappingSub(last_ms, first_ms) / (count - 1);
  for (uint32_t i = 0; i < count; ++i) {
    times_ms[i] = first_ms;
    first_ms = WrappingAdd(first_ms, spacing);
  }
}

void ChunkBuilder::Reserve() {
  const uint32_t need = (bits_ + kSampleBitsMax) / 8 + 1;
  if (need <= capacity_) return;
  const uint32_t capacity = std::max({need, kCapacityFirst, capacity_ + capacity_ / 2});
  // Only the bytes in use are copied; Put() clears what it enters.
  auto grown = std::make_unique_for_overwrite<uint8_t[]>(capacity + kChunkSlack);
  if (bits_ > 0) std::memcpy(grown.get(), data_.get(), bytes());
  data_ = std::move(grown);
  capacity_ = capacity;
}

void ChunkBuilder::Put(uint64_t value, unsigned bits) {
  if (bits > 56) {
    Put(value & 0xffffffffU, 32);
    value >>= 32;
    bits -= 32;
  }
  uint8_t* at = data_.get() + (bits_ >> 3);
  const unsigned shift = bits_ & 7;
  const uint64_t kept = shift == 0 ? 0 : *at & ((1U << shift) - 1);
  const uint64_t word = kept | (value << shift);
  std::memcpy(at, &word, sizeof word);
  bits_ += bits;
}

void ChunkBuilder::PutTime(int64_t change) {
  const uint64_t coded = Zigzag(change);
  if (coded < (1U << 7)) {
    Put(coded << 1, 8);
  } else if (coded < (1U << 14)) {
    Put(coded << 2 | 1, 16);
  } else if (coded < (1U << 20)) {
    Put(coded << 3 | 3, 23);
  } else if (coded <= 0xffffffffU) {
    Put(coded << 4 | 7, 36);
  } else {
    Put(15, 4);
    Put(coded, 64);
  }
}

bool ChunkBuilder::PutInteger(uint64_t value_bits) {
  int64_t before = 0;
  int64_t now = 0;
  if (!ToInteger(value_bits_, &before) || !ToInteger(value_bits, &now)) return false;
  const int64_t change = now - before;
  const uint64_t of_change = Zigzag(change - change_);
  const uint64_t plain = Zigzag(change);
  const unsigned nibbles_of_change = Nibbles(of_change);
  const unsigned nibbles_plain = Nibbles(plain);
  const bool use_plain = nibbles_plain < nibbles_of_change;
  const unsigned nibbles = use_plain ? nibbles_plain : nibbles_of_change;
  if (nibbles > 15) return false;
  Put((use_plain ? 2U : 0U) | nibbles << 2, 6);
  if (nibbles > 0) Put(use_plain ? plain : of_change, nibbles * 4);
  change_ = change;
  return true;
}

void ChunkBuilder::PutValue(uint64_t value_bits) {
  if (value_bits == model::kStaleNanBits) {
    Put(7, 4);
    return;
  }
  if (PutInteger(value_bits)) return;
  const uint64_t difference = value_bits ^ value_bits_;
  const auto lead = std::min(static_cast<unsigned>(std::countl_zero(difference)), kLeadMax);
  const auto trail = static_cast<unsigned>(std::countr_zero(difference));
  const unsigned size = 64 - lead - trail;
  const bool fits = lead_ != 255 && lead >= lead_ && trail >= trail_;
  const unsigned window = fits ? 64U - lead_ - trail_ : 0;
  if (fits && window <= size + 11) {
    Put(1, 2);
    Put(difference >> trail_, window);
  } else if (size + 14 < 68) {
    Put(3, 3);
    Put(lead | (size - 1) << 5, 11);
    Put(difference >> trail, size);
    lead_ = static_cast<uint8_t>(lead);
    trail_ = static_cast<uint8_t>(trail);
  } else {
    Put(15, 4);
    Put(value_bits, 64);
  }
}

bool ChunkBuilder::Append(int64_t time_ms, uint64_t value_bits) {
  if (count_ >= kChunkSamplesMax) return false;
  Reserve();
  if (count_ == 0) {
    first_ms_ = time_ms;
    Put(static_cast<uint64_t>(time_ms), 64);
    Put(value_bits, 64);
  } else {
    const int64_t spacing = WrappingSub(time_ms, last_ms_);
    const int64_t change = WrappingSub(spacing, spacing_);
    const bool same = value_bits == value_bits_;
    if (count_ > 1 && change != 0) shape_.regular = false;
    if (change == 0) {
      if (same) {
        Put(0, 1);
      } else {
        Put(1, 2);
      }
    } else {
      Put(3, 2);
      PutTime(change);
      Put(same ? 0 : 1, 1);
    }
    if (!same) PutValue(value_bits);
    spacing_ = spacing;
  }
  if (value_bits == model::kStaleNanBits) shape_.marked = true;
  last_ms_ = time_ms;
  value_bits_ = value_bits;
  ++count_;
  return true;
}

Chunk ChunkBuilder::Take() {
  Chunk chunk;
  chunk.first_ms = first_ms_;
  chunk.last_ms = last_ms_;
  chunk.count = count_;
  chunk.bytes = bytes();
  chunk.shape = shape_;
  chunk.data = std::move(data_);
  *this = ChunkBuilder();
  return chunk;
}

Chunk ChunkBuilder::Finish() {
  Chunk chunk = Take();
  auto exact = std::make_unique_for_overwrite<uint8_t[]>(chunk.bytes + kChunkSlack);
  if (chunk.bytes > 0) std::memcpy(exact.get(), chunk.data.get(), chunk.bytes);
  chunk.data = std::move(exact);
  return chunk;
}

}  // namespace hearth::tsdb

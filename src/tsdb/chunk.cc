// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/value.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

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
// Of an integer that AppendPlain takes: with the bits before them, at any bit of a byte, one word.
constexpr unsigned kNibblesPlain = (64 - 7 - 8) / 4;
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

int64_t FirstTime(const uint8_t* data) {
  int64_t time = 0;
  std::memcpy(&time, data, sizeof time);
  return time;
}

namespace {

// The bits of one sample, before it is known how many they are.
class SampleBits {
 public:
  void Put(uint64_t value, unsigned bits) {
    const unsigned shift = size_ & 63;
    words_[size_ >> 6] |= value << shift;
    if (shift + bits > 64) words_[(size_ >> 6) + 1] |= value >> (64 - shift);
    size_ += bits;
  }
  unsigned size() const { return size_; }

  // Appends them to what is in the chunk; its block has room.
  void AppendTo(uint8_t* data, size_t capacity, unsigned bits) const {
    uint8_t* const at = data + (bits >> 3);
    const unsigned shift = bits & 7;
    const unsigned bytes = (shift + size_ + 7) / 8;
    const uint64_t kept = shift == 0 ? 0 : *at & ((1U << shift) - 1);
    const uint64_t first = kept | words_[0] << shift;
    if (bytes <= 8 && (bits >> 3) + 8 <= capacity) {
      std::memcpy(at, &first, 8);
      return;
    }
    std::array<uint64_t, kWords + 1> shifted{};
    shifted[0] = first;
    for (size_t i = 1; i <= kWords; ++i) {
      const uint64_t low = shift == 0 ? 0 : words_[i - 1] >> (64 - shift);
      shifted[i] = low | (i < kWords ? words_[i] << shift : 0);
    }
    std::memcpy(at, shifted.data(), bytes);
  }

 private:
  // The longest sample: 2 + 4 + 64 bits of time, 1 + 4 + 64 of value.
  static constexpr size_t kWords = 3;
  std::array<uint64_t, kWords> words_{};
  unsigned size_ = 0;
};

void PutTime(int64_t change, SampleBits* out) {
  const uint64_t coded = Zigzag(change);
  if (coded < (1U << 7)) {
    out->Put(coded << 1, 8);
  } else if (coded < (1U << 14)) {
    out->Put(coded << 2 | 1, 16);
  } else if (coded < (1U << 20)) {
    out->Put(coded << 3 | 3, 23);
  } else if (coded <= 0xffffffffU) {
    out->Put(coded << 4 | 7, 36);
  } else {
    out->Put(15, 4);
    out->Put(coded, 64);
  }
}

bool PutInteger(uint64_t before_bits, uint64_t value_bits, OpenChunk* chunk, SampleBits* out) {
  int64_t before = 0;
  int64_t now = 0;
  if (!ToInteger(before_bits, &before) || !ToInteger(value_bits, &now)) return false;
  const int64_t change = now - before;
  const uint64_t of_change = Zigzag(change - chunk->change);
  const uint64_t plain = Zigzag(change);
  const unsigned nibbles_of_change = Nibbles(of_change);
  const unsigned nibbles_plain = Nibbles(plain);
  const bool use_plain = nibbles_plain < nibbles_of_change;
  const unsigned nibbles = use_plain ? nibbles_plain : nibbles_of_change;
  if (nibbles > 15) return false;
  out->Put((use_plain ? 2U : 0U) | nibbles << 2, 6);
  if (nibbles > 0) out->Put(use_plain ? plain : of_change, nibbles * 4);
  chunk->change = change;
  return true;
}

void PutValue(uint64_t before_bits, uint64_t value_bits, OpenChunk* chunk, SampleBits* out) {
  if (value_bits == model::kStaleNanBits) return out->Put(7, 4);
  if (PutInteger(before_bits, value_bits, chunk, out)) return;
  const uint64_t difference = value_bits ^ before_bits;
  const auto lead = std::min(static_cast<unsigned>(std::countl_zero(difference)), kLeadMax);
  const auto trail = static_cast<unsigned>(std::countr_zero(difference));
  const unsigned size = 64 - lead - trail;
  const bool fits = chunk->lead != 255 && lead >= chunk->lead && trail >= chunk->trail;
  const unsigned window = fits ? 64U - chunk->lead - chunk->trail : 0;
  if (fits && window <= size + 11) {
    out->Put(1, 2);
    out->Put(difference >> chunk->trail, window);
  } else if (size + 14 < 68) {
    out->Put(3, 3);
    out->Put(lead | (size - 1) << 5, 11);
    out->Put(difference >> trail, size);
    chunk->lead = static_cast<uint8_t>(lead);
    chunk->trail = static_cast<uint8_t>(trail);
  } else {
    out->Put(15, 4);
    out->Put(value_bits, 64);
  }
}

// Makes room for so many bytes, in a larger block where need be.
void Reserve(size_t bytes, ChunkArena* arena, OpenChunk* chunk) {
  if (chunk->ref != 0 && bytes <= ChunkArena::kSizes[chunk->size_class]) return;
  uint8_t size_class = chunk->ref == 0 ? 0 : chunk->size_class;
  while (ChunkArena::kSizes[size_class] < bytes) ++size_class;
  const uint32_t ref = arena->Allocate(size_class);
  if (chunk->ref != 0) {
    std::memcpy(arena->at(ref), arena->at(chunk->ref), chunk->bytes());
    arena->Free(chunk->ref);
  }
  chunk->ref = ref;
  chunk->size_class = size_class;
}

}  // namespace

namespace {

// The same spacing as before and the same value or another integer, in one word: most samples.
// False: it is something else, and nothing was done.
bool AppendPlain(const Sample& before, const Sample& sample, ChunkArena* arena, OpenChunk* chunk) {
  if (WrappingSub(sample.time_ms, before.time_ms) != chunk->spacing_ms) return false;
  uint64_t word = 0;
  unsigned size = 1;
  if (sample.value_bits != before.value_bits) {
    int64_t old = 0;
    int64_t now = 0;
    if (!ToInteger(before.value_bits, &old) || !ToInteger(sample.value_bits, &now)) return false;
    const int64_t change = now - old;
    const uint64_t of_change = Zigzag(change - chunk->change);
    const uint64_t plain = Zigzag(change);
    const bool use_plain = Nibbles(plain) < Nibbles(of_change);
    const uint64_t coded = use_plain ? plain : of_change;
    const unsigned nibbles = Nibbles(coded);
    if (nibbles > kNibblesPlain) return false;
    // From the low end: 1 0, then V: 0 k n, then the nibbles.
    word = 1 | (use_plain ? 8U : 0U) | nibbles << 4 | coded << 8;
    size = 8 + nibbles * 4;
    chunk->change = change;
  }
  Reserve((chunk->bits + size + 7U) / 8, arena, chunk);
  // The word may reach beyond the block, into another one or the arena's slack: what is there
  // stays as it is.
  uint8_t* const at = arena->at(chunk->ref) + (chunk->bits >> 3);
  const unsigned shift = chunk->bits & 7;
  uint64_t there = 0;
  std::memcpy(&there, at, sizeof there);
  const uint64_t ours = (uint64_t{1} << size) - 1;
  there = (there & ~(ours << shift)) | word << shift;
  std::memcpy(at, &there, sizeof there);
  chunk->bits = static_cast<uint16_t>(chunk->bits + size);
  ++chunk->count;
  return true;
}

}  // namespace

bool AppendToChunk(const Sample& before, const Sample& sample, ChunkArena* arena,
                   OpenChunk* chunk) {
  if (!chunk->empty() && chunk->count < kChunkSamplesMax &&
      AppendPlain(before, sample, arena, chunk)) {
    return true;
  }
  SampleBits bits;
  if (chunk->empty()) {
    bits.Put(static_cast<uint64_t>(sample.time_ms), 64);
    bits.Put(sample.value_bits, 64);
  } else {
    const int64_t spacing = WrappingSub(sample.time_ms, before.time_ms);
    if (chunk->count >= kChunkSamplesMax || spacing > INT32_MAX || spacing < 0) return false;
    const int64_t change = spacing - chunk->spacing_ms;
    const bool same = sample.value_bits == before.value_bits;
    if (chunk->count > 1 && change != 0) chunk->shape.regular = false;
    if (change == 0) {
      bits.Put(same ? 0 : 1, same ? 1 : 2);
    } else {
      bits.Put(3, 2);
      PutTime(change, &bits);
      bits.Put(same ? 0 : 1, 1);
    }
    if (!same) PutValue(before.value_bits, sample.value_bits, chunk, &bits);
    chunk->spacing_ms = static_cast<int32_t>(spacing);
  }
  Reserve((chunk->bits + bits.size() + 7U) / 8, arena, chunk);
  bits.AppendTo(arena->at(chunk->ref), ChunkArena::kSizes[chunk->size_class], chunk->bits);
  chunk->bits = static_cast<uint16_t>(chunk->bits + bits.size());
  if (sample.value_bits == model::kStaleNanBits) chunk->shape.marked = true;
  ++chunk->count;
  return true;
}

Chunk FinishChunk(int64_t last_ms, ChunkArena* arena, OpenChunk* chunk) {
  Chunk done;
  done.count = chunk->count;
  done.bytes = chunk->bytes();
  done.shape = chunk->shape;
  done.data = std::make_unique_for_overwrite<uint8_t[]>(done.bytes + kChunkSlack);
  if (!chunk->empty()) {
    std::memcpy(done.data.get(), arena->at(chunk->ref), done.bytes);
    done.first_ms = FirstTime(done.data.get());
    done.last_ms = last_ms;
    arena->Free(chunk->ref);
  }
  *chunk = OpenChunk();
  return done;
}

}  // namespace hearth::tsdb

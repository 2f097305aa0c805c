// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_key.h"

#include <cstring>

#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

// splitmix64: the secret only has to look random to whoever does not know the seed.
uint64_t NextRandom(uint64_t* state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

char* WriteVarint(size_t value, char* out) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

__extension__ using Uint128 = unsigned __int128;

uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<Uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

SeriesKeyMaker::SeriesKeyMaker(uint64_t seed, unsigned bits)
    : hash_(FastestSeriesHash()), mask_(bits >= 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1) {
  for (size_t i = 0; i < kHashSecretBytes; i += 8) {
    const uint64_t word = NextRandom(&seed);
    std::memcpy(secret_.data() + i, &word, sizeof word);
  }
}

SeriesKey SeriesKeyMaker::OfFields(std::string_view run) const {
  const SeriesHash hash = hash_(run.data(), run.size(), secret_.data());
  return {hash.low & mask_, hash.high & mask_};
}

SeriesKey SeriesKeyMaker::OfPacked(std::string_view packed, std::string* scratch) const {
  // Of each label four bytes at least come in, and at most eight are added.
  if (scratch->size() < packed.size() * 3) scratch->resize(packed.size() * 3);
  char* out = scratch->data();
  ByteReader reader(packed);
  while (!reader.done()) {
    // Names and values have their sizes before them, here as there.
    const char* const name = reader.at();
    reader.Bytes();
    const char* const value = reader.at();
    reader.Bytes();
    const auto name_size = static_cast<size_t>(value - name);
    const auto value_size = static_cast<size_t>(reader.at() - value);
    *out++ = 0x0a;
    out = WriteVarint(name_size + value_size + 2, out);
    *out++ = 0x0a;
    std::memcpy(out, name, name_size);
    out += name_size;
    *out++ = 0x12;
    std::memcpy(out, value, value_size);
    out += value_size;
  }
  return OfFields({scratch->data(), static_cast<size_t>(out - scratch->data())});
}

void SeriesKeyMaker::HashSymbols(std::span<const std::string_view> symbols,
                                 std::vector<SeriesKey>* hashes) const {
  hashes->resize(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) {
    const SeriesHash hash = hash_(symbols[i].data(), symbols[i].size(), secret_.data());
    (*hashes)[i] = {hash.low, hash.high};
  }
}

bool SeriesKeyMaker::OfReferences(std::string_view references, std::span<const SeriesKey> symbols,
                                  SeriesKey* key) const {
  uint64_t low = 0;
  uint64_t high = 0;
  std::memcpy(&low, secret_.data(), sizeof low);
  std::memcpy(&high, secret_.data() + 8, sizeof high);
  ByteReader reader(references);
  while (!reader.done()) {
    const uint64_t reference = reader.Varint();
    if (!reader.ok() || reference >= symbols.size()) return false;
    // Two lanes with a multiplication each, so that neither a zero nor a swap goes unnoticed.
    low = Mix(low ^ symbols[reference].low, 0x9fb21c651e98df25) + 1;
    high = Mix(high + symbols[reference].high, low | 1) ^ symbols[reference].low;
  }
  *key = {low & mask_, high & mask_};
  return true;
}

}  // namespace hearth::tsdb

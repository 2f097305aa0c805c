// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace hearth {
namespace {

class KernelRng : public Rng {
 public:
  void Fill(void* bytes, size_t size) override {
    auto* out = static_cast<char*>(bytes);
    while (size > 0) {
      const ssize_t got = getrandom(out, size, 0);
      if (got <= 0) Fatal("getrandom failed");
      out += got;
      size -= static_cast<size_t>(got);
    }
  }
};

}  // namespace

uint64_t Rng::Next() {
  uint64_t value = 0;
  Fill(&value, sizeof value);
  return value;
}

uint64_t Rng::Below(uint64_t bound) {
  CHECK(bound > 0);
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;  // reject the uneven tail
  for (;;) {
    const uint64_t value = Next();
    if (value < limit) return value % bound;
  }
}

std::string Rng::Bytes(size_t size) {
  std::string bytes(size, '\0');
  Fill(bytes.data(), size);
  return bytes;
}

std::string Rng::Text(size_t length, std::string_view alphabet) {
  std::string text(length, '\0');
  for (char& c : text) c = alphabet[Below(alphabet.size())];
  return text;
}

Rng& SystemRng() {
  static KernelRng rng;
  return rng;
}

void SeededRng::Fill(void* bytes, size_t size) {
  auto* out = static_cast<char*>(bytes);
  while (size > 0) {
    // splitmix64, Steele, Lea and Flood 2014.
    uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    z ^= z >> 31;
    const size_t n = std::min(size, sizeof z);
    std::memcpy(out, &z, n);
    out += n;
    size -= n;
  }
}

std::string NewUuid(Rng& rng) {
  std::string bytes = rng.Bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = HexEncode(bytes);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

}  // namespace hearth

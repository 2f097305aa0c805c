// SPDX-License-Identifier: Apache-2.0
// Randomness as a parameter. SystemRng() is the kernel's generator, fit for keys and tokens;
// SeededRng repeats itself and is for tests and jitter only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual void Fill(void* bytes, size_t size) = 0;
  uint64_t Next();
  uint64_t Below(uint64_t bound);  // uniform in [0, bound), bound > 0
  std::string Bytes(size_t size);
  // `length` characters of `alphabet`, uniform.
  std::string Text(size_t length, std::string_view alphabet);
};

Rng& SystemRng();  // thread-safe

class SeededRng : public Rng {  // not thread-safe
 public:
  explicit SeededRng(uint64_t seed) : state_(seed) {}
  void Fill(void* bytes, size_t size) override;

 private:
  uint64_t state_;
};

std::string NewUuid(Rng& rng);  // version 4, lower case with dashes

}  // namespace hearth

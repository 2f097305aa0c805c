// SPDX-License-Identifier: Apache-2.0
// Bodies of a label whose values never repeat: each sample is a series of its own.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::bench {

struct ExplosionPlan {
  std::string out;
  uint64_t series = 100'000;
  uint64_t first_series = 0;
  int64_t time_ms = 0;
  uint32_t samples_per_body = 2'000;
};

// False where the file cannot be written.
bool WriteExplosion(const ExplosionPlan& plan);

}  // namespace hearth::bench

// SPDX-License-Identifier: Apache-2.0
// Bodies of an invented fleet: each instance has 100 series that the three dashboards select from
// (CPU, memory, disks, networks, file systems, pods, volumes, requests, a latency histogram).
// Counters grow by random steps, so that values do not compress better than real ones. Seeded: the
// same plan gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hearth::bench {

struct FleetPlan {
  std::string out;
  size_t series = 100'000;
  int64_t start_ms = 0;
  int64_t step_ms = 15'000;
  uint64_t first_step = 0;  // counters go on from where an earlier file ended
  uint64_t steps = 1;
  uint64_t samples_per_series = 1;  // in one body
  uint32_t samples_per_body = 2'000;
};

// False where the file cannot be written.
bool WriteFleet(const FleetPlan& plan);

}  // namespace hearth::bench

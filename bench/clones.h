// SPDX-License-Identifier: Apache-2.0
// Bodies of a fleet whose instances are clones of captured targets (engine.md §5.1). Every instance
// begins at another place of the capture, so that no two have the same values.
//
// Shapes: `node` has the labels of the scrape with job and instance (4 on average); `kube` has 8
// more, as the discovery of Kubernetes adds them.
#pragma once

#include <cstdint>
#include <string>

#include "capture.h"

namespace hearth::bench {

struct ClonePlan {
  std::string out;
  // Series first_series … first_series + series - 1 of the endless fleet; 0: the capture itself,
  // uncloned, with the gaps that it has.
  uint64_t series = 0;
  uint64_t first_series = 0;
  bool kube = false;
  int protocol = 1;
  int64_t start_ms = 0;
  int64_t step_ms = 15'000;
  uint64_t first_step = 0;
  uint64_t steps = 1;
  // Samples of a series in one body; more than 1 is how a backlog is sent.
  uint64_t samples_per_series = 1;
  uint32_t samples_per_body = 2'000;
  // Uncloned: each scrape has its own millisecond, moved so that the first is at start_ms.
  bool real_times = false;
  // Pods of 20 series, a tenth of which is replaced every so many steps; 0: none ever is.
  uint64_t churn_steps = 0;
};

// False where the file cannot be written.
bool WriteClones(const Capture& capture, const ClonePlan& plan);

}  // namespace hearth::bench

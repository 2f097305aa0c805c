// SPDX-License-Identifier: Apache-2.0
// Simulated persistent volumes: the recording holds no kubelet_volume_stats_*, and the dashboard
// "Cluster health" has a panel for them. The exposition says in a comment that they are simulated.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::replay {

// The exposition of four claims at that time; a pure function. Fullness moves over minutes.
std::string RenderSimulatedVolumes(int64_t elapsed_ms);

}  // namespace hearth::replay

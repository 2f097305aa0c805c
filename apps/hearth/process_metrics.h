// SPDX-License-Identifier: Apache-2.0
// What every Prometheus client library says of its process, and which hearth this is.
#pragma once

#include "base/metrics.h"

namespace hearth::app {

void AddProcessMetrics(Registry& metrics);

}  // namespace hearth::app

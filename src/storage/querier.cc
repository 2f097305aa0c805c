// SPDX-License-Identifier: Apache-2.0
#include "storage/querier.h"

#include "base/status.h"

namespace hearth::storage {

absl::StatusOr<std::unique_ptr<SeriesSet>> SeriesSet::Fork() {
  return Unimplemented("these series cannot be read in parts");
}

absl::StatusOr<std::vector<SeriesExemplars>> Querier::Exemplars(
    TimeRange /*range*/, const std::vector<std::vector<model::Matcher>>& /*selectors*/) const {
  return std::vector<SeriesExemplars>();
}

}  // namespace hearth::storage

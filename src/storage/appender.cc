// SPDX-License-Identifier: Apache-2.0
#include "storage/appender.h"

namespace hearth::storage {

// Names as in AMP's vended DiscardedSamples metric (aws-contract.md 11.2).
std::string_view MetricName(RejectReason reason) {
  switch (reason) {
    case RejectReason::kOutOfOrder:
      return "sample-out-of-order";
    case RejectReason::kTooOld:
      return "sample-too-old";
    case RejectReason::kDuplicate:
      return "new-value-for-timestamp";
    case RejectReason::kTooFarInFuture:
      return "too_far_in_future";
    case RejectReason::kBeforeRetention:
      return "sample-out-of-bounds";
    case RejectReason::kSeriesLimit:
      return "per_user_series_limit";
    case RejectReason::kMemory:
      return "memory_limit";
    case RejectReason::kHistogramInvalid:
      return "native_histogram_invalid";
  }
  return "unknown";
}

}  // namespace hearth::storage

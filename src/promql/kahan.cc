// SPDX-License-Identifier: Apache-2.0
#include "promql/kahan.h"

#include "promql/float_scan.h"

namespace hearth::promql {

// Without branches, so that compilers use vectors.
HEARTH_WIDE void AddKahan(const double* values, size_t lanes, double* __restrict sums,
                          double* __restrict compensations) {
  for (size_t i = 0; i < lanes; ++i) {
    const double sum = sums[i];
    const double value = values[i];
    const double total = sum + value;
    const double lost =
        std::fabs(sum) >= std::fabs(value) ? (sum - total) + value : (value - total) + sum;
    const double compensation = compensations[i] + lost;
    compensations[i] = std::fabs(total) <= std::numeric_limits<double>::max() ||
                               total != total  // infinity ends the compensation, NaN does not
                           ? compensation
                           : 0;
    sums[i] = total;
  }
}

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
#include "promql/kahan.h"

// Wider vectors where the machine has them; each lane's result is the same. Sanitizers do not bear
// that the choice is made before they have started.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HEARTH_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define HEARTH_WIDE
#endif

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

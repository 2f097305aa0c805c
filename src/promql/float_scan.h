// SPDX-License-Identifier: Apache-2.0
// Loops over columns of values that compile to vectors: without branches, and twice as wide where
// the machine can. Each lane's result is what a plain loop computes.
#pragma once

#include <cstddef>
#include <span>

// Sanitizers do not bear that the choice is made before they have started.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HEARTH_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define HEARTH_WIDE
#endif

namespace hearth::promql {

// Whether a value is a staleness marker.
bool HasMarker(std::span<const double> values);
// Whether a value is below the one before it.
bool Decreases(std::span<const double> values);

// (last - first) * factor for each of `count` windows. Returns whether a window is one of a counter
// that may have begun in it: it rises, its first value is not negative and below the rise or below
// `limits`.
bool FillRises(const double* firsts, const double* lasts, const double* factors,
               const double* limits, size_t count, double* __restrict out);

}  // namespace hearth::promql

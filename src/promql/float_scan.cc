// SPDX-License-Identifier: Apache-2.0
#include "promql/float_scan.h"

#include <bit>
#include <cstdint>

#include "model/value.h"

namespace hearth::promql {
namespace {

// A lane's answer, as wide as the lane.
constexpr uint64_t Lane(bool yes) { return yes ? ~uint64_t{0} : 0; }

HEARTH_WIDE uint64_t FindMarker(const double* values, size_t count) {
  uint64_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    found |= Lane(std::bit_cast<uint64_t>(values[i]) == model::kStaleNanBits);
  }
  return found;
}

HEARTH_WIDE uint64_t FindDecrease(const double* values, size_t count) {
  uint64_t found = 0;
  for (size_t i = 1; i < count; ++i) found |= Lane(values[i] < values[i - 1]);
  return found;
}

HEARTH_WIDE uint64_t FindYoung(const double* firsts, const double* lasts, const double* factors,
                               const double* limits, size_t count, double* __restrict out) {
  uint64_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    const double first = firsts[i];
    const double rise = lasts[i] - first;
    out[i] = rise * factors[i];
    found |= Lane(rise > 0) & Lane(first >= 0) & (Lane(first < rise) | Lane(first < limits[i]));
  }
  return found;
}

}  // namespace

bool HasMarker(std::span<const double> values) {
  return FindMarker(values.data(), values.size()) != 0;
}
bool Decreases(std::span<const double> values) {
  return FindDecrease(values.data(), values.size()) != 0;
}
bool FillRises(const double* firsts, const double* lasts, const double* factors,
               const double* limits, size_t count, double* __restrict out) {
  return FindYoung(firsts, lasts, factors, limits, count, out) != 0;
}

}  // namespace hearth::promql

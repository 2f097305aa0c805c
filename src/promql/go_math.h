// SPDX-License-Identifier: Apache-2.0
// Where Go's math package and C's differ.
#pragma once

#include <cmath>
#include <limits>

namespace hearth::promql {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInf = std::numeric_limits<double>::infinity();

// An infinity wins over NaN on its side, NaN over all else; -0 is below 0.
inline double GoMin(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == 0 && a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
inline double GoMax(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == 0 && a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

}  // namespace hearth::promql

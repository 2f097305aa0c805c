// SPDX-License-Identifier: Apache-2.0
// Sample values and times. A time is milliseconds since 1970-01-01 UTC in an int64_t whose name
// ends in _ms. A value is a double whose NaN payloads matter: one of them marks a series as stale.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace hearth::model {

// prometheus/model/value: the staleness marker and the ordinary NaN that Go's parser makes.
inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001;

inline double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
inline double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }
// By bits: an ordinary NaN is a value.
inline bool IsStaleNan(double value) { return std::bit_cast<uint64_t>(value) == kStaleNanBits; }
inline bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

inline constexpr int64_t kMinTimeMs = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMaxTimeMs = std::numeric_limits<int64_t>::max();

}  // namespace hearth::model

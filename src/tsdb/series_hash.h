// SPDX-License-Identifier: Apache-2.0
// XXH3 with 128 bits and a secret, as wide as the processor is: labels of a Kubernetes target are
// some 400 bytes, which 32 at a time take half as long as 16. The hash is the same. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::tsdb {

inline constexpr size_t kHashSecretBytes = 192;

struct SeriesHash {
  uint64_t low = 0;
  uint64_t high = 0;
};
using SeriesHashFunction = SeriesHash (*)(const char* bytes, size_t size, const uint8_t* secret);

// The one for this processor.
SeriesHashFunction FastestSeriesHash();

SeriesHash HashSeriesPlain(const char* bytes, size_t size, const uint8_t* secret);
// For processors with AVX2; null where it was not built (series_hash_avx2.cc).
SeriesHashFunction SeriesHashAvx2();

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_hash.h"

// Compiled here rather than called in its library: the secret's size and the bits are known.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hearth::tsdb {
namespace {

bool HasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

}  // namespace

SeriesHash HashSeriesPlain(const char* bytes, size_t size, const uint8_t* secret) {
  const XXH128_hash_t hash = XXH3_128bits_withSecret(bytes, size, secret, kHashSecretBytes);
  return {hash.low64, hash.high64};
}

SeriesHashFunction FastestSeriesHash() {
  const SeriesHashFunction wide = SeriesHashAvx2();
  return wide != nullptr && HasAvx2() ? wide : &HashSeriesPlain;
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// The only file that is compiled for AVX2 (CMakeLists.txt). It includes nothing that has inline
// functions with a linkage of their own: the linker could take this file's for the whole program.
#include "tsdb/series_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hearth::tsdb {

#ifdef __AVX2__
namespace {

SeriesHash HashSeriesAvx2(const char* bytes, size_t size, const uint8_t* secret) {
  const XXH128_hash_t hash = XXH3_128bits_withSecret(bytes, size, secret, kHashSecretBytes);
  return {hash.low64, hash.high64};
}

}  // namespace

SeriesHashFunction SeriesHashAvx2() { return &HashSeriesAvx2; }
#else
SeriesHashFunction SeriesHashAvx2() { return nullptr; }
#endif

}  // namespace hearth::tsdb

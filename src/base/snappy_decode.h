// SPDX-License-Identifier: Apache-2.0
// Decompresses snappy's block format (google/snappy's format_description.txt) in one pass. Remote
// write spends a fifth of its time here: bodies are many short copies, for each of which the
// library of the distribution calls memmove.
//
// Trusts nothing of what it reads: `out` is written within its bounds only. Thread-safe.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth {

// `elements`: a block without the varint of its decompressed size, which is `size`. False: corrupt,
// or of another size; what is in `out` then is nobody's.
bool SnappyDecodeElements(std::string_view elements, char* out, size_t size);

}  // namespace hearth

// SPDX-License-Identifier: Apache-2.0
// Compression of whole buffers, thin over snappy, zlib and zstd. Decompression never allocates more
// than `size_max`: where the format declares its size that is compared before any allocation, else
// output stops at the limit. Errors: InvalidArgument (corrupt), ResourceExhausted (over the limit,
// with both sizes in the message).
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth {

absl::Status SnappyDecompress(std::string_view in, size_t size_max, std::string* out);
std::string SnappyCompress(std::string_view in);

absl::Status GzipDecompress(std::string_view in, size_t size_max, std::string* out);
std::string GzipCompress(std::string_view in, int level = 1);

absl::Status ZstdDecompress(std::string_view in, size_t size_max, std::string* out);
std::string ZstdCompress(std::string_view in, int level = 1);

}  // namespace hearth

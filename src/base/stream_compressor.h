// SPDX-License-Identifier: Apache-2.0
// Compresses bytes that come in pieces, as gzip or zstd, without holding them: for answers that are
// written while they are made. Not thread-safe. Whole buffers: base/compress.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hearth {

class StreamCompressor {
 public:
  virtual ~StreamCompressor() = default;
  // Appends to `*out` what is ready, which may be nothing; with `last` all the rest, and the end.
  virtual void Add(std::string_view in, bool last, std::string* out) = 0;

  static std::unique_ptr<StreamCompressor> Gzip(int level = 1);
  static std::unique_ptr<StreamCompressor> Zstd(int level = 1);
};

}  // namespace hearth

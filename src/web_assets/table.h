// SPDX-License-Identifier: Apache-2.0
// What tools/embed_assets.py generates: offsets into one blob.
#pragma once

#include <cstddef>

namespace hearth::web_assets {

struct Span {
  size_t offset;
  size_t size;
};

struct Row {
  const char* path;
  const char* content_type;
  const char* etag;
  bool hashed_name;
  Span raw;
  Span brotli;
  Span gzip;
};

extern const size_t kRowCount;
// Sorted by path; holds one unused row when there is none.
extern const Row kRows[];

}  // namespace hearth::web_assets

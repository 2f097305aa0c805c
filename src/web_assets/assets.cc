// SPDX-License-Identifier: Apache-2.0
#include "web_assets/assets.h"

#include <algorithm>
#include <vector>

#include "web_assets/table.h"

// Defined by the generated blob.S.
extern "C" const char hearth_web_assets_blob[];

namespace hearth::web_assets {
namespace {

std::string_view Bytes(Span span) {
  return std::string_view(hearth_web_assets_blob + span.offset, span.size);
}

std::vector<Asset> MakeTable() {
  std::vector<Asset> table;
  table.reserve(kRowCount);
  for (size_t i = 0; i < kRowCount; ++i) {
    const Row& row = kRows[i];
    table.push_back({row.path, row.content_type, row.etag, row.hashed_name, Bytes(row.raw),
                     Bytes(row.brotli), Bytes(row.gzip)});
  }
  return table;
}

}  // namespace

std::span<const Asset> All() {
  static const std::vector<Asset> table = MakeTable();
  return table;
}

const Asset* Find(std::string_view path) {
  const std::span<const Asset> table = All();
  const auto at = std::ranges::lower_bound(table, path, {}, &Asset::path);
  return at != table.end() && at->path == path ? &*at : nullptr;
}

}  // namespace hearth::web_assets

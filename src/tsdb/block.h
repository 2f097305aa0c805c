// SPDX-License-Identifier: Apache-2.0
// A sealed block as the rest of tsdb sees it. Immutable, thread-safe.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"
#include "storage/appender.h"
#include "storage/querier.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

// What the manifest and the block's own footer say.
struct BlockMeta {
  std::string id;  // uuid; the blob's name
  uint64_t size = 0;
  uint64_t series = 0;
  uint64_t samples = 0;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  uint32_t level = 0;       // 0: sealed from the head; each merge adds one
  uint64_t sequence = 0;    // order of writing: at equal times the lower one's sample counts
  storage::Position covers; // every frame up to here is in this block or in earlier ones
  std::vector<std::string> sources;  // blocks that this one replaces
  friend bool operator==(const BlockMeta&, const BlockMeta&) = default;
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/compaction.h"

#include <algorithm>
#include <map>

#include "base/status.h"
#include "tsdb/block_writer.h"

namespace hearth::tsdb {
namespace {

constexpr int64_t kHourMs = 3600 * 1000;
struct Step {
  int64_t window_ms;
  uint32_t level;      // blocks below it are merged to it
  size_t at_once;      // so many are merged before their window is over
  size_t with_larger;  // so many, counting those of that level, are all merged again
};
// 12 ten-minute blocks make two hours; small ones come faster when seals are forced by size.
constexpr Step kSteps[] = {{2 * kHourMs, 1, 12, 12}, {24 * kHourMs, 2, 24, 6}};
// What a merge reads at most: it must end within minutes.
constexpr uint64_t kMergeBytesMax = uint64_t{8} << 30;

std::vector<std::string> Ids(std::vector<const BlockMeta*> group) {
  // The oldest first, as many as fit.
  std::sort(group.begin(), group.end(),
            [](const BlockMeta* a, const BlockMeta* b) { return a->sequence < b->sequence; });
  std::vector<std::string> ids;
  uint64_t bytes = 0;
  for (const BlockMeta* meta : group) {
    bytes += meta->size;
    if (bytes > kMergeBytesMax) break;
    ids.push_back(meta->id);
  }
  if (ids.size() < 2) ids.clear();
  return ids;
}

int64_t WindowOf(int64_t time_ms, int64_t window_ms) {
  const int64_t quotient = time_ms / window_ms;
  return time_ms % window_ms < 0 ? quotient - 1 : quotient;
}

}  // namespace

std::vector<std::string> ExpiredBlocks(const std::vector<BlockMeta>& blocks, int64_t min_ms) {
  std::vector<std::string> ids;
  for (const BlockMeta& meta : blocks) {
    if (meta.max_ms < min_ms) ids.push_back(meta.id);
  }
  return ids;
}

std::vector<std::string> NextMerge(const std::vector<BlockMeta>& blocks, int64_t now_ms,
                                   int64_t settle_ms) {
  for (const Step& step : kSteps) {
    struct Group {
      std::vector<const BlockMeta*> smaller;
      std::vector<const BlockMeta*> all;
    };
    std::map<int64_t, Group> groups;
    for (const BlockMeta& meta : blocks) {
      if (meta.level > step.level) continue;
      Group& group = groups[WindowOf(meta.max_ms, step.window_ms)];
      group.all.push_back(&meta);
      if (meta.level < step.level) group.smaller.push_back(&meta);
    }
    for (const auto& [window, group] : groups) {
      const bool over = window < WindowOf(now_ms - settle_ms, step.window_ms);
      if (group.all.size() >= step.with_larger && over) return Ids(group.all);
      if (group.smaller.size() >= (over ? 2 : step.at_once)) {
        if (auto ids = Ids(group.smaller); !ids.empty()) return ids;
      }
    }
  }
  return {};
}

absl::StatusOr<BlockMeta> WriteMerged(std::vector<std::unique_ptr<SeriesSource>> sources,
                                      storage::TimeRange range, BlockMeta meta,
                                      storage::BlobStore& store, const std::atomic<bool>* stop) {
  SeriesMerger merger(std::move(sources));
  std::unique_ptr<BlockWriter> writer;
  Columns columns;
  for (;;) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) {
      return Cancelled("the store is closing");
    }
    TRY_ASSIGN(const bool more, merger.Next());
    if (!more) break;
    columns.Clear();
    TRY(merger.Read(range, &columns));
    if (columns.empty()) continue;
    if (writer == nullptr) {
      TRY_ASSIGN(writer, BlockWriter::Create(store, meta));
    }
    TRY(writer->Add(merger.labels(), columns));
  }
  if (writer == nullptr) return meta;
  return writer->Finish();
}

}  // namespace hearth::tsdb

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
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr size_t kNever = SIZE_MAX;

// 12 ten-minute blocks make two hours; small ones come faster when seals are forced by size.
std::vector<Step> Steps(int64_t retention_ms) {
  std::vector<Step> steps = {{2 * kHourMs, 1, 12, 12}, {kDayMs, 2, 24, 6}};
  // Retention drops whole blocks: a tenth of it is the most that lives on beyond it.
  const int64_t days = std::min<int64_t>(retention_ms / 10 / kDayMs, 31);
  if (days >= 2) steps.push_back({days * kDayMs, kLevelMax, kNever, kNever});
  return steps;
}
// How often a merge looks at the memory that it takes.
constexpr uint64_t kMemoryCheckSeries = 1024;
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

struct Group {
  std::vector<const BlockMeta*> smaller;
  std::vector<const BlockMeta*> all;
};
std::map<int64_t, Group> GroupsOf(const std::vector<BlockMeta>& blocks, const Step& step) {
  std::map<int64_t, Group> groups;
  for (const BlockMeta& meta : blocks) {
    if (meta.level > step.level) continue;
    Group& group = groups[WindowOf(meta.max_ms, step.window_ms)];
    group.all.push_back(&meta);
    if (meta.level < step.level) group.smaller.push_back(&meta);
  }
  return groups;
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
                                   int64_t settle_ms, int64_t retention_ms) {
  for (const Step& step : Steps(retention_ms)) {
    for (const auto& [window, group] : GroupsOf(blocks, step)) {
      const bool over = window < WindowOf(now_ms - settle_ms, step.window_ms);
      if (group.all.size() >= step.with_larger && over) return Ids(group.all);
      if (group.smaller.size() >= (over ? 2 : step.at_once)) {
        if (auto ids = Ids(group.smaller); !ids.empty()) return ids;
      }
    }
  }
  return {};
}

std::vector<std::string> NextMergeAtStop(const std::vector<BlockMeta>& blocks,
                                         uint64_t samples_max) {
  for (const auto& [window, group] : GroupsOf(blocks, Steps(0)[0])) {
    uint64_t samples = 0;
    for (const BlockMeta* meta : group.smaller) samples += meta->samples;
    if (samples > samples_max) continue;
    if (auto ids = Ids(group.smaller); !ids.empty()) return ids;
  }
  return {};
}

absl::StatusOr<BlockMeta> WriteMerged(std::vector<std::unique_ptr<SeriesSource>> sources,
                                      storage::TimeRange range, BlockMeta meta,
                                      storage::BlobStore& store, const std::atomic<bool>* stop) {
  SeriesMerger merger(std::move(sources));
  std::unique_ptr<BlockWriter> writer;
  Columns columns;
  uint64_t series = 0;
  const bool limited = !meta.sources.empty();  // a seal must not fail: the head is larger than it
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
    if (++series % kMemoryCheckSeries == 0 && limited &&
        writer->memory_bytes() > kMergeMemoryMax / 4) {
      return FailedPrecondition("a merge of these blocks takes more than {} MiB of memory",
                                kMergeMemoryMax >> 20);
    }
  }
  if (writer == nullptr) return meta;
  return writer->Finish();
}

}  // namespace hearth::tsdb

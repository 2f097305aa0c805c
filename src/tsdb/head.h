// SPDX-License-Identifier: Apache-2.0
// What is in memory: every active series with the samples that are not in a block yet.
//
// A commit is three steps, so that nothing of it shows if the log refuses it:
//
//   Plan    finds or makes the series, applies the rules, says what is to be stored
//   (the caller logs the plan)
//   Apply   puts the samples into the chunks           or   Undo, as if Plan had not been
//
// Freeze() takes all samples out into an immutable FrozenHead, which is sealed into a block while
// the series themselves stay and go on; until DropFrozen queries find both.
//
// Not thread-safe: Db's lock guards it (Plan … Undo, Freeze and the like exclusively; Find and
// Snapshot shared). FrozenHead and HeadSnapshot are used without the lock.
#pragma once

#include <absl/functional/function_ref.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"
#include "storage/appender.h"
#include "storage/querier.h"
#include "storage/write_batch.h"
#include "tsdb/chunk.h"
#include "tsdb/label_arena.h"
#include "tsdb/series_index.h"
#include "tsdb/wal_records.h"

namespace hearth::tsdb {

struct Sample {
  int64_t time_ms = 0;
  uint64_t value_bits = 0;
};

// A series' samples as they left the head. `late` came out of order; it is sorted by time, and
// where a chunk has the same time the chunk's sample counts.
struct FrozenSeries {
  model::LabelsView labels;  // FrozenHead::arena holds the bytes
  std::vector<std::shared_ptr<const Chunk>> chunks;
  Chunk last;
  std::vector<Sample> late;
};
struct FrozenHead {
  uint32_t generation = 0;
  std::vector<FrozenSeries> series;
  std::shared_ptr<const LabelArena> arena;
  uint64_t samples = 0;
};

// What a query needs of one series, copied or shared.
struct HeadPart {
  model::LabelsView labels;
  const FrozenSeries* frozen = nullptr;  // may be null
  std::vector<std::shared_ptr<const Chunk>> chunks;
  size_t open_at = 0;  // in HeadSnapshot::open_bytes
  uint32_t open_count = 0;
  std::vector<Sample> late;
};
struct HeadSnapshot {
  std::vector<HeadPart> parts;
  std::vector<uint8_t> open_bytes;
  std::shared_ptr<const FrozenHead> frozen;
  std::shared_ptr<const LabelArena> arena;
};

// When samples are taken; all times are absolute.
struct AppendRules {
  int64_t now_ms = 0;
  int64_t max_ms = 0;          // later: kTooFarInFuture
  int64_t retention_ms = 0;    // before this time: kBeforeRetention
  int64_t too_old_ms = 0;      // before this time: kTooOld
  int64_t late_window_ms = 0;  // 0: nothing out of order
  size_t series_max = 0;
  bool memory_full = false;  // no new series
};

struct AppendPlan {
  struct Step {
    uint32_t series = 0;
    bool late = false;
    Sample sample;
    Sample before;  // the series' newest until now, for Undo
  };
  std::vector<Step> steps;
  std::vector<uint32_t> to_log;  // series whose labels the log does not have in this generation
  int64_t max_ms_before = 0;
  storage::AppendOutcome outcome;
  void Clear();
};

class Head {
 public:
  explicit Head(uint64_t seed);

  void Plan(const storage::WriteBatch& batch, const AppendRules& rules, AppendPlan* plan);
  void Apply(const AppendPlan& plan);
  void Undo(const AppendPlan& plan);

  // A sample from the log: no rules but that one time has one sample.
  uint32_t ReplaySeries(model::LabelsView labels);
  void ReplaySample(uint32_t id, const Sample& sample);
  // A series that is in blocks only: known with its newest sample, which is not stored again.
  void Seed(model::LabelsView labels, const Sample& newest, int64_t now_ms);

  model::LabelsView labels(uint32_t id) const { return index_.labels(id); }
  uint32_t generation() const { return generation_; }
  void SetGeneration(uint32_t generation) { generation_ = generation; }

  // All samples go; the generation moves on. Only when frozen() is null. Series without a sample
  // since `idle_before_ms` (of AppendRules::now_ms) leave when enough of them have gathered.
  std::shared_ptr<const FrozenHead> Freeze(int64_t idle_before_ms);
  void DropFrozen() { frozen_.reset(); }
  const std::shared_ptr<const FrozenHead>& frozen() const { return frozen_; }

  // Matching series with samples that may lie in the range; parts in no order.
  HeadSnapshot Snapshot(const std::vector<model::Matcher>& matchers,
                        storage::TimeRange range) const;
  // Calls visit(labels) for matching series that may have samples in the range, in any order.
  void ForEachSeries(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                     absl::FunctionRef<void(model::LabelsView)> visit) const;

  size_t series() const { return series_count_; }
  uint64_t samples() const { return samples_; }          // without frozen ones
  uint64_t memory_bytes() const;                         // without frozen ones
  uint64_t chunk_bytes() const { return chunk_bytes_; }  // of the samples alone
  int64_t min_ms() const { return min_ms_; }             // of samples(), if any
  int64_t max_ms() const { return max_ms_; }             // of all ever seen
  void RaiseMax(int64_t time_ms) { max_ms_ = std::max(max_ms_, time_ms); }

 private:
  struct Tail {  // what few series have
    std::vector<std::shared_ptr<const Chunk>> chunks;
    std::vector<Sample> late;
  };
  struct alignas(64) Series {
    uint64_t hash = 0;
    const char* labels = nullptr;
    uint32_t labels_size = 0;
    uint32_t logged_generation = 0;
    Sample newest{INT64_MIN, 0};
    uint32_t frozen_index = 0;
    uint32_t frozen_generation = 0;
    int64_t touched_ms = 0;
    ChunkBuilder open;
    std::unique_ptr<Tail> tail;
    std::string_view packed() const { return {labels, labels_size}; }
  };
  static constexpr size_t kSlab = 256;
  static constexpr uint32_t kNone = UINT32_MAX;
  enum class Verdict { kInOrder, kLate, kDuplicate, kRejected };

  Series& at(uint32_t id) { return slabs_[id / kSlab][id % kSlab]; }
  const Series& at(uint32_t id) const { return slabs_[id / kSlab][id % kSlab]; }
  uint32_t Find(uint64_t hash, std::string_view packed) const;
  uint32_t Create(uint64_t hash, std::string_view packed);
  void GrowTable();
  void InsertSlot(uint64_t hash, uint32_t id);
  void PlanSeries(const storage::WriteBatch& batch, uint32_t index, uint32_t id,
                  const AppendRules& rules, AppendPlan* plan);
  Verdict Judge(Series* series, const Sample& sample, const AppendRules& rules,
                storage::RejectReason* reason);
  Verdict JudgeLate(Series* series, const Sample& sample);
  void AppendInOrder(Series* series, const Sample& sample);
  const FrozenSeries* Frozen(const Series& series) const;
  bool Overlaps(const Series& series, storage::TimeRange range) const;
  void Rebuild(int64_t idle_before_ms);

  const uint64_t seed_;
  std::vector<std::unique_ptr<Series[]>> slabs_;
  std::vector<uint64_t> table_;  // high 32 bits of the hash << 32 | id + 1; 0: free
  std::shared_ptr<LabelArena> arena_;
  MemoryIndex index_;
  std::shared_ptr<const FrozenHead> frozen_;
  std::vector<uint64_t> hashes_;  // of the batch being planned
  std::vector<uint32_t> ids_;
  uint32_t series_count_ = 0;
  uint32_t generation_ = 1;
  uint64_t samples_ = 0;
  uint64_t chunk_bytes_ = 0;
  int64_t min_ms_ = INT64_MAX;
  int64_t max_ms_ = INT64_MIN;
};

}  // namespace hearth::tsdb

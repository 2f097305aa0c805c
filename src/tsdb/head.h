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

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
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
#include "tsdb/refused_keys.h"
#include "tsdb/rich_samples.h"
#include "tsdb/series_index.h"
#include "tsdb/series_key.h"
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
  std::unique_ptr<const RichPart> rich;  // null where it has neither histograms nor starts
};
struct FrozenHead {
  uint32_t generation = 0;
  std::vector<FrozenSeries> series;
  std::shared_ptr<const LabelArena> arena;
  uint64_t samples = 0;
};

// What a query needs of one series, copied or shared.
struct HeadPart {
  const FrozenSeries* frozen = nullptr;  // may be null
  std::vector<std::shared_ptr<const Chunk>> chunks;
  // In HeadSnapshot::open_bytes; not copied where shape and times say all that was asked for.
  static constexpr size_t kNotCopied = SIZE_MAX;
  size_t open_at = kNotCopied;
  uint32_t open_count = 0;
  ChunkShape open_shape;
  int64_t open_first_ms = 0;
  int64_t open_last_ms = 0;
  std::vector<Sample> late;
  std::unique_ptr<const RichPart> rich;
};
struct HeadSnapshot {
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Place {
    model::LabelsView labels;
    // The whole answer, where hints ask for no more; else INT64_MIN and …
    Sample newest{INT64_MIN, 0};
    uint32_t part = kNone;  // … what there is in the range, if anything
  };
  std::vector<Place> places;  // one a series asked for, in that order
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
  // What the series' newest sample was, for Undo, where that or the step's own is a histogram.
  struct Extra {
    model::HistogramSample histogram;  // null: the step is a float
    std::shared_ptr<const model::NativeHistogram> before;
  };
  struct Step {
    uint32_t series = 0;
    uint32_t late : 1 = 0;
    uint32_t extra : 31 = 0;  // index + 1 into `extras`
    Sample sample;
    Sample before;  // the series' newest until now, for Undo
  };
  std::vector<Step> steps;
  std::vector<Extra> extras;
  bool refused_series = false;  // a new one, for want of room
  std::vector<int64_t> starts;  // of each step where the batch has any, else empty
  const Extra* extra(const Step& step) const {
    return step.extra == 0 ? nullptr : &extras[step.extra - 1];
  }
  bool is_histogram(const Step& step) const {
    return step.extra != 0 && extras[step.extra - 1].histogram.histogram != nullptr;
  }
  std::vector<uint32_t> to_log;  // series whose labels the log does not have in this generation
  int64_t max_ms_before = 0;
  storage::AppendOutcome outcome;
  void Clear();
};

// Labels, table and index of the series that stay in a head when others leave: the costly part of
// that, done without the head's lock.
class RebuiltIndex {
 public:
  struct Entry {
    uint32_t old_id = 0;
    SeriesKey key;
    std::string_view packed;  // in `arena`
  };
  void Add(uint32_t old_id, const SeriesKey& key, std::string_view packed);

  std::vector<Entry> entries;  // by new id
  std::shared_ptr<LabelArena> arena = std::make_shared<LabelArena>();
  MemoryIndex index;
};

class Head {
 public:
  // `key_bits`: see SeriesKeyMaker.
  explicit Head(uint64_t seed, unsigned key_bits = 64);

  // Marks the series of the batch whose raw labels are known, and those that were refused lately
  // and would be again; the others need their labels before Plan. By epoch() of now.
  void Resolve(const AppendRules& rules, storage::WriteBatch* batch) const;

  void Plan(const storage::WriteBatch& batch, const AppendRules& rules, AppendPlan* plan);
  void Apply(const AppendPlan& plan);
  void Undo(const AppendPlan& plan);

  // A sample from the log: no rules but that one time has one sample.
  uint32_t ReplaySeries(model::LabelsView labels);
  void ReplaySample(uint32_t id, const Sample& sample, int64_t start_ms);
  void ReplayHistogram(uint32_t id, const model::HistogramSample& sample);
  // A series that is in blocks only: known with its newest sample, which is not stored again.
  // `histogram`: what that sample is, else null.
  void Seed(model::LabelsView labels, const Sample& newest,
            std::shared_ptr<const model::NativeHistogram> histogram, int64_t now_ms);

  bool Knows(model::LabelsView labels) const;
  // Series that match forget their newest sample if it lies in the range and is in a block, so that
  // it may be written again.
  void Forget(const std::vector<model::Matcher>& matchers, storage::TimeRange range);
  model::LabelsView labels(uint32_t id) const { return index_.labels(id); }
  uint32_t generation() const { return generation_; }
  void SetGeneration(uint32_t generation) { generation_ = generation; }

  // All samples go; the generation moves on. Only when frozen() is null. Series without a sample
  // since `idle_before_ms` (of AppendRules::now_ms) leave if `rebuilt` was made: an index of those
  // that stay, built from Survivors() without the lock.
  std::shared_ptr<const FrozenHead> Freeze(int64_t idle_before_ms,
                                           std::unique_ptr<RebuiltIndex> rebuilt);
  void DropFrozen() {
    frozen_.reset();
    frozen_bytes_ = 0;
  }
  // Empty where too few series are idle to be worth it: below a quarter, or `any`: below some.
  struct Survivor {
    uint32_t id = 0;
    SeriesKey key;
    std::string_view packed;  // `arena` holds it
  };
  struct Survivors {
    std::vector<Survivor> series;
    std::shared_ptr<const LabelArena> arena;
    bool worth_it = false;
  };
  Survivors FindSurvivors(int64_t idle_before_ms, bool any) const;
  // What makes so many series: metric "x" of job "y" has 12345 series, label "z" 9999 values.
  std::string DescribeExplosion() const;
  const std::shared_ptr<const FrozenHead>& frozen() const { return frozen_; }

  // Series are numbered from 0 as they come; another epoch numbers them anew, and a batch that was
  // resolved in an earlier one is resolved no longer.
  uint64_t epoch() const { return epoch_; }
  SeriesIds Match(const std::vector<model::Matcher>& matchers) const {
    return FindSeries(index_, matchers);
  }
  // Whether one of the series numbered from `first` on matches, or they are too many to look at.
  bool AnyMatchesFrom(uint32_t first, const std::vector<model::Matcher>& matchers) const;
  // What the series of these numbers have in the range.
  HeadSnapshot Snapshot(const SeriesIds& ids, storage::TimeRange range,
                        const storage::SelectHints& hints) const;
  // Calls visit(labels) for matching series that may have samples in the range, in any order.
  void ForEachSeries(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                     absl::FunctionRef<void(model::LabelsView)> visit) const;

  size_t series() const { return series_count_; }
  uint64_t samples() const { return samples_; }          // without frozen ones
  uint64_t memory_bytes() const;                         // with frozen ones
  uint64_t chunk_bytes() const { return chunk_bytes_; }  // of the samples alone
  int64_t min_ms() const { return min_ms_; }             // of samples(), if any
  int64_t max_ms() const { return max_ms_; }             // of all ever seen
  void RaiseMax(int64_t time_ms) { max_ms_ = std::max(max_ms_, time_ms); }

 private:
  struct Tail {  // what few series have
    std::vector<std::shared_ptr<const Chunk>> chunks;
    std::vector<Sample> late;
    std::unique_ptr<RichTail> rich;  // histograms, start times
  };
  struct alignas(64) Series {
    SeriesKey key;  // of the packed labels
    const char* labels = nullptr;
    uint32_t labels_size = 0;
    uint32_t logged_generation = 0;
    Sample newest{INT64_MIN, 0};
    uint32_t frozen_index = 0;
    uint32_t frozen_generation = 0;
    uint8_t aliases = 0;     // of kAliasesMax
    bool ambiguous = false;  // another series has the same key: only whole labels tell
    int64_t touched_ms = 0;
    ChunkBuilder open;
    std::unique_ptr<Tail> tail;
    std::string_view packed() const { return {labels, labels_size}; }
    RichTail* rich() const { return tail == nullptr ? nullptr : tail->rich.get(); }
    bool newest_is_histogram() const { return rich() != nullptr && rich()->newest != nullptr; }
  };
  static constexpr size_t kSlab = 256;
  static constexpr uint32_t kNone = storage::WriteBatch::kUnknown;
  static constexpr uint32_t kRefused = kNone - 1;
  // Encodings of one label set besides the plain one; further ones are decoded each time.
  static constexpr uint8_t kAliasesMax = 4;
  struct KeyHash {
    size_t operator()(const SeriesKey& key) const { return key.low; }
  };
  enum class Verdict { kInOrder, kLate, kDuplicate, kRejected };

  Series& at(uint32_t id) { return slabs_[id / kSlab][id % kSlab]; }
  const Series& at(uint32_t id) const { return slabs_[id / kSlab][id % kSlab]; }
  SeriesKey KeyOf(std::string_view packed) const;
  uint32_t Find(const SeriesKey& key, std::string_view packed) const;
  // By the key alone; kNone where that is not enough.
  uint32_t FindKey(const SeriesKey& key) const;
  uint32_t FindAlias(const SeriesKey& key) const;
  // `symbols`: what the texts of the batch hash to. False: the references lead nowhere.
  bool RawKey(const storage::WriteBatch& batch, std::span<const SeriesKey> symbols,
              const storage::WriteBatch::Series& series, SeriesKey* key) const;
  uint32_t Create(const SeriesKey& key, std::string_view packed);
  uint32_t FindOrCreate(const storage::WriteBatch& batch, uint32_t index, const AppendRules& rules,
                        AppendPlan* plan);
  void MarkAmbiguous(const SeriesKey& key, uint32_t id);
  void AddAlias(const SeriesKey& key, uint32_t id);
  void GrowTable();
  void InsertSlot(const SeriesKey& key, uint32_t id);
  void PlanSeries(const storage::WriteBatch& batch, uint32_t index, uint32_t id,
                  const AppendRules& rules, AppendPlan* plan);
  void PlanFloat(const storage::WriteBatch& batch, uint32_t index, uint32_t sample, uint32_t id,
                 const AppendRules& rules, AppendPlan* plan);
  void PlanHistogram(const model::HistogramSample& sample, uint32_t index, uint32_t id,
                     const AppendRules& rules, AppendPlan* plan);
  static void Reject(storage::RejectReason reason, uint32_t index, int64_t time_ms, bool histogram,
                     AppendPlan* plan);
  // What the time alone says; kDuplicate: the same as the newest's.
  Verdict JudgeTime(const Series& series, int64_t time_ms, const AppendRules& rules,
                    storage::RejectReason* reason) const;
  Verdict Judge(Series* series, const Sample& sample, const AppendRules& rules,
                storage::RejectReason* reason);
  Verdict JudgeLate(Series* series, const Sample& sample);
  Verdict JudgeHistogram(Series* series, const model::HistogramSample& sample,
                         const AppendRules& rules, storage::RejectReason* reason);
  Verdict JudgeLateHistogram(Series* series, const model::HistogramSample& sample);
  // The float at `time_ms`, if there is one that is not in a block.
  static bool FindFloat(const Series& series, int64_t time_ms, uint64_t* value_bits);
  RichTail* MakeRich(Series* series);
  // `histogram`: what the newest sample is, null for a float.
  void SetNewest(Series* series, const Sample& newest,
                 std::shared_ptr<const model::NativeHistogram> histogram);
  void AppendInOrder(Series* series, const Sample& sample);
  void ApplyHistogram(const AppendPlan::Step& step, const AppendPlan::Extra& extra);
  void ApplyStart(const AppendPlan::Step& step, int64_t start_ms);
  std::unique_ptr<const RichPart> TakeRich(Series* series);
  HeadPart CopyPart(const Series& series, storage::TimeRange range,
                    const storage::SelectHints& hints, std::vector<uint8_t>* open_bytes) const;
  const FrozenSeries* Frozen(const Series& series) const;
  bool Overlaps(const Series& series, storage::TimeRange range) const;
  void Rebuild(int64_t idle_before_ms, RebuiltIndex* rebuilt);

  const SeriesKeyMaker keys_;
  uint64_t epoch_ = 1;
  std::vector<std::unique_ptr<Series[]>> slabs_;
  std::vector<uint64_t> table_;  // high 32 bits of the key << 32 | id + 1; 0: free
  absl::flat_hash_map<SeriesKey, uint32_t, KeyHash> aliases_;
  RefusedKeys refused_;
  std::shared_ptr<LabelArena> arena_;
  MemoryIndex index_;
  std::shared_ptr<const FrozenHead> frozen_;
  std::vector<SeriesKey> symbol_keys_;  // of the texts of the batch being planned
  uint32_t series_count_ = 0;
  uint32_t generation_ = 1;
  uint64_t samples_ = 0;
  uint64_t chunk_bytes_ = 0;
  uint64_t frozen_bytes_ = 0;
  uint64_t rich_bytes_ = 0;  // what series with histograms or starts take besides
  int64_t min_ms_ = INT64_MAX;
  int64_t max_ms_ = INT64_MIN;
};

}  // namespace hearth::tsdb

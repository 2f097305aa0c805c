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
#include <optional>
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
#include "tsdb/chunk_arena.h"
#include "tsdb/label_store.h"
#include "tsdb/refused_keys.h"
#include "tsdb/rich_samples.h"
#include "tsdb/segments.h"
#include "tsdb/series_index.h"
#include "tsdb/series_key.h"
#include "tsdb/series_table.h"
#include "tsdb/wal_records.h"

namespace hearth::tsdb {

// A series' samples as they left the head. `late` came out of order; it is sorted by time, and
// where a chunk has the same time the chunk's sample counts.
struct FrozenTail {  // what few series have
  std::vector<std::shared_ptr<const Chunk>> chunks;
  std::vector<Sample> late;
  std::unique_ptr<const RichPart> rich;  // null where it has neither histograms nor starts
};
struct FrozenSeries {
  uint32_t id = 0;                         // in FrozenHead::labels
  uint32_t chunk = 0;                      // in FrozenHead::arena; the newest chunk
  int64_t last_ms = 0;                     // nothing in that chunk is later
  std::unique_ptr<const FrozenTail> tail;  // may be null
  uint8_t count = 0;                       // of the newest chunk's samples; may be 0
  ChunkShape shape;                        // of the newest chunk
};
struct FrozenHead {
  uint32_t generation = 0;
  std::vector<FrozenSeries> series;
  std::shared_ptr<const LabelStore> labels;
  ChunkArena arena;
  uint64_t samples = 0;
  uint64_t chunks = 0;
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
  int64_t rich_max_ms = INT64_MAX;  // later histograms do not count
};
struct HeadSnapshot {
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Place {
    uint32_t id = 0;  // in `labels`
    // What there is in the range, if anything, where `newest` is not the whole answer.
    uint32_t part = kNone;
    // The whole answer, where hints ask for no more; else INT64_MIN.
    Sample newest{INT64_MIN, 0};
  };
  std::vector<Place> places;  // one a series asked for, in that order
  std::vector<HeadPart> parts;
  std::vector<uint8_t> open_bytes;
  std::shared_ptr<const FrozenHead> frozen;
  std::shared_ptr<const LabelStore> labels;
};
// What a series had at one moment: in-order samples that come later are told from those that were
// there, so that all series of a query can be seen as of the same moment and copied one by one.
struct HeadMark {
  int64_t newest_ms = INT64_MIN;
  uint8_t count = 0;  // of the open chunk
  ChunkShape shape;
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

// The index of the series that stay in a head when others leave: the costly part of that, done
// without the head's lock.
class RebuiltIndex {
 public:
  explicit RebuiltIndex(uint64_t seed) : index(seed) {}
  // `from`: where the labels of the series `old_id` are.
  void Add(uint32_t old_id, const SeriesKey& key, const LabelStore& from);

  struct Entry {
    uint32_t old_id = 0;
    SeriesKey key;
  };
  std::vector<Entry> entries;  // by new id
  MemoryIndex index;
  SeriesTable table;

 private:
  std::string packed_;
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
  void ReplaySeries(std::span<const SeriesRecord> records, std::vector<uint32_t>* ids);
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
  // Appends the series' packed labels.
  void AppendLabels(uint32_t id, std::string* packed) const { index_.labels().Append(id, packed); }
  uint32_t generation() const { return generation_; }
  void SetGeneration(uint32_t generation) { generation_ = generation; }
  // The log can tell these series by their numbers in this generation.
  void MarkLogged(std::span<const uint32_t> ids) {
    for (const uint32_t id : ids) at(id).logged = 1;
  }

  // What leaves the head's memory: hundreds of MiB, mostly, and millions of small things. Whoever
  // was given it frees it, without the lock.
  struct Remains;
  // All samples go; the generation moves on. Only when frozen() is null. Series without a sample
  // since `idle_before_ms` (of AppendRules::now_ms) leave if `rebuilt` was made: an index of those
  // that stay, built from Survivors without the lock.
  std::shared_ptr<const FrozenHead> Freeze(int64_t idle_before_ms,
                                           std::unique_ptr<RebuiltIndex> rebuilt, Remains* remains);
  void DropFrozen(Remains* remains);
  struct Survivor {
    uint32_t id = 0;
    SeriesKey key;
  };
  // Of the series numbered from `first` on, `count` at most: how many are idle. Appends the others
  // where `survivors` is not null.
  size_t CountIdle(uint32_t first, size_t count, int64_t idle_before_ms,
                   std::vector<Survivor>* survivors) const;
  // False where too few are idle: below a quarter, or `any`: below some.
  static bool WorthRebuilding(size_t idle, size_t series, bool any);
  uint64_t seed() const { return seed_; }  // of a RebuiltIndex
  // What makes so many series: metric "x" of job "y" has 12345 series, label "z" 9999 values.
  std::string DescribeExplosion() const;
  const std::shared_ptr<const FrozenHead>& frozen() const { return frozen_; }

  // Series are numbered from 0 as they come; another epoch numbers them anew, and a batch that was
  // resolved in an earlier one is resolved no longer.
  uint64_t epoch() const { return epoch_; }
  const MemoryIndex& index() const { return index_; }
  // What the series of these numbers have in the range.
  HeadSnapshot Snapshot(const SeriesIds& ids, storage::TimeRange range,
                        const storage::SelectHints& hints) const;
  // The same in two steps (HeadReader): what all have at one moment, with the whole answer in
  // `newest` where that is enough for the hints;
  void Mark(std::span<HeadSnapshot::Place> places, storage::TimeRange range,
            const storage::SelectHints& hints, std::span<HeadMark> marks) const;
  // and what of that lies in the range, for as long as epoch, generation and frozen() stay. Appends
  // to `parts` and `open_bytes`, and numbers in `place` count in these.
  void CopyMarked(const HeadMark& mark, storage::TimeRange range, const storage::SelectHints& hints,
                  HeadSnapshot::Place* place, std::vector<HeadPart>* parts,
                  std::vector<uint8_t>* open_bytes) const;
  // For whoever comes to the series soon.
  void PrefetchRecord(uint32_t id) const { __builtin_prefetch(&at(id)); }
  void PrefetchChunk(uint32_t id) const {
    if (!at(id).empty()) __builtin_prefetch(arena_.at(at(id).ref));
  }
  // Whether the series may have samples in the range.
  bool Overlaps(uint32_t id, storage::TimeRange range) const;

  size_t series() const { return series_.size(); }
  uint64_t samples() const { return samples_; }  // without frozen ones
  // Runs of samples that are compressed as one, with frozen ones; late samples are in none.
  uint64_t chunks() const { return chunks_ + (frozen_ == nullptr ? 0 : frozen_->chunks); }
  uint64_t memory_bytes() const;                                              // with frozen ones
  uint64_t chunk_bytes() const { return tail_bytes_ + arena_.used_bytes(); }  // of samples alone
  int64_t min_ms() const { return min_ms_; }  // of samples(), if any
  int64_t max_ms() const { return max_ms_; }  // of all ever seen
  void RaiseMax(int64_t time_ms) { max_ms_ = std::max(max_ms_, time_ms); }

 private:
  struct Tail {  // what few series have
    std::vector<std::shared_ptr<const Chunk>> chunks;
    std::vector<Sample> late;
    std::unique_ptr<RichTail> rich;  // histograms, start times
  };
  // One cache line. Its labels are index_.labels()'s of the same number.
  struct alignas(64) Series : OpenChunk {
    uint8_t aliases : 3 = 0;    // of kAliasesMax
    uint8_t ambiguous : 1 = 0;  // another series has the same key: only whole labels tell
    uint8_t logged : 1 = 0;     // the log has its labels in this generation
    uint32_t tail = 0;          // place in tails_ + 1; 0: it has none
    uint32_t touched = 0;       // when it got a sample, in kTouchedMs; by the clock
    SeriesKey key;              // of the packed labels
    Sample newest{INT64_MIN, 0};
  };
  static_assert(sizeof(Series) == 64);
  static constexpr int64_t kTouchedMs = 1024;
  static constexpr uint32_t kNone = storage::WriteBatch::kUnknown;
  static constexpr uint32_t kRefused = kNone - 1;
  // Encodings of one label set besides the plain one; further ones are decoded each time.
  static constexpr uint8_t kAliasesMax = 4;
  struct KeyHash {
    size_t operator()(const SeriesKey& key) const { return key.low; }
  };
  enum class Verdict { kInOrder, kLate, kDuplicate, kRejected };

  Series& at(uint32_t id) { return series_[id]; }
  const Series& at(uint32_t id) const { return series_[id]; }
  // Null where it has none.
  Tail* tail(const Series& series) const {
    return series.tail == 0 ? nullptr : tails_[series.tail - 1].get();
  }
  RichTail* rich(const Series& series) const {
    Tail* const found = tail(series);
    return found == nullptr ? nullptr : found->rich.get();
  }
  bool NewestIsHistogram(const Series& series) const {
    RichTail* const found = rich(series);
    return found != nullptr && found->newest != nullptr;
  }
  Tail& MakeTail(Series* series);
  void DropTail(Series* series);
  // Takes what the series has in a tail; null where that is nothing.
  std::unique_ptr<const FrozenTail> TakeTail(Series* series);
  // The open chunk goes to the tail.
  void CloseChunk(int64_t last_ms, Series* series);
  SeriesKey KeyOf(std::string_view packed) const;
  uint32_t Find(const SeriesKey& key, std::string_view packed) const;
  // By the key alone; kNone where that is not enough.
  uint32_t FindKey(const SeriesKey& key) const;
  uint32_t FindAlias(const SeriesKey& key) const;
  // Whether `id` is a series with this key and no other has it; any number may be asked.
  bool Has(uint32_t id, const SeriesKey& key) const;
  // `symbols`: what the texts of the batch hash to. False: the references lead nowhere.
  bool RawKey(const storage::WriteBatch& batch, std::span<const SeriesKey> symbols,
              const storage::WriteBatch::Series& series, SeriesKey* key) const;
  uint32_t Create(const SeriesKey& key, std::string_view packed);
  uint32_t FindOrCreate(const SeriesKey& key, std::string_view packed);
  // Of series `index`, whose labels have the key. kNone: it is new, and there is no room.
  uint32_t FindOrPlan(const storage::WriteBatch& batch, uint32_t index, const SeriesKey& key,
                      const AppendRules& rules, AppendPlan* plan);
  void MarkAmbiguous(const SeriesKey& key, Series* series);
  void AddAlias(const SeriesKey& key, uint32_t id);
  void PlanSeries(const storage::WriteBatch& batch, uint32_t index, uint32_t id,
                  const AppendRules& rules, AppendPlan* plan);
  bool PlanPlain(const storage::WriteBatch& batch, uint32_t sample, uint32_t id,
                 const AppendRules& rules, AppendPlan* plan);
  // The series gets a sample of the batch: what follows from that besides the sample.
  void Touch(uint32_t id, const AppendRules& rules, AppendPlan* plan);
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
  bool FindFloat(const Series& series, int64_t time_ms, uint64_t* value_bits) const;
  RichTail* MakeRich(Series* series);
  // `histogram`: what the newest sample is, null for a float.
  void SetNewest(Series* series, const Sample& newest,
                 std::shared_ptr<const model::NativeHistogram> histogram);
  // `before`: the series' newest until then.
  void AppendInOrder(Series* series, const Sample& before, const Sample& sample);
  void AppendHistogram(Series* series, const model::HistogramSample& sample);
  void ApplyHistogram(const AppendPlan::Step& step, const AppendPlan::Extra& extra);
  void ApplyStart(const AppendPlan::Step& step, int64_t start_ms);
  std::unique_ptr<const RichPart> TakeRich(Series* series);
  static HeadMark MarkOf(const Series& series) {
    return {series.newest.time_ms, series.count, series.shape};
  }
  // False: `newest` is not the whole answer.
  bool FindNewest(const Series& series, storage::TimeRange range, const storage::SelectHints& hints,
                  Sample* newest) const;
  HeadPart CopyPart(uint32_t id, const HeadMark& mark, storage::TimeRange range,
                    const storage::SelectHints& hints, std::vector<uint8_t>* open_bytes) const;
  const FrozenSeries* Frozen(uint32_t id) const;
  bool OpenOverlaps(const Series& series, storage::TimeRange range) const;
  void Rebuild(const std::vector<uint32_t>& late_survivors, RebuiltIndex* rebuilt,
               Remains* remains);

  const uint64_t seed_;
  const SeriesKeyMaker keys_;
  uint64_t epoch_ = 1;
  Segments<Series> series_;
  SeriesTable table_;
  absl::flat_hash_map<SeriesKey, uint32_t, KeyHash> aliases_;
  RefusedKeys refused_;
  MemoryIndex index_;
  ChunkArena arena_;
  std::vector<std::unique_ptr<Tail>> tails_;  // null: free
  std::vector<uint32_t> free_tails_;
  std::shared_ptr<const FrozenHead> frozen_;
  std::vector<uint32_t> frozen_index_;  // by id, in frozen_; kNone
  std::vector<SeriesKey> symbol_keys_;  // of the texts of the batch being planned
  uint32_t generation_ = 1;
  uint64_t samples_ = 0;
  uint64_t chunks_ = 0;      // without frozen ones
  uint64_t tail_bytes_ = 0;  // samples outside of arena_
  uint64_t frozen_bytes_ = 0;
  uint64_t rich_bytes_ = 0;  // what series with histograms or starts take besides
  int64_t min_ms_ = INT64_MAX;
  int64_t max_ms_ = INT64_MIN;
};

struct Head::Remains {
  Segments<Series> series;
  std::vector<std::unique_ptr<Tail>> tails;
  SeriesTable table;
  std::optional<MemoryIndex> index;
  std::vector<uint32_t> frozen_index;
  std::shared_ptr<const FrozenHead> frozen;
};

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace hearth::tsdb {

using storage::RejectReason;

namespace {

// Series looked up together: while one's cache lines come, the next ones' are asked for.
constexpr size_t kBlock = 32;
constexpr size_t kTableFirst = 64;
// A rebuild copies every series; below so many idle ones it is not worth it.
constexpr size_t kIdleMin = 64;

void Prefetch(const void* at) { __builtin_prefetch(at); }

bool Intersects(int64_t first_ms, int64_t last_ms, storage::TimeRange range) {
  return first_ms <= range.max_ms && last_ms >= range.min_ms;
}

bool LateOverlaps(const std::vector<Sample>& late, storage::TimeRange range) {
  return !late.empty() && Intersects(late.front().time_ms, late.back().time_ms, range);
}

bool ChunksOverlap(const std::vector<std::shared_ptr<const Chunk>>& chunks,
                   storage::TimeRange range) {
  return !chunks.empty() && Intersects(chunks.front()->first_ms, chunks.back()->last_ms, range);
}

std::vector<Sample>::iterator LatePlace(std::vector<Sample>* late, int64_t time_ms) {
  return std::lower_bound(late->begin(), late->end(), time_ms,
                          [](const Sample& s, int64_t t) { return s.time_ms < t; });
}

// The value at `time_ms`, if the chunk has one there.
bool FindInChunk(const uint8_t* data, uint32_t count, int64_t time_ms, uint64_t* value_bits) {
  std::vector<int64_t> times;
  std::vector<double> values;
  DecodeChunk(data, count, &times, &values);
  const auto it = std::lower_bound(times.begin(), times.end(), time_ms);
  if (it == times.end() || *it != time_ms) return false;
  *value_bits = std::bit_cast<uint64_t>(values[static_cast<size_t>(it - times.begin())]);
  return true;
}

}  // namespace

void AppendPlan::Clear() {
  steps.clear();
  to_log.clear();
  outcome = {};
}

Head::Head(uint64_t seed)
    : seed_(seed), table_(kTableFirst), arena_(std::make_shared<LabelArena>()) {}

uint64_t Head::memory_bytes() const {
  return chunk_bytes_ + arena_->memory_bytes() + index_.memory_bytes() +
         slabs_.size() * kSlab * sizeof(Series) + table_.size() * sizeof(uint64_t);
}

uint32_t Head::Find(uint64_t hash, std::string_view packed) const {
  const size_t mask = table_.size() - 1;
  for (size_t slot = hash & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    if (table_[slot] >> 32 != hash >> 32) continue;
    const auto id = static_cast<uint32_t>(table_[slot]) - 1;
    const Series& series = at(id);
    // The whole label set is compared: hashes collide, and clients can make them.
    if (series.hash == hash && series.packed() == packed) return id;
  }
  return kNone;
}

void Head::InsertSlot(uint64_t hash, uint32_t id) {
  const size_t mask = table_.size() - 1;
  size_t slot = hash & mask;
  while (table_[slot] != 0) slot = (slot + 1) & mask;
  table_[slot] = (hash >> 32) << 32 | (id + 1);
}

void Head::GrowTable() {
  table_.assign(table_.size() * 2, 0);
  for (uint32_t id = 0; id < series_count_; ++id) InsertSlot(at(id).hash, id);
}

uint32_t Head::Create(uint64_t hash, std::string_view packed) {
  if ((series_count_ + 1) * 10 > table_.size() * 7) GrowTable();
  const uint32_t id = series_count_++;
  if (id / kSlab == slabs_.size()) slabs_.push_back(std::make_unique<Series[]>(kSlab));
  Series& series = at(id);
  const std::string_view kept = arena_->Add(packed);
  series.hash = hash;
  series.labels = kept.data();
  series.labels_size = static_cast<uint32_t>(kept.size());
  InsertSlot(hash, id);
  index_.Add(id, model::LabelsView(kept));
  return id;
}

void Head::Plan(const storage::WriteBatch& batch, const AppendRules& rules, AppendPlan* plan) {
  plan->Clear();
  plan->max_ms_before = max_ms_;
  const auto& series = batch.series();
  plan->steps.reserve(batch.times_ms().size());
  hashes_.resize(kBlock);
  ids_.resize(kBlock);
  for (size_t base = 0; base < series.size(); base += kBlock) {
    const size_t n = std::min(kBlock, series.size() - base);
    const size_t mask = table_.size() - 1;
    for (size_t i = 0; i < n; ++i) {
      const std::string_view packed = batch.labels(series[base + i]).packed();
      hashes_[i] = XXH3_64bits_withSeed(packed.data(), packed.size(), seed_);
      Prefetch(&table_[hashes_[i] & mask]);
    }
    for (size_t i = 0; i < n; ++i) {
      const uint64_t slot = table_[hashes_[i] & mask];
      ids_[i] = static_cast<uint32_t>(slot) - 1;
      if (slot == 0) continue;
      Prefetch(&at(ids_[i]));
      Prefetch(reinterpret_cast<const char*>(&at(ids_[i])) + 64);
    }
    for (size_t i = 0; i < n; ++i) {
      if (ids_[i] == kNone) continue;
      const Series& known = at(ids_[i]);
      for (uint32_t line = 0; line < known.labels_size; line += 64) Prefetch(known.labels + line);
      Prefetch(known.open.data() + known.open.bytes());
    }
    for (size_t i = 0; i < n; ++i) {
      const std::string_view packed = batch.labels(series[base + i]).packed();
      uint32_t id = Find(hashes_[i], packed);
      if (id == kNone && series_count_ < rules.series_max && !rules.memory_full) {
        id = Create(hashes_[i], packed);
        ++plan->outcome.new_series;
      }
      PlanSeries(batch, static_cast<uint32_t>(base + i), id, rules, plan);
    }
  }
}

void Head::PlanSeries(const storage::WriteBatch& batch, uint32_t index, uint32_t id,
                      const AppendRules& rules, AppendPlan* plan) {
  const storage::WriteBatch::Series& entry = batch.series()[index];
  storage::AppendOutcome& outcome = plan->outcome;
  bool any = false;
  for (uint32_t i = 0; i < entry.sample_count; ++i) {
    const Sample sample{batch.times_ms()[entry.first_sample + i],
                        std::bit_cast<uint64_t>(batch.values()[entry.first_sample + i])};
    RejectReason reason = rules.memory_full ? RejectReason::kMemory : RejectReason::kSeriesLimit;
    Verdict verdict = Verdict::kRejected;
    const Sample before = id == kNone ? Sample{} : at(id).newest;
    if (id != kNone) verdict = Judge(&at(id), sample, rules, &reason);
    switch (verdict) {
      case Verdict::kInOrder:
      case Verdict::kLate:
        plan->steps.push_back({id, verdict == Verdict::kLate, sample, before});
        ++outcome.stored;
        any = true;
        break;
      case Verdict::kDuplicate:
        ++outcome.duplicates;
        break;
      case Verdict::kRejected:
        ++outcome.rejected;
        if (outcome.rejections.size() < storage::kRejectionsMax) {
          outcome.rejections.push_back({reason, index, sample.time_ms});
        }
    }
  }
  if (!any) return;
  Series& series = at(id);
  series.touched_ms = rules.now_ms;
  if (series.logged_generation != generation_) {
    // Set here so that a batch that names a series twice logs it once; Undo takes it back.
    series.logged_generation = generation_;
    plan->to_log.push_back(id);
  }
}

Head::Verdict Head::Judge(Series* series, const Sample& sample, const AppendRules& rules,
                          RejectReason* reason) {
  const int64_t time_ms = sample.time_ms;
  if (time_ms > rules.max_ms) {
    *reason = RejectReason::kTooFarInFuture;
    return Verdict::kRejected;
  }
  if (time_ms < rules.retention_ms) {
    *reason = RejectReason::kBeforeRetention;
    return Verdict::kRejected;
  }
  if (time_ms < rules.too_old_ms) {
    *reason = RejectReason::kTooOld;
    return Verdict::kRejected;
  }
  if (time_ms > series->newest.time_ms) {
    series->newest = sample;
    max_ms_ = std::max(max_ms_, time_ms);
    return Verdict::kInOrder;
  }
  if (time_ms == series->newest.time_ms) {
    if (sample.value_bits == series->newest.value_bits) return Verdict::kDuplicate;
    *reason = RejectReason::kDuplicate;
    return Verdict::kRejected;
  }
  if (rules.late_window_ms == 0) {
    *reason = RejectReason::kOutOfOrder;
    return Verdict::kRejected;
  }
  // As Prometheus: the window hangs from the newest sample of the store, not of the series.
  if (time_ms < max_ms_ - rules.late_window_ms) {
    *reason = RejectReason::kTooOld;
    return Verdict::kRejected;
  }
  *reason = RejectReason::kDuplicate;
  return JudgeLate(series, sample);
}

Head::Verdict Head::JudgeLate(Series* series, const Sample& sample) {
  const auto same = [&](uint64_t value_bits) {
    return value_bits == sample.value_bits ? Verdict::kDuplicate : Verdict::kRejected;
  };
  uint64_t value_bits = 0;
  const ChunkBuilder& open = series->open;
  if (!open.empty() && sample.time_ms >= open.first_ms() && sample.time_ms <= open.last_ms()) {
    if (FindInChunk(open.data(), open.count(), sample.time_ms, &value_bits)) {
      return same(value_bits);
    }
  }
  if (series->tail == nullptr) series->tail = std::make_unique<Tail>();
  for (const auto& chunk : series->tail->chunks) {
    if (sample.time_ms < chunk->first_ms || sample.time_ms > chunk->last_ms) continue;
    if (FindInChunk(chunk->data.get(), chunk->count, sample.time_ms, &value_bits)) {
      return same(value_bits);
    }
  }
  std::vector<Sample>& late = series->tail->late;
  const auto place = LatePlace(&late, sample.time_ms);
  if (place != late.end() && place->time_ms == sample.time_ms) return same(place->value_bits);
  late.insert(place, sample);
  chunk_bytes_ += sizeof(Sample);
  return Verdict::kLate;
}

void Head::AppendInOrder(Series* series, const Sample& sample) {
  const size_t before = series->open.memory_bytes();
  if (!series->open.Append(sample.time_ms, sample.value_bits)) {
    if (series->tail == nullptr) series->tail = std::make_unique<Tail>();
    auto chunk = std::make_shared<const Chunk>(series->open.Finish());
    chunk_bytes_ += chunk->bytes;
    series->tail->chunks.push_back(std::move(chunk));
    CHECK(series->open.Append(sample.time_ms, sample.value_bits));
  }
  chunk_bytes_ += series->open.memory_bytes();
  chunk_bytes_ -= before;
}

void Head::Apply(const AppendPlan& plan) {
  for (const AppendPlan::Step& step : plan.steps) {
    if (!step.late) AppendInOrder(&at(step.series), step.sample);
    min_ms_ = std::min(min_ms_, step.sample.time_ms);
  }
  samples_ += plan.steps.size();
}

void Head::Undo(const AppendPlan& plan) {
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    Series& series = at(step->series);
    if (step->late) {
      std::vector<Sample>& late = series.tail->late;
      late.erase(LatePlace(&late, step->sample.time_ms));
      chunk_bytes_ -= sizeof(Sample);
    } else {
      series.newest = step->before;
    }
  }
  for (const uint32_t id : plan.to_log) at(id).logged_generation = 0;
  max_ms_ = plan.max_ms_before;
}

uint32_t Head::ReplaySeries(model::LabelsView labels) {
  const std::string_view packed = labels.packed();
  const uint64_t hash = XXH3_64bits_withSeed(packed.data(), packed.size(), seed_);
  const uint32_t id = Find(hash, packed);
  return id != kNone ? id : Create(hash, packed);
}

void Head::ReplaySample(uint32_t id, const Sample& sample) {
  Series& series = at(id);
  if (sample.time_ms > series.newest.time_ms) {
    series.newest = sample;
    AppendInOrder(&series, sample);
  } else if (sample.time_ms == series.newest.time_ms ||
             JudgeLate(&series, sample) != Verdict::kLate) {
    return;  // logged twice: the first one counts
  }
  max_ms_ = std::max(max_ms_, sample.time_ms);
  min_ms_ = std::min(min_ms_, sample.time_ms);
  ++samples_;
}

void Head::Seed(model::LabelsView labels, const Sample& newest, int64_t now_ms) {
  Series& series = at(ReplaySeries(labels));
  if (newest.time_ms <= series.newest.time_ms) return;
  series.newest = newest;
  series.touched_ms = now_ms;
}

std::shared_ptr<const FrozenHead> Head::Freeze(int64_t idle_before_ms) {
  CHECK(frozen_ == nullptr);
  auto frozen = std::make_shared<FrozenHead>();
  frozen->generation = generation_;
  frozen->samples = samples_;
  frozen->arena = arena_;
  size_t idle = 0;
  for (uint32_t id = 0; id < series_count_; ++id) {
    Series& series = at(id);
    if (series.touched_ms < idle_before_ms) ++idle;
    if (series.open.empty() && series.tail == nullptr) continue;
    FrozenSeries out;
    out.labels = model::LabelsView(series.packed());
    if (!series.open.empty()) out.last = series.open.Take();
    if (series.tail != nullptr) {
      out.chunks = std::move(series.tail->chunks);
      out.late = std::move(series.tail->late);
      series.tail.reset();
    }
    series.frozen_index = static_cast<uint32_t>(frozen->series.size());
    series.frozen_generation = generation_;
    frozen->series.push_back(std::move(out));
  }
  samples_ = 0;
  chunk_bytes_ = 0;
  min_ms_ = INT64_MAX;
  ++generation_;
  frozen_ = frozen;
  if (idle > kIdleMin && idle * 4 > series_count_) Rebuild(idle_before_ms);
  return frozen;
}

// Series with frozen samples have been touched lately, so none of them is lost here.
void Head::Rebuild(int64_t idle_before_ms) {
  std::vector<std::unique_ptr<Series[]>> old = std::move(slabs_);
  const uint32_t count = series_count_;
  slabs_.clear();
  series_count_ = 0;
  table_.assign(kTableFirst, 0);
  arena_ = std::make_shared<LabelArena>();
  index_ = MemoryIndex();
  for (uint32_t i = 0; i < count; ++i) {
    Series& from = old[i / kSlab][i % kSlab];
    const bool frozen = from.frozen_generation == frozen_->generation;
    if (from.touched_ms < idle_before_ms && !frozen) continue;
    Series& to = at(Create(from.hash, from.packed()));
    to.newest = from.newest;
    to.touched_ms = from.touched_ms;
    to.frozen_index = from.frozen_index;
    to.frozen_generation = from.frozen_generation;
  }
}

const FrozenSeries* Head::Frozen(const Series& series) const {
  if (frozen_ == nullptr || series.frozen_generation != frozen_->generation) return nullptr;
  return &frozen_->series[series.frozen_index];
}

bool Head::Overlaps(const Series& series, storage::TimeRange range) const {
  if (!series.open.empty() && Intersects(series.open.first_ms(), series.open.last_ms(), range)) {
    return true;
  }
  if (series.tail != nullptr &&
      (ChunksOverlap(series.tail->chunks, range) || LateOverlaps(series.tail->late, range))) {
    return true;
  }
  const FrozenSeries* frozen = Frozen(series);
  return frozen != nullptr &&
         ((frozen->last.count > 0 &&
           Intersects(frozen->last.first_ms, frozen->last.last_ms, range)) ||
          ChunksOverlap(frozen->chunks, range) || LateOverlaps(frozen->late, range));
}

HeadSnapshot Head::Snapshot(const std::vector<model::Matcher>& matchers,
                            storage::TimeRange range) const {
  HeadSnapshot snapshot;
  snapshot.frozen = frozen_;
  snapshot.arena = arena_;
  if (samples_ == 0 && frozen_ == nullptr) return snapshot;
  for (const uint32_t id : FindSeries(index_, matchers)) {
    const Series& series = at(id);
    if (!Overlaps(series, range)) continue;
    HeadPart part;
    part.labels = model::LabelsView(series.packed());
    part.frozen = Frozen(series);
    if (series.tail != nullptr) {
      part.chunks = series.tail->chunks;
      part.late = series.tail->late;
    }
    if (!series.open.empty() && Intersects(series.open.first_ms(), series.open.last_ms(), range)) {
      part.open_at = snapshot.open_bytes.size();
      part.open_count = series.open.count();
      snapshot.open_bytes.insert(snapshot.open_bytes.end(), series.open.data(),
                                 series.open.data() + series.open.bytes());
    }
    snapshot.parts.push_back(std::move(part));
  }
  snapshot.open_bytes.resize(snapshot.open_bytes.size() + kChunkSlack);
  return snapshot;
}

void Head::ForEachSeries(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                         absl::FunctionRef<void(model::LabelsView)> visit) const {
  if (samples_ == 0 && frozen_ == nullptr) return;
  for (const uint32_t id : FindSeries(index_, matchers)) {
    if (Overlaps(at(id), range)) visit(model::LabelsView(at(id).packed()));
  }
}

}  // namespace hearth::tsdb

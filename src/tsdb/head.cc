// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <algorithm>
#include <array>
#include <utility>

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

std::vector<Sample>::iterator LatePlace(std::vector<Sample>* late, int64_t time_ms) {
  return std::lower_bound(late->begin(), late->end(), time_ms,
                          [](const Sample& s, int64_t t) { return s.time_ms < t; });
}

// The value at `time_ms`, if the chunk has one there.
bool FindInChunk(const uint8_t* data, uint32_t count, int64_t time_ms, uint64_t* value_bits) {
  std::vector<int64_t> times(count);
  std::vector<double> values(count);
  DecodeChunk(data, count, times.data(), values.data());
  const auto it = std::lower_bound(times.begin(), times.end(), time_ms);
  if (it == times.end() || *it != time_ms) return false;
  *value_bits = std::bit_cast<uint64_t>(values[static_cast<size_t>(it - times.begin())]);
  return true;
}

}  // namespace

void AppendPlan::Clear() {
  steps.clear();
  extras.clear();
  starts.clear();
  refused_series = false;
  to_log.clear();
  outcome = {};
}

Head::Head(uint64_t seed, unsigned key_bits)
    : keys_(seed, key_bits), table_(kTableFirst), arena_(std::make_shared<LabelArena>()) {}

uint64_t Head::memory_bytes() const {
  return chunk_bytes_ + frozen_bytes_ + rich_bytes_ + arena_->memory_bytes() +
         index_.memory_bytes() + refused_.memory_bytes() + slabs_.size() * kSlab * sizeof(Series) +
         table_.size() * sizeof(uint64_t) +
         aliases_.capacity() * (sizeof(SeriesKey) + sizeof(uint64_t) + 1);
}

SeriesKey Head::KeyOf(std::string_view packed) const {
  thread_local std::string scratch;
  return keys_.OfPacked(packed, &scratch);
}

uint32_t Head::Find(const SeriesKey& key, std::string_view packed) const {
  const size_t mask = table_.size() - 1;
  for (size_t slot = key.low & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    if (table_[slot] >> 32 != key.high >> 32) continue;
    const auto id = static_cast<uint32_t>(table_[slot]) - 1;
    const Series& series = at(id);
    if (series.key == key && series.packed() == packed) return id;
  }
  return kNone;
}

uint32_t Head::FindKey(const SeriesKey& key) const {
  const size_t mask = table_.size() - 1;
  for (size_t slot = key.low & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    if (table_[slot] >> 32 != key.high >> 32) continue;
    const auto id = static_cast<uint32_t>(table_[slot]) - 1;
    if (at(id).key == key) return at(id).ambiguous ? kNone : id;
  }
  return kNone;
}

uint32_t Head::FindAlias(const SeriesKey& key) const {
  const auto found = aliases_.find(key);
  return found == aliases_.end() ? kNone : found->second;
}

bool Head::RawKey(const storage::WriteBatch& batch, std::span<const SeriesKey> symbols,
                  const storage::WriteBatch::Series& series, SeriesKey* key) const {
  if (!batch.symbols().empty()) return keys_.OfReferences(series.raw_labels(), symbols, key);
  *key = keys_.OfFields(series.raw_labels());
  return true;
}

void Head::InsertSlot(const SeriesKey& key, uint32_t id) {
  const size_t mask = table_.size() - 1;
  size_t slot = key.low & mask;
  while (table_[slot] != 0) slot = (slot + 1) & mask;
  table_[slot] = (key.high >> 32) << 32 | (id + 1);
}

void Head::GrowTable() {
  table_.assign(table_.size() * 2, 0);
  for (uint32_t id = 0; id < series_count_; ++id) InsertSlot(at(id).key, id);
}

uint32_t Head::Create(const SeriesKey& key, std::string_view packed) {
  if ((series_count_ + 1) * 10 > table_.size() * 7) GrowTable();
  const uint32_t id = series_count_++;
  if (id / kSlab == slabs_.size()) slabs_.push_back(std::make_unique<Series[]>(kSlab));
  Series& series = at(id);
  const std::string_view kept = arena_->Add(packed);
  series.key = key;
  series.labels = kept.data();
  series.labels_size = static_cast<uint32_t>(kept.size());
  MarkAmbiguous(key, id);
  InsertSlot(key, id);
  index_.Add(id, model::LabelsView(kept));
  if (!refused_.empty()) refused_.Forget();
  return id;
}

// Two label sets with one key do not happen by chance; were it to happen, both stay what they are.
void Head::MarkAmbiguous(const SeriesKey& key, uint32_t id) {
  const size_t mask = table_.size() - 1;
  for (size_t slot = key.low & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    if (table_[slot] >> 32 != key.high >> 32) continue;
    Series& other = at(static_cast<uint32_t>(table_[slot]) - 1);
    if (other.key == key) other.ambiguous = at(id).ambiguous = true;
  }
  // The key of another series' encoding likewise: it leads to that one no more.
  aliases_.erase(key);
}

void Head::AddAlias(const SeriesKey& key, uint32_t id) {
  Series& series = at(id);
  if (key == series.key || series.aliases >= kAliasesMax || FindKey(key) != kNone) return;
  if (aliases_.try_emplace(key, id).second) ++series.aliases;
}

void Head::Resolve(const AppendRules& rules, storage::WriteBatch* batch) const {
  batch->SetEpoch(epoch_);
  const bool fields = batch->symbols().empty();
  std::vector<SeriesKey> symbols;
  if (!fields) keys_.HashSymbols(batch->symbols(), &symbols);
  const bool full = !refused_.empty() && (series_count_ >= rules.series_max || rules.memory_full);
  std::array<SeriesKey, kBlock> keys;
  std::array<bool, kBlock> wanted{};
  auto& series = batch->series();
  for (size_t base = 0; base < series.size(); base += kBlock) {
    const size_t n = std::min(kBlock, series.size() - base);
    for (size_t i = 0; i < n; ++i) {
      storage::WriteBatch::Series& entry = series[base + i];
      entry.known = kNone;
      wanted[i] = entry.raw != nullptr && RawKey(*batch, symbols, entry, &keys[i]);
      if (!wanted[i]) continue;
      if (fields) {
        Prefetch(&table_[keys[i].low & (table_.size() - 1)]);
      } else {
        aliases_.prefetch(keys[i]);
      }
      if (full) refused_.Prefetch(keys[i]);
    }
    for (size_t i = 0; i < n && fields; ++i) {
      if (!wanted[i]) continue;
      const uint64_t slot = table_[keys[i].low & (table_.size() - 1)];
      if (slot != 0) Prefetch(&at(static_cast<uint32_t>(slot) - 1));
    }
    for (size_t i = 0; i < n; ++i) {
      if (!wanted[i]) continue;
      uint32_t id = fields ? FindKey(keys[i]) : kNone;
      if (id == kNone && !aliases_.empty()) id = FindAlias(keys[i]);
      if (id == kNone && full && refused_.Has(keys[i])) id = kRefused;
      series[base + i].known = id;
    }
  }
}

uint32_t Head::FindOrCreate(const storage::WriteBatch& batch, uint32_t index,
                            const AppendRules& rules, AppendPlan* plan) {
  const storage::WriteBatch::Series& entry = batch.series()[index];
  const std::string_view packed = batch.labels(entry).packed();
  const SeriesKey key = KeyOf(packed);
  uint32_t id = Find(key, packed);
  const bool room = series_count_ < rules.series_max && !rules.memory_full;
  if (id == kNone && room) {
    id = Create(key, packed);
    ++plan->outcome.new_series;
  }
  SeriesKey raw = key;
  if (entry.raw != nullptr && !RawKey(batch, symbol_keys_, entry, &raw)) return id;
  if (id == kNone) {
    refused_.Add(raw);
  } else if (raw != key) {
    AddAlias(raw, id);
  }
  return id;
}

void Head::Plan(const storage::WriteBatch& batch, const AppendRules& rules, AppendPlan* plan) {
  plan->Clear();
  plan->max_ms_before = max_ms_;
  const auto& series = batch.series();
  plan->steps.reserve(batch.times_ms().size());
  if (!batch.symbols().empty()) keys_.HashSymbols(batch.symbols(), &symbol_keys_);
  const bool resolved = batch.epoch() == epoch_;
  for (size_t base = 0; base < series.size(); base += kBlock) {
    const size_t n = std::min(kBlock, series.size() - base);
    for (size_t i = 0; i < n && resolved; ++i) {
      if (series[base + i].known >= series_count_) continue;
      const Series& known = at(series[base + i].known);
      Prefetch(reinterpret_cast<const char*>(&known) + 64);
      Prefetch(reinterpret_cast<const char*>(&known) + 128);
      Prefetch(known.open.data() + known.open.bytes());
    }
    for (size_t i = 0; i < n; ++i) {
      const auto index = static_cast<uint32_t>(base + i);
      uint32_t id = resolved ? series[index].known : kNone;
      if (id == kNone) id = FindOrCreate(batch, index, rules, plan);
      PlanSeries(batch, index, id == kRefused ? kNone : id, rules, plan);
    }
  }
}

void Head::Reject(RejectReason reason, uint32_t index, int64_t time_ms, bool histogram,
                  AppendPlan* plan) {
  storage::AppendOutcome& outcome = plan->outcome;
  ++outcome.rejected;
  if (outcome.rejections.size() < storage::kRejectionsMax) {
    outcome.rejections.push_back({reason, index, time_ms, histogram});
  }
}

void Head::PlanFloat(const storage::WriteBatch& batch, uint32_t index, uint32_t sample_index,
                     uint32_t id, const AppendRules& rules, AppendPlan* plan) {
  const Sample sample{batch.times_ms()[sample_index],
                      std::bit_cast<uint64_t>(batch.values()[sample_index])};
  RejectReason reason = rules.memory_full ? RejectReason::kMemory : RejectReason::kSeriesLimit;
  if (id == kNone) {
    plan->refused_series = true;
    return Reject(reason, index, sample.time_ms, false, plan);
  }
  Series& series = at(id);
  AppendPlan::Step step{.series = id, .sample = sample, .before = series.newest};
  if (series.newest_is_histogram()) {
    // As Prometheus: what ends a series of histograms is a histogram.
    if (sample.value_bits == model::kStaleNanBits) {
      return PlanHistogram({sample.time_ms, model::StaleHistogram(), 0}, index, id, rules, plan);
    }
    plan->extras.push_back({{}, series.rich()->newest});
    step.extra = static_cast<uint32_t>(plan->extras.size()) & 0x7fffffffU;
  }
  const Verdict verdict = Judge(&series, sample, rules, &reason);
  switch (verdict) {
    case Verdict::kInOrder:
    case Verdict::kLate:
      step.late = verdict == Verdict::kLate ? 1 : 0;
      if (batch.has_start_times()) {
        plan->starts.resize(plan->steps.size());
        plan->starts.push_back(batch.start_time_ms(sample_index));
      }
      plan->steps.push_back(step);
      ++plan->outcome.stored;
      break;
    case Verdict::kDuplicate:
      ++plan->outcome.duplicates;
      break;
    case Verdict::kRejected:
      Reject(reason, index, sample.time_ms, false, plan);
  }
}

void Head::PlanSeries(const storage::WriteBatch& batch, uint32_t index, uint32_t id,
                      const AppendRules& rules, AppendPlan* plan) {
  const storage::WriteBatch::Series& entry = batch.series()[index];
  const size_t planned = plan->steps.size();
  // Both kinds by time, so that neither makes the other late.
  const auto& histograms = batch.histograms();
  uint32_t next = 0;
  for (uint32_t i = 0; i < entry.sample_count; ++i) {
    const uint32_t sample = entry.first_sample + i;
    for (; next < entry.histogram_count &&
           histograms[entry.first_histogram + next].time_ms < batch.times_ms()[sample];
         ++next) {
      PlanHistogram(histograms[entry.first_histogram + next], index, id, rules, plan);
    }
    PlanFloat(batch, index, sample, id, rules, plan);
  }
  for (; next < entry.histogram_count; ++next) {
    PlanHistogram(histograms[entry.first_histogram + next], index, id, rules, plan);
  }
  if (plan->steps.size() == planned) return;
  Series& series = at(id);
  series.touched_ms = rules.now_ms;
  if (series.logged_generation != generation_) {
    // Set here so that a batch that names a series twice logs it once; Undo takes it back.
    series.logged_generation = generation_;
    plan->to_log.push_back(id);
  }
}

Head::Verdict Head::JudgeTime(const Series& series, int64_t time_ms, const AppendRules& rules,
                              RejectReason* reason) const {
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
  if (time_ms > series.newest.time_ms) return Verdict::kInOrder;
  *reason = RejectReason::kDuplicate;
  if (time_ms == series.newest.time_ms) return Verdict::kDuplicate;
  if (rules.late_window_ms == 0) {
    *reason = RejectReason::kOutOfOrder;
    return Verdict::kRejected;
  }
  // As Prometheus: the window hangs from the newest sample of the store, not of the series.
  if (time_ms < max_ms_ - rules.late_window_ms) {
    *reason = RejectReason::kTooOld;
    return Verdict::kRejected;
  }
  return Verdict::kLate;
}

Head::Verdict Head::Judge(Series* series, const Sample& sample, const AppendRules& rules,
                          RejectReason* reason) {
  const Verdict verdict = JudgeTime(*series, sample.time_ms, rules, reason);
  switch (verdict) {
    case Verdict::kInOrder:
      SetNewest(series, sample, nullptr);
      return verdict;
    case Verdict::kDuplicate:
      return sample.value_bits == series->newest.value_bits && !series->newest_is_histogram()
                 ? Verdict::kDuplicate
                 : Verdict::kRejected;
    case Verdict::kLate:
      return JudgeLate(series, sample);
    case Verdict::kRejected:
      break;
  }
  return verdict;
}

bool Head::FindFloat(const Series& series, int64_t time_ms, uint64_t* value_bits) {
  const ChunkBuilder& open = series.open;
  if (!open.empty() && time_ms >= open.first_ms() && time_ms <= open.last_ms() &&
      FindInChunk(open.data(), open.count(), time_ms, value_bits)) {
    return true;
  }
  if (series.tail == nullptr) return false;
  for (const auto& chunk : series.tail->chunks) {
    if (time_ms < chunk->first_ms || time_ms > chunk->last_ms) continue;
    if (FindInChunk(chunk->data.get(), chunk->count, time_ms, value_bits)) return true;
  }
  const std::vector<Sample>& late = series.tail->late;
  const auto place = std::lower_bound(late.begin(), late.end(), time_ms,
                                      [](const Sample& s, int64_t t) { return s.time_ms < t; });
  if (place == late.end() || place->time_ms != time_ms) return false;
  *value_bits = place->value_bits;
  return true;
}

Head::Verdict Head::JudgeLate(Series* series, const Sample& sample) {
  uint64_t value_bits = 0;
  if (FindFloat(*series, sample.time_ms, &value_bits)) {
    return value_bits == sample.value_bits ? Verdict::kDuplicate : Verdict::kRejected;
  }
  if (series->rich() != nullptr && series->rich()->Find(sample.time_ms) != nullptr) {
    return Verdict::kRejected;
  }
  if (series->tail == nullptr) series->tail = std::make_unique<Tail>();
  std::vector<Sample>& late = series->tail->late;
  late.insert(LatePlace(&late, sample.time_ms), sample);
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
  const bool starts = !plan.starts.empty();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const AppendPlan::Step& step = plan.steps[i];
    min_ms_ = std::min(min_ms_, step.sample.time_ms);
    if (step.extra != 0 && plan.is_histogram(step)) {
      ApplyHistogram(step, *plan.extra(step));
      continue;
    }
    if (step.late == 0) AppendInOrder(&at(step.series), step.sample);
    if (starts || at(step.series).rich() != nullptr) {
      ApplyStart(step, starts && i < plan.starts.size() ? plan.starts[i] : 0);
    }
  }
  samples_ += plan.steps.size();
}

void Head::Undo(const AppendPlan& plan) {
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    Series& series = at(step->series);
    const AppendPlan::Extra* const extra = plan.extra(*step);
    if (step->late == 0) {
      SetNewest(&series, step->before, extra == nullptr ? nullptr : extra->before);
    } else if (plan.is_histogram(*step)) {
      series.rich()->DropLate(step->sample.time_ms);
      chunk_bytes_ -= MemoryBytes(*extra->histogram.histogram);
    } else {
      std::vector<Sample>& late = series.tail->late;
      late.erase(LatePlace(&late, step->sample.time_ms));
      chunk_bytes_ -= sizeof(Sample);
    }
  }
  for (const uint32_t id : plan.to_log) at(id).logged_generation = 0;
  max_ms_ = plan.max_ms_before;
}

bool Head::Knows(model::LabelsView labels) const {
  const std::string_view packed = labels.packed();
  return Find(KeyOf(packed), packed) != kNone;
}

void Head::Forget(const std::vector<model::Matcher>& matchers, storage::TimeRange range) {
  for (const uint32_t id : FindSeries(index_, matchers)) {
    Series& series = at(id);
    const int64_t newest_ms = series.newest.time_ms;
    const bool in_block =
        series.open.empty() && (series.rich() == nullptr || !series.rich()->has_samples());
    if (in_block && newest_ms >= range.min_ms && newest_ms <= range.max_ms) {
      SetNewest(&series, {INT64_MIN, 0}, nullptr);
    }
  }
}

uint32_t Head::ReplaySeries(model::LabelsView labels) {
  const std::string_view packed = labels.packed();
  const SeriesKey key = KeyOf(packed);
  const uint32_t id = Find(key, packed);
  return id != kNone ? id : Create(key, packed);
}

void Head::ReplaySample(uint32_t id, const Sample& sample, int64_t start_ms) {
  Series& series = at(id);
  AppendPlan::Step step{.series = id, .sample = sample, .before = {}};
  if (sample.time_ms > series.newest.time_ms) {
    SetNewest(&series, sample, nullptr);
    AppendInOrder(&series, sample);
  } else if (sample.time_ms == series.newest.time_ms ||
             JudgeLate(&series, sample) != Verdict::kLate) {
    return;  // logged twice: the first one counts
  } else {
    step.late = 1;
    max_ms_ = std::max(max_ms_, sample.time_ms);
  }
  if (start_ms != 0 || series.rich() != nullptr) ApplyStart(step, start_ms);
  min_ms_ = std::min(min_ms_, sample.time_ms);
  ++samples_;
}

void Head::Seed(model::LabelsView labels, const Sample& newest,
                std::shared_ptr<const model::NativeHistogram> histogram, int64_t now_ms) {
  Series& series = at(ReplaySeries(labels));
  if (newest.time_ms <= series.newest.time_ms) return;
  SetNewest(&series, newest, std::move(histogram));
  series.touched_ms = now_ms;
}

std::shared_ptr<const FrozenHead> Head::Freeze(int64_t idle_before_ms,
                                               std::unique_ptr<RebuiltIndex> rebuilt) {
  CHECK(frozen_ == nullptr);
  auto frozen = std::make_shared<FrozenHead>();
  frozen->generation = generation_;
  frozen->samples = samples_;
  frozen->arena = arena_;
  for (uint32_t id = 0; id < series_count_; ++id) {
    Series& series = at(id);
    if (series.open.empty() && series.tail == nullptr) continue;
    FrozenSeries out;
    out.rich = TakeRich(&series);
    if (series.open.empty() && out.rich == nullptr && series.tail != nullptr &&
        series.tail->chunks.empty() && series.tail->late.empty()) {
      continue;  // only knows that its newest sample was a histogram
    }
    out.labels = model::LabelsView(series.packed());
    if (!series.open.empty()) out.last = series.open.Take();
    if (series.tail != nullptr) {
      out.chunks = std::move(series.tail->chunks);
      out.late = std::move(series.tail->late);
      if (series.newest_is_histogram()) {
        series.tail->chunks.clear();
        series.tail->late.clear();
      } else {
        series.tail.reset();
      }
    }
    series.frozen_index = static_cast<uint32_t>(frozen->series.size());
    series.frozen_generation = generation_;
    frozen->series.push_back(std::move(out));
  }
  samples_ = 0;
  frozen_bytes_ = chunk_bytes_;
  chunk_bytes_ = 0;
  min_ms_ = INT64_MAX;
  ++generation_;
  frozen_ = frozen;
  if (rebuilt != nullptr) Rebuild(idle_before_ms, rebuilt.get());
  return frozen;
}

void RebuiltIndex::Add(uint32_t old_id, const SeriesKey& key, std::string_view packed) {
  const std::string_view kept = arena->Add(packed);
  index.Add(static_cast<uint32_t>(entries.size()), model::LabelsView(kept));
  entries.push_back({old_id, key, kept});
}

Head::Survivors Head::FindSurvivors(int64_t idle_before_ms, bool any) const {
  Survivors survivors;
  survivors.arena = arena_;
  size_t idle = 0;
  for (uint32_t id = 0; id < series_count_; ++id) {
    if (at(id).touched_ms < idle_before_ms) ++idle;
  }
  survivors.worth_it = idle > kIdleMin && (any || idle * 4 > series_count_);
  if (!survivors.worth_it) return survivors;
  survivors.series.reserve(series_count_ - idle);
  for (uint32_t id = 0; id < series_count_; ++id) {
    const Series& series = at(id);
    if (series.touched_ms >= idle_before_ms) {
      survivors.series.push_back({id, series.key, series.packed()});
    }
  }
  return survivors;
}

// What was touched, or came, after the survivors were counted stays too; so does what has samples
// in the frozen head.
void Head::Rebuild(int64_t idle_before_ms, RebuiltIndex* rebuilt) {
  std::vector<bool> kept(series_count_, false);
  for (const RebuiltIndex::Entry& entry : rebuilt->entries) kept[entry.old_id] = true;
  for (uint32_t id = 0; id < series_count_; ++id) {
    const Series& series = at(id);
    const bool frozen = series.frozen_generation == frozen_->generation;
    if (kept[id] || (series.touched_ms < idle_before_ms && !frozen)) continue;
    rebuilt->Add(id, series.key, series.packed());
  }
  std::vector<std::unique_ptr<Series[]>> old = std::move(slabs_);
  slabs_.clear();
  const uint32_t old_count = std::exchange(series_count_, 0);
  rich_bytes_ = 0;
  arena_ = std::move(rebuilt->arena);
  index_ = std::move(rebuilt->index);
  size_t slots = kTableFirst;
  while (rebuilt->entries.size() * 10 > slots * 7) slots *= 2;
  table_.assign(slots, 0);
  std::vector<uint32_t> new_ids(old_count, kNone);
  for (const RebuiltIndex::Entry& entry : rebuilt->entries) {
    Series& from = old[entry.old_id / kSlab][entry.old_id % kSlab];
    const uint32_t id = series_count_++;
    if (id / kSlab == slabs_.size()) slabs_.push_back(std::make_unique<Series[]>(kSlab));
    Series& to = at(id);
    to.key = entry.key;
    to.aliases = from.aliases;
    to.ambiguous = from.ambiguous;
    new_ids[entry.old_id] = id;
    to.labels = entry.packed.data();
    to.labels_size = static_cast<uint32_t>(entry.packed.size());
    to.newest = from.newest;
    to.tail = std::move(from.tail);
    to.touched_ms = from.touched_ms;
    to.frozen_index = from.frozen_index;
    to.frozen_generation = from.frozen_generation;
    InsertSlot(entry.key, id);
    if (to.newest_is_histogram()) {
      rich_bytes_ += sizeof(RichTail) + sizeof(Tail) + MemoryBytes(*to.rich()->newest);
    }
  }
  ++epoch_;
  absl::erase_if(aliases_, [&](auto& alias) {
    alias.second = new_ids[alias.second];
    return alias.second == kNone;
  });
}

}  // namespace hearth::tsdb

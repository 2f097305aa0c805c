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
// How late a sample may be of a series whose newest one has a time that cannot be right.
constexpr int64_t kBeforeWrongMs = 5 * 60 * 1000;

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

Head::Head(uint64_t seed, unsigned key_bits) : seed_(seed), keys_(seed, key_bits), index_(seed) {}

uint64_t Head::memory_bytes() const {
  return tail_bytes_ + arena_.memory_bytes() + frozen_bytes_ + rich_bytes_ + index_.memory_bytes() +
         refused_.memory_bytes() + series_.memory_bytes() + table_.memory_bytes() +
         frozen_index_.size() * sizeof(uint32_t) + tails_.size() * (sizeof(Tail) + sizeof(void*)) +
         aliases_.capacity() * (sizeof(SeriesKey) + sizeof(uint64_t) + 1);
}

Head::Tail& Head::MakeTail(Series* series) {
  if (series->tail == 0) {
    if (free_tails_.empty()) {
      free_tails_.push_back(static_cast<uint32_t>(tails_.size()));
      tails_.emplace_back();
    }
    tails_[free_tails_.back()] = std::make_unique<Tail>();
    series->tail = free_tails_.back() + 1;
    free_tails_.pop_back();
  }
  return *tails_[series->tail - 1];
}

void Head::DropTail(Series* series) {
  tails_[series->tail - 1].reset();
  free_tails_.push_back(series->tail - 1);
  series->tail = 0;
}

SeriesKey Head::KeyOf(std::string_view packed) const {
  thread_local std::string scratch;
  return keys_.OfPacked(packed, &scratch);
}

uint32_t Head::Find(const SeriesKey& key, std::string_view packed) const {
  return table_.Find(
      key, [&](uint32_t id) { return at(id).key == key && index_.labels().Equals(id, packed); });
}

uint32_t Head::FindKey(const SeriesKey& key) const {
  const uint32_t id = table_.Find(key, [&](uint32_t found) { return at(found).key == key; });
  return id == kNone || at(id).ambiguous != 0 ? kNone : id;
}

bool Head::Has(uint32_t id, const SeriesKey& key) const {
  return id < series_.size() && at(id).key == key && at(id).ambiguous == 0;
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

uint32_t Head::Create(const SeriesKey& key, std::string_view packed) {
  const auto id = static_cast<uint32_t>(series_.size());
  Series& series = series_.Add();
  series.key = key;
  MarkAmbiguous(key, &series);
  table_.Add(key, id);
  index_.Add(packed);
  if (!refused_.empty()) refused_.Forget();
  return id;
}

// Two label sets with one key do not happen by chance; were it to happen, both stay what they are.
void Head::MarkAmbiguous(const SeriesKey& key, Series* series) {
  table_.Find(key, [&](uint32_t id) {
    if (at(id).key == key) at(id).ambiguous = series->ambiguous = 1;
    return false;
  });
  // The key of another series' encoding likewise: it leads to that one no more.
  if (!aliases_.empty()) aliases_.erase(key);
}

void Head::AddAlias(const SeriesKey& key, uint32_t id) {
  Series& series = at(id);
  if (key == series.key || series.aliases >= kAliasesMax || FindKey(key) != kNone) return;
  if (aliases_.try_emplace(key, id).second) ++series.aliases;
}

// Senders repeat the order in which their series came first, which is the order of their numbers: a
// record that lies behind the one before mostly is the next one, and needs no look at the table.
void Head::Resolve(const AppendRules& rules, storage::WriteBatch* batch) const {
  batch->SetEpoch(epoch_);
  const bool fields = batch->symbols().empty();
  std::vector<SeriesKey> symbols;
  if (!fields) keys_.HashSymbols(batch->symbols(), &symbols);
  const bool full = !refused_.empty() && (series_.size() >= rules.series_max || rules.memory_full);
  std::array<SeriesKey, kBlock> keys;
  std::array<uint32_t, kBlock> misses{};
  auto& series = batch->series();
  uint32_t next = kNone;  // the number that the next series has, if it follows the one before
  for (size_t base = 0; base < series.size(); base += kBlock) {
    const size_t n = std::min(kBlock, series.size() - base);
    size_t missed = 0;
    for (size_t i = 0; i < n; ++i) {
      storage::WriteBatch::Series& entry = series[base + i];
      entry.known = kNone;
      if (next < series_.size()) Prefetch(&at(next));
      const bool wanted = entry.raw != nullptr && RawKey(*batch, symbols, entry, &keys[i]);
      if (wanted && next == kNone && fields) next = FindKey(keys[i]);
      if (wanted && Has(next, keys[i])) {
        entry.known = next;
      } else if (wanted) {
        misses[missed++] = static_cast<uint32_t>(i);
        if (fields) {
          table_.Prefetch(keys[i]);
        } else {
          aliases_.prefetch(keys[i]);
        }
        if (full) refused_.Prefetch(keys[i]);
      }
      if (next != kNone) ++next;
    }
    for (size_t m = 0; m < missed && fields; ++m) {
      const uint32_t id = table_.Guess(keys[misses[m]]);
      if (id != kNone) Prefetch(&at(id));
    }
    for (size_t m = 0; m < missed; ++m) {
      const SeriesKey& key = keys[misses[m]];
      uint32_t id = fields ? FindKey(key) : kNone;
      if (id == kNone && !aliases_.empty()) id = FindAlias(key);
      if (id == kNone && full && refused_.Has(key)) id = kRefused;
      series[base + misses[m]].known = id;
    }
    // Where the last ones were all found elsewhere, the sender's order goes on from there.
    if (missed == 0 || misses[missed - 1] + 1 != n || !fields) continue;
    const uint32_t last = series[base + n - 1].known;
    if (last < kRefused) next = last + 1;
  }
}

uint32_t Head::FindOrPlan(const storage::WriteBatch& batch, uint32_t index, const SeriesKey& key,
                          const AppendRules& rules, AppendPlan* plan) {
  const storage::WriteBatch::Series& entry = batch.series()[index];
  const std::string_view packed = batch.labels(entry).packed();
  uint32_t id = Find(key, packed);
  const bool room = series_.size() < rules.series_max && !rules.memory_full &&
                    !index_.labels().full() && !arena_.full();
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
  const bool floats = batch.histograms().empty() && !batch.has_start_times();
  if (!batch.symbols().empty()) keys_.HashSymbols(batch.symbols(), &symbol_keys_);
  const bool resolved = batch.epoch() == epoch_;
  std::array<SeriesKey, kBlock> keys;
  for (size_t base = 0; base < series.size(); base += kBlock) {
    const size_t n = std::min(kBlock, series.size() - base);
    for (size_t i = 0; i < n; ++i) {
      const storage::WriteBatch::Series& entry = series[base + i];
      if (!resolved || entry.known == kNone) {
        keys[i] = KeyOf(batch.labels(entry).packed());
        table_.Prefetch(keys[i]);
      } else if (entry.known != kRefused && !at(entry.known).empty()) {
        Prefetch(arena_.at(at(entry.known).ref) + at(entry.known).bits / 8);
      }
    }
    for (size_t i = 0; i < n; ++i) {
      const auto index = static_cast<uint32_t>(base + i);
      uint32_t id = resolved ? series[index].known : kNone;
      if (floats && id < kRefused && series[index].sample_count == 1 &&
          PlanPlain(batch, series[index].first_sample, id, rules, plan)) {
        continue;
      }
      if (id == kNone) id = FindOrPlan(batch, index, keys[i], rules, plan);
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

// One float of a known series that is in order and has nothing but floats: nearly all of them.
// False: it is something else, and nothing was done.
bool Head::PlanPlain(const storage::WriteBatch& batch, uint32_t sample_index, uint32_t id,
                     const AppendRules& rules, AppendPlan* plan) {
  Series& series = at(id);
  const Sample sample{batch.times_ms()[sample_index],
                      std::bit_cast<uint64_t>(batch.values()[sample_index])};
  if (series.tail != 0 || sample.time_ms <= series.newest.time_ms ||
      sample.time_ms > rules.max_ms || sample.time_ms < rules.retention_ms ||
      sample.time_ms < rules.too_old_ms) {
    return false;
  }
  plan->steps.push_back({.series = id, .sample = sample, .before = series.newest});
  series.newest = sample;
  max_ms_ = std::max(max_ms_, sample.time_ms);
  ++plan->outcome.stored;
  Touch(id, rules, plan);
  return true;
}

void Head::Touch(uint32_t id, const AppendRules& rules, AppendPlan* plan) {
  Series& series = at(id);
  series.touched = static_cast<uint32_t>(rules.now_ms / kTouchedMs);
  if (series.logged != 0) return;
  // Set here so that a batch that names a series twice logs it once; Undo takes it back.
  series.logged = 1;
  plan->to_log.push_back(id);
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
  if (NewestIsHistogram(series)) {
    // As Prometheus: what ends a series of histograms is a histogram.
    if (sample.value_bits == model::kStaleNanBits) {
      return PlanHistogram({sample.time_ms, model::StaleHistogram(), 0}, index, id, rules, plan);
    }
    plan->extras.push_back({{}, rich(series)->newest});
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
  if (plan->steps.size() > planned) Touch(id, rules, plan);
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
  int64_t window_ms = rules.late_window_ms;
  // What lies further ahead than is taken was written by a clock that was wrong: it says nothing of
  // what is old, and a series goes on before it.
  if (series.newest.time_ms > rules.max_ms) window_ms = std::max(window_ms, kBeforeWrongMs);
  if (window_ms == 0) {
    *reason = RejectReason::kOutOfOrder;
    return Verdict::kRejected;
  }
  // As Prometheus: the window hangs from the newest sample of the store, not of the series.
  const int64_t newest_ms = max_ms_ > rules.max_ms ? rules.now_ms : max_ms_;
  if (time_ms < newest_ms - window_ms) {
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
      return sample.value_bits == series->newest.value_bits && !NewestIsHistogram(*series)
                 ? Verdict::kDuplicate
                 : Verdict::kRejected;
    case Verdict::kLate:
      return JudgeLate(series, sample);
    case Verdict::kRejected:
      break;
  }
  return verdict;
}

bool Head::FindFloat(const Series& series, int64_t time_ms, uint64_t* value_bits) const {
  if (!series.empty() && time_ms <= series.newest.time_ms &&
      FindInChunk(arena_.at(series.ref), series.count, time_ms, value_bits)) {
    return true;
  }
  const Tail* const tail = this->tail(series);
  if (tail == nullptr) return false;
  for (const auto& chunk : tail->chunks) {
    if (time_ms < chunk->first_ms || time_ms > chunk->last_ms) continue;
    if (FindInChunk(chunk->data.get(), chunk->count, time_ms, value_bits)) return true;
  }
  const std::vector<Sample>& late = tail->late;
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
  if (rich(*series) != nullptr && rich(*series)->Find(sample.time_ms) != nullptr) {
    return Verdict::kRejected;
  }
  std::vector<Sample>& late = MakeTail(series).late;
  late.insert(LatePlace(&late, sample.time_ms), sample);
  tail_bytes_ += sizeof(Sample);
  return Verdict::kLate;
}

void Head::CloseChunk(int64_t last_ms, Series* series) {
  if (series->empty()) return;
  auto chunk = std::make_shared<const Chunk>(FinishChunk(last_ms, &arena_, series));
  tail_bytes_ += chunk->bytes;
  MakeTail(series).chunks.push_back(std::move(chunk));
}

void Head::AppendInOrder(Series* series, const Sample& before, const Sample& sample) {
  if (series->empty()) ++chunks_;
  if (AppendToChunk(before, sample, &arena_, series)) return;
  CloseChunk(before.time_ms, series);
  ++chunks_;
  CHECK(AppendToChunk(before, sample, &arena_, series));
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
    if (step.late == 0) AppendInOrder(&at(step.series), step.before, step.sample);
    if (starts || rich(at(step.series)) != nullptr) {
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
      rich(series)->DropLate(step->sample.time_ms);
      tail_bytes_ -= MemoryBytes(*extra->histogram.histogram);
    } else {
      std::vector<Sample>& late = tail(series)->late;
      late.erase(LatePlace(&late, step->sample.time_ms));
      tail_bytes_ -= sizeof(Sample);
    }
  }
  for (const uint32_t id : plan.to_log) at(id).logged = 0;
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
        series.empty() && (rich(series) == nullptr || !rich(series)->has_samples());
    if (in_block && newest_ms >= range.min_ms && newest_ms <= range.max_ms) {
      SetNewest(&series, {INT64_MIN, 0}, nullptr);
    }
  }
}

uint32_t Head::FindOrCreate(const SeriesKey& key, std::string_view packed) {
  const uint32_t id = Find(key, packed);
  return id != kNone ? id : Create(key, packed);
}

void Head::ReplaySeries(std::span<const SeriesRecord> records, std::vector<uint32_t>* ids) {
  ids->clear();
  std::array<SeriesKey, kBlock> keys;
  for (size_t base = 0; base < records.size(); base += kBlock) {
    const size_t n = std::min(kBlock, records.size() - base);
    for (size_t i = 0; i < n; ++i) {
      keys[i] = KeyOf(records[base + i].labels.packed());
      table_.Prefetch(keys[i]);
    }
    for (size_t i = 0; i < n; ++i) {
      ids->push_back(FindOrCreate(keys[i], records[base + i].labels.packed()));
    }
  }
}

void Head::ReplaySample(uint32_t id, const Sample& sample, int64_t start_ms) {
  Series& series = at(id);
  AppendPlan::Step step{.series = id, .sample = sample, .before = {}};
  if (sample.time_ms > series.newest.time_ms) {
    const Sample before = series.newest;
    SetNewest(&series, sample, nullptr);
    AppendInOrder(&series, before, sample);
  } else if (sample.time_ms == series.newest.time_ms ||
             JudgeLate(&series, sample) != Verdict::kLate) {
    return;  // logged twice: the first one counts
  } else {
    step.late = 1;
    max_ms_ = std::max(max_ms_, sample.time_ms);
  }
  if (start_ms != 0 || rich(series) != nullptr) ApplyStart(step, start_ms);
  min_ms_ = std::min(min_ms_, sample.time_ms);
  ++samples_;
}

void Head::Seed(model::LabelsView labels, const Sample& newest,
                std::shared_ptr<const model::NativeHistogram> histogram, int64_t now_ms) {
  Series& series = at(FindOrCreate(KeyOf(labels.packed()), labels.packed()));
  if (newest.time_ms <= series.newest.time_ms) return;
  SetNewest(&series, newest, std::move(histogram));
  series.touched = static_cast<uint32_t>(now_ms / kTouchedMs);
}

}  // namespace hearth::tsdb

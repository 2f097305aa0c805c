// SPDX-License-Identifier: Apache-2.0
// Native histograms and start times in the head.
#include <algorithm>
#include <utility>

#include "tsdb/head.h"

namespace hearth::tsdb {

using storage::RejectReason;

RichTail* Head::MakeRich(Series* series) {
  Tail& tail = MakeTail(series);
  if (tail.rich == nullptr) {
    tail.rich = std::make_unique<RichTail>();
    rich_bytes_ += sizeof(RichTail) + sizeof(Tail);
  }
  return tail.rich.get();
}

void Head::SetNewest(Series* series, const Sample& newest,
                     std::shared_ptr<const model::NativeHistogram> histogram) {
  series->newest = newest;
  max_ms_ = std::max(max_ms_, newest.time_ms);
  RichTail* rich = this->rich(*series);
  if (rich == nullptr) {
    if (histogram == nullptr) return;
    rich = MakeRich(series);
  }
  if (rich->newest != nullptr) rich_bytes_ -= MemoryBytes(*rich->newest);
  rich->newest = std::move(histogram);
  if (rich->newest != nullptr) rich_bytes_ += MemoryBytes(*rich->newest);
}

void Head::PlanHistogram(const model::HistogramSample& sample, uint32_t index, uint32_t id,
                         const AppendRules& rules, AppendPlan* plan) {
  RejectReason reason = rules.memory_full ? RejectReason::kMemory : RejectReason::kSeriesLimit;
  if (id == kNone) {
    plan->refused_series = true;
    return Reject(reason, index, sample.time_ms, true, plan);
  }
  if (!CheckHistogram(*sample.histogram).ok()) {
    return Reject(RejectReason::kHistogramInvalid, index, sample.time_ms, true, plan);
  }
  Series& series = at(id);
  AppendPlan::Step step{.series = id, .sample = {sample.time_ms, 0}, .before = series.newest};
  AppendPlan::Extra extra{sample, NewestIsHistogram(series) ? rich(series)->newest : nullptr};
  extra.histogram.histogram = WithDerivedHint(sample.histogram, extra.before.get());
  if (sample.time_ms < series.newest.time_ms) {
    extra.histogram.histogram = WithUnknownHint(sample.histogram);
  }
  const Verdict verdict = JudgeHistogram(&series, extra.histogram, rules, &reason);
  switch (verdict) {
    case Verdict::kInOrder:
    case Verdict::kLate:
      step.late = verdict == Verdict::kLate ? 1 : 0;
      plan->extras.push_back(std::move(extra));
      step.extra = static_cast<uint32_t>(plan->extras.size()) & 0x7fffffffU;
      plan->steps.push_back(step);
      ++plan->outcome.stored;
      ++plan->outcome.stored_histograms;
      break;
    case Verdict::kDuplicate:
      ++plan->outcome.duplicates;
      ++plan->outcome.duplicate_histograms;
      break;
    case Verdict::kRejected:
      Reject(reason, index, sample.time_ms, true, plan);
  }
}

Head::Verdict Head::JudgeHistogram(Series* series, const model::HistogramSample& sample,
                                   const AppendRules& rules, RejectReason* reason) {
  const Verdict verdict = JudgeTime(*series, sample.time_ms, rules, reason);
  switch (verdict) {
    case Verdict::kInOrder:
      SetNewest(series, {sample.time_ms, 0}, sample.histogram);
      return verdict;
    case Verdict::kDuplicate:
      return NewestIsHistogram(*series) && SameSample(*rich(*series)->newest, *sample.histogram)
                 ? Verdict::kDuplicate
                 : Verdict::kRejected;
    case Verdict::kLate:
      return JudgeLateHistogram(series, sample);
    case Verdict::kRejected:
      break;
  }
  return verdict;
}

Head::Verdict Head::JudgeLateHistogram(Series* series, const model::HistogramSample& sample) {
  uint64_t value_bits = 0;
  if (FindFloat(*series, sample.time_ms, &value_bits)) return Verdict::kRejected;
  RichTail* const rich = MakeRich(series);
  if (const auto found = rich->Find(sample.time_ms); found != nullptr) {
    return SameSample(*found, *sample.histogram) ? Verdict::kDuplicate : Verdict::kRejected;
  }
  rich->InsertLate(sample);
  tail_bytes_ += MemoryBytes(*sample.histogram);
  return Verdict::kLate;
}

void Head::AppendHistogram(Series* series, const model::HistogramSample& sample) {
  RichTail* const rich = MakeRich(series);
  const size_t before = rich->chunk_count();
  tail_bytes_ += rich->Append(sample);
  chunks_ += rich->chunk_count() - before;
}

void Head::ApplyHistogram(const AppendPlan::Step& step, const AppendPlan::Extra& extra) {
  if (step.late != 0) return;
  Series& series = at(step.series);
  // The next float is coded against the newest sample, which is none.
  CloseChunk(step.before.time_ms, &series);
  AppendHistogram(&series, extra.histogram);
}

void Head::ApplyStart(const AppendPlan::Step& step, int64_t start_ms) {
  Series& series = at(step.series);
  if (start_ms == 0 && (rich(series) == nullptr || rich(series)->starts.empty())) return;
  StartTimes& starts = MakeRich(&series)->starts;
  const size_t before = starts.memory_bytes();
  if (step.late != 0) {
    starts.AddLate(step.sample.time_ms, start_ms);
  } else {
    starts.Append(step.sample.time_ms, start_ms);
  }
  tail_bytes_ += starts.memory_bytes() - before;
}

void Head::ReplayHistogram(uint32_t id, const model::HistogramSample& logged) {
  if (!CheckHistogram(*logged.histogram).ok()) return;
  Series& series = at(id);
  model::HistogramSample sample = logged;
  if (sample.time_ms > series.newest.time_ms) {
    const auto before = NewestIsHistogram(series) ? rich(series)->newest : nullptr;
    sample.histogram = WithDerivedHint(logged.histogram, before.get());
    CloseChunk(series.newest.time_ms, &series);
    SetNewest(&series, {sample.time_ms, 0}, sample.histogram);
    AppendHistogram(&series, sample);
  } else if (sample.time_ms == series.newest.time_ms ||
             JudgeLateHistogram(&series, sample) != Verdict::kLate) {
    return;  // logged twice: the first one counts
  }
  max_ms_ = std::max(max_ms_, sample.time_ms);
  min_ms_ = std::min(min_ms_, sample.time_ms);
  ++samples_;
}

// What the series has; null where that is nothing. Knows its newest sample afterwards, no more.
std::unique_ptr<const RichPart> Head::TakeRich(Series* series) {
  RichTail* const rich = this->rich(*series);
  if (rich == nullptr) return nullptr;
  std::unique_ptr<const RichPart> part;
  if (rich->has_samples() || !rich->starts.empty()) {
    part = std::make_unique<const RichPart>(rich->Take());
  }
  if (rich->newest == nullptr) {
    rich_bytes_ -= sizeof(RichTail) + sizeof(Tail);
    tail(*series)->rich.reset();
  }
  return part;
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/delta_table.h"

#include <absl/container/flat_hash_map.h>

namespace hearth::api {

DeltaTable::DeltaTable(DeltaTableOptions options, const Clock& clock, Registry& metrics)
    : options_(options),
      clock_(clock),
      series_(metrics.AddGauge("hearth_api_otlp_delta_series",
                               "Series of delta temporality whose totals are held.")),
      refused_(metrics.AddCounter("hearth_api_otlp_delta_refused_total",
                                  "Points of delta temporality that were out of order, or beyond "
                                  "what the table holds.")) {}

std::string_view DeltaTable::Text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAdded:
      return "";
    case Outcome::kOutOfOrder:
      return "out of order: a delta must be later than the one before it";
    case Outcome::kFull:
      return "too many series of delta temporality: let the sender use cumulative temporality";
  }
  return "";
}

void DeltaTable::ForgetStale(int64_t now_ms) {
  absl::erase_if(
      totals_, [&](const auto& item) { return item.second.used_ms < now_ms - options_.stale_ms; });
  swept_ms_ = now_ms;
}

void DeltaTable::AddTo(Total* total, codec::OtlpSample* sample) {
  if (sample->histogram == nullptr) {
    total->value += sample->value;
    sample->value = total->value;
    return;
  }
  promql::FloatHistogram delta = promql::FloatHistogram::FromModel(*sample->histogram);
  if (total->histogram == nullptr) {
    total->histogram = std::make_unique<promql::FloatHistogram>(std::move(delta));
  } else if (promql::Add(total->histogram.get(), delta).incompatible) {
    // Buckets of another kind: a new counter.
    *total->histogram = std::move(delta);
    total->start_ms = sample->start_ms;
  }
  total->histogram->hint = model::CounterResetHint::kUnknown;
  auto sum = std::make_shared<model::NativeHistogram>(total->histogram->ToModel());
  sum->is_float = sample->histogram->is_float;  // sums of whole counts are whole
  sample->histogram = std::move(sum);
}

DeltaTable::Outcome DeltaTable::Add(std::string_view workspace, codec::OtlpSample* sample) {
  std::string key(workspace);
  key += '\0';
  key += sample->labels.packed();
  const int64_t now_ms = clock_.NowMs();
  absl::MutexLock lock(&mutex_);
  if (now_ms - swept_ms_ >= options_.stale_ms) ForgetStale(now_ms);
  auto found = totals_.find(std::string_view(key));
  if (found == totals_.end()) {
    if (totals_.size() >= options_.series_max) {
      refused_.Add();
      return Outcome::kFull;
    }
    found = totals_.emplace(std::move(key), Total()).first;
    found->second.start_ms = sample->start_ms;
    series_.Set(static_cast<double>(totals_.size()));
  } else if (sample->time_ms <= found->second.last_ms ||
             sample->start_ms < found->second.start_ms) {
    refused_.Add();
    return Outcome::kOutOfOrder;
  }
  Total& total = found->second;
  AddTo(&total, sample);
  total.last_ms = sample->time_ms;
  total.used_ms = now_ms;
  sample->start_ms = total.start_ms;
  sample->delta = false;
  return Outcome::kAdded;
}

}  // namespace hearth::api

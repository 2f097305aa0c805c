// SPDX-License-Identifier: Apache-2.0
#include "codec/nhcb.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "codec/go_float.h"
#include "codec/histogram_spans.h"

namespace hearth::codec {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Empty buckets that upstream leaves between full ones: none of a float histogram, two of another.
constexpr int64_t kWholeGapMax = 2;

bool IsWhole(double count) { return count == std::round(count) && std::fabs(count) < 0x1p63; }

absl::Status NotCumulative(double count, double before) {
  return InvalidArgument("count is not cumulative: {} < {}", FormatGoGeneral(count),
                         FormatGoGeneral(before));
}

}  // namespace

void NhcbBuilder::SetBucket(double upper_bound, double cumulative_count) {
  if (!error_.ok()) return;
  if (std::isnan(upper_bound)) {
    error_ = InvalidArgument("bucket boundary must not be NaN");
  } else if (cumulative_count < 0) {
    error_ = InvalidArgument("bucket count must be non-negative: le={}, count={}",
                             FormatGoGeneral(upper_bound), FormatGoGeneral(cumulative_count));
  } else {
    sorted_ = sorted_ && (buckets_.empty() || buckets_.back().first < upper_bound);
    buckets_.emplace_back(upper_bound, cumulative_count);
  }
}

// All at once: one by one, a hostile order would take a scrape hours.
absl::Status NhcbBuilder::SortBuckets() {
  if (!sorted_) {
    std::stable_sort(buckets_.begin(), buckets_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    // Given twice: the first counts.
    const auto end = std::unique(buckets_.begin(), buckets_.end(),
                                 [](const auto& a, const auto& b) { return a.first == b.first; });
    buckets_.erase(end, buckets_.end());
  }
  for (size_t i = 1; i < buckets_.size(); ++i) {
    if (buckets_[i].second < buckets_[i - 1].second) {
      return NotCumulative(buckets_[i].second, buckets_[i - 1].second);
    }
  }
  return absl::OkStatus();
}

void NhcbBuilder::SetCount(double count) {
  if (!error_.ok()) return;
  if (count < 0) {
    error_ = InvalidArgument("count must be non-negative: count={}", FormatGoGeneral(count));
    return;
  }
  count_ = count;
  has_count_ = true;
}

absl::StatusOr<std::shared_ptr<model::NativeHistogram>> NhcbBuilder::Convert() {
  TRY(error_);
  TRY(SortBuckets());
  if (!has_count_ && !buckets_.empty()) count_ = buckets_.back().second;
  if (buckets_.empty() || buckets_.back().first != kInfinity) {
    buckets_.emplace_back(kInfinity, count_);
  }
  if (count_ != buckets_.back().second) {
    return InvalidArgument("count mismatch: count={} != le=+Inf count={}", FormatGoGeneral(count_),
                           FormatGoGeneral(buckets_.back().second));
  }
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->schema = model::kCustomBucketsSchema;
  histogram->count = count_;
  histogram->sum = sum_;
  histogram->is_float = !IsWhole(count_);
  histogram->positive_spans.push_back({0, static_cast<uint32_t>(buckets_.size())});
  double before = 0;
  for (const auto& [bound, count] : buckets_) {
    histogram->is_float |= !IsWhole(count);
    histogram->positive_buckets.push_back(count - before);
    before = count;
    if (bound != kInfinity) histogram->custom_values.push_back(bound);
  }
  CompactHistogram(histogram->is_float ? 0 : kWholeGapMax, histogram.get());
  return histogram;
}

void NhcbBuilder::Reset() {
  buckets_.clear();
  sorted_ = true;
  count_ = 0;
  sum_ = 0;
  has_count_ = false;
  error_ = absl::OkStatus();
}

NhcbReader::Part NhcbReader::PartOf(const std::vector<model::Label>& labels,
                                    double* upper_bound) const {
  std::string_view name;
  std::string_view bound;
  for (const model::Label& label : labels) {
    if (label.name == model::kMetricName) name = label.value;
    if (label.name == model::kBucketLabel) bound = label.value;
  }
  if (family_.empty() || !name.starts_with(family_)) return Part::kNone;
  name.remove_prefix(family_.size());
  if (name == "_sum") return Part::kSum;
  if (name == "_count") return Part::kCount;
  const bool is_bucket =
      name == "_bucket" && ParseGoFloat(bound, upper_bound) && !std::isnan(*upper_bound);
  return is_bucket ? Part::kBucket : Part::kNone;
}

absl::StatusOr<NhcbReader::Took> NhcbReader::Collect() {
  TRY_ASSIGN(const std::vector<model::Label>* labels, inner_->Labels());
  double upper_bound = 0;
  const Part part = PartOf(*labels, &upper_bound);
  model::Labels base;
  if (part != Part::kNone) {
    std::vector<model::Label> of_histogram = {{model::kMetricName, family_}};
    for (const model::Label& label : *labels) {
      if (label.name != model::kBucketLabel && label.name != model::kMetricName) {
        of_histogram.push_back(label);
      }
    }
    base = model::Labels::FromPairs(std::move(of_histogram));
  }
  if (collecting_ && (part == Part::kNone || base != collected_) && Emit()) return Took::kEmitted;
  if (part == Part::kNone) return Took::kNothing;
  if (!collecting_) {
    collecting_ = true;
    collected_ = std::move(base);
    collected_start_ms_ = inner_->start_time_ms();
  }
  // They go to the converted histogram even where the classic series stay, as upstream has it.
  model::Exemplar exemplar;
  while (inner_->NextExemplar(&exemplar)) exemplars_.push_back(std::move(exemplar));
  if (part == Part::kBucket) builder_.SetBucket(upper_bound, inner_->value());
  if (part == Part::kCount) builder_.SetCount(inner_->value());
  if (part == Part::kSum) builder_.SetSum(inner_->value());
  return Took::kPart;
}

bool NhcbReader::Emit() {
  if (!collecting_) return false;
  collecting_ = false;
  auto converted = builder_.Convert();
  builder_.Reset();
  ready_exemplars_ = std::exchange(exemplars_, {});
  next_exemplar_ = 0;
  // What does not convert is no error: its classic series alone are there, or nothing.
  if (!converted.ok() || !model::Validate(**converted).ok()) return false;
  emitting_ = true;
  histogram_ = *std::move(converted);
  labels_ = std::move(collected_);
  start_time_ms_ = collected_start_ms_;
  has_exemplars_ = !ready_exemplars_.empty();
  label_list_.assign(labels_.begin(), labels_.end());
  // No text format has such a byte before a name.
  own_text_ = "\xff";
  own_text_ += labels_.packed();
  series_text_ = own_text_;
  return true;
}

ExpositionEntry NhcbReader::PassOn(ExpositionEntry entry) {
  series_text_ = inner_->series_text();
  metric_ = inner_->metric();
  text_ = inner_->text();
  type_ = inner_->type();
  value_ = inner_->value();
  start_time_ms_ = inner_->start_time_ms();
  has_exemplars_ = inner_->has_exemplars();
  return entry;
}

absl::StatusOr<ExpositionEntry> NhcbReader::Next() {
  while (true) {
    ExpositionEntry entry = pending_;
    if (!std::exchange(emitting_, false)) {
      TRY_ASSIGN(entry, inner_->Next());
      if (entry == ExpositionEntry::kSample) {
        // Upstream gives a converted histogram the time of the line that was read last.
        has_time_ = inner_->has_time();
        time_ms_ = inner_->time_ms();
      } else if (entry == ExpositionEntry::kType) {
        const bool is_histogram = inner_->type() == model::MetricType::kHistogram;
        family_ = is_histogram ? inner_->metric() : "";
      }
      if (entry != ExpositionEntry::kSample && Emit()) {
        pending_ = entry;
        return ExpositionEntry::kHistogram;
      }
    }
    if (entry != ExpositionEntry::kSample) return PassOn(entry);
    TRY_ASSIGN(const Took took, Collect());
    if (took == Took::kEmitted) {
      pending_ = entry;
      return ExpositionEntry::kHistogram;
    }
    if (took == Took::kNothing || keep_classic_) return PassOn(entry);
  }
}

absl::StatusOr<const std::vector<model::Label>*> NhcbReader::Labels() {
  return emitting_ ? &label_list_ : inner_->Labels();
}

bool NhcbReader::NextExemplar(model::Exemplar* exemplar) {
  if (!emitting_) return inner_->NextExemplar(exemplar);
  if (next_exemplar_ >= ready_exemplars_.size()) return false;
  *exemplar = std::move(ready_exemplars_[next_exemplar_++]);
  return true;
}

}  // namespace hearth::codec

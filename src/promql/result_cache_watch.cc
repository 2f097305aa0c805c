// SPDX-License-Identifier: Apache-2.0
#include "promql/result_cache_watch.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "promql/grid.h"

namespace hearth::promql {
namespace {

// Digits that a double holds exactly: longer texts may mean the same number.
constexpr size_t kDigitsMax = 15;

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

uint8_t SpellingOfBound(std::string_view le) {
  if (le == "+Inf") return 0;
  if (le.starts_with('-')) le.remove_prefix(1);
  if (le.size() > kDigitsMax) return LabelsSeen::kOdd;
  const size_t e = le.find('e');
  const std::string_view mantissa = le.substr(0, e);
  const size_t dot = mantissa.find('.');
  const std::string_view whole = mantissa.substr(0, dot);
  const bool has_fraction = dot != std::string_view::npos;
  const std::string_view fraction = has_fraction ? mantissa.substr(dot + 1) : "";
  if (!AllDigits(whole) || (has_fraction && !AllDigits(fraction))) return LabelsSeen::kOdd;
  if (whole.size() > 1 && whole[0] == '0') return LabelsSeen::kOdd;
  if (e != std::string_view::npos) {
    const std::string_view exponent = le.substr(e + 1);
    const bool scientific = whole.size() == 1 && whole[0] != '0' && !fraction.ends_with('0') &&
                            (exponent.starts_with('+') || exponent.starts_with('-')) &&
                            exponent.size() >= 3 && AllDigits(exponent.substr(1)) &&
                            (exponent.size() == 3 || exponent[1] != '0');
    return scientific ? LabelsSeen::kExponent : LabelsSeen::kOdd;
  }
  if (fraction == "0") return LabelsSeen::kDotZero;
  return fraction.ends_with('0') ? LabelsSeen::kOdd : 0;
}

class WatchedQuerier::Set : public storage::SeriesSet {
 public:
  Set(std::unique_ptr<storage::SeriesSet> set, bool buckets, std::atomic<uint8_t>* seen)
      : set_(std::move(set)), buckets_(buckets), seen_(*seen) {}
  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    TRY_ASSIGN(const bool more, set_->Next(batch));
    if (!more) return false;
    LabelsSeen seen;
    for (const storage::SeriesColumns& series : batch->series) {
      for (const model::Label& label : series.labels) {
        if (buckets_ && label.name == model::kBucketLabel) seen.Add({SpellingOfBound(label.value)});
        if (!label.name.starts_with("__") || label.name == model::kMetricName) continue;
        if (IsMetadataLabel(label.name)) seen.Add({LabelsSeen::kMetadata});
      }
    }
    seen_.fetch_or(seen.bits, std::memory_order_relaxed);
    return true;
  }
  std::vector<std::string> warnings() const override { return set_->warnings(); }

 private:
  const std::unique_ptr<storage::SeriesSet> set_;
  const bool buckets_;
  std::atomic<uint8_t>& seen_;
};

absl::StatusOr<std::unique_ptr<storage::SeriesSet>> WatchedQuerier::Select(
    const storage::SelectRequest& request) const {
  TRY_ASSIGN(auto set, querier_.Select(request));
  return std::make_unique<Set>(std::move(set), buckets_, &seen_);
}

}  // namespace hearth::promql

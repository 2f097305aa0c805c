// SPDX-License-Identifier: Apache-2.0
// A querier that looks at the labels which pass by, for the two things that decide whether an
// answer may be put together from pieces and that the expression does not tell:
//   - __type__ and __unit__ go with the name: series of one metric may then be equal, which is an
//     error over all steps together
//   - bounds of classic buckets in three spellings: three equal bounds are added up in the order of
//     rows, and that may depend on the steps. Two spellings are no matter: a + b is b + a.
// One evaluation's; thread-safe as a querier is.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/querier.h"

namespace hearth::promql {

// What was seen, as bits; those of several evaluations are or-ed.
struct LabelsSeen {
  static constexpr uint8_t kMetadata = 1;  // __type__, __unit__
  static constexpr uint8_t kDotZero = 2;   // le="1.0"
  static constexpr uint8_t kExponent = 4;  // le="1e+06"
  static constexpr uint8_t kOdd = 8;       // le="1.50", le="1e6" and the like
  uint8_t bits = 0;
  void Add(LabelsSeen other) { bits = static_cast<uint8_t>(bits | other.bits); }
  bool allow_pieces() const {
    constexpr uint8_t kBoth = kDotZero | kExponent;
    return (bits & (kMetadata | kOdd)) == 0 && (bits & kBoth) != kBoth;
  }
};
// The bit of a bound's spelling; 0 where it is the plain one.
uint8_t SpellingOfBound(std::string_view le);

class WatchedQuerier : public storage::Querier {
 public:
  // `buckets`: look at le as well.
  WatchedQuerier(const storage::Querier& querier, bool buckets)
      : querier_(querier), buckets_(buckets) {}

  LabelsSeen seen() const { return {seen_.load(std::memory_order_relaxed)}; }
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override;
  absl::StatusOr<std::vector<model::Labels>> Series(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override {
    return querier_.Series(range, selectors, limit);
  }
  absl::StatusOr<std::vector<std::string>> LabelNames(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override {
    return querier_.LabelNames(range, selectors, limit);
  }
  absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view name, storage::TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const override {
    return querier_.LabelValues(name, range, selectors, limit);
  }
  std::vector<model::Metadata> MetricMetadata(std::string_view metric,
                                              size_t limit) const override {
    return querier_.MetricMetadata(metric, limit);
  }

 private:
  class Set;
  const storage::Querier& querier_;
  const bool buckets_;
  mutable std::atomic<uint8_t> seen_{0};
};

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// Reads of one evaluation of a rule group. Selectors that the group asked for more than once the
// last time, over times that touch, are read from the store once and kept in memory until the
// evaluation ends; everything else goes to the store as it is. So ten rules over
// http_requests_total cost one read of it.
//
// What the group itself writes is never shared: a rule sees what the rules before it recorded.
// Thread-safe; the store and `memory` outlive it, and it outlives its sets.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/querier.h"

namespace hearth::rules {

// What a group asked for in its last evaluation, by the text of the matchers. Times are relative to
// that evaluation. Not thread-safe: one evaluation at a time.
struct ReadHabits {
  struct Habit {
    int64_t min_ms = 0;
    int64_t max_ms = 0;
    int64_t asked_ms = 0;  // the lengths of all reads together
    size_t reads = 0;
    bool too_big = false;  // was more than kSharedBytesMax once: not tried again
  };
  std::map<std::string, Habit, std::less<>> by_selector;
};

class SharedReads : public storage::Querier {
 public:
  // Of one evaluation; a selector that would take more is read by each rule on its own.
  static constexpr size_t kSharedBytesMax = size_t{64} << 20;

  // `written`: metric names that the group writes.
  SharedReads(const storage::Querier& store, int64_t time_ms, const std::set<std::string>& written,
              const ReadHabits& before)
      : store_(store), time_ms_(time_ms), written_(written), before_(before) {}

  // What this evaluation asked for, for the next one.
  ReadHabits TakeHabits();
  // Reads that did not go to the store.
  size_t reads_saved() const;

  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override;
  absl::StatusOr<std::vector<model::Labels>> Series(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override {
    return store_.Series(range, selectors, limit);
  }
  absl::StatusOr<std::vector<std::string>> LabelNames(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override {
    return store_.LabelNames(range, selectors, limit);
  }
  absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view name, storage::TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const override {
    return store_.LabelValues(name, range, selectors, limit);
  }
  std::vector<model::Metadata> MetricMetadata(std::string_view metric,
                                              size_t limit) const override {
    return store_.MetricMetadata(metric, limit);
  }

 private:
  struct Kept;  // one selector's series over the whole of its times
  class Set;
  bool MayBeWritten(const std::vector<model::Matcher>& matchers) const;
  // The times to read at once for this request; false where it is not worth it.
  bool WorthSharing(const std::string& key, const storage::SelectRequest& request,
                    storage::TimeRange* range) const;
  absl::StatusOr<std::shared_ptr<const Kept>> Read(const storage::SelectRequest& request,
                                                   storage::TimeRange range) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const storage::Querier& store_;
  const int64_t time_ms_;
  const std::set<std::string>& written_;
  const ReadHabits& before_;
  mutable absl::Mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const Kept>, std::less<>> kept_
      ABSL_GUARDED_BY(mutex_);
  mutable ReadHabits habits_ ABSL_GUARDED_BY(mutex_);
  mutable size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable size_t saved_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::rules

// SPDX-License-Identifier: Apache-2.0
// Reads a head that others write to, holding its lock for less than a millisecond at a time: who
// asks for a hundred thousand series must not keep writers waiting until all are found and copied.
// What is seen is still of one moment, but for samples that came late while it was read.
//
// For one thread. Every call takes the head's lock, shared, for itself; labels are read without it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "tsdb/head.h"

namespace hearth::tsdb {

class HeadReader : public IndexReader {
 public:
  // Series that come later are not seen. `helpers`: whose threads have the priority of those that
  // write; may be null. `locked_throughout`: by the caller, for as long as this lives.
  HeadReader(const Head& head, absl::Mutex& mutex, ThreadPool* helpers, bool locked_throughout)
      ABSL_SHARED_LOCKS_REQUIRED(mutex);

  // Samples or series left the head since the beginning: nothing that was read counts.
  bool stale() const { return stale_; }
  uint64_t epoch() const { return epoch_; }
  // Whether one of the series numbered from `first` on matches, or they are too many to look at.
  bool AnyMatchesFrom(uint32_t first, const std::vector<model::Matcher>& matchers) const;
  // What the series of these numbers have in the range, as of one moment of the call.
  HeadSnapshot Snapshot(const SeriesIds& ids, storage::TimeRange range,
                        const storage::SelectHints& hints) const;
  // Those that match and may have samples in the range.
  SeriesIds Find(const std::vector<model::Matcher>& matchers, storage::TimeRange range) const;
  void AppendLabels(uint32_t id, std::string* packed) const { labels_->Append(id, packed); }

  size_t series_count() const override { return series_; }
  size_t ValueCount(std::string_view name) const override;
  void Postings(std::string_view name, std::string_view value, SeriesIds* ids) const override;
  void ForEachName(absl::FunctionRef<void(std::string_view)> visit) const override;
  void ForEachValue(std::string_view name,
                    absl::FunctionRef<void(std::string_view)> visit) const override;
  std::string_view Value(uint32_t id, std::string_view name) const override {
    return labels_->Value(id, name);
  }

 private:
  // Calls body() with the lock held, unless what was read so far counts no more.
  void Locked(absl::FunctionRef<void()> body) const;
  // Calls body(). A thread that gives way to others may hold the lock for as long as they run: for
  // the likes of it a helper calls it, if one has time.
  void Promptly(absl::FunctionRef<void()> body) const;
  void CopySlices(storage::TimeRange range, const storage::SelectHints& hints,
                  const std::vector<HeadMark>& marks, HeadSnapshot* snapshot) const;

  const Head& head_;
  absl::Mutex& mutex_;
  ThreadPool* const helpers_;
  const bool locked_throughout_;
  const uint64_t epoch_;
  const uint32_t generation_;
  const uint32_t series_;
  const bool empty_;  // it has no samples
  const std::shared_ptr<const FrozenHead> frozen_;
  const std::shared_ptr<const LabelStore> labels_;
  mutable bool stale_ = false;
};

}  // namespace hearth::tsdb

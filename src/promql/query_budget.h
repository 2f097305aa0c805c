// SPDX-License-Identifier: Apache-2.0
// What the intermediate results of all queries of a process may take together. Where they take
// more, the largest query is ended, and the next largest where that is not enough: small ones and
// those of rules go on. Estimates, as what one query counts of itself.
//
// Thread-safe, but for a Share: its Report is called by one thread at a time.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/metrics.h"

namespace hearth::promql {

class QueryBudget {
 public:
  QueryBudget(uint64_t bytes_max, Registry& metrics);
  ~QueryBudget();
  QueryBudget(const QueryBudget&) = delete;
  QueryBudget& operator=(const QueryBudget&) = delete;

  // One query's part, for as long as it is evaluated. The budget must outlive it.
  class Share {
   public:
    // `expendable`: may be ended for the others' sake. A null budget allows everything.
    Share(QueryBudget* budget, bool expendable);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    // What the query holds now; cheap, small changes are not passed on.
    void Report(size_t bytes);
    // ResourceExhausted once the query was chosen to end.
    absl::Status Check() const {
      return chosen_.load(std::memory_order_relaxed) ? Ended() : absl::OkStatus();
    }

   private:
    friend class QueryBudget;
    absl::Status Ended() const;
    QueryBudget* const budget_;
    const bool expendable_;
    std::atomic<size_t> bytes_{0};  // as last passed on
    std::atomic<bool> chosen_{false};
  };

  // Ends the largest query that may be ended, whatever the budget says: for whoever sees that the
  // process as a whole takes too much. False where there is none.
  bool EndLargest();
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  // Ends queries, largest first, until those that are left take no more than `bytes_max`.
  bool EndUntil(uint64_t bytes_max);

  const uint64_t bytes_max_;
  Registry& metrics_;
  Counter& ended_;
  std::atomic<uint64_t> bytes_{0};
  absl::Mutex mutex_;
  absl::flat_hash_set<Share*> shares_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::promql

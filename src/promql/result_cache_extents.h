// SPDX-License-Identifier: Apache-2.0
// Runs of steps that were evaluated, by store and query, under a budget of bytes. Where it is
// spent, the store that holds most loses what it has not used for the longest time: one that asks
// much does not push out the others. What nobody used for an hour goes. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/string_map.h"
#include "model/labels.h"
#include "promql/result_cache_watch.h"

namespace hearth::promql {

// The final values of one query at `steps` steps from `first_ms` on. Immutable.
struct Extent {
  struct Row {
    model::Labels labels;
    std::vector<uint32_t> at;  // which steps have a value, ascending; empty: all
    std::vector<double> values;
  };
  uint64_t number = 0;  // of the store's changes, before it was evaluated
  int64_t first_ms = 0;
  size_t steps = 0;
  std::vector<Row> rows;  // by labels
  // Not less than what one evaluation of all steps would hold in samples at a time.
  int64_t peak_samples = 0;
  int64_t series = 0;  // selected, at most
  LabelsSeen seen;
  size_t bytes() const;
};

class Extents {
 public:
  static constexpr int64_t kIdleNs = int64_t{3600} * 1'000'000'000;

  // `clock` and `metrics` must outlive it.
  Extents(size_t bytes_max, const Clock& clock, Registry& metrics);
  ~Extents();

  // Null where there is none.
  std::shared_ptr<const Extent> Find(uint64_t store, std::string_view key);
  // In place of what is there. What takes more than a quarter of the budget is not kept.
  void Put(uint64_t store, std::string_view key, std::shared_ptr<const Extent> extent);
  size_t bytes() const;

 private:
  struct Item {
    std::string key;
    std::shared_ptr<const Extent> extent;
    size_t bytes = 0;
    int64_t used_ns = 0;
  };
  struct Owner {
    std::list<Item> items;  // the one used last comes first
    StringMap<std::list<Item>::iterator> by_key;
    size_t bytes = 0;
  };
  // These three move what they drop to `dropped`: it is freed without the lock.
  void DropLast(Owner* owner, std::list<Item>* dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom(std::list<Item>* dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropIdle(int64_t now_ns, std::list<Item>* dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t bytes_max_;
  const Clock& clock_;
  Counter& evicted_;
  Gauge& bytes_gauge_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Owner>> owners_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t swept_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::promql

// SPDX-License-Identifier: Apache-2.0
// The queries that are evaluated right now, so that they can be listed and cancelled. A query is in
// the table for as long as its Handle lives. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"

namespace hearth::api {

class RunningQueries {
 public:
  struct Entry {
    uint64_t id = 0;  // unique while the process runs
    std::string workspace;
    std::string query;  // cut after kQueryTextMax bytes
    std::string caller;
    int64_t start_ms = 0;  // of the range; both the same of an instant query
    int64_t end_ms = 0;
    int64_t step_ms = 0;  // 0: instant
    int64_t started_ms = 0;
    int64_t started_ns = 0;
    std::shared_ptr<std::atomic<bool>> cancelled;  // set to true to end it
  };
  // A listed query of a megabyte helps no one.
  static constexpr size_t kQueryTextMax = 4096;

  RunningQueries(const Clock& clock, Registry& metrics);

  class Handle {
   public:
    Handle(RunningQueries& table, uint64_t id) : table_(table), id_(id) {}
    ~Handle() { table_.Remove(id_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

   private:
    RunningQueries& table_;
    const uint64_t id_;
  };
  // `entry` but for id and times, which are set here.
  [[nodiscard]] std::unique_ptr<Handle> Add(Entry entry);

  std::vector<Entry> List(std::string_view workspace) const;  // oldest first
  // False where no such query of that workspace runs (any more).
  bool Cancel(std::string_view workspace, uint64_t id);

 private:
  void Remove(uint64_t id);

  const Clock& clock_;
  Gauge& running_gauge_;
  Counter& cancelled_;
  mutable absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::api

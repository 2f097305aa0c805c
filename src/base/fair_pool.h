// SPDX-License-Identifier: Apache-2.0
// Threads and a bounded queue for tasks of many owners, none of whom can starve the others: the
// next task is one of the owner that has fewest running, of those the one that has waited longest
// since its last turn. One owner's tasks take at most three quarters of the threads and of the
// queue, so that whoever comes next finds room. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "base/threads.h"

namespace hearth {

class FairPool {
 public:
  struct Options {
    std::string name;
    size_t threads = 4;
    size_t queue_max = 256;  // tasks waiting, of all owners
    int nice = 0;            // how much the threads give way to others, 0 … 19
  };
  explicit FairPool(Options options);
  // Finishes what is queued.
  ~FairPool();

  // False when the queue is full, for all or for this owner: answer "overloaded".
  [[nodiscard]] bool TrySubmit(std::string_view owner, std::function<void()> task);
  size_t queued() const;

 private:
  struct Owner {
    std::deque<std::function<void()>> tasks;
    size_t running = 0;
    uint64_t served = 0;  // the turn at which it was last served
  };
  void Run();
  // The owner whose task is next; end() where none may run.
  StringMap<Owner>::iterator Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const size_t running_max_;  // of one owner
  const size_t queued_max_;   // of one owner
  mutable absl::Mutex mutex_;
  absl::CondVar fresh_;                              // one more task may run
  StringMap<Owner> owners_ ABSL_GUARDED_BY(mutex_);  // those with tasks, waiting or running
  size_t queued_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Thread> threads_;
};

// From here on the calling thread, and those that it begins, give way to others as nice(2) says.
// What the system refuses is left as it is.
void LowerThreadPriority(int nice);
// Whether the calling thread does so.
bool GivesWay();

}  // namespace hearth

// SPDX-License-Identifier: Apache-2.0
// Threads as owned, named, joined things: Thread for a loop, ThreadPool for bounded work.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hearth {

// Runs `body` on a thread of that name (cut to 15 characters, as the kernel does); the destructor
// joins, so whoever owns it must have told the body to end.
class Thread {
 public:
  Thread() = default;
  Thread(std::string name, std::function<void()> body);
  ~Thread() { Join(); }
  Thread(Thread&&) = default;
  Thread& operator=(Thread&& other);
  void Join();

 private:
  std::thread thread_;
};

// A fixed number of threads and a bounded queue. Thread-safe. The destructor finishes what is
// queued.
class ThreadPool {
 public:
  struct Options {
    std::string name;
    size_t threads = 2;
    size_t queue_max = 1024;  // tasks waiting; beyond it TrySubmit refuses
  };
  explicit ThreadPool(Options options);
  ~ThreadPool();
  // False when the queue is full or the pool is stopping: the caller must answer "overloaded".
  [[nodiscard]] bool TrySubmit(std::function<void()> task);
  size_t queued() const;
  // Runs body(0) … body(n-1), on the pool's threads and on the caller's; returns when all are done.
  // May be called from a task of the same pool (the caller works through what nobody took).
  void ParallelFor(size_t n, const std::function<void(size_t)>& body);
  size_t threads() const { return options_.threads; }

 private:
  void Run();
  const Options options_;
  mutable absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Thread> threads_;
};

}  // namespace hearth

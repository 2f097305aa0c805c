// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"

#include <pthread.h>

#include <utility>

namespace hearth {

Thread::Thread(std::string name, std::function<void()> body)
    : thread_([name = std::move(name), body = std::move(body)] {
        pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
        body();
      }) {}

Thread& Thread::operator=(Thread&& other) {
  Join();
  thread_ = std::move(other.thread_);
  return *this;
}

void Thread::Join() {
  if (thread_.joinable()) thread_.join();
}

ThreadPool::ThreadPool(Options options) : options_(std::move(options)) {
  for (size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back(options_.name + "-" + std::to_string(i), [this] { Run(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  threads_.clear();
}

bool ThreadPool::TrySubmit(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stopping_ || queue_.size() >= options_.queue_max) return false;
  queue_.push_back(std::move(task));
  return true;
}

size_t ThreadPool::queued() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

void ThreadPool::Run() {
  for (;;) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(
          +[](ThreadPool* pool) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool->mutex_) {
            return pool->stopping_ || !pool->queue_.empty();
          },
          this));
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

void ThreadPool::ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  // Shared with tasks that may start only after this call has returned: they find nothing to do.
  struct Work {
    std::atomic<size_t> next{0};
    absl::Mutex mutex;
    size_t done = 0;
    size_t n = 0;
    const std::function<void(size_t)>* body = nullptr;
  };
  const auto work = std::make_shared<Work>();
  work->n = n;
  work->body = &body;
  const auto drain = [work] {
    size_t finished = 0;
    for (size_t i = work->next++; i < work->n; i = work->next++) {
      (*work->body)(i);
      ++finished;
    }
    if (finished == 0) return;
    absl::MutexLock lock(&work->mutex);
    work->done += finished;
  };
  const size_t helpers = n > 1 ? std::min(n - 1, options_.threads) : 0;
  for (size_t i = 0; i < helpers; ++i) {
    if (!TrySubmit(drain)) break;  // a full queue only means that the caller does more itself
  }
  drain();
  absl::MutexLock lock(&work->mutex);
  work->mutex.Await(absl::Condition(
      +[](Work* w) { return w->done == w->n; }, work.get()));
}

}  // namespace hearth

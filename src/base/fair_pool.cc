// SPDX-License-Identifier: Apache-2.0
#include "base/fair_pool.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace hearth {
namespace {

// Three quarters, and at least one.
size_t ShareOf(size_t whole) { return whole - whole / 4; }

}  // namespace

void LowerThreadPriority(int nice) {
  // Linux keeps it per thread, and who = 0 would mean the same; the id makes it explicit.
  const auto id = static_cast<id_t>(syscall(SYS_gettid));
  if (setpriority(PRIO_PROCESS, id, nice) != 0) return;
}

bool GivesWay() { return getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid))) > 0; }

FairPool::FairPool(Options options)
    : options_(std::move(options)),
      running_max_(ShareOf(options_.threads)),
      queued_max_(ShareOf(options_.queue_max)) {
  for (size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back(options_.name + "-" + std::to_string(i), [this] {
      if (options_.nice > 0) LowerThreadPriority(options_.nice);
      Run();
    });
  }
}

FairPool::~FairPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    fresh_.SignalAll();
  }
  threads_.clear();
}

bool FairPool::TrySubmit(std::string_view owner, std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stopping_ || queued_ >= options_.queue_max) return false;
  auto found = owners_.find(owner);
  if (found == owners_.end()) found = owners_.try_emplace(std::string(owner)).first;
  if (found->second.tasks.size() >= queued_max_) return false;
  found->second.tasks.push_back(std::move(task));
  ++queued_;
  fresh_.Signal();
  return true;
}

size_t FairPool::queued() const {
  absl::MutexLock lock(&mutex_);
  return queued_;
}

StringMap<FairPool::Owner>::iterator FairPool::Next() {
  auto next = owners_.end();
  if (queued_ == 0) return next;
  for (auto at = owners_.begin(); at != owners_.end(); ++at) {
    const Owner& owner = at->second;
    if (owner.tasks.empty() || owner.running >= running_max_) continue;
    if (next == owners_.end() || owner.running < next->second.running ||
        (owner.running == next->second.running && owner.served < next->second.served)) {
      next = at;
    }
  }
  return next;
}

void FairPool::Run() {
  std::string name;
  std::function<void()> task;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      auto next = Next();
      // A thread that ends a task looks for the next itself, and that task's end lets at most one
      // more run: only TrySubmit has to wake one.
      while (next == owners_.end() && !(stopping_ && queued_ == 0)) {
        fresh_.Wait(&mutex_);
        next = Next();
      }
      if (next == owners_.end()) return;
      Owner& owner = next->second;
      name = next->first;
      task = std::move(owner.tasks.front());
      owner.tasks.pop_front();
      --queued_;
      ++owner.running;
      owner.served = ++turn_;
    }
    task();
    task = nullptr;  // what it holds goes before its owner may be forgotten
    absl::MutexLock lock(&mutex_);
    const auto found = owners_.find(name);
    if (--found->second.running == 0 && found->second.tasks.empty()) owners_.erase(found);
    if (stopping_) fresh_.SignalAll();
  }
}

}  // namespace hearth

// SPDX-License-Identifier: Apache-2.0
// Least-recently-used memory for parts of blocks (indexes, pages) and what was found in them
// (selections, what matchers accept), bounded in bytes. Stores may share one. What was handed out
// stays valid when it falls out. One entry may exceed the bound: it is kept until the
// next comes. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>

namespace hearth::tsdb {

class BlockCache {
 public:
  using Key = std::pair<uint64_t, uint64_t>;  // owner, part
  using Value = std::shared_ptr<const void>;

  explicit BlockCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // A number for a block or a store: no two of one process are the same.
  static uint64_t NewOwner() {
    static std::atomic<uint64_t> next{1};
    return next++;
  }

  Value Get(const Key& key) {
    absl::MutexLock lock(&mutex_);
    const auto it = entries_.find(key);
    if (it == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->value;
  }
  void Put(const Key& key, Value value, uint64_t bytes) {
    absl::MutexLock lock(&mutex_);
    if (entries_.contains(key)) return;
    order_.push_front({key, std::move(value), bytes});
    entries_[key] = order_.begin();
    bytes_ += bytes;
    while (bytes_ > bytes_max_ && order_.size() > 1) {
      bytes_ -= order_.back().bytes;
      entries_.erase(order_.back().key);
      order_.pop_back();
    }
  }
  void Drop(const Key& key) {
    absl::MutexLock lock(&mutex_);
    const auto it = entries_.find(key);
    if (it == entries_.end()) return;
    bytes_ -= it->second->bytes;
    order_.erase(it->second);
    entries_.erase(it);
  }
  void Clear() {
    absl::MutexLock lock(&mutex_);
    entries_.clear();
    order_.clear();
    bytes_ = 0;
  }
  uint64_t bytes() const {
    absl::MutexLock lock(&mutex_);
    return bytes_;
  }

 private:
  struct Entry {
    Key key;
    Value value;
    uint64_t bytes = 0;
  };
  const uint64_t bytes_max_;
  mutable absl::Mutex mutex_;
  std::list<Entry> order_ ABSL_GUARDED_BY(mutex_);  // the latest used first
  absl::flat_hash_map<Key, std::list<Entry>::iterator> entries_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::tsdb

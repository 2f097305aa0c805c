// SPDX-License-Identifier: Apache-2.0
// The memory of writes that are over, for those to come: once a sender is warm a request allocates
// nothing for its message and batch. Private to this module. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/write_batch.h"

namespace hearth::api {

struct WriteScratch {
  std::string message;  // decompressed
  storage::WriteBatch batch;
};

class WriteScratchPool {
 public:
  // One that a caller has until it is destroyed; empty.
  class Lease {
   public:
    explicit Lease(WriteScratchPool* pool) : pool_(pool), scratch_(pool->Take()) {}
    ~Lease() { pool_->Put(std::move(scratch_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    WriteScratch* operator->() const { return scratch_.get(); }

   private:
    WriteScratchPool* const pool_;
    std::unique_ptr<WriteScratch> scratch_;
  };

 private:
  // As many as threads write at once, mostly; a giant's memory does not stay.
  static constexpr size_t kIdleMax = 8;
  static constexpr size_t kBytesMax = size_t{4} << 20;

  std::unique_ptr<WriteScratch> Take() {
    absl::MutexLock lock(&mutex_);
    if (idle_.empty()) return std::make_unique<WriteScratch>();
    std::unique_ptr<WriteScratch> scratch = std::move(idle_.back());
    idle_.pop_back();
    return scratch;
  }
  void Put(std::unique_ptr<WriteScratch> scratch) {
    scratch->batch.Clear();
    if (scratch->message.capacity() + scratch->batch.memory_bytes() > kBytesMax) return;
    absl::MutexLock lock(&mutex_);
    if (idle_.size() < kIdleMax) idle_.push_back(std::move(scratch));
  }

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<WriteScratch>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
// A rate with a burst: `rate` units a second come in, at most `burst` are kept. A request that
// finds too few takes none. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <cstdint>

namespace hearth::workspace {

class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), level_(burst) {}

  // `now_ns` of a monotonic clock.
  bool Take(double units, int64_t now_ns) {
    absl::MutexLock lock(&mutex_);
    if (last_ns_ != 0 && now_ns > last_ns_) {
      level_ = std::min(burst_, level_ + static_cast<double>(now_ns - last_ns_) / 1e9 * rate_);
    }
    last_ns_ = now_ns;
    if (level_ < units) return false;
    level_ -= units;
    return true;
  }
  double rate() const { return rate_; }

 private:
  const double rate_;
  const double burst_;
  absl::Mutex mutex_;
  double level_ ABSL_GUARDED_BY(mutex_);
  int64_t last_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::workspace

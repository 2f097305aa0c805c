// SPDX-License-Identifier: Apache-2.0
// Time as a parameter: parts are handed a Clock, so that tests decide what time it is.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>

namespace hearth {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, milliseconds since 1970-01-01 UTC; may jump.
  virtual int64_t NowMs() const = 0;
  // Nanoseconds of a clock that never goes back; only differences mean something.
  virtual int64_t MonotonicNs() const = 0;
  // Blocks the calling thread until MonotonicNs() >= deadline_ns or `wake` holds under `mutex`
  // (held on entry and on return). True if `wake` held.
  virtual bool WaitUntil(absl::Mutex& mutex, const absl::Condition& wake,
                         int64_t deadline_ns) const = 0;
};

// The machine's clocks. Thread-safe, lives for the whole process.
const Clock& SystemClock();

// A clock that stands still until told otherwise. Thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 1'700'000'000'000) : now_ms_(now_ms) {}
  int64_t NowMs() const override;
  int64_t MonotonicNs() const override;
  bool WaitUntil(absl::Mutex& mutex, const absl::Condition& wake,
                 int64_t deadline_ns) const override;
  void Advance(int64_t delta_ms);  // moves both clocks and wakes no waiter by itself
  void SetWall(int64_t now_ms);    // a jump of the wall clock alone

 private:
  mutable absl::Mutex mutex_;
  int64_t now_ms_ ABSL_GUARDED_BY(mutex_);
  int64_t monotonic_ns_ ABSL_GUARDED_BY(mutex_) = 1'000'000'000;
};

}  // namespace hearth

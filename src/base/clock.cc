// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <absl/time/time.h>
#include <time.h>

namespace hearth {
namespace {

int64_t ReadClock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

class RealClock : public Clock {
 public:
  int64_t NowMs() const override { return ReadClock(CLOCK_REALTIME) / 1'000'000; }
  int64_t MonotonicNs() const override { return ReadClock(CLOCK_MONOTONIC); }
  bool WaitUntil(absl::Mutex& mutex, const absl::Condition& wake,
                 int64_t deadline_ns) const override {
    const int64_t left_ns = deadline_ns - MonotonicNs();
    return mutex.AwaitWithTimeout(wake, absl::Nanoseconds(left_ns > 0 ? left_ns : 0));
  }
};

// How often a waiter on a ManualClock looks whether the test has moved the time.
constexpr absl::Duration kManualPoll = absl::Milliseconds(1);

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

int64_t ManualClock::NowMs() const {
  absl::MutexLock lock(&mutex_);
  return now_ms_;
}

int64_t ManualClock::MonotonicNs() const {
  absl::MutexLock lock(&mutex_);
  return monotonic_ns_;
}

bool ManualClock::WaitUntil(absl::Mutex& mutex, const absl::Condition& wake,
                            int64_t deadline_ns) const {
  for (;;) {
    if (mutex.AwaitWithTimeout(wake, kManualPoll)) return true;
    if (MonotonicNs() >= deadline_ns) return false;
  }
}

void ManualClock::Advance(int64_t delta_ms) {
  absl::MutexLock lock(&mutex_);
  now_ms_ += delta_ms;
  monotonic_ns_ += delta_ms * 1'000'000;
}

void ManualClock::SetWall(int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  now_ms_ = now_ms;
}

}  // namespace hearth

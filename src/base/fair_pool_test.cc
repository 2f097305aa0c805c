// SPDX-License-Identifier: Apache-2.0
#include "base/fair_pool.h"

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <optional>

namespace hearth {
namespace {

// Holds the threads of a pool until it is released, and records who ran in which order.
class Recorder {
 public:
  std::function<void()> Task(std::string name) {
    return [this, name = std::move(name)] {
      absl::MutexLock lock(&mutex_);
      order_ += name + " ";
    };
  }
  std::function<void()> Blocker() {
    return [this] {
      began_.Notify();
      released_.WaitForNotification();
    };
  }
  void WaitUntilBlocked() { began_.WaitForNotification(); }
  void Release() { released_.Notify(); }
  std::string order() {
    absl::MutexLock lock(&mutex_);
    return order_;
  }

 private:
  absl::Notification began_, released_;
  absl::Mutex mutex_;
  std::string order_;
};

TEST(FairPool, OwnersTakeTurns) {
  Recorder recorder;
  {
    FairPool pool({"test", 1, 100, 0});
    ASSERT_TRUE(pool.TrySubmit("noisy", recorder.Blocker()));
    recorder.WaitUntilBlocked();
    for (const char* name : {"n1", "n2", "n3"}) {
      ASSERT_TRUE(pool.TrySubmit("noisy", recorder.Task(name)));
    }
    ASSERT_TRUE(pool.TrySubmit("quiet", recorder.Task("q1")));
    ASSERT_TRUE(pool.TrySubmit("quiet", recorder.Task("q2")));
    EXPECT_EQ(pool.queued(), 5U);
    recorder.Release();
  }
  EXPECT_EQ(recorder.order(), "q1 n1 q2 n2 n3 ");
}

TEST(FairPool, OneOwnerLeavesRoomInTheQueue) {
  Recorder recorder;
  FairPool pool({"test", 1, 8, 0});
  ASSERT_TRUE(pool.TrySubmit("noisy", recorder.Blocker()));
  recorder.WaitUntilBlocked();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(pool.TrySubmit("noisy", [] {}));
  EXPECT_FALSE(pool.TrySubmit("noisy", [] {}));
  EXPECT_TRUE(pool.TrySubmit("quiet", [] {}));
  EXPECT_TRUE(pool.TrySubmit("other", [] {}));
  EXPECT_FALSE(pool.TrySubmit("late", [] {}));
  recorder.Release();
}

TEST(FairPool, OneOwnerLeavesAThread) {
  absl::Notification released, quiet_ran;
  absl::Mutex mutex;
  int started = 0;
  FairPool pool({"test", 4, 100, 0});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(pool.TrySubmit("noisy", [&] {
      {
        absl::MutexLock lock(&mutex);
        ++started;
      }
      released.WaitForNotification();
    }));
  }
  {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](int* count) { return *count == 3; }, &started));
  }
  ASSERT_TRUE(pool.TrySubmit("quiet", [&] { quiet_ran.Notify(); }));
  quiet_ran.WaitForNotification();
  EXPECT_EQ(pool.queued(), 17U);
  released.Notify();
}

TEST(FairPool, FinishesWhatIsQueued) {
  std::atomic<int> done = 0;
  {
    FairPool pool({"test", 2, 100, 0});
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(pool.TrySubmit(std::to_string(i % 7), [&] { ++done; }));
    }
  }
  EXPECT_EQ(done, 50);
}

TEST(FairPool, ThreadsGiveWayAsAsked) {
  std::atomic<int> nice = -100;
  {
    FairPool pool({"test", 1, 10, 7});
    ASSERT_TRUE(pool.TrySubmit("", [&] { nice = getpriority(PRIO_PROCESS, 0); }));
  }
  EXPECT_GE(nice, 7);
}

}  // namespace
}  // namespace hearth

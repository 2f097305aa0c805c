// SPDX-License-Identifier: Apache-2.0
// For the preset `tsan` only: tells ThreadSanitizer what the distribution's Abseil, which is built
// without it, does with its mutexes. The linker sends each call of absl::Mutex here (--wrap, in
// cmake/CompilerSettings.cmake); while Abseil works, ThreadSanitizer looks away, as it does in an
// Abseil that is built with it. Conditions are evaluated by whichever thread holds the mutex.
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <absl/time/time.h>
#include <sanitizer/tsan_interface.h>

// HEARTH_ABSL is Abseil's inline namespace as a compiler mangles it: "7debian3".
// Each of these defines `returns __wrap_<symbol>(parameters)` and names the real one.
#define HEARTH_WRAP(name, symbol, returns, ...)                 \
  returns Real##name(__VA_ARGS__) __asm__("__real_" symbol);    \
  returns Wrapped##name(__VA_ARGS__) __asm__("__wrap_" symbol); \
  returns Wrapped##name(__VA_ARGS__)

namespace hearth {
namespace {

void BeginUnlock(absl::Mutex* mutex, unsigned flags) {
  __tsan_mutex_pre_unlock(mutex, flags);
  __tsan_mutex_post_unlock(mutex, flags);
  __tsan_mutex_pre_lock(mutex, flags);
}

}  // namespace

HEARTH_WRAP(Lock, "_ZN4absl" HEARTH_ABSL "5Mutex4LockEv", void, absl::Mutex* mutex) {
  __tsan_mutex_pre_lock(mutex, 0);
  RealLock(mutex);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

HEARTH_WRAP(Unlock, "_ZN4absl" HEARTH_ABSL "5Mutex6UnlockEv", void, absl::Mutex* mutex) {
  __tsan_mutex_pre_unlock(mutex, 0);
  RealUnlock(mutex);
  __tsan_mutex_post_unlock(mutex, 0);
}

HEARTH_WRAP(ReaderLock, "_ZN4absl" HEARTH_ABSL "5Mutex10ReaderLockEv", void, absl::Mutex* mutex) {
  __tsan_mutex_pre_lock(mutex, __tsan_mutex_read_lock);
  RealReaderLock(mutex);
  __tsan_mutex_post_lock(mutex, __tsan_mutex_read_lock, 0);
}

HEARTH_WRAP(ReaderUnlock, "_ZN4absl" HEARTH_ABSL "5Mutex12ReaderUnlockEv", void,
            absl::Mutex* mutex) {
  __tsan_mutex_pre_unlock(mutex, __tsan_mutex_read_lock);
  RealReaderUnlock(mutex);
  __tsan_mutex_post_unlock(mutex, __tsan_mutex_read_lock);
}

HEARTH_WRAP(TryLock, "_ZN4absl" HEARTH_ABSL "5Mutex7TryLockEv", bool, absl::Mutex* mutex) {
  __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
  const bool locked = RealTryLock(mutex);
  __tsan_mutex_post_lock(mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed),
                         0);
  return locked;
}

HEARTH_WRAP(Await, "_ZN4absl" HEARTH_ABSL "5Mutex5AwaitERKNS0_9ConditionE", void,
            absl::Mutex* mutex, const absl::Condition& condition) {
  BeginUnlock(mutex, 0);
  RealAwait(mutex, condition);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

HEARTH_WRAP(AwaitWithTimeout,
            "_ZN4absl" HEARTH_ABSL "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE", bool,
            absl::Mutex* mutex, const absl::Condition& condition, absl::Duration timeout) {
  BeginUnlock(mutex, 0);
  const bool met = RealAwaitWithTimeout(mutex, condition, timeout);
  __tsan_mutex_post_lock(mutex, 0, 0);
  return met;
}

HEARTH_WRAP(Wait, "_ZN4absl" HEARTH_ABSL "7CondVar4WaitEPNS0_5MutexE", void,
            absl::CondVar* variable, absl::Mutex* mutex) {
  BeginUnlock(mutex, 0);
  RealWait(variable, mutex);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

HEARTH_WRAP(WaitWithTimeout,
            "_ZN4absl" HEARTH_ABSL "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", bool,
            absl::CondVar* variable, absl::Mutex* mutex, absl::Duration timeout) {
  BeginUnlock(mutex, 0);
  const bool late = RealWaitWithTimeout(variable, mutex, timeout);
  __tsan_mutex_post_lock(mutex, 0, 0);
  return late;
}

HEARTH_WRAP(Destroy, "_ZN4absl" HEARTH_ABSL "5MutexD1Ev", void, absl::Mutex* mutex) {
  RealDestroy(mutex);
  __tsan_mutex_destroy(mutex, __tsan_mutex_not_static);
}

HEARTH_WRAP(Notify, "_ZN4absl" HEARTH_ABSL "12Notification6NotifyEv", void,
            absl::Notification* notification) {
  __tsan_release(notification);
  RealNotify(notification);
}

HEARTH_WRAP(WaitForNotification, "_ZNK4absl" HEARTH_ABSL "12Notification19WaitForNotificationEv",
            void, const absl::Notification* notification) {
  RealWaitForNotification(notification);
  __tsan_acquire(const_cast<absl::Notification*>(notification));
}

HEARTH_WRAP(WaitForNotificationWithTimeout,
            "_ZNK4absl" HEARTH_ABSL "12Notification30WaitForNotificationWithTimeoutENS0_8DurationE",
            bool, const absl::Notification* notification, absl::Duration timeout) {
  const bool notified = RealWaitForNotificationWithTimeout(notification, timeout);
  if (notified) __tsan_acquire(const_cast<absl::Notification*>(notification));
  return notified;
}

}  // namespace hearth

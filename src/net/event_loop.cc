// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/threads.h"

namespace hearth::net {

struct EventLoop::Impl {
  explicit Impl(std::string loop_name)
      : name(std::move(loop_name)),
        context(1),
        work(context.get_executor()),
        timer(context),
        waker(context) {
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) Fatal("out of descriptors: an event loop needs one");
    waker.assign(fd);
    WaitForTasks();
  }

  // Asio's own post() wakes the loop while it holds the lock that the loop takes next: on one core
  // each answer then costs two more switches between threads. Here the lock is free before.
  void Post(std::function<void()> task) {
    bool wake = false;
    {
      absl::MutexLock lock(&mutex);
      wake = tasks.empty();
      tasks.push_back(std::move(task));
    }
    if (wake) eventfd_write(waker.native_handle(), 1);
  }

  void WaitForTasks() {
    waker.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](boost::system::error_code error) {
                       if (error) return;
                       RunTasks();
                       WaitForTasks();
                     });
  }

  void RunTasks() {
    // Read before the tasks are taken: whoever comes later writes again.
    eventfd_t count = 0;
    eventfd_read(waker.native_handle(), &count);
    std::vector<std::function<void()>> taken;
    {
      absl::MutexLock lock(&mutex);
      taken.swap(tasks);
    }
    for (auto& task : taken) {
      if (context.stopped()) return;
      task();
      task = nullptr;
    }
  }

  void Arm() {
    timer.expires_after(std::chrono::milliseconds(interval_ms));
    timer.async_wait([this](boost::system::error_code error) {
      if (error) return;
      tick();
      Arm();
    });
  }

  std::string name;
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  boost::asio::steady_timer timer;
  boost::asio::posix::stream_descriptor waker;  // an eventfd
  absl::Mutex mutex;
  std::vector<std::function<void()>> tasks ABSL_GUARDED_BY(mutex);
  int64_t interval_ms = 0;
  std::function<void()> tick;
  Thread thread;
};

EventLoop::EventLoop(std::string name) : impl_(std::make_unique<Impl>(std::move(name))) {}

EventLoop::~EventLoop() { Stop(); }

void EventLoop::Start() {
  if (impl_->tick) impl_->Arm();
  impl_->thread = Thread(impl_->name, [context = &impl_->context] { context->run(); });
}

void EventLoop::Stop() {
  impl_->context.stop();
  impl_->thread.Join();
}

void EventLoop::Post(std::function<void()> task) { impl_->Post(std::move(task)); }

void EventLoop::Every(int64_t interval_ms, std::function<void()> task) {
  impl_->interval_ms = interval_ms;
  impl_->tick = std::move(task);
}

boost::asio::io_context& EventLoop::context() { return impl_->context; }

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "base/threads.h"

namespace hearth::net {

struct EventLoop::Impl {
  explicit Impl(std::string loop_name)
      : name(std::move(loop_name)),
        context(1),
        work(context.get_executor()),
        timer(context),
        bell(context, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  // Asio's own post() wakes the loop with its lock held: where both threads share a core, the loop
  // runs into that lock and has to wait for the thread that it has just displaced.
  void Post(std::function<void()> task) {
    {
      absl::MutexLock lock(&mutex);
      tasks.push_back(std::move(task));
      if (tasks.size() > 1) return;  // the loop has been woken
    }
    constexpr uint64_t kOne = 1;
    // Fails only where the counter is full: then the loop is awake.
    if (write(bell.native_handle(), &kOne, sizeof kOne) < 0) return;
  }
  void AwaitTasks() {
    bell.async_read_some(boost::asio::buffer(&rings, sizeof rings),
                         [this](boost::system::error_code error, size_t /*bytes*/) {
                           if (error) return;
                           RunTasks();
                           AwaitTasks();
                         });
  }
  void RunTasks() {
    {
      absl::MutexLock lock(&mutex);
      running.swap(tasks);
    }
    for (std::function<void()>& task : running) task();
    running.clear();
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
  int64_t interval_ms = 0;
  std::function<void()> tick;
  boost::asio::posix::stream_descriptor bell;  // rung when tasks were posted
  uint64_t rings = 0;
  absl::Mutex mutex;
  std::vector<std::function<void()>> tasks ABSL_GUARDED_BY(mutex);
  std::vector<std::function<void()>> running;  // the loop's
  Thread thread;
};

EventLoop::EventLoop(std::string name) : impl_(std::make_unique<Impl>(std::move(name))) {}

EventLoop::~EventLoop() { Stop(); }

void EventLoop::Start() {
  if (impl_->tick) impl_->Arm();
  impl_->AwaitTasks();
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

// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "base/threads.h"

namespace hearth::net {

struct EventLoop::Impl {
  explicit Impl(std::string loop_name)
      : name(std::move(loop_name)), context(1), work(context.get_executor()), timer(context) {}

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

void EventLoop::Post(std::function<void()> task) {
  boost::asio::post(impl_->context, std::move(task));
}

void EventLoop::Every(int64_t interval_ms, std::function<void()> task) {
  impl_->interval_ms = interval_ms;
  impl_->tick = std::move(task);
}

boost::asio::io_context& EventLoop::context() { return impl_->context; }

}  // namespace hearth::net

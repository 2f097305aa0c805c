// SPDX-License-Identifier: Apache-2.0
// A thread that waits for sockets and timers and calls back. Whatever runs on it must not block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace hearth::net {

class EventLoop {
 public:
  explicit EventLoop(std::string name);
  ~EventLoop();  // Stop()
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void Start();
  // Ends the thread. What was posted and not yet run is dropped.
  void Stop();
  // Runs `task` on the loop's thread, in order. From any thread.
  void Post(std::function<void()> task);
  // Runs `task` on the loop's thread every `interval_ms`, until Stop. Before Start only.
  void Every(int64_t interval_ms, std::function<void()> task);

  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// The built-in load: a few clients that call the shop over real, kept-alive connections. How many
// and how often swings over minutes, so that graphs have a shape.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace hearth::sample {

class Load {
 public:
  // `rate` is the mean number of requests a second over all clients; 0 makes no load.
  Load(std::string base_url, double rate);
  // Stops the clients; takes at most the time of one request.
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

 private:
  void RunClient(int number);

  const std::string base_url_;
  const double rate_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> clients_;
};

}  // namespace hearth::sample

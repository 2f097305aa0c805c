// SPDX-License-Identifier: Apache-2.0
// For tests: a server on loopback ports of the kernel's choice, with an echo handler.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"

namespace hearth::net {

class ServerForTest {
 public:
  // Tells what it got: "GET /path?query 5 bytes".
  static HttpResponse Echo(const HttpRequest& request) {
    return TextResponse(200, request.method + " " + request.target + " " +
                                 std::to_string(request.body.size()) + " bytes\n");
  }

  explicit ServerForTest(HttpServerOptions options = {}, HttpHandler handler = Echo)
      : server_(Fill(std::move(options)), std::move(handler), SystemClock(), metrics_) {
    auto ports = server_.Start();
    EXPECT_TRUE(ports.ok()) << ports.status();
    if (ports.ok()) ports_ = *std::move(ports);
  }

  uint16_t port(size_t listener = 0) const { return ports_.at(listener); }
  std::string Url(const std::string& path, size_t listener = 0) const {
    return "http://127.0.0.1:" + std::to_string(port(listener)) + path;
  }
  HttpServer& server() { return server_; }
  Registry& metrics() { return metrics_; }
  uint64_t Hits(const std::string& limit) {
    return metrics_.AddCounter("hearth_net_limits_hit_total", "", {{"limit", limit}}).value();
  }

 private:
  static HttpServerOptions Fill(HttpServerOptions options) {
    if (options.listeners.empty()) options.listeners.push_back({});
    return options;
  }

  Registry metrics_;
  HttpServer server_;
  std::vector<uint16_t> ports_;
};

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// The counters of one HttpServer, looked up once: hearth_net_... in the registry.
#pragma once

#include <string_view>

#include "base/metrics.h"

namespace hearth::net {

struct ServerMetrics {
  explicit ServerMetrics(Registry& registry);

  void CountRequest(int status, double seconds);
  // `kind` is one of the limits in http_server.h.
  void CountLimit(std::string_view kind);

  Counter& connections;
  Gauge& connections_open;
  Counter& received_bytes;
  Counter& sent_bytes;
  Counter& handler_exceptions;
  Counter& cancelled;
  Gauge& bodies_bytes;

 private:
  Registry& registry_;
  Counter& status_2xx_;
  Counter& status_3xx_;
  Counter& status_4xx_;
  Counter& status_5xx_;
  Histogram& duration_;
};

}  // namespace hearth::net

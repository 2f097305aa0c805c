// SPDX-License-Identifier: Apache-2.0
#include "net/server_metrics.h"

#include <string>

namespace hearth::net {
namespace {

Counter& StatusCounter(Registry& registry, const char* code) {
  return registry.AddCounter("hearth_net_requests_total", "Answers sent, by class of HTTP status.",
                             {{"code", code}});
}

}  // namespace

ServerMetrics::ServerMetrics(Registry& registry)
    : connections(registry.AddCounter("hearth_net_connections_total", "Connections accepted.")),
      connections_open(registry.AddGauge("hearth_net_connections_open", "Connections now open.")),
      received_bytes(
          registry.AddCounter("hearth_net_received_bytes_total", "Bytes read, after TLS.")),
      sent_bytes(registry.AddCounter("hearth_net_sent_bytes_total", "Bytes sent, before TLS.")),
      handler_exceptions(registry.AddCounter("hearth_net_handler_exceptions_total",
                                             "Requests that ended in an exception: bugs.")),
      cancelled(registry.AddCounter("hearth_net_requests_cancelled_total",
                                    "Requests whose client went away before the answer.")),
      bodies_bytes(registry.AddGauge("hearth_net_bodies_bytes",
                                     "Bytes of request bodies being read or handled.")),
      registry_(registry),
      status_2xx_(StatusCounter(registry, "2xx")),
      status_3xx_(StatusCounter(registry, "3xx")),
      status_4xx_(StatusCounter(registry, "4xx")),
      status_5xx_(StatusCounter(registry, "5xx")),
      duration_(registry.AddHistogram(
          "hearth_net_request_duration_seconds",
          "From the end of the request's head to the end of the answer.", LatencyBuckets())) {
  for (const char* kind :
       {"header_bytes", "body_bytes", "body_budget", "connections", "malformed", "header_timeout",
        "body_timeout", "write_timeout", "idle_timeout", "queue", "not_implemented"}) {
    registry.AddCounter("hearth_net_limits_hit_total", "Refusals and cuts by the server's limits.",
                        {{"limit", kind}});
  }
}

void ServerMetrics::CountRequest(int status, double seconds) {
  Counter& counter = status >= 500   ? status_5xx_
                     : status >= 400 ? status_4xx_
                     : status >= 300 ? status_3xx_
                                     : status_2xx_;
  counter.Add();
  duration_.Observe(seconds);
}

void ServerMetrics::CountLimit(std::string_view kind) {
  registry_
      .AddCounter("hearth_net_limits_hit_total", "Refusals and cuts by the server's limits.",
                  {{"limit", std::string(kind)}})
      .Add();
}

}  // namespace hearth::net

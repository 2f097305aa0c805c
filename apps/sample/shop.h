// SPDX-License-Identifier: Apache-2.0
// The sample app's HTTP side: a shop whose endpoints succeed, fail and are slow by design, and
// whose metrics are those that the application dashboard reads:
//
//   http_requests_total{method,path,code}             counter
//   http_request_duration_seconds{method,path}        histogram
//   http_active_connections                           gauge
//
// Paths in labels are those of the table, anything else is "other": no client makes new series.
#pragma once

#include <CivetServer.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hearth::sample {

// How one endpoint behaves, and how often the built-in load calls it.
struct Endpoint {
  std::string_view method;
  std::string_view path;
  int delay_ms;        // Usual time to answer.
  int delay_tail_ms;   // Mean of an exponential tail on top.
  double error_share;  // Of answers that are `error_code`.
  int error_code;
  double load_share;  // Of the built-in load's calls.
};

std::span<const Endpoint> Endpoints();

class Shop : public CivetHandler {
 public:
  Shop();
  bool handleGet(CivetServer* server, mg_connection* connection) override;
  bool handlePost(CivetServer* server, mg_connection* connection) override;

  // Called by the server's callbacks; thread-safe as everything here.
  void ConnectionOpened() const { connections_->Increment(); }
  void ConnectionClosed() const { connections_->Decrement(); }

 private:
  bool Handle(mg_connection* connection, std::string_view method);
  void Answer(mg_connection* connection, int code, std::string_view body,
              std::string_view content_type);
  double Uniform();

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Gauge* connections_;
  std::atomic<uint64_t> random_state_{1};
};

}  // namespace hearth::sample

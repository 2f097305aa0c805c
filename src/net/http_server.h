// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 and TLS server of hearth: every face sits behind one of these.
//
//        accept ──► loop threads (own the connections, never block)
//                     │ head, limits, body          ▲ answer
//                     ▼                             │
//                   classify ──► worker pools ── handler
//
// Bodies are read whole within limits, then the handler runs on one of the bounded pools. Answers
// to pipelined requests go out in order. Every limit has an exact answer and a metric
// hearth_net_limits_hit_total{limit="..."}:
//
//   limit          answer                                   limit           answer
//   header_bytes   431, close                               header_timeout  408, close (close if
//   idle) body_bytes     413, close, decided from Content-Length  body_timeout    408, close
//                  before allocating; chunked: when passed  write_timeout   close
//   body_budget    503 + Retry-After, close                 idle_timeout    close
//   connections    503 + Retry-After, close                 queue           503 + Retry-After
//   malformed      400, close                               not_implemented 501, close
//
// Thread-safe: Start, Stop, ReloadCertificates may be called from any thread, one at a time.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http.h"

namespace hearth::net {

struct Listener {
  std::string host = "127.0.0.1";  // a name or an address; "" for all addresses
  uint16_t port = 0;               // 0: the kernel chooses
  bool tls = false;
};

struct WorkerPool {
  std::string name = "main";  // label `pool` of the metrics, thread name
  size_t threads = 4;
  size_t queue_max = 256;  // requests waiting; beyond it, or three quarters for one owner, 503
  int nice = 0;            // how much its threads give way to others, 0 … 19
};

// PEM texts. server_pem holds the leaf first, then what is between it and the root.
struct TlsIdentity {
  std::string server_pem;
  std::string server_key_pem;
};

// What the server refuses by itself, for Options::render_error.
struct ServerError {
  int status = 400;
  std::string_view kind;     // the metric's `limit` label: "body_bytes"
  std::string_view message;  // one English sentence with values and limits
};

struct HttpServerLimits {
  size_t header_bytes_max = 32 << 10;   // request line and headers (issue 3, section 2)
  size_t header_count_max = 200;        // more is an attack on whoever loops over them
  size_t body_bytes_max = 32 << 20;     // on the wire (issue 3, section 2)
  size_t bodies_bytes_max = 256 << 20;  // of all bodies being read or handled, together
  size_t connections_max = 1024;
  int64_t header_timeout_ms = 10'000;  // from the first byte to the whole head; TLS handshake too
  int64_t body_timeout_ms = 30'000;    // in each such time at least 1 KiB of body must come
  int64_t write_timeout_ms = 30'000;   // without progress of the answer
  int64_t idle_timeout_ms = 120'000;   // between requests
  int64_t linger_ms = 2'000;           // reading on after a refusal, so that its text arrives
  int64_t drain_ms = 10'000;           // Stop: requests under way may take that long
};

struct HttpServerOptions {
  std::vector<Listener> listeners;
  HttpServerLimits limits;
  size_t loop_threads = 2;
  std::vector<WorkerPool> pools = {WorkerPool{}};
  // Which pool runs the request; called on a loop thread when the head is there (no body yet), so
  // it must be quick. Null: pool 0. Slow queries in a pool of their own cannot starve ingest.
  std::function<size_t(const HttpRequest& head)> classify;
  // Whose request it is: requests of many owners take turns in a pool, so that one who sends many
  // does not starve the others. Called as classify is; the view may point into the request. Null:
  // all are one owner's.
  std::function<std::string_view(const HttpRequest& head)> owner_of;
  // Needed where a listener has tls. Called by Start and by ReloadCertificates.
  std::function<absl::StatusOr<TlsIdentity>()> load_tls;
  // The answer to what the server refuses by itself, in the error form of the face that `head` is
  // meant for; method and path may be empty, as far as parsing came. Null: text/plain. The server
  // adds Retry-After and closes as the table above says.
  std::function<HttpResponse(const ServerError& error, const HttpRequest& head)> render_error;
  std::string server_header;         // "" sends no Server header
  size_t compress_bytes_min = 1024;  // smaller answers gain nothing

  absl::Status Validate() const;
};

// Runs on a pool thread, many at once. Must not throw; what a library throws becomes a 500.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
 public:
  // `clock` and `metrics` must outlive the server.
  HttpServer(HttpServerOptions options, HttpHandler handler, const Clock& clock, Registry& metrics);
  ~HttpServer();  // Stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds every listener and begins to serve. The ports that listen, in the order of the listeners.
  // Unavailable or PermissionDenied with address and reason where one cannot be had; then nothing
  // listens.
  absl::StatusOr<std::vector<uint16_t>> Start();

  // Stops to accept, closes idle connections, lets requests under way finish within drain_ms, then
  // cancels and cuts them. Returns when every thread has ended. Safe to call twice.
  void Stop();

  // Takes new connections' certificate from load_tls. On error the old one stays.
  absl::Status ReloadCertificates();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// An HTTP(S) client over libcurl's multi interface: one thread of its own drives every transfer,
// and connections are reused between them. For scrapes, remote write, the data-source proxy and
// JWKS.
//
// Thread-safe. A client has one address policy; code that fetches what users name (proxy, JWKS,
// webhooks) takes a client with a stricter one than the scraper's. Proxies in the environment are
// not used.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "net/address_policy.h"
#include "net/http.h"

namespace hearth::net {

struct ClientTls {
  std::string ca_file;  // "" is the system's
  std::string ca_pem;   // in place of ca_file where not empty
  std::string cert_file;
  std::string key_file;
  std::string server_name;  // for SNI and verification, in place of the URL's host
  bool insecure = false;    // accept any certificate
  std::string min_version;  // "", "TLS12", "TLS13"
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http or https, nothing else; sent as written (no dot segments removed)
  HttpHeaders headers;
  std::string body;
  int64_t timeout_ms = 30'000;           // the whole exchange
  int64_t connect_timeout_ms = 10'000;   // resolving, connecting, TLS
  size_t response_bytes_max = 64 << 20;  // after decompression; beyond it ResourceExhausted
  ClientTls tls;
  std::string basic_user;  // where not empty: Basic with basic_password
  std::string basic_password;
  std::string bearer_token;       // where not empty
  bool follow_redirects = false;  // at most 10, http(s) only, credentials stay with the first host
  bool accept_gzip = false;       // asks for gzip and undoes it
  std::string proxy_url;          // "" is none
  // Where set, it is handed the body as it comes, and the response's body stays empty; false ends
  // the exchange with Cancelled. Runs on the client's thread: quick, and without calls of Fetch.
  std::function<bool(std::string_view)> on_body = nullptr;
};

struct ClientResponse {
  int status = 0;
  HttpHeaders headers;  // of the last response
  std::string body;
  double duration_seconds = 0;
  size_t wire_bytes = 0;  // of the body, before decompression
  std::string url;        // the last one after redirects
};

// Any HTTP status is a response. Errors: DeadlineExceeded, Unavailable (resolve, connect, TLS, cut
// connection), PermissionDenied (address policy), ResourceExhausted (response or queue too large),
// InvalidArgument (URL), Cancelled (client stops). Messages name the URL without its query.
using ClientCallback = std::function<void(absl::StatusOr<ClientResponse>)>;

struct HttpClientOptions {
  AddressPolicy addresses;
  size_t transfers_max = 4096;        // under way or waiting; beyond it ResourceExhausted
  size_t connections_idle_max = 512;  // kept for reuse
  size_t connections_per_host_max = 64;
  std::string user_agent = "hearth";
  std::string name = "client";  // label `client` of the metrics
};

class HttpClient {
 public:
  HttpClient(HttpClientOptions options, Registry& metrics);
  ~HttpClient();  // cancels what is under way; callbacks have run when it returns
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Calls `done` once, on the client's thread (or on the caller's, when refused at once): it must
  // be quick and must not call Fetch.
  void Start(ClientRequest request, ClientCallback done);

  // Start and wait. Gives up with Cancelled soon after `*cancelled` turns true (may be null).
  absl::StatusOr<ClientResponse> Fetch(ClientRequest request,
                                       const std::atomic<bool>* cancelled = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::net

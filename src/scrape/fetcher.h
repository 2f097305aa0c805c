// SPDX-License-Identifier: Apache-2.0
// How a scrape gets a body: over HTTP, out of this process ("self" targets), or from a test's
// table.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "scrape/config.h"

namespace hearth::net {
class HttpClient;
}

namespace hearth::scrape {

struct FetchRequest {
  std::string method = "GET";
  std::string url;
  std::string body;
  std::string address;  // the target's host:port, by which self targets are known
  Pairs headers;
  const HttpConfig* http = nullptr;  // never null; lives as long as the call
  int64_t timeout_ms = 10'000;
  size_t body_bytes_max = 0;  // after decompression
  bool accept_gzip = true;
  const std::atomic<bool>* cancelled = nullptr;  // may be null
};

struct FetchResult {
  int status = 0;
  std::string status_text;  // "404 Not Found"
  std::string content_type;
  std::string body;
};

// Thread-safe.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Any HTTP status is a result. Errors as net/http_client.h: DeadlineExceeded, Unavailable,
  // PermissionDenied, ResourceExhausted (body too large).
  virtual absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) = 0;
};

// Over `client`. Password, token and certificate files are read through `files` at every fetch.
std::unique_ptr<Fetcher> MakeHttpFetcher(net::HttpClient& client, FileSystem& files);

}  // namespace hearth::scrape

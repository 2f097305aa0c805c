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

// An answer that is read as it comes, and that may not end for hours. The destructor gives it up.
// Not thread-safe.
class FetchStream {
 public:
  virtual ~FetchStream() = default;
  // Appends to `out` what has come since the last call, without waiting. False: it has ended.
  virtual bool Read(std::string* out) = 0;
  // Once Read said false: how it ended; the body of the result is empty. Errors as Fetch.
  virtual absl::StatusOr<FetchResult> Result() = 0;
};

// Thread-safe.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Any HTTP status is a result. Errors as net/http_client.h: DeadlineExceeded, Unavailable,
  // PermissionDenied, ResourceExhausted (body too large).
  virtual absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) = 0;
  // Begins an exchange and does not wait for it. `body_bytes_max` is of what nobody has read yet;
  // `cancelled` is not looked at. Unimplemented where a fetcher has no streams.
  virtual absl::StatusOr<std::unique_ptr<FetchStream>> Open(const FetchRequest& request);
};

// Over `client`, streams over `streams`: those hold their connections. Password, token and
// certificate files are read through `files` at every fetch.
std::unique_ptr<Fetcher> MakeHttpFetcher(net::HttpClient& client, net::HttpClient& streams,
                                         FileSystem& files);
inline std::unique_ptr<Fetcher> MakeHttpFetcher(net::HttpClient& client, FileSystem& files) {
  return MakeHttpFetcher(client, client, files);
}

}  // namespace hearth::scrape

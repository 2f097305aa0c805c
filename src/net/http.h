// SPDX-License-Identifier: Apache-2.0
// An HTTP message as hearth's faces see it: nothing is decoded, folded or reordered, because SigV4
// signs what was sent. Plain values without locks; one thread at a time.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::net {

struct HttpHeader {
  std::string name;   // as sent, any case
  std::string value;  // white space at both ends removed
};

// Headers in the order sent; names compare without case.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<HttpHeader> list) : list_(list) {}

  // The first header of that name, or "" where there is none (Has tells the two apart). The view
  // lives until this object changes.
  std::string_view Find(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string_view> All(std::string_view name) const;

  void Add(std::string_view name, std::string_view value);
  void Set(std::string_view name, std::string_view value);  // in place of all of that name
  void Remove(std::string_view name);

  size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  std::vector<HttpHeader>::const_iterator begin() const { return list_.begin(); }
  std::vector<HttpHeader>::const_iterator end() const { return list_.end(); }

 private:
  std::vector<HttpHeader> list_;
};

struct HttpRequest {
  std::string method;  // as sent: "GET"
  std::string target;  // as sent: "/a%20b?x=1"
  std::string path;    // of target, before '?', not decoded
  std::string query;   // of target, after '?', not decoded
  HttpHeaders headers;
  std::string body;          // wire bytes with chunking removed; Content-Encoding NOT undone
  std::string peer_address;  // "127.0.0.1", "::1"; the socket's, never a header's
  uint16_t peer_port = 0;
  bool peer_is_loopback = false;
  bool tls = false;
  int local_port = 0;       // of the listener it came in by
  int64_t received_ms = 0;  // wall clock when the head was complete

  // True once the client went away or the server stops: long work should give up. Null only in
  // requests that a test made by hand.
  std::shared_ptr<std::atomic<bool>> cancelled;
  bool IsCancelled() const {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  }

  // The address of the host header without a port; "" where there is none.
  std::string_view HostName() const;
};

// Appends the next piece of a body to `*out` (64 KiB or so are good pieces). True: call again.
// False: that was the last. An error cuts the connection, so that the client sees a truncated
// answer and not a short one. Called on the request's pool, one call at a time, only when the piece
// before has been written: a slow reader holds no thread.
using BodyProducer = std::function<absl::StatusOr<bool>(std::string* out)>;

struct HttpResponse {
  int status = 200;
  HttpHeaders headers{};         // Date, Content-Length, Connection are the server's business
  std::string body{};            // used unless one of the next two is set
  std::string_view body_view{};  // static storage only (compiled-in assets): it outlives the server
  BodyProducer producer{};       // sent chunked
  bool close = false;            // end the connection after this answer
};

HttpResponse TextResponse(int status, std::string body);  // text/plain; charset=utf-8
HttpResponse JsonResponse(int status, std::string body);  // application/json
HttpResponse HtmlResponse(int status, std::string body);
HttpResponse RedirectResponse(int status, std::string_view location);

// "Not Found" for 404; "Status 799" for what has no name.
std::string_view ReasonPhrase(int status);

// One name=value of a query string or form body, decoded.
struct Parameter {
  std::string name;
  std::string value;
};
// Decodes application/x-www-form-urlencoded ('+' is a space) in order. InvalidArgument: a broken
// escape, or more than `count_max` pairs.
absl::StatusOr<std::vector<Parameter>> ParseForm(std::string_view text, size_t count_max = 10'000);

// The value of one cookie of a request, "" where there is none.
std::string_view FindCookie(const HttpRequest& request, std::string_view name);

// "text/html; charset=utf-8" → "text/html", in lower case.
std::string MediaType(std::string_view content_type);

struct HostPort {
  std::string host;  // without brackets
  uint16_t port = 0;
};
// "127.0.0.1:9320", "localhost:0", "[::1]:9320", ":9320" (all addresses).
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);
std::string FormatHostPort(std::string_view host, uint16_t port);  // brackets around IPv6

// 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104; false for anything that is not an address.
bool IsLoopbackAddress(std::string_view address);

}  // namespace hearth::net

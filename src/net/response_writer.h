// SPDX-License-Identifier: Apache-2.0
// HttpResponse → bytes: compression where it is asked for and worth it, framing headers, status
// line. Pure but for the given time; runs on pool threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http.h"

namespace hearth::net {

struct ResponseFraming {
  bool head_only = false;  // the request was HEAD
  bool http11 = true;
  bool keep_alive = true;  // of the connection, after this answer
  size_t compress_bytes_min = 1024;
  std::string_view server_header{};
};

// The content coding to answer with: "zstd", "gzip" or "" from an Accept-Encoding header with its
// weights; zstd where both are liked as much.
std::string_view ChooseEncoding(std::string_view accept_encoding);

// Compresses response->body in place, or what its producer makes, where the request asks, the type
// is text-like and it is not encoded yet; says Vary where the type is.
void CompressResponse(const HttpHeaders& request_headers, size_t bytes_min, HttpResponse* response);

// Status line and headers with the empty line. Line breaks and NUL in values become spaces: a value
// may hold what a user sent.
std::string ResponseHead(const HttpResponse& response, const ResponseFraming& framing,
                         int64_t now_ms);

// True where the status forbids a body (1xx, 204, 304).
bool HasNoBody(int status);

// Makes `*piece` the rest of a chunk of a chunked body, and with `last` the body's end too. Returns
// what goes before it: a piece is not copied. An empty piece is no chunk.
std::string FrameChunk(bool last, std::string* piece);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string HttpDate(int64_t now_ms);

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// Bytes of one HTTP/1.x request → HttpRequest, on Beast's parser, with the framing rules judged
// strictly: what two servers could read in two ways is refused. Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace hearth::net {

// Why a request is refused: status and limit of the table in http_server.h.
struct Refusal {
  int status = 400;
  std::string_view kind = "malformed";  // static text
  std::string message;
};

// How the body is framed and the connection kept.
struct RequestFraming {
  uint64_t content_length = 0;
  bool chunked = false;
  bool expect_continue = false;
  bool keep_alive = false;
  bool http11 = false;
};

class RequestParser {
 public:
  struct Limits {
    size_t header_count_max = 200;
    size_t body_bytes_max = 32 << 20;
  };
  explicit RequestParser(const Limits& limits);
  ~RequestParser();

  // `head` as HeadScanner found it. Fills method, target, path, query and headers; what was read
  // before an error stays in, so that the refusal can be put in the right face's form.
  std::optional<Refusal> ParseHead(std::string_view head, HttpRequest* request,
                                   RequestFraming* framing);

  // Feeds a chunked body; chunks are appended to request->body. Sets `*consumed` to what may be
  // dropped; with nothing consumed, more bytes are wanted.
  std::optional<Refusal> PutChunks(std::string_view bytes, size_t* consumed, HttpRequest* request);
  bool chunks_done() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.x request → HttpRequest, on Beast's parser, with the framing rules judged
// strictly: what two servers could read in two ways is refused. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
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

// `head` as HeadScanner found it, with its empty line. Fills method, target, path, query and
// headers; what was read before a problem was found stays in, so that the refusal can be put in the
// form of the face that was meant.
std::optional<Refusal> ParseRequestHead(std::string_view head, size_t header_count_max,
                                        HttpRequest* request, RequestFraming* framing);

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// Any bytes at all, as a stream of requests in pieces, through scanner and parser as a connection
// drives them. Holds the promises that the server builds on: sizes stay within limits, the scanner
// finds the same head in one piece and in many.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/chunk_decoder.h"
#include "net/head_scanner.h"
#include "net/http.h"
#include "net/request_parser.h"

namespace {

using namespace hearth::net;  // NOLINT: a fuzz target is a program of its own

constexpr size_t kBodyMax = 4096;

// Feeds a chunked body; the bytes used, or 0 where it was refused or is not complete.
size_t TakeChunks(std::string_view bytes, size_t step, HttpRequest* request) {
  ChunkDecoder decoder(kBodyMax);
  size_t begin = 0;
  size_t end = 0;
  while (!decoder.done()) {
    if (end == bytes.size()) return 0;
    end = std::min(bytes.size(), end + step);
    size_t consumed = 0;
    if (decoder.Put(bytes.substr(begin, end - begin), &consumed, &request->body)) return 0;
    CHECK(consumed <= end - begin);
    CHECK(request->body.size() <= kBodyMax);
    begin += consumed;
  }
  return begin;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t step = 1 + data[0] % 64;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!bytes.empty()) {
    HeadScanner scanner;
    HeadScanner::State state = HeadScanner::State::kMore;
    for (size_t end = 0; state == HeadScanner::State::kMore && end < bytes.size();) {
      end = std::min(bytes.size(), end + step);
      state = scanner.Scan(bytes.substr(0, end));
    }
    HeadScanner whole;
    CHECK(whole.Scan(bytes) == state);
    if (state != HeadScanner::State::kComplete) return 0;
    CHECK(whole.head_size() == scanner.head_size());
    HttpRequest request;
    RequestFraming framing;
    const bool refused =
        ParseRequestHead(bytes.substr(0, scanner.head_size()), 50, &request, &framing).has_value();
    (void)ParseForm(request.query);
    (void)FindCookie(request, "a");
    (void)request.HostName();
    if (refused) return 0;
    bytes.remove_prefix(scanner.head_size());
    if (framing.chunked) {
      const size_t used = TakeChunks(bytes, step, &request);
      if (used == 0) return 0;
      bytes.remove_prefix(used);
    } else {
      bytes.remove_prefix(
          static_cast<size_t>(std::min<uint64_t>(framing.content_length, bytes.size())));
    }
  }
  return 0;
}

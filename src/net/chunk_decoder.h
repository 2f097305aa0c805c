// SPDX-License-Identifier: Apache-2.0
// The body of a chunked request (RFC 9112, 7.1) in pieces of any size. Ours and not Beast's: that
// one (1.81) asserts, and so ends the process, where a body's last chunk comes in pieces of three
// and one bytes. Strict about line ends, as two servers may differ there. Pure; one thread at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/request_parser.h"

namespace hearth::net {

class ChunkDecoder {
 public:
  explicit ChunkDecoder(size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Appends what `bytes` hold of the body to `*body`. `*consumed` of them are used up and may be
  // dropped; the rest is to be given again, with more behind it. 413 as soon as a chunk's size
  // shows that the body passes its limit.
  std::optional<Refusal> Put(std::string_view bytes, size_t* consumed, std::string* body);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State { kSize, kData, kDataEnd, kTrailer, kDone };

  // The next line without its end; nothing where it is not complete or bad (then problem_ is set).
  std::optional<std::string_view> TakeLine(std::string_view bytes, size_t* consumed);
  std::optional<Refusal> TakeSize(std::string_view line, size_t body_bytes);
  std::optional<Refusal> TakeTrailer(std::string_view line);

  const size_t body_bytes_max_;
  State state_ = State::kSize;
  uint64_t left_ = 0;  // of the chunk in work
  size_t trailer_bytes_ = 0;
  std::string_view problem_;
};

}  // namespace hearth::net

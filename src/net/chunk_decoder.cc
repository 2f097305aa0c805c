// SPDX-License-Identifier: Apache-2.0
#include "net/chunk_decoder.h"

#include <algorithm>

#include "base/status.h"
#include "base/text.h"

namespace hearth::net {
namespace {

constexpr size_t kLineBytesMax = 4 << 10;      // a chunk's size with extensions; nobody sends any
constexpr size_t kTrailerBytesMax = 16 << 10;  // all trailers; they are thrown away
constexpr size_t kSizeDigitsMax = 16;          // 64 bits

constexpr std::string_view kBadEnd =
    "a chunk of the body has no valid size, or is not followed by CR LF";
constexpr std::string_view kLongLine = "a chunk header or trailer of the body is too long";

Refusal Bad(std::string_view problem) { return Refusal{400, "malformed", std::string(problem)}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

std::optional<Refusal> ChunkDecoder::Put(std::string_view bytes, size_t* consumed,
                                         std::string* body) {
  *consumed = 0;
  while (state_ != State::kDone) {
    const std::string_view rest = bytes.substr(*consumed);
    if (state_ == State::kData) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
      body->append(rest.substr(0, n));
      *consumed += n;
      left_ -= n;
      if (left_ > 0) return std::nullopt;
      state_ = State::kDataEnd;
      continue;
    }
    const std::optional<std::string_view> line = TakeLine(rest, consumed);
    if (!line) {
      if (problem_.empty()) return std::nullopt;
      return Bad(problem_);
    }
    std::optional<Refusal> refusal;
    if (state_ == State::kSize) {
      refusal = TakeSize(*line, body->size());
    } else if (state_ == State::kTrailer) {
      refusal = TakeTrailer(*line);
    } else if (line->empty()) {
      state_ = State::kSize;
    } else {
      refusal = Bad(kBadEnd);
    }
    if (refusal) return refusal;
  }
  return std::nullopt;
}

std::optional<std::string_view> ChunkDecoder::TakeLine(std::string_view bytes, size_t* consumed) {
  const size_t end = bytes.find('\n');
  // After a chunk's data nothing but CR LF may come; no need to wait for a line's end to know.
  if (state_ == State::kDataEnd && !bytes.empty() && bytes[0] != '\r') problem_ = kBadEnd;
  if (end == std::string_view::npos) {
    if (bytes.size() > kLineBytesMax) problem_ = kLongLine;
    return std::nullopt;
  }
  if (end > kLineBytesMax) problem_ = kLongLine;
  if (end == 0 || bytes[end - 1] != '\r') problem_ = kBadEnd;
  if (!problem_.empty()) return std::nullopt;
  const std::string_view line = bytes.substr(0, end - 1);
  if (std::any_of(line.begin(), line.end(), IsControl)) {
    problem_ = "a chunk header or trailer of the body holds a control character";
    return std::nullopt;
  }
  *consumed += end + 1;
  return line;
}

std::optional<Refusal> ChunkDecoder::TakeSize(std::string_view line, size_t body_bytes) {
  size_t digits = 0;
  left_ = 0;
  for (; digits < line.size() && HexDigit(line[digits]) >= 0; ++digits) {
    if (digits >= kSizeDigitsMax) return Bad(kBadEnd);
    left_ = left_ << 4 | static_cast<uint64_t>(HexDigit(line[digits]));
  }
  if (digits == 0) return Bad(kBadEnd);
  // Extensions say nothing to us (RFC 9112, 7.1.1), but what begins one must be a semicolon.
  const std::string_view extension = TrimSpace(line.substr(digits));
  if (!extension.empty() && extension[0] != ';') {
    return Bad("a chunk of the body has a malformed extension");
  }
  if (left_ > body_bytes_max_ || body_bytes + left_ > body_bytes_max_) {
    return Refusal{
        413, "body_bytes",
        fmt::format("the request body is larger than the limit of {} bytes", body_bytes_max_)};
  }
  state_ = left_ == 0 ? State::kTrailer : State::kData;
  return std::nullopt;
}

std::optional<Refusal> ChunkDecoder::TakeTrailer(std::string_view line) {
  if (line.empty()) {
    state_ = State::kDone;
    return std::nullopt;
  }
  trailer_bytes_ += line.size();
  if (trailer_bytes_ > kTrailerBytesMax) return Bad(kLongLine);
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos ||
      line.substr(0, colon).find_first_of(" \t") != std::string_view::npos) {
    return Bad("a trailer of the body is malformed");
  }
  return std::nullopt;
}

}  // namespace hearth::net

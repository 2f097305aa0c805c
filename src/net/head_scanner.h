// SPDX-License-Identifier: Apache-2.0
// Finds the end of a request's head in bytes that come in pieces, and refuses what a proxy in front
// of us might read differently (RFC 9112 sections 2.2, 5.2, 11.2: request smuggling): bare LF, NUL,
// folded lines. Beast reads the head only after that. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth::net {

class HeadScanner {
 public:
  enum class State { kMore, kComplete, kBad };

  // `bytes` is everything since the start of the request, each time longer than before.
  State Scan(std::string_view bytes);
  size_t head_size() const { return head_size_; }        // with the empty line; after kComplete
  std::string_view problem() const { return problem_; }  // after kBad

 private:
  State Bad(std::string_view problem) {
    problem_ = problem;
    return State::kBad;
  }

  size_t line_start_ = 0;
  size_t scanned_ = 0;
  size_t head_size_ = 0;
  std::string_view problem_;
};

}  // namespace hearth::net

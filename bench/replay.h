// SPDX-License-Identifier: Apache-2.0
// Sends a file of bodies (bodies.h) over keep-alive connections, as fast as they are answered or at
// a rate, and counts what became of them.
//
// At a rate, a request's time runs from the moment when it was due, so that a server that falls
// behind does not look better for it. Body i goes over connection i mod `connections`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth::bench {

struct ReplayPlan {
  std::string file;
  std::string host = "127.0.0.1";  // an IPv4 address
  uint16_t port = 0;
  std::string path = "/api/v1/write";
  int protocol = 1;                  // of remote write
  std::vector<std::string> headers;  // more of them, "Name: value"
  uint32_t connections = 1;
  double samples_per_second = 0;  // 0: as fast as they are answered
  uint64_t skip = 0;              // bodies at the beginning of the file
  uint64_t bodies = 0;            // 0: all that follow
};

struct ReplayResult {
  uint64_t bodies = 0;
  uint64_t samples = 0;                // of bodies answered 2xx
  uint64_t refused_samples = 0;        // of all others
  std::array<uint64_t, 6> by_class{};  // answers 0: none, 2: 2xx, …
  std::string first_refusal;           // status and text
  double seconds = 0;
  std::vector<double> latencies_ms;  // sorted
};

// Nothing where the file cannot be read or nobody listens; `error` says which.
std::optional<ReplayResult> Replay(const ReplayPlan& plan, std::string* error);

}  // namespace hearth::bench

// SPDX-License-Identifier: Apache-2.0
// For tests: a plain blocking socket that sends whatever bytes a test wants. No call waits longer
// than ten seconds; what a test waits for is an event (an answer, the end of the connection), never
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::net {

class RawClient {
 public:
  explicit RawClient(uint16_t port);  // 127.0.0.1
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return fd_ >= 0; }
  bool Send(std::string_view bytes);  // false: the server is gone
  // One response: head, and a body by Content-Length or chunks. "" at the end of the connection.
  std::string ReadResponse(bool head_only = false);
  // Everything until the server closes; `*reset` tells of a connection that was reset.
  std::string ReadToEnd(bool* reset = nullptr);
  void CloseSend();
  void Close();
  void Reset();  // closes with RST

 private:
  bool Fill();
  int fd_ = -1;
  bool reset_ = false;
  std::string buffer_;
};

// "HTTP/1.1 413 …" → 413; 0 for anything else.
int StatusOf(std::string_view response);
// The value of a header of a raw response, "" where there is none.
std::string HeaderOf(std::string_view response, std::string_view name);
std::string BodyOf(std::string_view response);

}  // namespace hearth::net

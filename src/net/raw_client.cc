// SPDX-License-Identifier: Apache-2.0
#include "net/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace hearth::net {

RawClient::RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Close();
}

RawClient::~RawClient() { Close(); }

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawClient::Fill() {
  std::array<char, 65536> piece{};
  const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
  if (got < 0 && errno == ECONNRESET) reset_ = true;
  if (got <= 0) return false;
  buffer_.append(piece.data(), static_cast<size_t>(got));
  return true;
}

std::string RawClient::ReadResponse(bool head_only) {
  size_t head = 0;
  while ((head = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  size_t end = head + 4;
  const std::string text = buffer_.substr(0, end);
  const int status = StatusOf(text);
  if (!head_only && status >= 200 && status != 204 && status != 304) {
    if (HeaderOf(text, "transfer-encoding") == "chunked") {
      while ((end = buffer_.find("\r\n0\r\n\r\n", head)) == std::string::npos) {
        if (!Fill()) return {};
      }
      end += 7;
    } else {
      end += static_cast<size_t>(std::atoll(HeaderOf(text, "content-length").c_str()));
      while (buffer_.size() < end) {
        if (!Fill()) return {};
      }
    }
  }
  std::string response = buffer_.substr(0, end);
  buffer_.erase(0, end);
  return response;
}

std::string RawClient::ReadToEnd(bool* reset) {
  while (Fill()) {
  }
  if (reset != nullptr) *reset = reset_;
  return std::move(buffer_);
}

void RawClient::CloseSend() { ::shutdown(fd_, SHUT_WR); }

void RawClient::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::Reset() {
  const linger abort{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  Close();
}

int StatusOf(std::string_view response) {
  if (!response.starts_with("HTTP/1.1 ") || response.size() < 12) return 0;
  int64_t status = 0;
  return ParseInt64(response.substr(9, 3), &status) ? static_cast<int>(status) : 0;
}

std::string HeaderOf(std::string_view response, std::string_view name) {
  const std::string_view head = response.substr(0, response.find("\r\n\r\n"));
  for (const std::string_view line : Split(head, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && EqualsIgnoreCaseAscii(line.substr(0, colon), name)) {
      return std::string(TrimSpace(line.substr(colon + 1)));
    }
  }
  return {};
}

std::string BodyOf(std::string_view response) {
  const size_t head = response.find("\r\n\r\n");
  return head == std::string_view::npos ? std::string() : std::string(response.substr(head + 4));
}

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
#include "replay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

namespace hearth::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Body {
  std::string_view bytes;
  uint32_t samples = 0;
  double due_s = 0;  // since the beginning
};

// The file, mapped.
class Bodies {
 public:
  ~Bodies() {
    if (data_ != nullptr) munmap(data_, size_);
  }
  bool Open(const ReplayPlan& plan) {
    const int fd = open(plan.file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || fstat(fd, &status) != 0 || status.st_size == 0) return false;
    size_ = static_cast<size_t>(status.st_size);
    void* data = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED) return false;
    data_ = data;
    std::string_view rest(static_cast<const char*>(data), size_);
    uint64_t samples = 0;
    for (uint64_t i = 0; rest.size() >= 8; ++i) {
      uint32_t head[2];
      std::memcpy(head, rest.data(), sizeof head);
      if (rest.size() - 8 < head[0]) return false;
      const std::string_view bytes = rest.substr(8, head[0]);
      rest.remove_prefix(8 + head[0]);
      if (i < plan.skip || (plan.bodies > 0 && i >= plan.skip + plan.bodies)) continue;
      const double rate = plan.samples_per_second;
      all.push_back({bytes, head[1], rate > 0 ? static_cast<double>(samples) / rate : 0});
      samples += head[1];
    }
    return true;
  }
  std::vector<Body> all;

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

class Connection {
 public:
  explicit Connection(const ReplayPlan& plan) : plan_(plan) {
    const bool second = plan.protocol == 2;
    head_ = fmt::format(
        "POST {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: hearth-bench\r\n"
        "Content-Encoding: snappy\r\nContent-Type: application/x-protobuf{}\r\n"
        "X-Prometheus-Remote-Write-Version: {}\r\n",
        plan.path, plan.host, plan.port, second ? ";proto=io.prometheus.write.v2.Request" : "",
        second ? "2.0.0" : "0.1.0");
    for (const std::string& header : plan.headers) head_ += header + "\r\n";
  }
  ~Connection() { Close(); }

  bool Connect() {
    Close();
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(plan_.port);
    if (inet_pton(AF_INET, plan_.host.c_str(), &address.sin_addr) != 1) return false;
    const int yes = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  // The status; 0 where there was no answer. `text` is the answer's body.
  int Post(std::string_view body, std::string* text) {
    if (fd_ < 0 && !Connect()) return 0;
    const std::string head = head_ + fmt::format("Content-Length: {}\r\n\r\n", body.size());
    if (!Send(head, body)) {
      Close();
      return 0;
    }
    const int status = Receive(text);
    if (status == 0) Close();
    return status;
  }

 private:
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    input_.clear();
  }

  bool Send(std::string_view head, std::string_view body) {
    while (!head.empty() || !body.empty()) {
      iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                        {const_cast<char*>(body.data()), body.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      const size_t of_head = std::min(head.size(), static_cast<size_t>(sent));
      head.remove_prefix(of_head);
      body.remove_prefix(static_cast<size_t>(sent) - of_head);
    }
    return true;
  }

  bool ReceiveMore() {
    char buffer[16 << 10];
    ssize_t got = 0;
    do {
      got = recv(fd_, buffer, sizeof buffer, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    input_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  int Receive(std::string* text) {
    size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReceiveMore()) return 0;
    }
    std::string head = input_.substr(0, end + 2);
    std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    if (head.size() < 12) return 0;
    const int status = std::atoi(head.c_str() + 9);
    const size_t length_at = head.find("\r\ncontent-length:");
    if (length_at != std::string::npos) {
      const size_t length = std::strtoull(head.c_str() + length_at + 17, nullptr, 10);
      while (input_.size() < end + 4 + length) {
        if (!ReceiveMore()) return 0;
      }
      *text = input_.substr(end + 4, length);
      input_.erase(0, end + 4 + length);
    } else if (head.find("\r\ntransfer-encoding: chunked") != std::string::npos) {
      size_t last = 0;
      while ((last = input_.find("0\r\n\r\n", end + 4)) == std::string::npos) {
        if (!ReceiveMore()) return 0;
      }
      *text = input_.substr(end + 4, last - end - 4);
      input_.erase(0, last + 5);
    } else {
      input_.erase(0, end + 4);
    }
    if (head.find("\r\nconnection: close") != std::string::npos) Close();
    return status;
  }

  const ReplayPlan& plan_;
  std::string head_;
  std::string input_;
  int fd_ = -1;
};

double SecondsSince(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

void SendShare(const ReplayPlan& plan, const std::vector<Body>& all, uint32_t number,
               Clock::time_point began, ReplayResult* result) {
  Connection connection(plan);
  std::string text;
  for (size_t i = number; i < all.size(); i += plan.connections) {
    const Body& body = all[i];
    if (plan.samples_per_second > 0) {
      std::this_thread::sleep_until(began + std::chrono::duration_cast<Clock::duration>(
                                                std::chrono::duration<double>(body.due_s)));
    }
    const double sent_s = plan.samples_per_second > 0 ? body.due_s : SecondsSince(began);
    const int status = connection.Post(body.bytes, &text);
    result->latencies_ms.push_back((SecondsSince(began) - sent_s) * 1e3);
    ++result->bodies;
    ++result->by_class[status >= 100 && status < 600 ? status / 100 : 0];
    if (status / 100 == 2) {
      result->samples += body.samples;
      continue;
    }
    result->refused_samples += body.samples;
    if (result->first_refusal.empty()) {
      result->first_refusal =
          status == 0 ? "no answer" : fmt::format("{} {}", status, text.substr(0, 2000));
    }
  }
}

}  // namespace

std::optional<ReplayResult> Replay(const ReplayPlan& plan, std::string* error) {
  Bodies bodies;
  if (!bodies.Open(plan)) {
    *error = fmt::format("{}: {}", plan.file, errno != 0 ? std::strerror(errno) : "no bodies");
    return std::nullopt;
  }
  if (!Connection(plan).Connect()) {
    *error = fmt::format("{}:{}: {}", plan.host, plan.port, std::strerror(errno));
    return std::nullopt;
  }
  std::vector<ReplayResult> parts(plan.connections);
  const auto began = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (uint32_t i = 0; i < plan.connections; ++i) {
      threads.emplace_back(SendShare, std::cref(plan), std::cref(bodies.all), i, began, &parts[i]);
    }
  }
  ReplayResult whole;
  whole.seconds = SecondsSince(began);
  for (ReplayResult& part : parts) {
    whole.bodies += part.bodies;
    whole.samples += part.samples;
    whole.refused_samples += part.refused_samples;
    for (size_t i = 0; i < whole.by_class.size(); ++i) whole.by_class[i] += part.by_class[i];
    if (whole.first_refusal.empty()) whole.first_refusal = part.first_refusal;
    whole.latencies_ms.insert(whole.latencies_ms.end(), part.latencies_ms.begin(),
                              part.latencies_ms.end());
  }
  std::sort(whole.latencies_ms.begin(), whole.latencies_ms.end());
  return whole;
}

}  // namespace hearth::bench

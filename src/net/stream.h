// SPDX-License-Identifier: Apache-2.0
// A connected socket, with TLS or without, behind one face; and the acceptor that makes them. The
// one place where sockets are served. Everything of a Stream happens on its EventLoop's thread.
#pragma once

#include <absl/status/statusor.h>
#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/event_loop.h"

namespace hearth::net {

enum class StreamResult {
  kOk,
  kEnd,        // the peer closed its side
  kPlainHttp,  // handshake only: the peer spoke HTTP to a TLS port
  kFailed,     // reset, cancelled, TLS alert
};

// Who is told when an operation ends. Kept alive by the operation.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void OnHandshake(StreamResult result) = 0;
  virtual void OnRead(StreamResult result, size_t bytes) = 0;
  virtual void OnWrite(StreamResult result, size_t bytes) = 0;
  virtual void OnShutdown() = 0;
};
using StreamEventsPtr = std::shared_ptr<StreamEvents>;

// At most one read and one write at a time. No call reports before it returned.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void Handshake(StreamEventsPtr events) = 0;
  // Some bytes into buffer, which must live until OnRead.
  virtual void Read(char* buffer, size_t size, StreamEventsPtr events) = 0;
  // Some bytes of `first`, then `second`, which must live until OnWrite.
  virtual void Write(std::string_view first, std::string_view second, StreamEventsPtr events) = 0;
  // A read under way ends with kFailed.
  virtual void CancelRead() = 0;
  // Says that nothing more will be sent (TLS: close_notify; then FIN).
  virtual void Shutdown(StreamEventsPtr events) = 0;
  // Raw bytes below TLS, to be thrown away while the peer reads a last answer.
  virtual void Discard(char* buffer, size_t size, StreamEventsPtr events) = 0;
  // Sends below TLS what fits at once: the answer to plain HTTP on a TLS port.
  virtual void SendRaw(std::string_view bytes) = 0;
  // The peer has closed or reset the connection, whatever is still unread.
  virtual bool PeerGone() = 0;
  virtual void Close() = 0;  // pending operations end with kFailed
};

struct PeerInfo {
  std::string address;
  uint16_t port = 0;
  bool is_loopback = false;
  bool tls = false;
  int local_port = 0;
};

// The TLS context for a new connection; shared, because a reload swaps it while others use it.
using TlsContextSource = std::function<std::shared_ptr<SSL_CTX>()>;

// Listens on one address and hands out streams that belong to `loops`, in turn.
class Acceptor {
 public:
  // Runs on the loop that the stream belongs to.
  using OnAccept =
      std::function<void(size_t loop_index, std::unique_ptr<Stream> stream, PeerInfo peer)>;

  virtual ~Acceptor() = default;
  // `tls` null: plain.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Open(
      const std::vector<std::unique_ptr<EventLoop>>& loops, const std::string& host, uint16_t port,
      TlsContextSource tls, OnAccept on_accept);

  virtual uint16_t port() const = 0;
  virtual void Start() = 0;  // before the loops start, or on loop 0
  virtual void Close() = 0;  // on loop 0
};

}  // namespace hearth::net

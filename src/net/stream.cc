// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "net/http.h"

namespace hearth::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// After accept fails for want of descriptors or memory, trying again at once would only burn CPU.
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

StreamResult ToResult(const ErrorCode& error) {
  if (!error) return StreamResult::kOk;
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return StreamResult::kEnd;
  }
  return StreamResult::kFailed;
}

StreamResult HandshakeResult(const ErrorCode& error) {
  if (error.category() == asio::error::get_ssl_category()) {
    const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
    if (reason == SSL_R_HTTP_REQUEST) return StreamResult::kPlainHttp;
  }
  return ToResult(error);
}

// What plain and TLS streams do the same way, on the socket itself.
class SocketStream : public Stream {
 public:
  void CancelRead() override {
    ErrorCode ignored;  // a closed socket has nothing to cancel
    socket().cancel(ignored);
  }

  void Discard(char* buffer, size_t size, StreamEventsPtr events) override {
    socket().async_read_some(asio::buffer(buffer, size),
                             [events = std::move(events)](ErrorCode error, size_t bytes) {
                               events->OnRead(ToResult(error), bytes);
                             });
  }

  void SendRaw(std::string_view bytes) override {
    // The connection is closed next, whether or not the text fitted.
    (void)::send(socket().native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  bool PeerGone() override {
    // POLLRDHUP tells of a FIN even where unread bytes lie before it.
    pollfd state{socket().native_handle(), POLLRDHUP, 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  void Close() override {
    ErrorCode ignored;  // closing is all that is wanted
    socket().close(ignored);
  }

 protected:
  virtual tcp::socket& socket() = 0;
};

class PlainStream final : public SocketStream {
 public:
  explicit PlainStream(tcp::socket socket) : socket_(std::move(socket)) {}

  void Handshake(StreamEventsPtr events) override {
    asio::post(socket_.get_executor(),
               [events = std::move(events)] { events->OnHandshake(StreamResult::kOk); });
  }

  void Read(char* buffer, size_t size, StreamEventsPtr events) override {
    Discard(buffer, size, std::move(events));
  }

  void Write(std::string_view first, std::string_view second, StreamEventsPtr events) override {
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(first.data(), first.size()),
                                                       asio::buffer(second.data(), second.size())};
    socket_.async_write_some(buffers, [events = std::move(events)](ErrorCode error, size_t bytes) {
      events->OnWrite(ToResult(error), bytes);
    });
  }

  void Shutdown(StreamEventsPtr events) override {
    ErrorCode ignored;  // the peer may have gone first
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    asio::post(socket_.get_executor(), [events = std::move(events)] { events->OnShutdown(); });
  }

 protected:
  tcp::socket& socket() override { return socket_; }

 private:
  tcp::socket socket_;
};

class TlsStream final : public SocketStream {
 public:
  TlsStream(tcp::socket socket, SSL_CTX* native)
      : context_(Share(native)), stream_(std::move(socket), context_) {}

  void Handshake(StreamEventsPtr events) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [events = std::move(events)](ErrorCode error) {
                              events->OnHandshake(HandshakeResult(error));
                            });
  }

  void Read(char* buffer, size_t size, StreamEventsPtr events) override {
    stream_.async_read_some(asio::buffer(buffer, size),
                            [events = std::move(events)](ErrorCode error, size_t bytes) {
                              events->OnRead(ToResult(error), bytes);
                            });
  }

  void Write(std::string_view first, std::string_view second, StreamEventsPtr events) override {
    const std::string_view bytes = first.empty() ? second : first;
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                             [events = std::move(events)](ErrorCode error, size_t written) {
                               events->OnWrite(ToResult(error), written);
                             });
  }

  void Shutdown(StreamEventsPtr events) override {
    // Says goodbye and does not wait for the peer's: an idle client may not read for hours, and
    // RFC 8446, 6.1 asks for no more.
    SSL_set_shutdown(stream_.native_handle(), SSL_RECEIVED_SHUTDOWN);
    stream_.async_shutdown([this, events = std::move(events)](ErrorCode) {
      ErrorCode ignored;  // the peer may have gone first
      socket().shutdown(tcp::socket::shutdown_send, ignored);
      events->OnShutdown();
    });
  }

 protected:
  tcp::socket& socket() override { return stream_.next_layer(); }

 private:
  static SSL_CTX* Share(SSL_CTX* native) {
    SSL_CTX_up_ref(native);
    return native;
  }

  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
};

class TcpAcceptor final : public Acceptor {
 public:
  TcpAcceptor(const std::vector<std::unique_ptr<EventLoop>>& loops, TlsContextSource tls,
              OnAccept on_accept)
      : loops_(loops),
        tls_(std::move(tls)),
        on_accept_(std::move(on_accept)),
        acceptor_(loops[0]->context()),
        retry_(loops[0]->context()) {}

  absl::Status Listen(const std::string& host, uint16_t port) {
    const std::string where = FormatHostPort(host, port);
    ErrorCode error;
    const bool any = host.empty();
    tcp::resolver resolver(loops_[0]->context());
    const auto found =
        resolver.resolve(any ? "::" : host, std::to_string(port), tcp::resolver::passive, error);
    if (error) return Unavailable("listen on {}: {}", where, error.message());
    // "localhost" is two addresses; as Go does, one listener takes the IPv4 one.
    const auto v4 = std::find_if(found.begin(), found.end(), [any](const auto& entry) {
      return !any && entry.endpoint().protocol() == tcp::v4();
    });
    tcp::endpoint endpoint = v4 != found.end() ? *v4 : *found.begin();
    acceptor_.open(endpoint.protocol(), error);
    if (error && any) {  // a machine without IPv6
      endpoint = tcp::endpoint(tcp::v4(), port);
      acceptor_.open(endpoint.protocol(), error);
    }
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.protocol() == tcp::v6()) {
      acceptor_.set_option(asio::ip::v6_only(!any), error);
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::access_denied) {
      return PermissionDenied("listen on {}: {}", where, error.message());
    }
    if (error) return Unavailable("listen on {}: {}", where, error.message());
    port_ = acceptor_.local_endpoint(error).port();
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }
  void Start() override { Accept(); }
  void Close() override {
    ErrorCode ignored;  // closing is all that is wanted
    acceptor_.close(ignored);
    retry_.cancel();
  }

 private:
  void Accept() {
    const size_t loop = next_loop_++ % loops_.size();
    acceptor_.async_accept(
        loops_[loop]->context(), [this, loop](ErrorCode error, tcp::socket socket) {
          if (error == asio::error::operation_aborted) return;
          if (error) {
            log::Warn("net", "accept failed", {{"port", port_}, {"error", error.message()}});
            retry_.expires_after(kAcceptRetry);
            retry_.async_wait([this](ErrorCode stopped) {
              if (!stopped) Accept();
            });
            return;
          }
          Adopt(loop, std::move(socket));
          Accept();
        });
  }

  void Adopt(size_t loop, tcp::socket socket) {
    ErrorCode error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;  // gone before it was accepted
    socket.set_option(tcp::no_delay(true), error);
    asio::ip::address address = remote.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    PeerInfo peer;
    peer.address = address.to_string();
    peer.port = remote.port();
    peer.is_loopback = address.is_loopback();
    peer.tls = tls_ != nullptr;
    peer.local_port = port_;
    std::unique_ptr<Stream> stream;
    if (tls_ == nullptr) {
      stream = std::make_unique<PlainStream>(std::move(socket));
    } else {
      stream = std::make_unique<TlsStream>(std::move(socket), tls_().get());
    }
    // std::function wants to be copied, so the stream travels in a shared box.
    auto box = std::make_shared<std::unique_ptr<Stream>>(std::move(stream));
    loops_[loop]->Post([this, loop, box, peer = std::move(peer)]() mutable {
      on_accept_(loop, std::move(*box), std::move(peer));
    });
  }

  const std::vector<std::unique_ptr<EventLoop>>& loops_;
  const TlsContextSource tls_;
  const OnAccept on_accept_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  size_t next_loop_ = 0;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Open(
    const std::vector<std::unique_ptr<EventLoop>>& loops, const std::string& host, uint16_t port,
    TlsContextSource tls, OnAccept on_accept) {
  auto acceptor = std::make_unique<TcpAcceptor>(loops, std::move(tls), std::move(on_accept));
  TRY(acceptor->Listen(host, port));
  return acceptor;
}

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// One connection of the HTTP server: a state machine on its loop's thread.
//
//   kHandshake ─► kIdle ─► kHead ─► kBody ─► kHandling ─► kWriting ─► kIdle …
//                   │        │        │      (pool thread)    │ ▲
//                   │        └── Refuse ──────────────────────┤ │ producer: kProducing
//                   └─► kShutdown ◄───────────────────────────┘
//                         └─► kLinger ─► kClosed
//
// Everything runs on the loop's thread but HandleRequest and Produce, which run on a pool; while
// one of them runs, the loop touches neither request_ nor response_. Requests behind the one in
// work stay unread, in our buffer or the kernel's: answers go out in order and a fast sender is
// held back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fair_pool.h"
#include "net/chunk_decoder.h"
#include "net/event_loop.h"
#include "net/head_scanner.h"
#include "net/http_server.h"
#include "net/request_parser.h"
#include "net/response_writer.h"
#include "net/server_metrics.h"
#include "net/stream.h"

namespace hearth::net {

// What the connections of a server share. Outlives them.
struct ServerContext {
  ServerContext(HttpServerOptions server_options, HttpHandler server_handler,
                const Clock& server_clock, Registry& registry)
      : options(std::move(server_options)),
        handler(std::move(server_handler)),
        clock(server_clock),
        metrics(registry) {}

  // Takes `bytes` from the budget of bodies; false where it is spent.
  bool ReserveBody(size_t bytes);
  void ReleaseBody(size_t bytes);

  const HttpServerOptions options;
  const HttpHandler handler;
  const Clock& clock;
  ServerMetrics metrics;
  std::vector<std::unique_ptr<FairPool>> pools;
  std::atomic<size_t> body_bytes{0};
  std::atomic<bool> stopping{false};
};

class Connection final : public StreamEvents, public std::enable_shared_from_this<Connection> {
 public:
  // `on_closed` is called once, on the loop's thread.
  Connection(ServerContext& server, EventLoop& loop, std::unique_ptr<Stream> stream, PeerInfo peer,
             std::function<void(Connection*)> on_closed);
  ~Connection() override;

  void Begin();
  // Answers 503 and closes: there are too many connections.
  void BeginRefused();
  void Tick(int64_t now_ns);  // time-outs; notices clients that went away
  void Drain();               // the server stops: no request after the one under way
  void Cut();                 // cancels the request and closes

 private:
  enum class State {
    kHandshake,
    kIdle,  // between requests, nothing of the next one has come
    kHead,
    kContinue,  // writing "100 Continue"
    kBody,
    kHandling,
    kWriting,
    kProducing,
    kShutdown,
    kLinger,
    kClosed,
  };

  void OnHandshake(StreamResult result) override;
  void OnRead(StreamResult result, size_t bytes) override;
  void OnWrite(StreamResult result, size_t bytes) override;
  void OnShutdown() override;

  void StartRequest();
  void ReadMore();
  void ProcessHead();
  void OnHead(size_t head_size);
  void StartBody();
  void ReadBody();
  void ProcessChunks();
  bool GrowBody();
  void ExtendBodyDeadline(size_t fresh_bytes);
  void Dispatch();
  void HandleRequest();  // pool
  void SendResponse();
  void WriteMore();
  void FinishWrite();
  void Produce();  // pool
  void SubmitProduce();
  void FinishRequest();
  void Refuse(Refusal refusal, bool close = true);
  void RefuseAfterRead(Refusal refusal);
  void SendError(const Refusal& refusal, bool close);
  void OnDeadline();
  void EndConnection();
  void Close();
  void ReleaseBody();
  void SetDeadline(int64_t milliseconds);
  std::string_view buffered() const {
    return std::string_view(buffer_).substr(begin_, end_ - begin_);
  }

  ServerContext& server_;
  EventLoop& loop_;
  const std::unique_ptr<Stream> stream_;
  const PeerInfo peer_;
  const std::function<void(Connection*)> on_closed_;

  State state_ = State::kHandshake;
  int64_t deadline_ns_ = 0;  // 0: none
  bool first_request_ = true;
  bool close_after_ = false;
  bool linger_ = false;
  bool draining_ = false;
  bool reading_ = false;
  bool produce_retry_ = false;
  std::optional<Refusal> refusal_after_read_;

  std::string buffer_;  // bytes read and not yet used: [begin_, end_)
  size_t begin_ = 0;
  size_t end_ = 0;

  HeadScanner scanner_;
  std::optional<ChunkDecoder> chunks_;
  RequestFraming framing_;
  HttpRequest request_;
  size_t body_size_ = 0;      // of request_.body, how much is filled (Content-Length)
  size_t body_reserved_ = 0;  // of the server's budget
  size_t body_since_extend_ = 0;
  size_t pool_ = 0;
  std::string owner_;  // of the request, for its turn in the pool
  int64_t head_done_ns_ = 0;

  HttpResponse response_;
  ResponseFraming response_framing_;
  std::string out_head_;
  std::string_view out_first_;
  std::string_view out_second_;
  std::string chunk_head_;
  std::string chunk_;  // reused from piece to piece
  bool more_chunks_ = false;
  bool produce_failed_ = false;
  bool response_started_ = false;
};

}  // namespace hearth::net

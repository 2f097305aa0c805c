// SPDX-License-Identifier: Apache-2.0
#include "net/connection.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace hearth::net {
namespace {

constexpr size_t kReadBytes = 8 << 10;          // most heads fit at once
constexpr size_t kChunkedReadBytes = 64 << 10;  // fewer system calls for bodies
constexpr size_t kFirstBodyBytes = 1 << 20;     // allocated before the first byte came, at most
constexpr size_t kBodyProgressBytes = 1024;     // per body_timeout_ms: a modem manages that
constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

bool ServerContext::ReserveBody(size_t bytes) {
  size_t used = body_bytes.load(std::memory_order_relaxed);
  do {
    if (bytes > options.limits.bodies_bytes_max - std::min(used, options.limits.bodies_bytes_max)) {
      return false;
    }
  } while (!body_bytes.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  metrics.bodies_bytes.Add(static_cast<double>(bytes));
  return true;
}

void ServerContext::ReleaseBody(size_t bytes) {
  body_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  metrics.bodies_bytes.Add(-static_cast<double>(bytes));
}

Connection::Connection(ServerContext& server, EventLoop& loop, std::unique_ptr<Stream> stream,
                       PeerInfo peer, std::function<void(Connection*)> on_closed)
    : server_(server),
      loop_(loop),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      on_closed_(std::move(on_closed)) {}

Connection::~Connection() { ReleaseBody(); }

void Connection::Begin() {
  if (!peer_.tls) return StartRequest();
  SetDeadline(server_.options.limits.header_timeout_ms);
  stream_->Handshake(shared_from_this());
}

void Connection::BeginRefused() {
  if (peer_.tls) return Close();  // a handshake costs more than what the limit protects
  server_.metrics.CountLimit("connections");
  SendError({503, "connections",
             fmt::format("too many connections; the limit is {}",
                         server_.options.limits.connections_max)},
            true);
}

void Connection::OnHandshake(StreamResult result) {
  if (state_ == State::kClosed) return;
  if (result == StreamResult::kOk) return StartRequest();
  if (result == StreamResult::kPlainHttp) {
    server_.metrics.CountLimit("malformed");
    stream_->SendRaw(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 69\r\nConnection: close\r\n\r\n"
        "this port speaks HTTPS, and a plain HTTP request came; use https://\r\n");
    state_ = State::kShutdown;
    linger_ = true;
    return OnShutdown();
  }
  Close();
}

// ------------------------------------------------------------------------------- reading a request

void Connection::StartRequest() {
  if (draining_ || server_.stopping.load(std::memory_order_relaxed)) return EndConnection();
  ReleaseBody();
  scanner_ = HeadScanner();
  chunks_.reset();
  framing_ = RequestFraming();
  request_ = HttpRequest();
  request_.peer_address = peer_.address;
  request_.peer_port = peer_.port;
  request_.peer_is_loopback = peer_.is_loopback;
  request_.tls = peer_.tls;
  request_.local_port = peer_.local_port;
  response_ = HttpResponse();
  std::string().swap(chunk_);  // a megabyte, after a long answer
  response_started_ = false;
  body_size_ = 0;
  body_since_extend_ = 0;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == 0 && buffer_.size() > kChunkedReadBytes) std::string().swap(buffer_);
  state_ = State::kIdle;
  // Whoever connects and says nothing gets no longer than for a head; Go's server does the same.
  SetDeadline(first_request_ ? server_.options.limits.header_timeout_ms
                             : server_.options.limits.idle_timeout_ms);
  ProcessHead();
}

void Connection::ReadMore() {
  const size_t want = framing_.chunked ? kChunkedReadBytes : kReadBytes;
  if (buffer_.size() - end_ < want / 2) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < want / 2) buffer_.resize(std::max(want, end_ * 2));
  }
  reading_ = true;
  stream_->Read(buffer_.data() + end_, buffer_.size() - end_, shared_from_this());
}

void Connection::OnRead(StreamResult result, size_t bytes) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kLinger) {
    if (result != StreamResult::kOk) return Close();
    reading_ = true;
    return stream_->Discard(buffer_.data(), buffer_.size(), shared_from_this());
  }
  if (refusal_after_read_) {
    Refusal refusal = *std::exchange(refusal_after_read_, std::nullopt);
    return Refuse(std::move(refusal));
  }
  if (result != StreamResult::kOk) {
    // In mid-request there is nobody left to answer.
    if (state_ == State::kIdle && result == StreamResult::kEnd) return EndConnection();
    return Close();
  }
  server_.metrics.received_bytes.Add(bytes);
  if (state_ == State::kShutdown) {
    linger_ = true;  // it crossed our goodbye: thrown away
    return;
  }
  if (state_ == State::kBody) {
    ExtendBodyDeadline(bytes);
    if (!framing_.chunked) {
      body_size_ += bytes;
      return ReadBody();
    }
    end_ += bytes;
    return ProcessChunks();
  }
  end_ += bytes;
  ProcessHead();
}

void Connection::ProcessHead() {
  // RFC 9112, 2.2: empty lines before the request line are passed over.
  if (state_ == State::kIdle) {
    while (end_ - begin_ >= 2 && buffered().starts_with("\r\n")) begin_ += 2;
  }
  const std::string_view bytes = buffered();
  if (bytes.empty() || bytes == "\r") return ReadMore();
  if (state_ == State::kIdle) {
    state_ = State::kHead;
    first_request_ = false;
    SetDeadline(server_.options.limits.header_timeout_ms);
  }
  const size_t limit = server_.options.limits.header_bytes_max;
  const HeadScanner::State found = scanner_.Scan(bytes);
  if (found == HeadScanner::State::kBad) {
    return Refuse({400, "malformed", std::string(scanner_.problem())});
  }
  if (found == HeadScanner::State::kMore ? bytes.size() >= limit : scanner_.head_size() > limit) {
    return Refuse({431, "header_bytes",
                   fmt::format("the request's head is larger than the limit of {} bytes", limit)});
  }
  if (found == HeadScanner::State::kMore) return ReadMore();
  OnHead(scanner_.head_size());
}

void Connection::OnHead(size_t head_size) {
  request_.received_ms = server_.clock.NowMs();
  head_done_ns_ = server_.clock.MonotonicNs();
  request_.cancelled = std::make_shared<std::atomic<bool>>(false);
  const auto& options = server_.options;
  auto refusal = ParseRequestHead(buffered().substr(0, head_size), options.limits.header_count_max,
                                  &request_, &framing_);
  begin_ += head_size;
  if (refusal) return Refuse(*std::move(refusal));
  if (framing_.content_length > options.limits.body_bytes_max) {
    return Refuse({413, "body_bytes",
                   fmt::format("the request body of {} bytes is larger than the limit of {} bytes",
                               framing_.content_length, options.limits.body_bytes_max)});
  }
  close_after_ = !framing_.keep_alive;
  pool_ = options.classify ? options.classify(request_) : 0;
  if (pool_ >= server_.pools.size()) pool_ = 0;
  owner_ = options.owner_of ? options.owner_of(request_) : std::string_view();
  if (framing_.content_length == 0 && !framing_.chunked) return Dispatch();
  if (framing_.expect_continue && buffered().empty()) {
    if (!framing_.chunked && !GrowBody()) return;  // what cannot be taken is not asked for
    state_ = State::kContinue;
    out_first_ = "HTTP/1.1 100 Continue\r\n\r\n";
    out_second_ = {};
    SetDeadline(options.limits.write_timeout_ms);
    return WriteMore();
  }
  StartBody();
}

void Connection::StartBody() {
  state_ = State::kBody;
  SetDeadline(server_.options.limits.body_timeout_ms);
  if (framing_.chunked) {
    chunks_.emplace(server_.options.limits.body_bytes_max);
    return ProcessChunks();
  }
  if (request_.body.empty() && !GrowBody()) return;
  const size_t ready = std::min(end_ - begin_, request_.body.size());
  std::memcpy(request_.body.data(), buffer_.data() + begin_, ready);
  begin_ += ready;
  body_size_ = ready;
  ReadBody();
}

// Allocates the body as it comes, doubling, so that a declared size alone takes nothing away from
// others. False where the request was refused.
bool Connection::GrowBody() {
  const auto length = static_cast<size_t>(framing_.content_length);
  const size_t next =
      request_.body.empty() ? std::min(length, kFirstBodyBytes) : std::min(length, body_size_ * 2);
  if (!server_.ReserveBody(next - request_.body.size())) {
    Refuse({503, "body_budget", "the server holds too many request bodies; try again"});
    return false;
  }
  body_reserved_ = next;
  request_.body.resize(next);
  return true;
}

void Connection::ReadBody() {
  while (body_size_ == request_.body.size()) {
    if (body_size_ == framing_.content_length) return Dispatch();
    if (!GrowBody()) return;
    const size_t ready = std::min(end_ - begin_, request_.body.size() - body_size_);
    std::memcpy(request_.body.data() + body_size_, buffer_.data() + begin_, ready);
    begin_ += ready;
    body_size_ += ready;
  }
  reading_ = true;
  stream_->Read(request_.body.data() + body_size_, request_.body.size() - body_size_,
                shared_from_this());
}

void Connection::ProcessChunks() {
  size_t consumed = 0;
  auto refusal = chunks_->Put(buffered(), &consumed, &request_.body);
  begin_ += consumed;
  if (refusal) return Refuse(*std::move(refusal));
  if (request_.body.size() > body_reserved_) {
    // What a std::string grows to is at most twice what it holds.
    const size_t more = std::max(request_.body.capacity(), kReadBytes) - body_reserved_;
    if (!server_.ReserveBody(more)) {
      return Refuse({503, "body_budget", "the server holds too many request bodies; try again"});
    }
    body_reserved_ += more;
  }
  if (chunks_->done()) return Dispatch();
  ReadMore();
}

void Connection::ExtendBodyDeadline(size_t fresh_bytes) {
  body_since_extend_ += fresh_bytes;
  if (body_since_extend_ < kBodyProgressBytes) return;
  body_since_extend_ = 0;
  SetDeadline(server_.options.limits.body_timeout_ms);
}

// ------------------------------------------------------------------------------------ answering it

void Connection::Dispatch() {
  state_ = State::kHandling;
  deadline_ns_ = 0;
  if (server_.pools[pool_]->TrySubmit(owner_,
                                      [self = shared_from_this()] { self->HandleRequest(); })) {
    return;
  }
  Refuse({503, "queue",
          fmt::format("too many requests wait; the limit of pool {} is {}",
                      server_.options.pools[pool_].name, server_.options.pools[pool_].queue_max)},
         false);
}

void Connection::HandleRequest() {
  try {
    response_ = request_.IsCancelled() ? TextResponse(503, "the server stops\n")
                                       : server_.handler(request_);
  } catch (const std::exception& error) {
    server_.metrics.handler_exceptions.Add();
    log::Error("net", "exception in a request handler",
               {{"method", request_.method}, {"path", request_.path}, {"error", error.what()}});
    response_ = TextResponse(500, "internal error\n");
  } catch (...) {
    server_.metrics.handler_exceptions.Add();
    log::Error("net", "unknown exception in a request handler", {{"path", request_.path}});
    response_ = TextResponse(500, "internal error\n");
  }
  std::string().swap(request_.body);
  CompressResponse(request_.headers, server_.options.compress_bytes_min, &response_);
  loop_.Post([self = shared_from_this()] { self->SendResponse(); });
}

void Connection::SendResponse() {
  ReleaseBody();
  if (state_ == State::kClosed) return;
  const bool stopping = draining_ || server_.stopping.load(std::memory_order_relaxed);
  const bool until_close = response_.producer && !framing_.http11;
  close_after_ = close_after_ || response_.close || stopping || until_close;
  response_framing_.head_only = request_.method == "HEAD";
  response_framing_.http11 = framing_.http11;
  response_framing_.keep_alive = !close_after_;
  response_framing_.server_header = server_.options.server_header;
  out_head_ = ResponseHead(response_, response_framing_, server_.clock.NowMs());
  out_first_ = out_head_;
  out_second_ = response_.body_view.data() != nullptr ? response_.body_view
                                                      : std::string_view(response_.body);
  const bool no_body = response_framing_.head_only || HasNoBody(response_.status);
  if (no_body || response_.producer) out_second_ = {};
  more_chunks_ = response_.producer != nullptr && !no_body;
  response_started_ = true;
  state_ = State::kWriting;
  SetDeadline(server_.options.limits.write_timeout_ms);
  WriteMore();
}

void Connection::WriteMore() { stream_->Write(out_first_, out_second_, shared_from_this()); }

void Connection::OnWrite(StreamResult result, size_t bytes) {
  if (state_ == State::kClosed) return;
  if (result != StreamResult::kOk) return Close();
  server_.metrics.sent_bytes.Add(bytes);
  const size_t of_first = std::min(bytes, out_first_.size());
  out_first_.remove_prefix(of_first);
  out_second_.remove_prefix(bytes - of_first);
  if (!out_first_.empty() || !out_second_.empty()) {
    SetDeadline(server_.options.limits.write_timeout_ms);
    return WriteMore();
  }
  if (state_ == State::kContinue) return StartBody();
  FinishWrite();
}

void Connection::FinishWrite() {
  if (!more_chunks_) return FinishRequest();
  state_ = State::kProducing;
  deadline_ns_ = 0;
  SubmitProduce();
}

void Connection::SubmitProduce() {
  produce_retry_ =
      !server_.pools[pool_]->TrySubmit(owner_, [self = shared_from_this()] { self->Produce(); });
}

void Connection::Produce() {
  chunk_.clear();
  produce_failed_ = false;
  if (request_.IsCancelled()) {
    produce_failed_ = true;
  } else {
    try {
      // An empty piece would end a chunked body, so it is asked again.
      do {
        const absl::StatusOr<bool> more = response_.producer(&chunk_);
        produce_failed_ = !more.ok();
        more_chunks_ = more.ok() && *more;
        if (!more.ok()) {
          log::Warn("net", "an answer was cut short",
                    {{"path", request_.path}, {"error", Message(more.status())}});
        }
      } while (more_chunks_ && chunk_.empty());
    } catch (const std::exception& error) {
      server_.metrics.handler_exceptions.Add();
      log::Error("net", "exception in a body producer",
                 {{"path", request_.path}, {"error", error.what()}});
      produce_failed_ = true;
    }
  }
  chunk_head_ = framing_.http11 ? FrameChunk(!more_chunks_, &chunk_) : std::string();
  loop_.Post([self = shared_from_this()] {
    if (self->state_ == State::kClosed) return;
    if (self->produce_failed_) return self->Cut();
    if (self->chunk_.empty()) return self->FinishRequest();
    self->state_ = State::kWriting;
    self->out_first_ = self->chunk_head_;
    self->out_second_ = self->chunk_;
    self->SetDeadline(self->server_.options.limits.write_timeout_ms);
    self->WriteMore();
  });
}

void Connection::FinishRequest() {
  if (head_done_ns_ != 0) {
    const auto took = static_cast<double>(server_.clock.MonotonicNs() - head_done_ns_);
    server_.metrics.CountRequest(response_.status, took * 1e-9);
    head_done_ns_ = 0;
  } else {
    server_.metrics.CountRequest(response_.status, 0);
  }
  if (close_after_) return EndConnection();
  StartRequest();
}

// ------------------------------------------------------------------------- refusing and going away

void Connection::Refuse(Refusal refusal, bool close) {
  server_.metrics.CountLimit(refusal.kind);
  SendError(refusal, close);
}

void Connection::SendError(const Refusal& refusal, bool close) {
  const auto& options = server_.options;
  const ServerError error{refusal.status, refusal.kind, refusal.message};
  if (options.render_error) {
    response_ = options.render_error(error, request_);
  } else {
    response_ = TextResponse(refusal.status, refusal.message + "\n");
  }
  if (refusal.status == 503 && !response_.headers.Has("retry-after")) {
    response_.headers.Add("Retry-After", "1");
  }
  response_.producer = nullptr;
  std::string().swap(request_.body);
  if (close) {
    close_after_ = true;
    linger_ = true;
  }
  SendResponse();
}

// The read under way ends first: its buffer must not change under it.
void Connection::RefuseAfterRead(Refusal refusal) {
  deadline_ns_ = 0;
  if (!reading_) return Refuse(std::move(refusal));
  refusal_after_read_ = std::move(refusal);
  stream_->CancelRead();
}

void Connection::Tick(int64_t now_ns) {
  if (deadline_ns_ != 0 && now_ns >= deadline_ns_) return OnDeadline();
  if (state_ != State::kHandling && state_ != State::kProducing) return;
  if (produce_retry_) SubmitProduce();
  if (!request_.cancelled->load(std::memory_order_relaxed) && stream_->PeerGone()) {
    server_.metrics.cancelled.Add();
    request_.cancelled->store(true, std::memory_order_relaxed);
  }
}

void Connection::OnDeadline() {
  const auto& limits = server_.options.limits;
  switch (state_) {
    case State::kHandshake:
      server_.metrics.CountLimit("header_timeout");
      return Close();
    case State::kIdle:
      server_.metrics.CountLimit("idle_timeout");
      return EndConnection();
    case State::kHead:
      return RefuseAfterRead(
          {408, "header_timeout",
           fmt::format("the request's head did not come within {} ms", limits.header_timeout_ms)});
    case State::kBody:
      return RefuseAfterRead(
          {408, "body_timeout",
           fmt::format("less than {} bytes of the request body came within {} ms",
                       kBodyProgressBytes, limits.body_timeout_ms)});
    case State::kContinue:
    case State::kWriting:
      server_.metrics.CountLimit("write_timeout");
      return Cut();
    case State::kShutdown:
    case State::kLinger:
      return Close();
    case State::kHandling:
    case State::kProducing:
    case State::kClosed:
      return;
  }
}

void Connection::Drain() {
  draining_ = true;
  if (state_ == State::kIdle) EndConnection();
}

void Connection::Cut() {
  if (request_.cancelled != nullptr) request_.cancelled->store(true, std::memory_order_relaxed);
  Close();
}

void Connection::EndConnection() {
  state_ = State::kShutdown;
  SetDeadline(server_.options.limits.linger_ms);
  if (begin_ != end_) linger_ = true;  // closing on unread bytes would reset, and lose the answer
  stream_->Shutdown(shared_from_this());
}

void Connection::OnShutdown() {
  if (state_ != State::kShutdown) return;
  if (!linger_) return Close();
  state_ = State::kLinger;
  SetDeadline(server_.options.limits.linger_ms);
  if (reading_) return;
  if (buffer_.size() < kReadBytes) buffer_.resize(kReadBytes);
  reading_ = true;
  stream_->Discard(buffer_.data(), buffer_.size(), shared_from_this());
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  deadline_ns_ = 0;
  stream_->Close();
  on_closed_(this);
}

void Connection::ReleaseBody() {
  if (body_reserved_ == 0) return;
  server_.ReleaseBody(body_reserved_);
  body_reserved_ = 0;
}

void Connection::SetDeadline(int64_t milliseconds) {
  deadline_ns_ = server_.clock.MonotonicNs() + milliseconds * kNsPerMs;
}

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "net/connection.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace hearth::net {
namespace {

// Connections that are told 503 instead of being dropped, above connections_max.
constexpr size_t kRefusalsMax = 128;
// How late a time-out may be noticed, and how often a running request's client is looked for.
constexpr int64_t kTickMsMax = 250;
constexpr int64_t kTickMsMin = 5;
// How long closing every connection may take: loops do not block, so this is generous.
constexpr int64_t kCutMs = 2'000;

int64_t TickMs(const HttpServerLimits& limits) {
  const int64_t shortest =
      std::min({limits.header_timeout_ms, limits.body_timeout_ms, limits.write_timeout_ms,
                limits.idle_timeout_ms, limits.linger_ms});
  return std::clamp(shortest / 8, kTickMsMin, kTickMsMax);
}

}  // namespace

absl::Status HttpServerOptions::Validate() const {
  if (listeners.empty()) return InvalidArgument("an HTTP server needs a listener");
  if (loop_threads == 0) return InvalidArgument("loop_threads must be at least 1");
  if (pools.empty()) return InvalidArgument("an HTTP server needs a worker pool");
  for (const WorkerPool& pool : pools) {
    if (pool.threads == 0) return InvalidArgument("pool {} has no threads", pool.name);
  }
  for (const Listener& listener : listeners) {
    if (listener.tls && !load_tls) {
      return InvalidArgument("listener {} is to speak TLS, but there is no certificate",
                             FormatHostPort(listener.host, listener.port));
    }
  }
  return absl::OkStatus();
}

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options, HttpHandler handler, const Clock& clock, Registry& metrics)
      : context_(std::move(options), std::move(handler), clock, metrics), registry_(metrics) {}

  absl::StatusOr<std::vector<uint16_t>> Start();
  void Stop();
  absl::Status ReloadCertificates();

 private:
  using Connections = absl::flat_hash_map<Connection*, std::shared_ptr<Connection>>;

  absl::Status OpenListeners();
  void StartPools();
  void Adopt(size_t loop, std::unique_ptr<Stream> stream, PeerInfo peer);
  void Forget(size_t loop, Connection* connection);
  void OnEachConnection(void (Connection::*action)());
  bool WaitForConnections(int64_t milliseconds);  // true: none is left
  void StopThreads();
  std::shared_ptr<SSL_CTX> tls() {
    absl::MutexLock lock(&mutex_);
    return tls_;
  }

  ServerContext context_;
  Registry& registry_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<Connections> connections_;  // by loop; each touched on its loop's thread only

  absl::Mutex mutex_;
  size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<SSL_CTX> tls_ ABSL_GUARDED_BY(mutex_);
  bool started_ = false;
};

absl::StatusOr<std::vector<uint16_t>> HttpServer::Impl::Start() {
  const HttpServerOptions& options = context_.options;
  TRY(options.Validate());
  const bool any_tls = std::any_of(options.listeners.begin(), options.listeners.end(),
                                   [](const Listener& listener) { return listener.tls; });
  if (any_tls) TRY(ReloadCertificates());
  for (size_t i = 0; i < options.loop_threads; ++i) {
    loops_.push_back(std::make_unique<EventLoop>(fmt::format("net-{}", i)));
  }
  connections_.resize(loops_.size());
  if (const absl::Status opened = OpenListeners(); !opened.ok()) {
    acceptors_.clear();
    connections_.clear();
    loops_.clear();
    return opened;
  }
  StartPools();
  for (size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->Every(TickMs(options.limits), [this, i] {
      const int64_t now_ns = context_.clock.MonotonicNs();
      // A tick may close a connection, which takes it out of the map: walk over a copy.
      std::vector<std::shared_ptr<Connection>> all;
      all.reserve(connections_[i].size());
      for (const auto& [key, connection] : connections_[i]) all.push_back(connection);
      for (const auto& connection : all) connection->Tick(now_ns);
    });
  }
  for (const auto& acceptor : acceptors_) acceptor->Start();
  for (const auto& loop : loops_) loop->Start();
  started_ = true;
  std::vector<uint16_t> ports;
  for (const auto& acceptor : acceptors_) ports.push_back(acceptor->port());
  return ports;
}

absl::Status HttpServer::Impl::OpenListeners() {
  for (const Listener& listener : context_.options.listeners) {
    TlsContextSource source;
    if (listener.tls) source = [this] { return tls(); };
    TRY_ASSIGN(auto acceptor,
               Acceptor::Open(loops_, listener.host, listener.port, std::move(source),
                              [this](size_t loop, std::unique_ptr<Stream> stream, PeerInfo peer) {
                                Adopt(loop, std::move(stream), std::move(peer));
                              }));
    acceptors_.push_back(std::move(acceptor));
  }
  return absl::OkStatus();
}

void HttpServer::Impl::StartPools() {
  for (const WorkerPool& pool : context_.options.pools) {
    auto& made = context_.pools.emplace_back(std::make_unique<FairPool>(
        FairPool::Options{"http-" + pool.name, pool.threads, pool.queue_max, pool.nice}));
    registry_.AddCallback(this, "hearth_net_pool_queued", "Requests that wait for a worker.", false,
                          {{"pool", pool.name}},
                          [worker = made.get()] { return static_cast<double>(worker->queued()); });
  }
}

void HttpServer::Impl::Adopt(size_t loop, std::unique_ptr<Stream> stream, PeerInfo peer) {
  if (context_.stopping.load()) return;
  context_.metrics.connections.Add();
  size_t open = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (open_ >= context_.options.limits.connections_max + kRefusalsMax) {
      context_.metrics.CountLimit("connections");
      return;
    }
    open = ++open_;
  }
  context_.metrics.connections_open.Add(1);
  auto connection =
      std::make_shared<Connection>(context_, *loops_[loop], std::move(stream), std::move(peer),
                                   [this, loop](Connection* closed) { Forget(loop, closed); });
  connections_[loop].emplace(connection.get(), connection);
  if (open > context_.options.limits.connections_max) {
    connection->BeginRefused();
  } else {
    connection->Begin();
  }
}

void HttpServer::Impl::Forget(size_t loop, Connection* connection) {
  context_.metrics.connections_open.Add(-1);
  connections_[loop].erase(connection);
  absl::MutexLock lock(&mutex_);
  --open_;
}

void HttpServer::Impl::OnEachConnection(void (Connection::*action)()) {
  for (size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->Post([this, i, action] {
      std::vector<std::shared_ptr<Connection>> all;
      for (const auto& [key, connection] : connections_[i]) all.push_back(connection);
      for (const auto& connection : all) (connection.get()->*action)();
    });
  }
}

bool HttpServer::Impl::WaitForConnections(int64_t milliseconds) {
  absl::MutexLock lock(&mutex_);
  const size_t* open = &open_;
  const auto none = +[](const size_t* count) { return *count == 0; };
  return context_.clock.WaitUntil(mutex_, absl::Condition(none, open),
                                  context_.clock.MonotonicNs() + milliseconds * 1'000'000);
}

void HttpServer::Impl::Stop() {
  if (!started_) return;
  started_ = false;
  context_.stopping.store(true);
  loops_[0]->Post([this] {
    for (const auto& acceptor : acceptors_) acceptor->Close();
  });
  OnEachConnection(&Connection::Drain);
  if (!WaitForConnections(context_.options.limits.drain_ms)) {
    log::Warn("net", "requests were cut: they did not end in time",
              {{"drain_ms", context_.options.limits.drain_ms}});
    OnEachConnection(&Connection::Cut);
    WaitForConnections(kCutMs);
  }
  StopThreads();
}

void HttpServer::Impl::StopThreads() {
  registry_.RemoveCallbacks(this);
  // Loops first: they hand work to the pools. What a worker still posts is dropped with its loop.
  for (const auto& loop : loops_) loop->Stop();
  for (auto& pool : context_.pools) pool.reset();
  connections_.clear();
  acceptors_.clear();
  loops_.clear();
  context_.pools.clear();
}

absl::Status HttpServer::Impl::ReloadCertificates() {
  if (!context_.options.load_tls) return absl::OkStatus();
  TRY_ASSIGN(const TlsIdentity identity, context_.options.load_tls());
  TRY_ASSIGN(auto fresh, MakeServerTlsContext(identity));
  absl::MutexLock lock(&mutex_);
  tls_ = std::move(fresh);
  return absl::OkStatus();
}

HttpServer::HttpServer(HttpServerOptions options, HttpHandler handler, const Clock& clock,
                       Registry& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), clock, metrics)) {}

HttpServer::~HttpServer() { impl_->Stop(); }

absl::StatusOr<std::vector<uint16_t>> HttpServer::Start() { return impl_->Start(); }

void HttpServer::Stop() { impl_->Stop(); }

absl::Status HttpServer::ReloadCertificates() { return impl_->ReloadCertificates(); }

}  // namespace hearth::net

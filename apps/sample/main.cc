// SPDX-License-Identifier: Apache-2.0
// sample: a small shop to look at, with the metrics of the application dashboard.
//
//   sample [--listen 127.0.0.1:0] [--load 20]
#include <CivetServer.h>
#include <curl/curl.h>
#include <fmt/core.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "load.h"
#include "shop.h"

namespace hearth::sample {
namespace {

const Shop& ShopOf(const mg_connection* connection) {
  // CivetServer puts itself in civetweb's place for user data, and keeps ours.
  const void* server = mg_get_user_data(mg_get_context(connection));
  return *static_cast<const Shop*>(static_cast<const CivetServer*>(server)->getUserContext());
}

int Opened(const mg_connection* connection, void**) {
  ShopOf(connection).ConnectionOpened();
  return 0;
}

void Closed(const mg_connection* connection) { ShopOf(connection).ConnectionClosed(); }

int Serve(const std::string& listen, double load) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  // Before any thread is made, so that all of them leave the signals to sigwait.
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  curl_global_init(CURL_GLOBAL_DEFAULT);

  Shop shop;
  CivetCallbacks callbacks;
  callbacks.init_connection = &Opened;
  callbacks.connection_closed = &Closed;
  std::optional<CivetServer> server;
  try {
    // A thread serves one connection: 32 are the clients' dozen, scrapes and a few visitors.
    server.emplace(std::vector<std::string>{"listening_ports", listen, "num_threads", "32",
                                            "enable_keep_alive", "yes", "keep_alive_timeout_ms",
                                            "10000", "tcp_nodelay", "1"},
                   &callbacks, &shop);
  } catch (const CivetException& error) {
    fmt::print(stderr, "sample: cannot listen on {}: {}\n", listen, error.what());
    return 1;
  }
  server->addHandler("/", shop);
  const int port = server->getListeningPorts().at(0);
  fmt::print("sample listens on port {}\n", port);
  std::fflush(stdout);
  const Load clients(fmt::format("http://127.0.0.1:{}", port), load);
  int signal = 0;
  sigwait(&stop, &signal);
  return 0;
}

}  // namespace
}  // namespace hearth::sample

int main(int argc, char** argv) {
  CLI::App app("A small shop with metrics, and a gentle load on it.");
  std::string listen = "127.0.0.1:0";
  double load = 20;
  app.add_option("--listen", listen, "HOST:PORT; port 0 takes a free one and prints it");
  app.add_option("--load", load, "mean requests a second of the built-in load; 0 for none");
  CLI11_PARSE(app, argc, argv);
  return hearth::sample::Serve(listen, load);
}

// SPDX-License-Identifier: Apache-2.0
// replay: serves a recorded cluster as an exporter, in a loop.
//
//   replay --recording FILE.txt.gz [--listen 127.0.0.1:0]
#include <CivetServer.h>
#include <fmt/core.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/compress.h"
#include "base/file_system.h"
#include "base/status.h"
#include "recording.h"
#include "volumes.h"

namespace hearth::replay {
namespace {

// A recording is a megabyte of gzip; what unpacks to more is a mistake.
constexpr size_t kRecordingBytesMax = size_t{256} << 20;

class MetricsHandler : public CivetHandler {
 public:
  explicit MetricsHandler(const Recording& recording) : recording_(recording) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const int64_t elapsed_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now() - start_)
                                   .count();
    const std::string body = recording_.Render(elapsed_ms) + RenderSimulatedVolumes(elapsed_ms);
    mg_printf(connection,
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
              "Content-Length: %zu\r\n\r\n",
              body.size());
    mg_write(connection, body.data(), body.size());
    return true;
  }

 private:
  const Recording& recording_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

absl::StatusOr<Recording> Load(const std::string& path) {
  TRY_ASSIGN(const std::string packed, RealFileSystem().ReadFile(path));
  std::string text;
  TRY(GzipDecompress(packed, kRecordingBytesMax, &text));
  return Recording::Parse(text);
}

int Serve(const Recording& recording, const std::string& listen) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  // Before the server makes its threads, so that all of them leave the signals to sigwait.
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  MetricsHandler handler(recording);
  std::optional<CivetServer> server;
  try {
    server.emplace(std::vector<std::string>{"listening_ports", listen, "num_threads", "4"});
  } catch (const CivetException& error) {
    fmt::print(stderr, "replay: cannot listen on {}: {}\n", listen, error.what());
    return 1;
  }
  server->addHandler("/metrics", handler);
  fmt::print("replay listens on port {}: {} series, {} frames, {} s a round\n",
             server->getListeningPorts().at(0), recording.series_count(), recording.frame_count(),
             recording.duration_ms() / 1000);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  return 0;
}

}  // namespace
}  // namespace hearth::replay

int main(int argc, char** argv) {
  CLI::App app("Serves a recorded cluster as an exporter at /metrics, in a loop.");
  std::string path;
  std::string listen = "127.0.0.1:0";
  app.add_option("--recording", path, "frames of scrapes, gzip")->required();
  app.add_option("--listen", listen, "HOST:PORT; port 0 takes a free one and prints it");
  CLI11_PARSE(app, argc, argv);
  const auto recording = hearth::replay::Load(path);
  if (!recording.ok()) {
    fmt::print(stderr, "replay: {}: {}\n", path, hearth::Message(recording.status()));
    return 1;
  }
  return hearth::replay::Serve(*recording, listen);
}

// SPDX-License-Identifier: Apache-2.0
// What a request costs on the server: CPU time of its loop and worker threads for a keep-alive
// POST, by the size of the body, with one client on loopback. The client's time is not counted.
#include <benchmark/benchmark.h>
#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "net/raw_client.h"

namespace hearth::net {
namespace {

// Nanoseconds on a CPU of all threads but the calling one (/proc/self/task/*/schedstat).
uint64_t OtherThreadsNs() {
  uint64_t total = 0;
  const std::string self = std::to_string(::gettid());
  DIR* tasks = ::opendir("/proc/self/task");
  while (const dirent* entry = ::readdir(tasks)) {
    if (entry->d_name[0] == '.' || self == entry->d_name) continue;
    const std::string path = std::string("/proc/self/task/") + entry->d_name + "/schedstat";
    FILE* file = std::fopen(path.c_str(), "r");
    if (file == nullptr) continue;
    unsigned long long ns = 0;
    if (std::fscanf(file, "%llu", &ns) == 1) total += ns;
    std::fclose(file);
  }
  ::closedir(tasks);
  return total;
}

void BM_Post(benchmark::State& state) {
  Registry metrics;
  HttpServerOptions options;
  options.listeners.push_back({});
  HttpServer server(
      options,
      [](const HttpRequest&) {
        HttpResponse response;
        response.status = 204;
        return response;
      },
      SystemClock(), metrics);
  const auto ports = server.Start();
  if (!ports.ok()) return state.SkipWithError("cannot listen");
  RawClient client((*ports)[0]);
  const auto size = static_cast<size_t>(state.range(0));
  const std::string request =
      "POST /api/v1/write HTTP/1.1\r\nHost: 127.0.0.1:9320\r\nUser-Agent: Prometheus/3.0.0\r\n"
      "Content-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n"
      "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: " +
      std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
  const uint64_t before = OtherThreadsNs();
  for (auto _ : state) {
    if (!client.Send(request) || client.ReadResponse().empty()) {
      return state.SkipWithError("connection lost");
    }
  }
  state.counters["server_cpu_ns"] = benchmark::Counter(
      static_cast<double>(OtherThreadsNs() - before), benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_Post)->Arg(0)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->UseRealTime();

}  // namespace
}  // namespace hearth::net

BENCHMARK_MAIN();

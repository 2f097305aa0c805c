// SPDX-License-Identifier: Apache-2.0
#include "shop.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace hearth::sample {
namespace {

constexpr Endpoint kEndpoints[] = {
    {"GET", "/", 3, 2, 0, 500, 0.22},
    {"GET", "/api/products", 12, 10, 0.002, 500, 0.38},
    {"GET", "/api/search", 45, 60, 0.004, 504, 0.16},
    {"POST", "/api/orders", 60, 50, 0.02, 500, 0.14},
    {"GET", "/api/missing", 2, 1, 1, 404, 0.05},
    {"GET", "/api/flaky", 8, 8, 0.3, 503, 0.02},
    {"GET", "/api/report", 350, 350, 0.01, 504, 0.03},
};
// No answer takes longer, so that a stuck client frees its thread.
constexpr double kDelayMsMax = 2500;

const prometheus::Histogram::BucketBoundaries kBuckets = {0.005, 0.01, 0.025, 0.05, 0.1,
                                                          0.25,  0.5,  1,     2.5};

const Endpoint* FindEndpoint(std::string_view method, std::string_view path) {
  const auto at = std::ranges::find_if(kEndpoints, [&](const Endpoint& endpoint) {
    return endpoint.method == method && endpoint.path == path;
  });
  return at == std::end(kEndpoints) ? nullptr : at;
}

}  // namespace

std::span<const Endpoint> Endpoints() { return kEndpoints; }

Shop::Shop()
    : requests_(prometheus::BuildCounter()
                    .Name("http_requests_total")
                    .Help("HTTP requests answered")
                    .Register(registry_)),
      durations_(prometheus::BuildHistogram()
                     .Name("http_request_duration_seconds")
                     .Help("Time to answer an HTTP request, in seconds")
                     .Register(registry_)),
      connections_(&prometheus::BuildGauge()
                        .Name("http_active_connections")
                        .Help("Open client connections")
                        .Register(registry_)
                        .Add({})) {}

bool Shop::handleGet(CivetServer*, mg_connection* connection) {
  const std::string_view path = mg_get_request_info(connection)->local_uri;
  if (path == "/metrics") {
    Answer(connection, 200, prometheus::TextSerializer().Serialize(registry_.Collect()),
           "text/plain; version=0.0.4; charset=utf-8");
    return true;
  }
  return Handle(connection, "GET");
}

bool Shop::handlePost(CivetServer*, mg_connection* connection) {
  return Handle(connection, "POST");
}

bool Shop::Handle(mg_connection* connection, std::string_view method) {
  const auto start = std::chrono::steady_clock::now();
  const Endpoint* endpoint = FindEndpoint(method, mg_get_request_info(connection)->local_uri);
  int code = 404;
  if (endpoint != nullptr) {
    const double tail_ms = -std::log(1 - Uniform()) * endpoint->delay_tail_ms;
    const double delay_ms = std::min(endpoint->delay_ms + tail_ms, kDelayMsMax);
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(delay_ms));
    code = Uniform() < endpoint->error_share ? endpoint->error_code : 200;
  }
  Answer(connection, code, code == 200 ? "{\"ok\":true}\n" : "{\"ok\":false}\n",
         "application/json");
  const std::string path(endpoint == nullptr ? "other" : endpoint->path);
  const std::string verb(method);
  requests_.Add({{"method", verb}, {"path", path}, {"code", std::to_string(code)}}).Increment();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  durations_.Add({{"method", verb}, {"path", path}}, kBuckets).Observe(took.count());
  return true;
}

void Shop::Answer(mg_connection* connection, int code, std::string_view body,
                  std::string_view content_type) {
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: %.*s\r\nContent-Length: %zu\r\n"
            "Connection: keep-alive\r\n\r\n",
            code, mg_get_response_code_text(connection, code),
            static_cast<int>(content_type.size()), content_type.data(), body.size());
  mg_write(connection, body.data(), body.size());
}

double Shop::Uniform() {
  // SplitMix64 over a shared counter: good enough for delays, and without a lock.
  uint64_t z = random_state_.fetch_add(0x9e3779b97f4a7c15) + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

}  // namespace hearth::sample

// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <random>

#include "shop.h"

namespace hearth::sample {
namespace {

using Seconds = std::chrono::duration<double>;

// Bounds of the load, whatever --load says.
constexpr int kClientsMax = 12;
constexpr int kClientsMin = 3;
constexpr double kRateMax = 200;
// A client looks this often whether it should stop or rest.
constexpr Seconds kTick{0.25};

double NowSeconds() { return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Between 0.25 and 1.75, by two waves of different length.
double Swing(double now_s) {
  const double turn = 2 * std::numbers::pi * now_s;
  return 1 + 0.5 * std::sin(turn / 420) + 0.25 * std::sin(turn / 97);
}

size_t Discard(char*, size_t size, size_t count, void*) { return size * count; }

const Endpoint& Pick(double share) {
  const std::span<const Endpoint> endpoints = Endpoints();
  for (const Endpoint& endpoint : endpoints) {
    share -= endpoint.load_share;
    if (share < 0) return endpoint;
  }
  return endpoints.front();
}

void Call(CURL* curl, const std::string& base_url, const Endpoint& endpoint) {
  const std::string url = base_url + std::string(endpoint.path);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  if (endpoint.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{\"product\":7}");
  } else {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  }
  // Failures are what the endpoints are for, and the server counts them.
  static_cast<void>(curl_easy_perform(curl));
}

}  // namespace

Load::Load(std::string base_url, double rate)
    : base_url_(std::move(base_url)), rate_(std::min(rate, kRateMax)) {
  if (rate_ <= 0) return;
  for (int i = 0; i < kClientsMax; ++i) clients_.emplace_back(&Load::RunClient, this, i);
}

Load::~Load() {
  stopping_ = true;
  for (std::thread& client : clients_) client.join();
}

void Load::RunClient(int number) {
  std::mt19937_64 random(static_cast<uint64_t>(number) + 1);
  std::uniform_real_distribution<double> uniform(0, 1);
  CURL* curl = nullptr;
  double next_s = NowSeconds();
  while (!stopping_) {
    const double now_s = NowSeconds();
    const double wanted =
        std::clamp(kClientsMax * Swing(now_s) / 2, 1.0 * kClientsMin, 1.0 * kClientsMax);
    if (number >= wanted) {
      // Resting: the connection is closed, which the gauge of active connections shows.
      if (curl != nullptr) curl_easy_cleanup(curl);
      curl = nullptr;
      next_s = now_s;
      std::this_thread::sleep_for(kTick);
      continue;
    }
    if (now_s < next_s) {
      std::this_thread::sleep_for(std::min(kTick, Seconds(next_s - now_s)));
      continue;
    }
    if (curl == nullptr && (curl = curl_easy_init()) != nullptr) {
      curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
      curl_easy_setopt(curl, CURLOPT_PROXY, "");
      curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5000L);
      curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Discard);
    }
    if (curl != nullptr) Call(curl, base_url_, Pick(uniform(random)));
    const double mean_s = std::ceil(wanted) / (rate_ * Swing(now_s));
    next_s = std::max(next_s, now_s - 1) - std::log(1 - uniform(random)) * mean_s;
  }
  if (curl != nullptr) curl_easy_cleanup(curl);
}

}  // namespace hearth::sample

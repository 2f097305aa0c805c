// SPDX-License-Identifier: Apache-2.0
// What belongs to no workspace: health, our own metrics, signing in and out, the UI's files, and
// "/" which leads to the default Grafana workspace. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "access/gate.h"
#include "base/metrics.h"
#include "grafana/session.h"
#include "net/http.h"

namespace hearth::api {

struct ConsoleOptions {
  std::string default_grafana_path;  // "/g-0123456789/"
};

class Console {
 public:
  Console(ConsoleOptions options, const access::Gate& gate, grafana::Sessions& sessions,
          Registry& metrics, const std::atomic<bool>& ready)
      : options_(std::move(options)),
        gate_(gate),
        sessions_(sessions),
        metrics_(metrics),
        ready_(ready) {}

  // True for the paths it answers.
  static bool Serves(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

  // The file of the UI below /public/, or 404. Never anything else: a missing icon must not get a
  // page.
  static net::HttpResponse Asset(const net::HttpRequest& request, std::string_view path);
  // The UI's page itself, for every path that the browser's router knows.
  static net::HttpResponse Shell(const net::HttpRequest& request);

 private:
  net::HttpResponse SignIn(const net::HttpRequest& request);
  net::HttpResponse Metrics(const net::HttpRequest& request);

  const ConsoleOptions options_;
  const access::Gate& gate_;
  grafana::Sessions& sessions_;
  Registry& metrics_;
  const std::atomic<bool>& ready_;
};

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
// What the status endpoints tell about the process and its collector. Whoever constructs the API
// fills it; a function that is empty answers as if there were nothing. The functions are called on
// request threads, at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codec/otlp_translate.h"
#include "scrape/config.h"
#include "scrape/manager.h"

namespace hearth::api {

// Where alerts are sent.
struct AlertmanagersView {
  std::vector<std::string> active;
  std::vector<std::string> dropped;
};

// What the process scrapes and where it sends alerts; shown for the default workspace only.
struct CollectorView {
  std::function<scrape::TargetsSnapshot()> targets;
  std::function<std::vector<scrape::TargetMetadata>()> target_metadata;
  std::function<std::shared_ptr<const scrape::Config>()> config;
  std::function<AlertmanagersView()> alertmanagers;
};

// The process, for /api/v1/status/…
struct ServerView {
  int64_t start_time_ms = 0;
  std::string working_directory;
  std::string host_name;
  uint64_t memory_limit_bytes = 0;
  int64_t cpus = 1;
  std::map<std::string, std::string> flags;  // as `hearth serve` took them; secrets left out
  struct LastReload {
    bool success = true;
    int64_t time_ms = 0;
  };
  std::function<LastReload()> last_reload;
  std::function<codec::OtlpSettings()> otlp;  // of the configuration, for all workspaces
};

}  // namespace hearth::api

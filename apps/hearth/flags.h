// SPDX-License-Identifier: Apache-2.0
// The flags of `hearth serve` (product.md): each also HEARTH_… in the environment; a flag wins.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/log.h"
#include "net/address_policy.h"
#include "net/http.h"
#include "promql/engine.h"
#include "tsdb/options.h"

namespace CLI {
class App;
}

namespace hearth::app {

struct ServeFlags {
  std::string data = "./data";
  std::string listen = "127.0.0.1:9320";
  std::string listen_tls = "127.0.0.1:9443";
  std::string tls_cert;
  std::string tls_key;
  std::string domain;
  std::string region = "us-east-1";
  std::string account = "000000000000";
  std::string fidelity = "lenient";
  std::string external_url;
  std::string external_tls_url;
  std::string catalog;
  std::string auth = "on";
  std::string wal_fsync = "always";
  std::string config;
  std::string enable_feature;
  std::string query_threads = "auto";
  std::string datasource_allow;
  std::string datasource_deny;
  std::string memory_limit = "70%";
  std::string query_cache_bytes = "2%";
  std::string disk_limit = "90%";
  std::string log_level = "info";
  std::string log_format = "text";
};

// "4GiB", "512MiB", "1000000", or "70%" of `whole`.
struct Limit {
  uint64_t bytes = 0;  // where it was a size
  double share = 0;    // where it was a share, 0 … 1
};
absl::StatusOr<Limit> ParseLimit(std::string_view text, std::string_view flag);

// What the flags mean, checked.
struct ServeSettings {
  ServeFlags flags;
  net::HostPort listen;
  net::HostPort listen_tls;
  bool aws_fidelity = false;
  bool auth = true;
  promql::Options query;  // with what --enable-feature says
  size_t query_threads = 1;
  net::AddressPolicy data_source_addresses;
  tsdb::WalFsync wal_fsync = tsdb::WalFsync::kAlways;
  uint64_t memory_limit_bytes = 0;
  uint64_t query_cache_bytes = 0;
  Limit disk_limit;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
};
absl::StatusOr<ServeSettings> CheckFlags(const ServeFlags& flags);

void AddServeFlags(CLI::App& command, ServeFlags* flags);

// Every flag as it was given, by name, for /api/v1/status/flags: without the catalog's password.
std::map<std::string, std::string> ShownFlags(const ServeFlags& flags);

// SQLite's file below the data directory, or what --catalog says.
std::string CatalogUrl(const std::string& data, const std::string& catalog);

}  // namespace hearth::app

// SPDX-License-Identifier: Apache-2.0
#include "flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::app {
namespace {

absl::Status BadFlag(std::string_view flag, std::string_view value, std::string_view allowed) {
  return InvalidArgument("--{} '{}' is not allowed: {}", flag, value, allowed);
}

// What this process may use: the cgroup's limit where there is one, else the machine's memory.
uint64_t MachineMemory() {
  uint64_t machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                     static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::FILE* file =
        std::fopen(path, "r");  // kernel files have no size: not FileSystem's business
    if (file == nullptr) continue;
    unsigned long long limit = 0;
    const int read = std::fscanf(file, "%llu", &limit);
    std::fclose(file);
    if (read == 1 && limit > 0) machine = std::min<uint64_t>(machine, limit);
  }
  return machine;
}

bool IsRegion(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool IsAccount(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

absl::StatusOr<net::HostPort> ParseListener(std::string_view flag, const std::string& text) {
  const auto parsed = net::ParseHostPort(text);
  if (!parsed.ok()) {
    return BadFlag(
        flag, text,
        "write HOST:PORT, for example 127.0.0.1:9320 (" + Message(parsed.status()) + ")");
  }
  return *parsed;
}

bool IsLoopbackListener(const net::HostPort& listener) {
  return net::IsLoopbackAddress(listener.host) || listener.host == "localhost";
}

absl::Status CheckUrl(std::string_view flag, const std::string& url) {
  if (url.empty() || url.starts_with("http://") || url.starts_with("https://")) {
    return absl::OkStatus();
  }
  return BadFlag(flag, url, "write a URL, for example https://metrics.example.org");
}

absl::Status CheckWords(const ServeFlags& flags, ServeSettings* settings) {
  if (flags.fidelity != "lenient" && flags.fidelity != "aws") {
    return BadFlag("fidelity", flags.fidelity, "lenient or aws");
  }
  settings->aws_fidelity = flags.fidelity == "aws";
  if (flags.auth != "on" && flags.auth != "off") return BadFlag("auth", flags.auth, "on or off");
  settings->auth = flags.auth == "on";
  if (flags.wal_fsync == "always") {
    settings->wal_fsync = tsdb::WalFsync::kAlways;
  } else if (flags.wal_fsync == "interval") {
    settings->wal_fsync = tsdb::WalFsync::kInterval;
  } else if (flags.wal_fsync == "os") {
    settings->wal_fsync = tsdb::WalFsync::kOs;
  } else {
    return BadFlag("wal-fsync", flags.wal_fsync, "always, interval or os");
  }
  if (!log::ParseLevel(flags.log_level, &settings->log_level)) {
    return BadFlag("log-level", flags.log_level, "debug, info, warn or error");
  }
  if (flags.log_format != "text" && flags.log_format != "json") {
    return BadFlag("log-format", flags.log_format, "text or json");
  }
  settings->log_format = flags.log_format == "json" ? log::Format::kJson : log::Format::kText;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Limit> ParseLimit(std::string_view text, std::string_view flag) {
  constexpr std::array<std::pair<std::string_view, double>, 9> kUnits = {{{"TiB", 0x1p40},
                                                                          {"GiB", 0x1p30},
                                                                          {"MiB", 0x1p20},
                                                                          {"KiB", 0x1p10},
                                                                          {"TB", 1e12},
                                                                          {"GB", 1e9},
                                                                          {"MB", 1e6},
                                                                          {"KB", 1e3},
                                                                          {"B", 1}}};
  std::string_view number = text;
  double unit = 1;
  const bool share = number.ends_with('%');
  if (share) {
    number.remove_suffix(1);
  } else {
    for (const auto& [name, factor] : kUnits) {
      if (!number.ends_with(name)) continue;
      number.remove_suffix(name.size());
      unit = factor;
      break;
    }
  }
  double value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == number.data() + number.size();
  if (!whole || value <= 0 || (share && value > 100) || value * unit > 1e18) {
    return BadFlag(flag, text, "write a size (4GiB, 512MiB) or a share (70%)");
  }
  Limit limit;
  if (share) {
    limit.share = value / 100;
  } else {
    limit.bytes = static_cast<uint64_t>(value * unit);
  }
  return limit;
}

// Ranges after commas; the word "private" stands for loopback and private addresses.
static absl::Status ParseRanges(std::string_view flag, std::string_view text, bool deny,
                                net::AddressPolicy* policy) {
  for (const std::string_view piece : Split(text, ',')) {
    const std::string_view word = TrimSpace(piece);
    if (word.empty()) continue;
    if (deny && word == "private") {
      policy->deny_loopback = policy->deny_private = true;
      continue;
    }
    const auto range = net::ParseIpRange(word);
    if (!range.ok()) return BadFlag(flag, text, "addresses or ranges, like 10.0.0.0/8,fd00::/8");
    (deny ? policy->denied : policy->allowed).push_back(*range);
  }
  return absl::OkStatus();
}

// Prometheus' names of what its query language can do on request. Those that hearth always does are
// taken as well, so that a command line can stay as it is.
static absl::Status EnableFeatures(const std::string& list, promql::Options* options) {
  const struct {
    std::string_view name;
    bool* on;  // null: always
  } known[] = {
      {"exemplar-storage", nullptr},
      {"native-histograms", nullptr},
      {"promql-binop-fill-modifiers", &options->parser.fill_modifiers},
      {"promql-delayed-name-removal", &options->delayed_name_removal},
      {"promql-duration-expr", nullptr},
      {"promql-experimental-functions", &options->parser.experimental_functions},
      {"promql-extended-range-selectors", &options->parser.extended_range_selectors},
      {"promql-per-step-stats", nullptr},
      {"use-start-timestamps", &options->use_start_timestamps},
  };
  for (const std::string_view piece : Split(list, ',')) {
    const std::string_view name = TrimSpace(piece);
    if (name.empty()) continue;
    bool found = false;
    std::string names;
    for (const auto& feature : known) {
      names += (names.empty() ? "" : ", ") + std::string(feature.name);
      if (feature.name != name) continue;
      found = true;
      if (feature.on != nullptr) *feature.on = true;
    }
    if (!found) return BadFlag("enable-feature", list, "known are " + names);
  }
  return absl::OkStatus();
}

// Threads that evaluate queries before none has helpers.
static absl::StatusOr<size_t> QueryThreads(const std::string& text) {
  constexpr size_t kMax = 256;
  if (text == "auto") return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMax);
  size_t threads = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, threads);
  if (parsed.ec != std::errc() || parsed.ptr != end || threads < 1 || threads > kMax) {
    return BadFlag("query-threads", text, "auto, or a number from 1 (no helpers) to 256");
  }
  return threads;
}

absl::StatusOr<ServeSettings> CheckFlags(const ServeFlags& flags) {
  ServeSettings settings;
  settings.flags = flags;
  if (flags.data.empty()) return BadFlag("data", flags.data, "name a directory");
  TRY_ASSIGN(settings.listen, ParseListener("listen", flags.listen));
  TRY_ASSIGN(settings.listen_tls, ParseListener("listen-tls", flags.listen_tls));
  if (flags.tls_cert.empty() != flags.tls_key.empty()) {
    return InvalidArgument("--tls-cert and --tls-key go together: one of them is missing");
  }
  if (!IsRegion(flags.region)) return BadFlag("region", flags.region, "for example us-east-1");
  if (!IsAccount(flags.account)) return BadFlag("account", flags.account, "12 digits");
  TRY(CheckUrl("external-url", flags.external_url));
  TRY(CheckUrl("external-tls-url", flags.external_tls_url));
  TRY(CheckWords(flags, &settings));
  TRY(EnableFeatures(flags.enable_feature, &settings.query));
  TRY_ASSIGN(settings.query_threads, QueryThreads(flags.query_threads));
  net::AddressPolicy* addresses = &settings.data_source_addresses;
  TRY(ParseRanges("datasource-allow", flags.datasource_allow, false, addresses));
  TRY(ParseRanges("datasource-deny", flags.datasource_deny, true, addresses));
  if (!settings.auth &&
      (!IsLoopbackListener(settings.listen) || !IsLoopbackListener(settings.listen_tls))) {
    return InvalidArgument(
        "--auth off is refused because a listener is not on loopback (--listen {}, --listen-tls "
        "{}): everybody who reaches it would be root",
        flags.listen, flags.listen_tls);
  }
  TRY_ASSIGN(const Limit memory, ParseLimit(flags.memory_limit, "memory-limit"));
  settings.memory_limit_bytes =
      memory.bytes > 0 ? memory.bytes
                       : static_cast<uint64_t>(memory.share * static_cast<double>(MachineMemory()));
  constexpr uint64_t kMemoryMin = uint64_t{128} << 20;
  if (settings.memory_limit_bytes < kMemoryMin) {
    return BadFlag("memory-limit", flags.memory_limit, "at least 128MiB are needed");
  }
  if (flags.query_cache_bytes != "0") {
    TRY_ASSIGN(const Limit cache, ParseLimit(flags.query_cache_bytes, "query-cache-bytes"));
    const auto share = cache.share * static_cast<double>(settings.memory_limit_bytes);
    settings.query_cache_bytes = cache.bytes > 0 ? cache.bytes : static_cast<uint64_t>(share);
    if (settings.query_cache_bytes > settings.memory_limit_bytes / 8) {
      return BadFlag("query-cache-bytes", flags.query_cache_bytes,
                     "at most an eighth of --memory-limit; 0 turns the cache off");
    }
  }
  TRY_ASSIGN(settings.disk_limit, ParseLimit(flags.disk_limit, "disk-limit"));
  return settings;
}

void AddServeFlags(CLI::App& command, ServeFlags* flags) {
  const auto add = [&command](const std::string& name, std::string* value,
                              const std::string& help) {
    std::string environment = "HEARTH_" + name;
    for (char& c : environment) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    CLI::Option* option = command.add_option("--" + name, *value, help)->envname(environment);
    if (!value->empty()) option->capture_default_str();
  };
  add("data", &flags->data, "directory for everything that lives on disk (made with mode 0700)");
  add("listen", &flags->listen, "HOST:PORT for plain HTTP, all faces; port 0 takes a free one");
  add("listen-tls", &flags->listen_tls, "HOST:PORT for HTTPS, all faces");
  add("tls-cert", &flags->tls_cert, "certificate chain (PEM) instead of the self-made one");
  add("tls-key", &flags->tls_key, "its private key (PEM)");
  add("domain", &flags->domain,
      "Grafana workspaces are g-….grafana-workspace.<region>.NAME instead of paths");
  add("region", &flags->region, "region where a request names none");
  add("account", &flags->account, "account, 12 digits");
  add("fidelity", &flags->fidelity, "lenient, or aws: enforce also what only AWS would");
  add("external-url", &flags->external_url, "URL that endpoints and links are built from");
  add("external-tls-url", &flags->external_tls_url, "the same for the TLS listener");
  add("catalog", &flags->catalog, "postgresql://… for a catalog that several processes share");
  add("auth", &flags->auth, "on; off only on loopback, for benchmarks and tests");
  add("wal-fsync", &flags->wal_fsync,
      "when an acknowledged sample is on disk: always, interval (1 s) or os");
  add("config", &flags->config, "hearth.yaml: a Prometheus configuration, and dashboards");
  add("enable-feature", &flags->enable_feature,
      "Prometheus' names of features of the query language, with commas");
  add("query-threads", &flags->query_threads,
      "threads that work on queries before a large one gets no helpers: auto (one a core) or a "
      "number, 1 for none");
  add("datasource-allow", &flags->datasource_allow,
      "addresses (10.0.0.0/8,…) that data sources reach though they are denied by default");
  add("datasource-deny", &flags->datasource_deny,
      "addresses that data sources never reach; private: loopback and private ones");
  add("memory-limit", &flags->memory_limit, "budget: a size or a share of cgroup or machine");
  add("query-cache-bytes", &flags->query_cache_bytes,
      "memory for values of range queries that come again: a size, a share of --memory-limit, or "
      "0");
  add("disk-limit", &flags->disk_limit, "budget: a size, or a share of the volume");
  add("log-level", &flags->log_level, "debug, info, warn or error");
  add("log-format", &flags->log_format, "text or json");
}

std::map<std::string, std::string> ShownFlags(const ServeFlags& flags) {
  // postgresql://user:password@host/…, or a password among the parameters: neither is shown.
  const std::string catalog = flags.catalog.find_first_of("@?") == std::string::npos
                                  ? flags.catalog
                                  : flags.catalog.substr(0, flags.catalog.find("://")) + "://…";
  return {{"account", flags.account},
          {"auth", flags.auth},
          {"catalog", catalog},
          {"config", flags.config},
          {"data", flags.data},
          {"disk-limit", flags.disk_limit},
          {"domain", flags.domain},
          {"enable-feature", flags.enable_feature},
          {"query-threads", flags.query_threads},
          {"external-tls-url", flags.external_tls_url},
          {"external-url", flags.external_url},
          {"fidelity", flags.fidelity},
          {"listen", flags.listen},
          {"listen-tls", flags.listen_tls},
          {"log-format", flags.log_format},
          {"log-level", flags.log_level},
          {"memory-limit", flags.memory_limit},
          {"query-cache-bytes", flags.query_cache_bytes},
          {"region", flags.region},
          {"tls-cert", flags.tls_cert},
          {"wal-fsync", flags.wal_fsync}};
}

std::string CatalogUrl(const std::string& data, const std::string& catalog) {
  return catalog.empty() ? JoinPath(data, "catalog.sqlite") : catalog;
}

}  // namespace hearth::app

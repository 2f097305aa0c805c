// SPDX-License-Identifier: Apache-2.0
// hearth's configuration file: Prometheus' own (config/config.go of 3.14), with one more top-level
// key `hearth`. The whole syntax of Prometheus is read and checked; what hearth cannot do yet is
// listed in `unsupported`, so that `hearth check config` can print it and `hearth serve` refuse it.
// Unknown keys are errors. Plain values without locks.
//
//   TRY_ASSIGN(scrape::LoadedConfig loaded, scrape::LoadConfig(file_system, "hearth.yaml"));
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "codec/otlp_translate.h"
#include "model/labels.h"
#include "scrape/relabel.h"

namespace hearth::scrape {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct TlsConfig {
  std::string ca;  // PEM in the file itself
  std::string ca_file;
  std::string cert;
  std::string cert_file;
  std::string key;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  std::string min_version;  // "", TLS10 … TLS13
  std::string max_version;
  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

// How to speak HTTP to somebody (prometheus/common/config HTTPClientConfig). Files are absolute or
// relative to the process once loaded; they are read whenever used, so that they can be rotated.
struct HttpConfig {
  bool has_basic_auth = false;
  std::string username;
  std::string username_file;
  std::string password;
  std::string password_file;
  std::string authorization_type;  // "" where there is none; "Bearer" by default
  std::string credentials;
  std::string credentials_file;
  TlsConfig tls;
  bool follow_redirects = true;
  bool enable_http2 = true;  // read and ignored: the client speaks HTTP/1.1
  std::string proxy_url;
  Pairs headers;       // http_headers: values and secrets
  Pairs header_files;  // name, path
  friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

struct StaticGroup {
  std::vector<std::string> targets;
  model::Labels labels;
  friend bool operator==(const StaticGroup&, const StaticGroup&) = default;
};

struct FileDiscovery {
  std::vector<std::string> files;  // may hold * in the last part
  int64_t refresh_interval_ms = 300'000;
  friend bool operator==(const FileDiscovery&, const FileDiscovery&) = default;
};

struct HttpDiscovery {
  std::string url;
  int64_t refresh_interval_ms = 60'000;
  HttpConfig http;
  friend bool operator==(const HttpDiscovery&, const HttpDiscovery&) = default;
};

// kubernetes_sd_configs (prometheus/discovery/kubernetes SDConfig).
struct KubernetesSelector {
  std::string role;
  std::string label;
  std::string field;
  friend bool operator==(const KubernetesSelector&, const KubernetesSelector&) = default;
};
struct KubernetesDiscovery {
  std::string role;        // node, pod, service, endpoints, endpointslice, ingress
  std::string api_server;  // "": kubeconfig_file, or the cluster that hearth runs in
  std::string kubeconfig_file;
  HttpConfig http;
  bool own_namespace = false;
  std::vector<std::string> namespaces;  // empty: all
  std::vector<KubernetesSelector> selectors;
  bool attach_node = false;
  bool attach_namespace = false;
  bool attach_deployment = false;
  bool attach_job = false;
  bool attach_cronjob = false;
  friend bool operator==(const KubernetesDiscovery&, const KubernetesDiscovery&) = default;
};

// 0 is no limit, in all of them.
struct ScrapeLimits {
  uint64_t body_bytes = 0;
  uint64_t samples = 0;
  uint64_t targets = 0;
  uint64_t labels = 0;
  uint64_t label_name_bytes = 0;
  uint64_t label_value_bytes = 0;
  uint64_t dropped_targets_kept = 0;
  uint64_t histogram_buckets = 0;  // native_histogram_bucket_limit
  friend bool operator==(const ScrapeLimits&, const ScrapeLimits&) = default;
};

// What becomes of histograms. Labels of a target may say otherwise (__scrape_native_histograms__,
// __always_scrape_classic_histograms__, __convert_classic_histograms_to_nhcb__).
struct HistogramConfig {
  bool native = false;           // scrape_native_histograms
  bool classic_too = false;      // always_scrape_classic_histograms
  bool classic_to_nhcb = false;  // convert_classic_histograms_to_nhcb
  friend bool operator==(const HistogramConfig&, const HistogramConfig&) = default;
};

// One job; every default is filled in.
struct JobConfig {
  std::string job_name;
  int line = 0;  // where it stands in the file
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  int64_t interval_ms = 60'000;
  int64_t timeout_ms = 10'000;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::vector<std::pair<std::string, std::vector<std::string>>> params;
  std::vector<std::string> protocols;  // scrape_protocols; empty is the default list
  std::string fallback_protocol;
  std::string escaping = "allow-utf-8";  // metric_name_escaping_scheme, asked for in Accept
  bool compression = true;
  bool legacy_names = false;  // metric_name_validation_scheme: legacy
  bool extra_metrics = false;
  HistogramConfig histograms;
  int32_t histogram_schema_max = 8;  // of native_histogram_min_bucket_factor
  HttpConfig http;
  ScrapeLimits limits;
  RelabelRules relabel;         // compiled relabel_configs
  RelabelRules metric_relabel;  // compiled metric_relabel_configs
  std::vector<StaticGroup> static_groups;
  std::vector<FileDiscovery> file_discovery;
  std::vector<HttpDiscovery> http_discovery;
  std::vector<KubernetesDiscovery> kubernetes_discovery;
  // Equal jobs keep their targets, schedules and series caches over a reload. `line` does not
  // count.
  friend bool operator==(const JobConfig& a, const JobConfig& b);
};

// An entry of alerting.alertmanagers (v2 API). Static addresses only; discoveries are refused.
struct AlertmanagerConfig {
  std::string scheme = "http";
  std::string path_prefix = "/";
  int64_t timeout_ms = 10'000;
  HttpConfig http;
  std::vector<StaticGroup> static_groups;
  RelabelRules relabel;        // of addresses
  RelabelRules alert_relabel;  // of what is sent to these
  friend bool operator==(const AlertmanagerConfig&, const AlertmanagerConfig&) = default;
};

struct AlertingConfig {
  RelabelRules alert_relabel;
  std::vector<AlertmanagerConfig> alertmanagers;
  friend bool operator==(const AlertingConfig&, const AlertingConfig&) = default;
};

struct SigV4Config {
  std::string region;
  std::string access_key;
  std::string secret_key;
  std::string profile;
  std::string role_arn;
};

struct RemoteWriteQueue {
  int64_t capacity = 10'000;
  int64_t shards_max = 50;
  int64_t shards_min = 1;
  int64_t samples_per_send_max = 2'000;
  int64_t batch_deadline_ms = 5'000;
  int64_t backoff_min_ms = 30;
  int64_t backoff_max_ms = 5'000;
  int64_t sample_age_limit_ms = 0;
  bool retry_on_429 = false;
};

// Parsed and kept for the agent; `hearth serve` has nothing to send.
struct RemoteWriteConfig {
  std::string url;
  std::string name;
  int64_t timeout_ms = 30'000;
  Pairs headers;
  RelabelRules relabel;
  HttpConfig http;
  std::optional<SigV4Config> sigv4;
  RemoteWriteQueue queue;
  bool send_metadata = true;
  bool send_exemplars = false;
  bool send_native_histograms = false;
};

struct DataSourceConfig {
  std::string name;
  std::string uid;
  std::string type = "prometheus";
  std::string url;
  bool is_default = false;
  bool basic_auth = false;
  std::string user;
  std::string password;
  int line = 0;
};

struct HearthConfig {
  std::vector<std::string> dashboards;  // files or folders
  std::vector<DataSourceConfig> data_sources;
};

struct Config {
  int64_t scrape_interval_ms = 60'000;
  int64_t evaluation_interval_ms = 60'000;
  int64_t rule_query_offset_ms = 0;
  model::Labels external_labels;        // for remote write and alerts, never on stored samples
  std::string query_log_file;           // with the file's folder in front; "": no log
  std::vector<std::string> rule_files;  // globs, with the file's folder in front
  std::vector<JobConfig> jobs;
  std::vector<RemoteWriteConfig> remote_writes;
  AlertingConfig alerting;
  codec::OtlpSettings otlp;
  HearthConfig hearth;
};

// A part of the file that is good Prometheus configuration, and that hearth cannot do yet.
struct Unsupported {
  std::string key;  // scrape_configs[2].consul_sd_configs
  int line = 0;
  std::string ToString() const;  // "scrape_configs[2].consul_sd_configs (line 120)"
};

struct LoadedConfig {
  Config config;
  std::vector<Unsupported> unsupported;
  std::vector<std::string> warnings;
};

// `directory` is put before relative paths; `file_name` is for messages:
// "hearth.yaml:12: scrape_interval: "5 m" is no duration; …" (InvalidArgument).
absl::StatusOr<LoadedConfig> ParseConfig(std::string_view text, std::string_view file_name,
                                         std::string_view directory);
// The same with the jobs of its scrape_config_files. NotFound and the like as the file system says.
absl::StatusOr<LoadedConfig> LoadConfig(FileSystem& file_system, const std::string& path);

// FailedPrecondition with the whole list in one message where something is not supported yet.
absl::Status RefuseUnsupported(const LoadedConfig& loaded, std::string_view path);

// Every file or pattern that scraping by these jobs would read: passwords, tokens, certificates,
// lists of targets. Whoever takes a configuration from a stranger refuses those.
std::vector<std::string> ReferencedFiles(const std::vector<JobConfig>& jobs);
std::vector<std::string> ReferencedFiles(const HttpConfig& http);

// What `hearth check config FILE` prints: one line each, and whether the file is good.
struct ConfigFindings {
  bool ok = true;
  std::vector<std::string> lines;
};
ConfigFindings CheckConfig(FileSystem& file_system, const std::string& path);

// Paths that match `pattern`, sorted; * ? [ ] in any part (Go's filepath.Glob).
absl::StatusOr<std::vector<std::string>> Glob(FileSystem& file_system, std::string_view pattern);

// "15MB", "1KiB", "0": powers of 1024 for both spellings (alecthomas/units Base2Bytes).
absl::StatusOr<uint64_t> ParseSizeBytes(std::string_view text);

}  // namespace hearth::scrape

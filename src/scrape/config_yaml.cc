// SPDX-License-Identifier: Apache-2.0
#include "scrape/config_yaml.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "model/duration.h"

namespace hearth::scrape {
namespace {

constexpr std::string_view kSecret = "<secret>";

// Plain where YAML cannot take it for anything but this string, else in double quotes.
std::string Scalar(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-$()+=%^<>;\\";
  const bool starts_plain =
      !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '/' ||
                        text[0] == '_' || text[0] == '$' || text[0] == '(' || text[0] == '<');
  const std::string lower = ToLowerAscii(text);
  const bool word = lower == "true" || lower == "false" || lower == "yes" || lower == "no" ||
                    lower == "on" || lower == "off" || lower == "null" || lower == "y" ||
                    lower == "n";
  if (starts_plain && !word && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  return model::QuoteGo(text);
}

// Lines of a block mapping at one indentation. The first line may stand behind "- ".
class Block {
 public:
  Block(std::string* out, size_t indent, bool item = false)
      : out_(*out), indent_(indent), item_(item) {}

  void Raw(std::string_view key, std::string_view value) {
    Key(key);
    out_ += ' ';
    out_ += value;
    out_ += '\n';
  }
  void Text(std::string_view key, std::string_view value) { Raw(key, Scalar(value)); }
  void TextIf(std::string_view key, std::string_view value) {
    if (!value.empty()) Text(key, value);
  }
  void SecretIf(std::string_view key, std::string_view value) {
    if (!value.empty()) Raw(key, kSecret);
  }
  void Duration(std::string_view key, int64_t ms) { Raw(key, model::FormatDurationMs(ms)); }
  void Bool(std::string_view key, bool value) { Raw(key, value ? "true" : "false"); }
  void CountIf(std::string_view key, uint64_t value) {
    if (value != 0) Raw(key, std::to_string(value));
  }
  void Texts(std::string_view key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    Open(key);
    for (const std::string& value : values) {
      out_ += std::string(indent_, ' ') + "- " + Scalar(value) + "\n";
    }
  }
  void Flow(std::string_view key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::string list = "[";
    for (const std::string& value : values) list += (list.size() > 1 ? ", " : "") + Scalar(value);
    Raw(key, list + "]");
  }
  // `key:` alone on its line.
  void Open(std::string_view key) {
    Key(key);
    out_ += '\n';
  }
  std::string* out() { return &out_; }
  size_t indent() const { return indent_; }

 private:
  void Key(std::string_view key) {
    out_ += std::string(indent_ - (item_ ? 2 : 0), ' ');
    if (item_) out_ += "- ";
    item_ = false;
    out_ += key;
    out_ += ':';
  }
  std::string& out_;
  const size_t indent_;
  bool item_;
};

void WriteLabels(Block* parent, std::string_view key, model::LabelsView labels) {
  if (labels.empty()) return;
  parent->Open(key);
  Block block(parent->out(), parent->indent() + 2);
  for (const model::Label& label : labels) block.Text(label.name, label.value);
}

void WriteTls(Block* parent, const TlsConfig& tls) {
  if (tls == TlsConfig{}) return;
  parent->Open("tls_config");
  Block block(parent->out(), parent->indent() + 2);
  block.TextIf("ca", tls.ca);
  block.TextIf("ca_file", tls.ca_file);
  block.TextIf("cert", tls.cert);
  block.TextIf("cert_file", tls.cert_file);
  block.SecretIf("key", tls.key);
  block.TextIf("key_file", tls.key_file);
  block.TextIf("server_name", tls.server_name);
  block.Bool("insecure_skip_verify", tls.insecure_skip_verify);
  block.TextIf("min_version", tls.min_version);
  block.TextIf("max_version", tls.max_version);
}

// Header values may be secrets: only their names are shown.
void WriteHeaders(Block* parent, const HttpConfig& http) {
  if (http.headers.empty() && http.header_files.empty()) return;
  parent->Open("http_headers");
  Block headers(parent->out(), parent->indent() + 2);
  for (const auto& [name, value] : http.headers) {
    headers.Open(name);
    Block(parent->out(), headers.indent() + 2).Raw("values", fmt::format("[{}]", kSecret));
  }
  for (const auto& [name, path] : http.header_files) {
    headers.Open(name);
    Block(parent->out(), headers.indent() + 2).Flow("files", {path});
  }
}

void WriteHttp(Block* block, const HttpConfig& http) {
  if (http.has_basic_auth) {
    block->Open("basic_auth");
    Block auth(block->out(), block->indent() + 2);
    auth.TextIf("username", http.username);
    auth.TextIf("username_file", http.username_file);
    auth.SecretIf("password", http.password);
    auth.TextIf("password_file", http.password_file);
  }
  if (!http.authorization_type.empty()) {
    block->Open("authorization");
    Block auth(block->out(), block->indent() + 2);
    auth.Text("type", http.authorization_type);
    auth.SecretIf("credentials", http.credentials);
    auth.TextIf("credentials_file", http.credentials_file);
  }
  WriteTls(block, http.tls);
  block->Bool("follow_redirects", http.follow_redirects);
  block->Bool("enable_http2", http.enable_http2);
  block->TextIf("proxy_url", WithoutPassword(http.proxy_url));
  WriteHeaders(block, http);
}

void WriteRules(Block* parent, std::string_view key, const RelabelRules& rules) {
  if (rules.empty()) return;
  parent->Open(key);
  for (const RelabelRule& rule : rules) {
    const RelabelConfig& config = rule.config();
    Block block(parent->out(), parent->indent() + 2, /*item=*/true);
    block.Flow("source_labels", config.source_labels);
    block.Text("separator", config.separator);
    block.TextIf("regex", config.regex);
    block.CountIf("modulus", config.modulus);
    block.TextIf("target_label", config.target_label);
    block.Text("replacement", config.replacement);
    block.Text("action", Name(config.action));
  }
}

void WriteKubernetes(Block* block, const KubernetesDiscovery& discovery) {
  block->TextIf("api_server", WithoutPassword(discovery.api_server));
  block->Text("role", discovery.role);
  block->TextIf("kubeconfig_file", discovery.kubeconfig_file);
  WriteHttp(block, discovery.http);
  const size_t inner = block->indent() + 2;
  if (discovery.own_namespace || !discovery.namespaces.empty()) {
    block->Open("namespaces");
    Block namespaces(block->out(), inner);
    namespaces.Bool("own_namespace", discovery.own_namespace);
    namespaces.Texts("names", discovery.namespaces);
  }
  if (!discovery.selectors.empty()) block->Open("selectors");
  for (const KubernetesSelector& selector : discovery.selectors) {
    Block item(block->out(), inner, /*item=*/true);
    item.Text("role", selector.role);
    item.TextIf("label", selector.label);
    item.TextIf("field", selector.field);
  }
  block->Open("attach_metadata");
  Block attach(block->out(), inner);
  attach.Bool("node", discovery.attach_node);
  attach.Bool("namespace", discovery.attach_namespace);
  attach.Bool("deployment", discovery.attach_deployment);
  attach.Bool("job", discovery.attach_job);
  attach.Bool("cronjob", discovery.attach_cronjob);
}

void WriteDiscovery(Block* parent, const JobConfig& job) {
  const size_t inner = parent->indent() + 2;
  if (!job.static_groups.empty()) parent->Open("static_configs");
  for (const StaticGroup& group : job.static_groups) {
    Block block(parent->out(), inner, /*item=*/true);
    if (group.targets.empty()) {
      block.Raw("targets", "[]");
    } else {
      block.Texts("targets", group.targets);
    }
    WriteLabels(&block, "labels", group.labels);
  }
  if (!job.file_discovery.empty()) parent->Open("file_sd_configs");
  for (const FileDiscovery& discovery : job.file_discovery) {
    Block block(parent->out(), inner, /*item=*/true);
    block.Texts("files", discovery.files);
    block.Duration("refresh_interval", discovery.refresh_interval_ms);
  }
  if (!job.http_discovery.empty()) parent->Open("http_sd_configs");
  for (const HttpDiscovery& discovery : job.http_discovery) {
    Block block(parent->out(), inner, /*item=*/true);
    WriteHttp(&block, discovery.http);
    block.Duration("refresh_interval", discovery.refresh_interval_ms);
    block.Text("url", WithoutPassword(discovery.url));
  }
  if (!job.kubernetes_discovery.empty()) parent->Open("kubernetes_sd_configs");
  for (const KubernetesDiscovery& discovery : job.kubernetes_discovery) {
    Block block(parent->out(), inner, /*item=*/true);
    WriteKubernetes(&block, discovery);
  }
}

void WriteLimits(Block* block, const ScrapeLimits& limits) {
  if (limits.body_bytes != 0) block->Raw("body_size_limit", fmt::format("{}B", limits.body_bytes));
  block->CountIf("sample_limit", limits.samples);
  block->CountIf("target_limit", limits.targets);
  block->CountIf("label_limit", limits.labels);
  block->CountIf("label_name_length_limit", limits.label_name_bytes);
  block->CountIf("label_value_length_limit", limits.label_value_bytes);
  block->CountIf("keep_dropped_targets", limits.dropped_targets_kept);
  block->CountIf("native_histogram_bucket_limit", limits.histogram_buckets);
}

void WriteJob(Block* block, const JobConfig& job) {
  block->Text("job_name", job.job_name);
  block->Bool("honor_labels", job.honor_labels);
  block->Bool("honor_timestamps", job.honor_timestamps);
  block->Bool("track_timestamps_staleness", job.track_timestamps_staleness);
  if (!job.params.empty()) {
    block->Open("params");
    Block params(block->out(), block->indent() + 2);
    for (const auto& [name, values] : job.params) params.Texts(name, values);
  }
  block->Duration("scrape_interval", job.interval_ms);
  block->Duration("scrape_timeout", job.timeout_ms);
  block->Texts("scrape_protocols", job.protocols);
  block->TextIf("fallback_scrape_protocol", job.fallback_protocol);
  block->Text("metrics_path", job.metrics_path);
  block->Text("scheme", job.scheme);
  block->Bool("enable_compression", job.compression);
  block->Text("metric_name_validation_scheme", job.legacy_names ? "legacy" : "utf8");
  block->Text("metric_name_escaping_scheme", job.escaping);
  if (job.extra_metrics) block->Bool("extra_scrape_metrics", true);
  block->Bool("scrape_native_histograms", job.histograms.native);
  block->Bool("always_scrape_classic_histograms", job.histograms.classic_too);
  block->Bool("convert_classic_histograms_to_nhcb", job.histograms.classic_to_nhcb);
  WriteLimits(block, job.limits);
  WriteHttp(block, job.http);
  WriteRules(block, "relabel_configs", job.relabel);
  WriteRules(block, "metric_relabel_configs", job.metric_relabel);
  WriteDiscovery(block, job);
}

void WriteRemoteWrite(Block* block, const RemoteWriteConfig& remote) {
  block->Text("url", WithoutPassword(remote.url));
  block->TextIf("name", remote.name);
  block->Duration("remote_timeout", remote.timeout_ms);
  if (!remote.headers.empty()) {
    block->Open("headers");
    Block headers(block->out(), block->indent() + 2);
    for (const auto& [name, value] : remote.headers) headers.Raw(name, kSecret);
  }
  WriteRules(block, "write_relabel_configs", remote.relabel);
  if (remote.sigv4) {
    block->Open("sigv4");
    Block sigv4(block->out(), block->indent() + 2);
    sigv4.TextIf("region", remote.sigv4->region);
    sigv4.TextIf("access_key", remote.sigv4->access_key);
    sigv4.SecretIf("secret_key", remote.sigv4->secret_key);
    sigv4.TextIf("profile", remote.sigv4->profile);
    sigv4.TextIf("role_arn", remote.sigv4->role_arn);
  }
  WriteHttp(block, remote.http);
}

}  // namespace

std::string WithoutPassword(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t begin = scheme + 3;
  const size_t end = std::min(url.find('/', begin), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  const size_t colon = url.find(':', begin);
  if (colon == std::string_view::npos || colon > at) return std::string(url);
  return fmt::format("{}:xxxxx{}", url.substr(0, colon), url.substr(at));
}

std::string JobYaml(const JobConfig& job) {
  std::string out;
  Block block(&out, 0);
  WriteJob(&block, job);
  return out;
}

std::string ConfigYaml(const Config& config) {
  std::string out = "global:\n";
  Block global(&out, 2);
  global.Duration("scrape_interval", config.scrape_interval_ms);
  global.Duration("evaluation_interval", config.evaluation_interval_ms);
  if (config.rule_query_offset_ms != 0) {
    global.Duration("rule_query_offset", config.rule_query_offset_ms);
  }
  WriteLabels(&global, "external_labels", config.external_labels);
  if (!config.query_log_file.empty()) global.Text("query_log_file", config.query_log_file);
  Block top(&out, 0);
  top.Texts("rule_files", config.rule_files);
  if (!config.jobs.empty()) top.Open("scrape_configs");
  for (const JobConfig& job : config.jobs) {
    Block block(&out, 2, /*item=*/true);
    WriteJob(&block, job);
  }
  if (!config.remote_writes.empty()) top.Open("remote_write");
  for (const RemoteWriteConfig& remote : config.remote_writes) {
    Block block(&out, 2, /*item=*/true);
    WriteRemoteWrite(&block, remote);
  }
  return out;
}

}  // namespace hearth::scrape

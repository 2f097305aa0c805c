// SPDX-License-Identifier: Apache-2.0
// One entry of scrape_configs (config/config.go ScrapeConfig of Prometheus 3.14).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/status.h"
#include "base/text.h"
#include "model/histogram.h"
#include "scrape/config_reader.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;
using model::QuoteGo;

// Every discovery of Prometheus 3.14 that hearth does not have.
constexpr std::array<std::string_view, 30> kForeignDiscoveries = {
    "aws_sd_configs",          "azure_sd_configs",    "consul_sd_configs",
    "digitalocean_sd_configs", "dns_sd_configs",      "docker_sd_configs",
    "dockerswarm_sd_configs",  "ec2_sd_configs",      "ecs_sd_configs",
    "eureka_sd_configs",       "gce_sd_configs",      "hetzner_sd_configs",
    "ionos_sd_configs",        "kuma_sd_configs",     "lightsail_sd_configs",
    "linode_sd_configs",       "marathon_sd_configs", "msk_sd_configs",
    "nerve_sd_configs",        "nomad_sd_configs",    "oci_sd_configs",
    "openstack_sd_configs",    "outscale_sd_configs", "ovhcloud_sd_configs",
    "puppetdb_sd_configs",     "scaleway_sd_configs", "serverset_sd_configs",
    "stackit_sd_configs",      "triton_sd_configs",   "uyuni_sd_configs"};

constexpr std::array<std::string_view, 5> kProtocols = {
    "OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusProto", "PrometheusText0.0.4",
    "PrometheusText1.0.0"};

RelabelConfig ReadRule(ConfigContext* context, const YamlNode& node, const std::string& path,
                       bool legacy_names) {
  Section section(context, node, path);
  RelabelConfig config;
  config.legacy_names = legacy_names;
  section.Texts("source_labels", &config.source_labels);
  section.Text("separator", &config.separator);
  section.Text("regex", &config.regex);
  // "regex:" with nothing behind it is the empty expression.
  if (const YamlNode* regex = node.Find("regex"); regex != nullptr && regex->is_null()) {
    config.regex.clear();
  }
  section.Count("modulus", &config.modulus);
  section.Text("target_label", &config.target_label);
  section.Text("replacement", &config.replacement);
  std::string action = "replace";
  section.Text("action", &action);
  const absl::Status status = ParseRelabelAction(action, &config.action);
  if (!status.ok()) section.Fail("action", Message(status));
  section.Finish();
  return config;
}

// The file name after the last *, if any, must have one of these ends (discovery/file).
bool IsDiscoveryFile(std::string_view file) {
  const size_t star = file.find('*');
  if (star != std::string_view::npos &&
      file.substr(star + 1).find_first_of("*/") != std::string_view::npos) {
    return false;
  }
  for (const std::string_view end : {".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"}) {
    if (file.ends_with(end)) return true;
  }
  return false;
}

void ReadFileDiscovery(Section* job, JobConfig* out) {
  job->Each("file_sd_configs", [&](const YamlNode& item, const std::string& path) {
    Section section(job->context(), item, path);
    FileDiscovery discovery;
    section.Texts("files", &discovery.files);
    section.Duration("refresh_interval", &discovery.refresh_interval_ms);
    section.Finish();
    if (discovery.files.empty()) section.Fail("files", "at least one path is needed");
    for (std::string& file : discovery.files) {
      if (!IsDiscoveryFile(file)) {
        section.Fail("files", fmt::format("{} is not valid for file discovery: it must end in "
                                          ".json, .yml or .yaml and may hold one * in its name",
                                          QuoteGo(file)));
      }
      file = job->context()->Path(file);
    }
    out->file_discovery.push_back(std::move(discovery));
  });
}

void ReadHttpDiscovery(Section* job, JobConfig* out) {
  job->Each("http_sd_configs", [&](const YamlNode& item, const std::string& path) {
    Section section(job->context(), item, path);
    HttpDiscovery discovery;
    section.Url("url", &discovery.url);
    section.Duration("refresh_interval", &discovery.refresh_interval_ms);
    discovery.http = ReadHttp(&section);
    section.Finish();
    if (discovery.url.empty()) section.Fail("url", "URL is missing");
    if (discovery.refresh_interval_ms <= 0) section.Fail("refresh_interval", "must be above 0");
    out->http_discovery.push_back(std::move(discovery));
  });
}

void ReadParams(Section* job, JobConfig* out) {
  const YamlNode* node = job->Take("params");
  if (node == nullptr) return;
  Section section(job->context(), *node, job->PathOf("params"));
  for (const auto& [key, value] : node->entries()) {
    std::vector<std::string> values;
    section.Texts(key.text(), &values);
    out->params.emplace_back(key.text(), std::move(values));
  }
}

void ReadTimes(Section* section, const GlobalDefaults& defaults, JobConfig* job) {
  int64_t interval = 0;
  int64_t timeout = 0;
  section->Duration("scrape_interval", &interval);
  section->Duration("scrape_timeout", &timeout);
  job->interval_ms = interval != 0 ? interval : defaults.interval_ms;
  if (timeout > job->interval_ms) {
    section->Fail("scrape_timeout",
                  fmt::format("scrape timeout ({} ms) greater than scrape interval ({} ms) for "
                              "scrape config with job name {}",
                              timeout, job->interval_ms, QuoteGo(job->job_name)));
  }
  job->timeout_ms = timeout != 0 ? timeout : std::min(defaults.timeout_ms, job->interval_ms);
}

void ReadNames(Section* section, const GlobalDefaults& defaults, JobConfig* job) {
  std::string scheme;
  section->OneOf("metric_name_validation_scheme", {"legacy", "utf8"}, &scheme);
  job->legacy_names = scheme.empty() ? defaults.legacy_names : scheme == "legacy";
  job->escaping = job->legacy_names ? "underscores" : "allow-utf-8";
  if (scheme.empty() && !defaults.escaping.empty()) job->escaping = defaults.escaping;
  section->OneOf("metric_name_escaping_scheme", {"allow-utf-8", "underscores", "dots", "values"},
                 &job->escaping);
  if (job->legacy_names && job->escaping == "allow-utf-8") {
    section->Fail("metric_name_escaping_scheme",
                  "utf8 metric names requested but validation scheme is not set to UTF8");
  }
}

// prometheus/scrape pickSchema: the finest schema whose buckets still grow by the factor.
int32_t SchemaOfFactor(double factor) {
  if (!(factor > 1)) return model::kSchemaMax;
  const double schema = std::floor(-std::log2(std::log2(factor)));
  return static_cast<int32_t>(std::clamp<double>(schema, model::kSchemaMin, model::kSchemaMax));
}

}  // namespace

std::vector<StaticGroup> ReadStaticGroups(Section* job) {
  std::vector<StaticGroup> groups;
  job->Each("static_configs", [&](const YamlNode& item, const std::string& path) {
    Section section(job->context(), item, path);
    StaticGroup group;
    section.Texts("targets", &group.targets);
    section.LabelMap("labels", &group.labels);
    section.Finish();
    if (!job->Has("relabel_configs")) {
      for (const std::string& target : group.targets) {
        if (target.find('/') == std::string::npos) continue;
        section.Fail("targets", fmt::format("{} is not a valid hostname; a target is host:port, "
                                            "path and scheme have keys of their own",
                                            QuoteGo(target)));
      }
    }
    groups.push_back(std::move(group));
  });
  return groups;
}

RelabelRules ReadRelabel(Section* parent, std::string_view key, bool legacy_names) {
  RelabelRules rules;
  parent->Each(key, [&](const YamlNode& item, const std::string& path) {
    if (item.is_null()) return parent->context()->Fail(item, path, "empty relabeling rule");
    auto rule = RelabelRule::Make(ReadRule(parent->context(), item, path, legacy_names));
    if (!rule.ok()) return parent->context()->Fail(item, path, Message(rule.status()));
    rules.push_back(*std::move(rule));
  });
  return rules;
}

std::vector<std::string> ReadProtocols(Section* section, std::string_view key) {
  std::vector<std::string> protocols;
  section->Texts(key, &protocols);
  for (size_t i = 0; i < protocols.size(); ++i) {
    if (std::find(kProtocols.begin(), kProtocols.end(), protocols[i]) == kProtocols.end()) {
      section->Fail(key, fmt::format("unknown scrape protocol {}; allowed: {}",
                                     QuoteGo(protocols[i]), fmt::join(kProtocols, ", ")));
    }
    if (std::find(protocols.begin(), protocols.begin() + static_cast<ptrdiff_t>(i), protocols[i]) !=
        protocols.begin() + static_cast<ptrdiff_t>(i)) {
      section->Fail(key, fmt::format("{} is given twice", protocols[i]));
    }
  }
  if (section->Has(key) && protocols.empty()) section->Fail(key, "the list is empty");
  return protocols;
}

void ReadLimits(Section* section, ScrapeLimits* limits) {
  const auto count = [section](std::string_view key, uint64_t* out) {
    uint64_t value = 0;
    section->Count(key, &value);
    if (value != 0) *out = value;  // 0 takes the global's
  };
  uint64_t body = 0;
  section->Size("body_size_limit", &body);
  if (body != 0) limits->body_bytes = body;
  count("sample_limit", &limits->samples);
  count("target_limit", &limits->targets);
  count("label_limit", &limits->labels);
  count("label_name_length_limit", &limits->label_name_bytes);
  count("label_value_length_limit", &limits->label_value_bytes);
  count("keep_dropped_targets", &limits->dropped_targets_kept);
}

void ReadHistograms(Section* section, HistogramConfig* histograms) {
  section->Bool("scrape_native_histograms", &histograms->native);
  section->Bool("always_scrape_classic_histograms", &histograms->classic_too);
  section->Bool("convert_classic_histograms_to_nhcb", &histograms->classic_to_nhcb);
}

JobConfig ReadJob(ConfigContext* context, const YamlNode& node, const std::string& path,
                  const GlobalDefaults& defaults) {
  Section section(context, node, path);
  JobConfig job;
  job.line = node.line();
  section.Text("job_name", &job.job_name);
  if (job.job_name.empty()) section.Fail("job_name", "job_name is empty");
  section.Bool("honor_labels", &job.honor_labels);
  section.Bool("honor_timestamps", &job.honor_timestamps);
  section.Bool("track_timestamps_staleness", &job.track_timestamps_staleness);
  ReadTimes(&section, defaults, &job);
  section.Text("metrics_path", &job.metrics_path);
  section.OneOf("scheme", {"http", "https"}, &job.scheme);
  ReadParams(&section, &job);
  job.protocols = ReadProtocols(&section, "scrape_protocols");
  if (!section.Has("scrape_protocols")) job.protocols = defaults.protocols;
  section.OneOf("fallback_scrape_protocol",
                {"OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusProto",
                 "PrometheusText0.0.4", "PrometheusText1.0.0"},
                &job.fallback_protocol);
  section.Bool("enable_compression", &job.compression);
  job.extra_metrics = defaults.extra_metrics;
  section.Bool("extra_scrape_metrics", &job.extra_metrics);
  ReadNames(&section, defaults, &job);
  job.histograms = defaults.histograms;
  ReadHistograms(&section, &job.histograms);
  double factor = 0;
  section.Number("native_histogram_min_bucket_factor", &factor);
  job.histogram_schema_max = SchemaOfFactor(factor);
  section.NotYet("scrape_failure_log_file");
  job.limits = defaults.limits;
  ReadLimits(&section, &job.limits);
  section.Count("native_histogram_bucket_limit", &job.limits.histogram_buckets);
  job.http = ReadHttp(&section);
  job.relabel = ReadRelabel(&section, "relabel_configs", job.legacy_names);
  job.metric_relabel = ReadRelabel(&section, "metric_relabel_configs", job.legacy_names);
  job.static_groups = ReadStaticGroups(&section);
  ReadFileDiscovery(&section, &job);
  ReadHttpDiscovery(&section, &job);
  job.kubernetes_discovery = ReadKubernetesDiscovery(&section);
  for (const std::string_view discovery : kForeignDiscoveries) section.NotYet(discovery);
  section.NotYet("vultr_sd_configs");
  section.Finish();
  return job;
}

bool operator==(const JobConfig& a, const JobConfig& b) {
  const auto tie = [](const JobConfig& j) {
    return std::tie(j.job_name, j.honor_labels, j.honor_timestamps, j.track_timestamps_staleness,
                    j.interval_ms, j.timeout_ms, j.metrics_path, j.scheme, j.params, j.protocols,
                    j.fallback_protocol, j.escaping, j.compression, j.legacy_names, j.extra_metrics,
                    j.histograms, j.histogram_schema_max, j.http, j.limits, j.relabel,
                    j.metric_relabel, j.static_groups, j.file_discovery, j.http_discovery,
                    j.kubernetes_discovery);
  };
  return tie(a) == tie(b);
}

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
#include "scrape/config.h"

#include <fmt/core.h>

#include "base/status.h"
#include "base/text.h"
#include "scrape/config_reader.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;
using model::QuoteGo;

// A configuration file of a person; Prometheus' largest generated ones are below this.
constexpr size_t kFileBytesMax = 16 << 20;

GlobalDefaults ReadGlobal(ConfigContext* context, const YamlNode& node, Config* config) {
  Section section(context, node, "global");
  GlobalDefaults defaults;
  int64_t timeout = 0;
  section.Duration("scrape_interval", &defaults.interval_ms);
  section.Duration("scrape_timeout", &timeout);
  section.Duration("evaluation_interval", &config->evaluation_interval_ms);
  section.Duration("rule_query_offset", &config->rule_query_offset_ms);
  if (defaults.interval_ms == 0) defaults.interval_ms = 60'000;
  if (config->evaluation_interval_ms == 0) config->evaluation_interval_ms = 60'000;
  if (timeout > defaults.interval_ms) {
    section.Fail("scrape_timeout", "global scrape timeout greater than scrape interval");
  }
  defaults.timeout_ms =
      timeout != 0 ? timeout : std::min(defaults.timeout_ms, defaults.interval_ms);
  config->scrape_interval_ms = defaults.interval_ms;
  section.LabelMap("external_labels", &config->external_labels);
  ReadLimits(&section, &defaults.limits);
  defaults.protocols = ReadProtocols(&section, "scrape_protocols");
  std::string scheme = "utf8";
  section.OneOf("metric_name_validation_scheme", {"legacy", "utf8"}, &scheme);
  defaults.legacy_names = scheme == "legacy";
  section.OneOf("metric_name_escaping_scheme", {"allow-utf-8", "underscores", "dots", "values"},
                &defaults.escaping);
  section.Bool("extra_scrape_metrics", &defaults.extra_metrics);
  ReadHistograms(&section, &defaults.histograms);
  section.Text("query_log_file", &config->query_log_file);
  if (!config->query_log_file.empty()) {
    config->query_log_file = context->Path(config->query_log_file);
  }
  section.NotYet({"scrape_failure_log_file"});
  section.Finish();
  return defaults;
}

// A rule file's path may hold * in its last part only (config.go patRulePath).
bool IsRulePath(std::string_view path) {
  const size_t star = path.find('*');
  return star == std::string_view::npos ||
         path.substr(star + 1).find_first_of("*/") == std::string_view::npos;
}

void ReadRuleFiles(Section* root, Config* config) {
  root->Texts("rule_files", &config->rule_files);
  for (std::string& file : config->rule_files) {
    if (!IsRulePath(file)) {
      root->Fail("rule_files", fmt::format("invalid rule file path {}: * may stand once, in the "
                                           "last part",
                                           QuoteGo(file)));
    }
    file = root->context()->Path(file);
  }
}

// Names of jobs are unique over all files; `places` says where each stands.
void ReadJobs(Section* root, const GlobalDefaults& defaults, StringMap<std::string>* places,
              Config* config) {
  root->Each("scrape_configs", [&](const YamlNode& item, const std::string& path) {
    if (item.is_null()) {
      return root->context()->Fail(item, path, "empty or null scrape config section");
    }
    JobConfig job = ReadJob(root->context(), item, path, defaults);
    const auto [at, is_new] = places->emplace(
        job.job_name, fmt::format("line {} of {}", job.line, root->context()->file_name));
    if (!is_new) {
      root->context()->Fail(item, path,
                            fmt::format("found multiple scrape configs with job name {}, the first "
                                        "in {}",
                                        QuoteGo(job.job_name), at->second));
    }
    config->jobs.push_back(std::move(job));
  });
}

// scrape_config_files: files of nothing but scrape_configs.
absl::Status ReadJobFile(FileSystem& files, const std::string& path, const GlobalDefaults& defaults,
                         StringMap<std::string>* places, ConfigContext* outer, Config* config) {
  TRY_ASSIGN(const std::string text, files.ReadFile(path));
  codec::YamlLimits limits;
  limits.bytes_max = kFileBytesMax;
  auto parsed = codec::ParseYaml(text, limits);
  if (!parsed.ok()) return Annotate(parsed.status(), path);
  ConfigContext context;
  context.file_name = path;
  context.directory = DirectoryOf(path);
  Section root(&context, *parsed, "");
  ReadJobs(&root, defaults, places, config);
  root.Finish();
  TRY(context.status);
  for (Unsupported& entry : context.unsupported) {
    outer->unsupported.push_back({fmt::format("{}: {}", path, entry.key), entry.line});
  }
  outer->warnings.insert(outer->warnings.end(), context.warnings.begin(), context.warnings.end());
  return absl::OkStatus();
}

absl::Status ReadJobFiles(Section* root, FileSystem* files, const GlobalDefaults& defaults,
                          StringMap<std::string>* places, Config* config) {
  if (files == nullptr) {
    root->NotYet("scrape_config_files");
    return absl::OkStatus();
  }
  std::vector<std::string> patterns;
  root->Texts("scrape_config_files", &patterns);
  for (const std::string& pattern : patterns) {
    if (!IsRulePath(pattern)) {
      root->Fail("scrape_config_files",
                 fmt::format("invalid scrape config file path {}: * may stand once, in the last "
                             "part",
                             QuoteGo(pattern)));
    }
    TRY_ASSIGN(const auto paths, Glob(*files, root->context()->Path(pattern)));
    for (const std::string& path : paths) {
      TRY(ReadJobFile(*files, path, defaults, places, root->context(), config));
    }
  }
  return absl::OkStatus();
}

void ReadRemoteWrites(Section* root, bool legacy_names, Config* config) {
  StringSet names;
  root->Each("remote_write", [&](const YamlNode& item, const std::string& path) {
    if (item.is_null()) {
      return root->context()->Fail(item, path, "empty or null remote write config section");
    }
    RemoteWriteConfig remote = ReadRemoteWrite(root->context(), item, path, legacy_names);
    if (!remote.name.empty() && !names.insert(remote.name).second) {
      root->context()->Fail(item, path,
                            fmt::format("found multiple remote write configs with "
                                        "name {}",
                                        QuoteGo(remote.name)));
    }
    config->remote_writes.push_back(std::move(remote));
  });
  // Nothing sends yet; a file that says so must not be taken in silence.
  root->NotYet("remote_write");
}

void ReadStorage(Section* root) {
  const YamlNode* node = root->Take("storage");
  if (node == nullptr) return;
  Section section(root->context(), *node, "storage");
  if (const YamlNode* tsdb = section.Take("tsdb"); tsdb != nullptr) {
    Section inner(root->context(), *tsdb, "storage.tsdb");
    inner.NotYet({"out_of_order_time_window", "stale_series_compaction_threshold", "chunk_encoding",
                  "retention"});
    inner.Finish();
  }
  section.NotYet("exemplars");
  section.Finish();
}

void ReadRuntime(Section* root) {
  const YamlNode* node = root->Take("runtime");
  if (node == nullptr) return;
  Section section(root->context(), *node, "runtime");
  if (section.Take("gogc") != nullptr) {
    root->context()->warnings.push_back(
        fmt::format("runtime.gogc (line {}) tunes Go's garbage collector; it has no meaning here",
                    node->line()));
  }
  section.Finish();
}

DataSourceConfig ReadDataSource(ConfigContext* context, const YamlNode& node,
                                const std::string& path) {
  // The names are those of Grafana's provisioning files.
  Section section(context, node, path);
  DataSourceConfig source;
  source.line = node.line();
  section.Text("name", &source.name);
  section.Text("uid", &source.uid);
  section.OneOf("type", {"prometheus"}, &source.type);
  section.Url("url", &source.url);
  section.Bool("isDefault", &source.is_default);
  section.Bool("basicAuth", &source.basic_auth);
  section.Text("basicAuthUser", &source.user);
  if (const YamlNode* secrets = section.Take("secureJsonData"); secrets != nullptr) {
    Section inner(context, *secrets, path + ".secureJsonData");
    inner.Text("basicAuthPassword", &source.password);
    inner.Finish();
  }
  std::string access = "proxy";
  section.OneOf("access", {"proxy"}, &access);
  section.NotYet("jsonData");
  for (const std::string_view key : {"orgId", "version", "editable"}) section.Ignore(key);
  section.Finish();
  if (source.name.empty()) section.Fail("name", "a data source needs a name");
  if (source.url.empty()) section.Fail("url", "a data source needs a url");
  return source;
}

// config.OTLPConfig; checks of its UnmarshalYAML.
void ReadOtlp(Section* root, codec::OtlpSettings* otlp) {
  const YamlNode* node = root->Take("otlp");
  if (node == nullptr) return;
  Section section(root->context(), *node, "otlp");
  section.Bool("promote_all_resource_attributes", &otlp->promote_all_resource_attributes);
  section.Texts("promote_resource_attributes", &otlp->promote_resource_attributes);
  section.Texts("ignore_resource_attributes", &otlp->ignore_resource_attributes);
  std::string strategy = "UnderscoreEscapingWithSuffixes";
  section.Text("translation_strategy", &strategy);
  if (!codec::ParseOtlpNaming(strategy, &otlp->naming)) {
    section.Fail(
        "translation_strategy",
        "must be one of UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, "
        "NoUTF8EscapingWithSuffixes, NoTranslation");
  }
  section.Bool("keep_identifying_resource_attributes", &otlp->keep_identifying_resource_attributes);
  section.Bool("convert_histograms_to_nhcb", &otlp->convert_histograms_to_nhcb);
  section.Bool("promote_scope_metadata", &otlp->promote_scope_metadata);
  section.Bool("label_name_underscore_sanitization", &otlp->label_name_underscore_sanitization);
  section.Bool("label_name_preserve_multiple_underscores",
               &otlp->label_name_preserve_multiple_underscores);
  section.Finish();
  if (otlp->promote_all_resource_attributes && !otlp->promote_resource_attributes.empty()) {
    section.Fail("promote_resource_attributes",
                 "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be "
                 "configured simultaneously");
  }
  if (!otlp->promote_all_resource_attributes && !otlp->ignore_resource_attributes.empty()) {
    section.Fail("ignore_resource_attributes",
                 "'ignore_resource_attributes' can only be configured when "
                 "'promote_all_resource_attributes' is true");
  }
}

}  // namespace

HearthConfig ReadHearth(ConfigContext* context, const YamlNode& node) {
  Section section(context, node, "hearth");
  HearthConfig hearth;
  section.Texts("dashboards", &hearth.dashboards);
  for (std::string& path : hearth.dashboards) path = context->Path(path);
  section.Each("datasources", [&](const YamlNode& item, const std::string& path) {
    hearth.data_sources.push_back(ReadDataSource(context, item, path));
  });
  section.Finish();
  return hearth;
}

std::string Unsupported::ToString() const { return fmt::format("{} (line {})", key, line); }

namespace {

// `files` may be null: other files are not read then.
absl::StatusOr<LoadedConfig> Parse(std::string_view text, std::string_view file_name,
                                   std::string_view directory, FileSystem* files) {
  codec::YamlLimits limits;
  limits.bytes_max = kFileBytesMax;
  auto parsed = codec::ParseYaml(text, limits);
  if (!parsed.ok()) return Annotate(parsed.status(), file_name);
  ConfigContext context;
  context.file_name = file_name;
  context.directory = directory;
  LoadedConfig loaded;
  Config& config = loaded.config;
  Section root(&context, *parsed, "");
  GlobalDefaults defaults;
  if (const YamlNode* global = root.Take("global"); global != nullptr) {
    defaults = ReadGlobal(&context, *global, &config);
  }
  ReadRuleFiles(&root, &config);
  StringMap<std::string> places;
  ReadJobs(&root, defaults, &places, &config);
  const absl::Status job_files = ReadJobFiles(&root, files, defaults, &places, &config);
  ReadRemoteWrites(&root, defaults.legacy_names, &config);
  ReadOtlp(&root, &config.otlp);
  config.alerting = ReadAlerting(&root, defaults.legacy_names);
  ReadStorage(&root);
  ReadRuntime(&root);
  root.NotYet({"remote_read", "tracing"});
  if (const YamlNode* hearth = root.Take("hearth"); hearth != nullptr) {
    config.hearth = ReadHearth(&context, *hearth);
  }
  root.Finish();
  TRY(context.status);
  TRY(job_files);
  loaded.unsupported = std::move(context.unsupported);
  std::stable_sort(loaded.unsupported.begin(), loaded.unsupported.end(),
                   [](const Unsupported& a, const Unsupported& b) { return a.line < b.line; });
  loaded.warnings = std::move(context.warnings);
  return loaded;
}

}  // namespace

absl::StatusOr<LoadedConfig> ParseConfig(std::string_view text, std::string_view file_name,
                                         std::string_view directory) {
  return Parse(text, file_name, directory, nullptr);
}

absl::StatusOr<LoadedConfig> LoadConfig(FileSystem& file_system, const std::string& path) {
  TRY_ASSIGN(const std::string text, file_system.ReadFile(path));
  return Parse(text, path, DirectoryOf(path), &file_system);
}

absl::Status RefuseUnsupported(const LoadedConfig& loaded, std::string_view path) {
  if (loaded.unsupported.empty()) return absl::OkStatus();
  std::string list;
  for (const Unsupported& entry : loaded.unsupported) {
    list += (list.empty() ? "" : ", ") + entry.ToString();
  }
  return FailedPrecondition("{}: not supported yet: {}", path, list);
}

ConfigFindings CheckConfig(FileSystem& file_system, const std::string& path) {
  ConfigFindings findings;
  const auto loaded = LoadConfig(file_system, path);
  if (!loaded.ok()) {
    findings.ok = false;
    findings.lines.push_back(Message(loaded.status()));
    return findings;
  }
  const Config& config = loaded->config;
  findings.lines.push_back(fmt::format(
      "{}: the syntax is good: {} scrape configs, {} rule file patterns, {} dashboards", path,
      config.jobs.size(), config.rule_files.size(), config.hearth.dashboards.size()));
  for (const std::string& warning : loaded->warnings) {
    findings.lines.push_back(fmt::format("{}: {}", path, warning));
  }
  for (const Unsupported& entry : loaded->unsupported) {
    findings.lines.push_back(fmt::format("{}: not supported yet: {}", path, entry.ToString()));
  }
  return findings;
}

}  // namespace hearth::scrape

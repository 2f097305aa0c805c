// SPDX-License-Identifier: Apache-2.0
#include "scrape/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::scrape {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  const auto loaded = ParseConfig(text, "f.yml", "/etc/h");
  return loaded.ok() ? "ok" : Message(loaded.status());
}

TEST(Config, AnEmptyFileHasDefaults) {
  const auto loaded = ParseConfig("", "f.yml", "");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.scrape_interval_ms, 60'000);
  EXPECT_TRUE(loaded->config.jobs.empty());
}

TEST(Config, ReadsAJobWithEverything) {
  const auto loaded = ParseConfig(R"(
global: {scrape_interval: 15s, external_labels: {a: b}, sample_limit: 7, label_limit: 8}
rule_files: [rules/*.yml, /abs/x.yml]
scrape_configs:
  - job_name: j
    honor_labels: true
    honor_timestamps: false
    scrape_interval: 1m30s
    scrape_timeout: 5s
    metrics_path: /m
    scheme: https
    params: {match: [a, b]}
    sample_limit: 9
    body_size_limit: 10MB
    basic_auth: {username: u, password_file: pw}
    tls_config: {ca_file: ca.pem, insecure_skip_verify: true, min_version: TLS12}
    http_headers: {X-A: {values: [v], files: [h]}}
    static_configs:
      - targets: ["localhost:1", "localhost:2"]
        labels: {env: dev}
    file_sd_configs:
      - {files: [sd/*.json], refresh_interval: 10m}
    http_sd_configs:
      - {url: "http://sd/x", authorization: {credentials: tok}}
    metric_relabel_configs:
      - {source_labels: [__name__], regex: x.*, action: drop}
hearth: {dashboards: [d], datasources: [{name: n, uid: u, url: "http://p:1", isDefault: true}]}
)",
                                  "f.yml", "/etc/h");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->unsupported.empty());
  const Config& config = loaded->config;
  EXPECT_THAT(config.rule_files, ElementsAre("/etc/h/rules/*.yml", "/abs/x.yml"));
  EXPECT_EQ(config.external_labels.ToString(), "{a=\"b\"}");
  ASSERT_EQ(config.jobs.size(), 1U);
  const JobConfig& job = config.jobs[0];
  EXPECT_EQ(job.interval_ms, 90'000);
  EXPECT_EQ(job.timeout_ms, 5'000);
  EXPECT_EQ(job.limits.samples, 9U);
  EXPECT_EQ(job.limits.labels, 8U);
  EXPECT_EQ(job.limits.body_bytes, 10U << 20);
  EXPECT_EQ(job.http.password_file, "/etc/h/pw");
  EXPECT_EQ(job.http.tls.ca_file, "/etc/h/ca.pem");
  EXPECT_THAT(job.http.header_files, ElementsAre(std::pair("X-A", "/etc/h/h")));
  EXPECT_EQ(job.static_groups[0].labels.ToString(), "{env=\"dev\"}");
  EXPECT_THAT(job.file_discovery[0].files, ElementsAre("/etc/h/sd/*.json"));
  EXPECT_EQ(job.file_discovery[0].refresh_interval_ms, 600'000);
  EXPECT_EQ(job.http_discovery[0].http.credentials, "tok");
  EXPECT_EQ(job.metric_relabel.size(), 1U);
  EXPECT_THAT(config.hearth.dashboards, ElementsAre("/etc/h/d"));
  EXPECT_TRUE(config.hearth.data_sources[0].is_default);
}

TEST(Config, EqualJobsAreEqualWhereverTheyStand) {
  const auto a = ParseConfig("scrape_configs:\n- job_name: a\n", "f", "");
  const auto b = ParseConfig("\n\nscrape_configs:\n- {job_name: a, scheme: http}\n", "f", "");
  const auto c = ParseConfig("scrape_configs:\n- {job_name: a, scheme: https}\n", "f", "");
  EXPECT_EQ(a->config.jobs[0], b->config.jobs[0]);
  EXPECT_FALSE(a->config.jobs[0] == c->config.jobs[0]);
}

TEST(Config, NamesFileLineKeyAndWhatIsAllowed) {
  const std::pair<const char*, const char*> rows[] = {
      {"x: 1", "f.yml:1: x: unknown key"},
      {"global:\n  scrap_interval: 1s", "f.yml:2: global.scrap_interval: unknown key"},
      {"global:\n  scrape_interval: 5 m",
       "f.yml:2: global.scrape_interval: \"5 m\" is no duration; allowed are whole numbers with "
       "the units y, w, d, h, m, s, ms from large to small, as 1h30m"},
      {"scrape_configs:\n- {}", "f.yml:2: scrape_configs[0].job_name: job_name is empty"},
      {"scrape_configs:\n- job_name: a\n- job_name: a",
       "f.yml:3: scrape_configs[1]: found multiple scrape configs with job name \"a\", the first "
       "in line 2 of f.yml"},
      {"scrape_configs:\n- job_name: a\n  kubernetes_sd_configs: [{}]",
       "f.yml:3: scrape_configs[0].kubernetes_sd_configs[0].role: role missing (one of: pod, "
       "service, endpoints, endpointslice, node, ingress)"},
      {"scrape_configs:\n- job_name: a\n  kubernetes_sd_configs: [{role: shop}]",
       "f.yml:3: scrape_configs[0].kubernetes_sd_configs[0].role: unknown Kubernetes SD role "
       "\"shop\""},
      {"scrape_configs:\n- job_name: a\n  kubernetes_sd_configs:\n"
       "  - {role: node, selectors: [{role: pod}]}",
       "f.yml:4: scrape_configs[0].kubernetes_sd_configs[0].selectors[0].role: node role supports "
       "only node selectors"},
      {"scrape_configs:\n- job_name: a\n  kubernetes_sd_configs:\n"
       "  - {role: node, kubeconfig_file: k, authorization: {credentials: x}}",
       "f.yml:4: scrape_configs[0].kubernetes_sd_configs[0].kubeconfig_file: cannot use a custom "
       "HTTP client configuration together with 'kubeconfig_file'"},
      {"scrape_configs:\n- job_name: a\n  scheme: ftp",
       "f.yml:3: scrape_configs[0].scheme: \"ftp\" is not one of http, https"},
      {"scrape_configs:\n- job_name: a\n  honor_labels: maybe",
       "f.yml:3: scrape_configs[0].honor_labels: \"maybe\" is not true or false"},
      {"scrape_configs:\n- job_name: a\n  sample_limit: -1",
       "f.yml:3: scrape_configs[0].sample_limit: -1 is below 0"},
      {"scrape_configs:\n- job_name: a\n  body_size_limit: 10 apples",
       "f.yml:3: scrape_configs[0].body_size_limit: \"10 apples\" is no size; allowed are numbers "
       "with B, KB, MB, GB, TB (or KiB, …), as 15MB"},
      {"scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n  scrape_timeout: 6s",
       "f.yml:4: scrape_configs[0].scrape_timeout: scrape timeout (6000 ms) greater than scrape "
       "interval (5000 ms) for scrape config with job name \"a\""},
      {"scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['http://x']",
       "f.yml:4: scrape_configs[0].static_configs[0].targets: \"http://x\" is not a valid "
       "hostname; "
       "a target is host:port, path and scheme have keys of their own"},
      {"scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [x.txt]}]",
       "f.yml:3: scrape_configs[0].file_sd_configs[0].files: \"x.txt\" is not valid for file "
       "discovery: it must end in .json, .yml or .yaml and may hold one * in its name"},
      {"scrape_configs:\n- job_name: a\n  http_sd_configs: [{url: 'ftp://x'}]",
       "f.yml:3: scrape_configs[0].http_sd_configs[0].url: \"ftp://x\" is no http or https URL"},
      {"scrape_configs:\n- job_name: a\n  basic_auth: {username: u}\n  bearer_token: t",
       "f.yml:4: scrape_configs[0].bearer_token: at most one of basic_auth, authorization, oauth2, "
       "bearer_token and bearer_token_file may be given"},
      {"scrape_configs:\n- job_name: a\n  tls_config: {cert_file: c}",
       "f.yml:3: scrape_configs[0].tls_config.cert_file: a client certificate needs both cert_file "
       "and key_file"},
      {"scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {regex: '(', action: drop}",
       "f.yml:4: scrape_configs[0].relabel_configs[0]: error parsing regexp: missing closing ): "
       "`(`"},
      {"scrape_configs:\n- job_name: a\n  http_headers: {Host: {values: [x]}}",
       "f.yml:3: scrape_configs[0].http_headers.Host: this header may not be set"},
      {"scrape_configs:\n- job_name: a\n  scrape_protocols: [Smoke]",
       "f.yml:3: scrape_configs[0].scrape_protocols: unknown scrape protocol \"Smoke\"; allowed: "
       "OpenMetricsText0.0.1, OpenMetricsText1.0.0, PrometheusProto, PrometheusText0.0.4, "
       "PrometheusText1.0.0"},
      {"scrape_configs: 5", "f.yml:1: scrape_configs: expected a list, got text"},
      {"global: [1]", "f.yml:1: global: expected a map, got a list"},
      {"rule_files: ['a/*/b.yml']",
       "f.yml:1: rule_files: invalid rule file path \"a/*/b.yml\": * may stand once, in the last "
       "part"},
      {"remote_write: [{name: x}]", "f.yml:1: remote_write[0].url: url for remote_write is empty"},
      {"a: 1\na: 2", "f.yml: line 2, column 1: key \"a\" was given before, in line 1"},
      {"hearth: {dashboard: x}", "f.yml:1: hearth.dashboard: unknown key"},
      {"hearth: {datasources: [{name: x, url: 'http://a', type: loki}]}",
       "f.yml:1: hearth.datasources[0].type: \"loki\" is not one of prometheus"},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(ErrorOf(text), error) << text;
}

TEST(Config, ListsWhatIsNotSupportedYet) {
  const auto loaded = ParseConfig(R"(
remote_read: [{url: "http://x"}]
scrape_configs:
- job_name: a
  consul_sd_configs: [{server: x, whatever: y}]
  oauth2: {client_id: x}
alerting:
  alertmanagers:
  - dns_sd_configs: [{names: ["x"]}]
  - static_configs: [{targets: []}]
)",
                                  "f.yml", "");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  std::vector<std::string> list;
  for (const Unsupported& entry : loaded->unsupported) list.push_back(entry.ToString());
  EXPECT_THAT(list,
              ElementsAre("remote_read (line 2)", "scrape_configs[0].consul_sd_configs (line 5)",
                          "scrape_configs[0].oauth2 (line 6)",
                          "alerting.alertmanagers[0].dns_sd_configs (line 9)"));
  EXPECT_EQ(Message(RefuseUnsupported(*loaded, "f.yml")),
            "f.yml: not supported yet: remote_read (line 2), scrape_configs[0].consul_sd_configs "
            "(line 5), scrape_configs[0].oauth2 (line 6), alerting.alertmanagers[0].dns_sd_configs "
            "(line 9)");
}

TEST(Config, ReadsJobsOfOtherFiles) {
  TemporaryDirectory folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    ASSERT_TRUE(RealFileSystem().WriteFileAtomic(folder.path() + "/" + name, text).ok());
  };
  write("main.yml",
        "global: {scrape_interval: 7s}\nscrape_config_files: ['*.jobs']\n"
        "scrape_configs: [{job_name: a}]\n");
  write("b.jobs", "scrape_configs: [{job_name: b, bearer_token_file: token}]\n");
  const auto loaded = LoadConfig(RealFileSystem(), folder.path() + "/main.yml");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->config.jobs.size(), 2U);
  EXPECT_EQ(loaded->config.jobs[1].interval_ms, 7000);
  EXPECT_EQ(loaded->config.jobs[1].http.credentials_file, folder.path() + "/token");
  EXPECT_EQ(ReferencedFiles(loaded->config.jobs),
            std::vector<std::string>{folder.path() + "/token"});
  write("c.jobs", "scrape_configs: [{job_name: a}]\n");
  const auto twice = LoadConfig(RealFileSystem(), folder.path() + "/main.yml");
  EXPECT_THAT(Message(twice.status()),
              HasSubstr("c.jobs:1: scrape_configs[0]: found multiple scrape configs with job name "
                        "\"a\", the first in line 3 of " +
                        folder.path() + "/main.yml"));
}

TEST(Config, ReadsPrometheusOwnGoodFile) {
  const std::string path = HEARTH_ROOT_DIR "/../shared/data/config-testdata/conf.good.yml";
  if (!RealFileSystem().Exists(path)) GTEST_SKIP() << "not there: " << path;
  const auto loaded = LoadConfig(RealFileSystem(), path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.jobs.size(), 34U);
  EXPECT_GT(loaded->unsupported.size(), 30U);
  const ConfigFindings findings = CheckConfig(RealFileSystem(), path);
  EXPECT_TRUE(findings.ok);
  EXPECT_THAT(findings.lines[0], HasSubstr("the syntax is good"));
}

TEST(Config, ReadsAlertmanagers) {
  const auto loaded = ParseConfig(R"(
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers:
  - scheme: https
    path_prefix: /am
    timeout: 5s
    basic_auth: {username: u, password: p}
    static_configs: [{targets: ["a:9093", "b:9093"]}]
)",
                                  "f.yml", "");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->unsupported.empty());
  const AlertingConfig& alerting = loaded->config.alerting;
  EXPECT_EQ(alerting.alert_relabel.size(), 1U);
  ASSERT_EQ(alerting.alertmanagers.size(), 1U);
  EXPECT_EQ(alerting.alertmanagers[0].path_prefix, "/am");
  EXPECT_EQ(alerting.alertmanagers[0].timeout_ms, 5'000);
  EXPECT_THAT(alerting.alertmanagers[0].static_groups[0].targets, ElementsAre("a:9093", "b:9093"));
}

TEST(Config, ReadsTheStockFile) {
  EXPECT_EQ(ErrorOf("global:\n  scrape_interval: 15s\nalerting:\n  alertmanagers:\n"
                    "    - static_configs:\n        - targets:\n          # - alertmanager:9093\n"
                    "rule_files:\n  # - first.yml\nscrape_configs:\n  - job_name: prometheus\n"
                    "    static_configs:\n      - targets: [\"localhost:9090\"]\n"),
            "ok");
}

TEST(ConfigText, ReadsSizes) {
  EXPECT_EQ(*ParseSizeBytes("15MB"), 15U << 20);
  EXPECT_EQ(*ParseSizeBytes("1KiB"), 1024U);
  EXPECT_EQ(*ParseSizeBytes("1.5GB"), 3ULL << 29);
  EXPECT_EQ(*ParseSizeBytes("7B"), 7U);
  for (const char* bad : {"", "15", "MB", "1XB", "-1B", "1MiiB", "99999EB"}) {
    EXPECT_FALSE(ParseSizeBytes(bad).ok()) << bad;
  }
}

TEST(ConfigText, GlobFindsFiles) {
  TemporaryDirectory folder;
  FileSystem& files = RealFileSystem();
  ASSERT_TRUE(files.MakeDirectories(folder.path() + "/a").ok());
  for (const char* name : {"/a/1.yml", "/a/2.yml", "/a/3.txt", "/b.yml"}) {
    ASSERT_TRUE(files.WriteFileAtomic(folder.path() + name, "x").ok());
  }
  EXPECT_THAT(*Glob(files, folder.path() + "/a/*.yml"),
              ElementsAre(folder.path() + "/a/1.yml", folder.path() + "/a/2.yml"));
  EXPECT_THAT(*Glob(files, folder.path() + "/b.yml"), ElementsAre(folder.path() + "/b.yml"));
  EXPECT_TRUE(Glob(files, folder.path() + "/none/*.yml")->empty());
}

}  // namespace
}  // namespace hearth::scrape

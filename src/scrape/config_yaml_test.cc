// SPDX-License-Identifier: Apache-2.0
#include "scrape/config_yaml.h"

#include <gtest/gtest.h>

namespace hearth::scrape {
namespace {

constexpr std::string_view kText = R"(
global: {scrape_interval: 30s, external_labels: {cluster: "a: b"}}
scrape_configs:
  - job_name: node
    basic_auth: {username: u, password: hush-hush}
    authorization: null
    params: {module: [x, "true"]}
    static_configs: [{targets: ["127.0.0.1:9100"], labels: {env: dev}}]
    relabel_configs:
      - {source_labels: [a, b], target_label: c, regex: "(.*):8080", replacement: "$1"}
  - job_name: token
    authorization: {credentials: also-secret}
    http_sd_configs: [{url: "http://u:pass-word@sd.example/x"}]
    scrape_native_histograms: true
    kubernetes_sd_configs:
      - {role: pod, namespaces: {own_namespace: true, names: [a]}, attach_metadata: {node: true},
         selectors: [{role: pod, label: 'a in (b)', field: x=y}]}
      - {role: node, api_server: "https://k:6443", authorization: {credentials: more-secret}}
)";

TEST(ConfigYaml, ShowsDefaultsAndNoSecrets) {
  const auto loaded = ParseConfig(kText, "f.yml", "/etc");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string yaml = ConfigYaml(loaded->config);
  for (const std::string_view secret : {"hush-hush", "also-secret", "pass-word", "more-secret"}) {
    EXPECT_EQ(yaml.find(secret), std::string::npos) << yaml;
  }
  EXPECT_NE(yaml.find("password: <secret>"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("scrape_interval: 30s"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("metrics_path: /metrics"), std::string::npos) << yaml;
}

// What is shown is a configuration again, equal but for what was left out.
TEST(ConfigYaml, LoadsAgain) {
  const auto loaded = ParseConfig(kText, "f.yml", "/etc");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string yaml = ConfigYaml(loaded->config);
  const auto again = ParseConfig(yaml, "again.yml", "/etc");
  ASSERT_TRUE(again.ok()) << again.status() << "\n" << yaml;
  ASSERT_EQ(again->config.jobs.size(), 2U);
  EXPECT_EQ(again->config.external_labels, loaded->config.external_labels);
  EXPECT_EQ(again->config.jobs[0].params, loaded->config.jobs[0].params);
  EXPECT_EQ(again->config.jobs[0].relabel, loaded->config.jobs[0].relabel);
  EXPECT_EQ(again->config.jobs[0].static_groups, loaded->config.jobs[0].static_groups);
  EXPECT_TRUE(again->config.jobs[1].histograms.native);
  EXPECT_EQ(again->config.jobs[1].kubernetes_discovery[0],
            loaded->config.jobs[1].kubernetes_discovery[0]);
  EXPECT_EQ(ConfigYaml(again->config), yaml);
}

}  // namespace
}  // namespace hearth::scrape

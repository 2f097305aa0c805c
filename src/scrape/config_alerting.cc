// SPDX-License-Identifier: Apache-2.0
// alerting: of the configuration file (config/config.go AlertingConfig of Prometheus 3.14).
#include <fmt/core.h>

#include "scrape/config_reader.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;

constexpr std::string_view kDiscovery = "_sd_configs";

AlertmanagerConfig ReadAlertmanager(ConfigContext* context, const YamlNode& node,
                                    const std::string& path, bool legacy_names) {
  Section section(context, node, path);
  AlertmanagerConfig config;
  config.http = ReadHttp(&section);
  section.OneOf("scheme", {"http", "https"}, &config.scheme);
  section.Text("path_prefix", &config.path_prefix);
  section.Duration("timeout", &config.timeout_ms);
  std::string version = "v2";
  section.OneOf("api_version", {"v2"}, &version);
  config.static_groups = ReadStaticGroups(&section);
  config.relabel = ReadRelabel(&section, "relabel_configs", legacy_names);
  config.alert_relabel = ReadRelabel(&section, "alert_relabel_configs", legacy_names);
  section.NotYet("sigv4");
  for (const auto& [key, value] : node.entries()) {
    if (key.text().ends_with(kDiscovery)) section.NotYet(key.text());
  }
  section.Finish();
  return config;
}

}  // namespace

AlertingConfig ReadAlerting(Section* root, bool legacy_names) {
  AlertingConfig alerting;
  const YamlNode* node = root->Take("alerting");
  if (node == nullptr) return alerting;
  Section section(root->context(), *node, "alerting");
  alerting.alert_relabel = ReadRelabel(&section, "alert_relabel_configs", legacy_names);
  section.Each("alertmanagers", [&](const YamlNode& item, const std::string& path) {
    alerting.alertmanagers.push_back(ReadAlertmanager(root->context(), item, path, legacy_names));
  });
  section.Finish();
  return alerting;
}

}  // namespace hearth::scrape

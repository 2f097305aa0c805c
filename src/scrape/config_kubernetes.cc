// SPDX-License-Identifier: Apache-2.0
// kubernetes_sd_configs (discovery/kubernetes SDConfig of Prometheus 3.14).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "scrape/config_reader.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;
using model::QuoteGo;

// Which objects a role reads and may therefore select.
struct Role {
  std::string_view name;
  std::vector<std::string_view> selectors;
};
const std::vector<Role>& Roles() {
  static const auto* const roles = new std::vector<Role>{
      {"pod", {"pod", "node"}},
      {"service", {"service"}},
      {"endpointslice", {"pod", "service", "endpointslice"}},
      {"endpoints", {"pod", "service", "endpoints"}},
      {"node", {"node"}},
      {"ingress", {"ingress"}},
  };
  return *roles;
}

// key=value, key==value and key!=value with commas between (k8s.io/apimachinery fields).
bool IsFieldSelector(std::string_view text) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view term = text.substr(0, comma);
    if (!term.empty() && term.find('=') == std::string_view::npos) return false;
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return true;
}

void ReadSelectors(Section* parent, const Role& role, KubernetesDiscovery* out) {
  parent->Each("selectors", [&](const YamlNode& item, const std::string& path) {
    Section section(parent->context(), item, path);
    KubernetesSelector selector;
    section.Text("role", &selector.role);
    section.Text("label", &selector.label);
    section.Text("field", &selector.field);
    section.Finish();
    const auto same_role = [&](const KubernetesSelector& s) { return s.role == selector.role; };
    if (std::any_of(out->selectors.begin(), out->selectors.end(), same_role)) {
      section.Fail("role", fmt::format("duplicated selector role: {}", selector.role));
    }
    if (std::find(role.selectors.begin(), role.selectors.end(), selector.role) ==
        role.selectors.end()) {
      section.Fail("role", fmt::format("{} role supports only {} selectors", role.name,
                                       fmt::join(role.selectors, ", ")));
    }
    if (!IsFieldSelector(selector.field)) {
      section.Fail("field", fmt::format("invalid selector: {}", QuoteGo(selector.field)));
    }
    out->selectors.push_back(std::move(selector));
  });
}

void ReadNamespaces(Section* parent, KubernetesDiscovery* out) {
  const YamlNode* node = parent->Take("namespaces");
  if (node == nullptr) return;
  Section section(parent->context(), *node, parent->PathOf("namespaces"));
  section.Bool("own_namespace", &out->own_namespace);
  section.Texts("names", &out->namespaces);
  section.Finish();
}

void ReadAttached(Section* parent, KubernetesDiscovery* out) {
  const YamlNode* node = parent->Take("attach_metadata");
  if (node == nullptr) return;
  Section section(parent->context(), *node, parent->PathOf("attach_metadata"));
  section.Bool("node", &out->attach_node);
  section.Bool("namespace", &out->attach_namespace);
  section.Bool("deployment", &out->attach_deployment);
  section.Bool("job", &out->attach_job);
  section.Bool("cronjob", &out->attach_cronjob);
  section.Finish();
}

void CheckAccess(Section* section, const KubernetesDiscovery& discovery) {
  const bool plain_http = discovery.http == HttpConfig{};
  if (!discovery.api_server.empty() && !discovery.kubeconfig_file.empty()) {
    section->Fail("kubeconfig_file",
                  "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  } else if (!discovery.kubeconfig_file.empty() && !plain_http) {
    section->Fail("kubeconfig_file",
                  "cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  } else if (discovery.api_server.empty() && !plain_http) {
    section->Fail("api_server",
                  "to use custom HTTP client configuration please provide the 'api_server' URL "
                  "explicitly");
  } else if (discovery.own_namespace && !discovery.api_server.empty()) {
    section->Fail("namespaces",
                  "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
  } else if (discovery.own_namespace && !discovery.kubeconfig_file.empty()) {
    section->Fail("namespaces",
                  "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
  }
}

}  // namespace

std::vector<KubernetesDiscovery> ReadKubernetesDiscovery(Section* parent) {
  std::vector<KubernetesDiscovery> discoveries;
  parent->Each("kubernetes_sd_configs", [&](const YamlNode& item, const std::string& path) {
    Section section(parent->context(), item, path);
    KubernetesDiscovery discovery;
    section.Url("api_server", &discovery.api_server);
    section.Text("role", &discovery.role);
    section.File("kubeconfig_file", &discovery.kubeconfig_file);
    discovery.http = ReadHttp(&section);
    ReadNamespaces(&section, &discovery);
    ReadAttached(&section, &discovery);
    const auto role = std::find_if(Roles().begin(), Roles().end(),
                                   [&](const Role& known) { return known.name == discovery.role; });
    if (role != Roles().end()) {
      ReadSelectors(&section, *role, &discovery);
    } else if (discovery.role.empty()) {
      section.Ignore("selectors");
      section.Fail("role",
                   "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
    } else {
      section.Ignore("selectors");
      section.Fail("role", fmt::format("unknown Kubernetes SD role {}", QuoteGo(discovery.role)));
    }
    section.Finish();
    CheckAccess(&section, discovery);
    discoveries.push_back(std::move(discovery));
  });
  return discoveries;
}

}  // namespace hearth::scrape

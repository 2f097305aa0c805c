// SPDX-License-Identifier: Apache-2.0
#include "scrape/kubernetes_targets.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>

#include "base/text.h"

namespace hearth::scrape {
namespace {

// Labels under construction. Names lose their prefix; a later value of a name wins.
class MetaLabels {
 public:
  void Set(std::string_view name, std::string_view value) {
    SetWhole(fmt::format("__meta_kubernetes_{}", name), value);
  }
  void SetWhole(std::string name, std::string_view value) {
    pairs_.emplace_back(std::move(name), value);
  }
  void SetBool(std::string_view name, bool value) { Set(name, value ? "true" : "false"); }
  void SetIf(std::string_view name, const std::optional<std::string>& value) {
    if (value) Set(name, *value);
  }
  model::Labels Build() const {
    std::vector<model::Label> labels;
    labels.reserve(pairs_.size());
    for (const auto& [name, value] : pairs_) labels.push_back({name, value});
    return model::Labels::FromPairs(std::move(labels));
  }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// strutil.SanitizeLabelName.
std::string Sanitized(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fine) c = '_';
  }
  return out;
}

std::string HostPort(std::string_view host, int64_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                  : fmt::format("[{}]:{}", host, port);
}

void AddLabelsAndAnnotations(const KubeMeta& meta, std::string_view what, MetaLabels* labels) {
  const auto add = [&](const KubePairs& pairs, std::string_view kind) {
    for (const auto& [key, value] : pairs) {
      const std::string name = Sanitized(key);
      labels->Set(fmt::format("{}_{}_{}", what, kind, name), value);
      labels->Set(fmt::format("{}_{}present_{}", what, kind, name), "true");
    }
  };
  add(meta.labels, "label");
  add(meta.annotations, "annotation");
}

void AddMeta(const KubeMeta& meta, std::string_view what, MetaLabels* labels) {
  labels->Set(fmt::format("{}_name", what), meta.name);
  AddLabelsAndAnnotations(meta, what, labels);
}

void AddNodeMeta(std::string_view name, const KubeSurroundings& around, MetaLabels* labels) {
  if (const KubeObject* node = around.find(KubeResource::kNodes, name); node != nullptr) {
    AddMeta(node->meta, "node", labels);
  }
}

void AddNamespaceMeta(std::string_view name, const KubeSurroundings& around, MetaLabels* labels) {
  if (!around.name_space) return;
  const KubeObject* found = around.find(KubeResource::kNamespaces, name);
  if (found != nullptr) AddLabelsAndAnnotations(found->meta, "namespace", labels);
}

void AddPodController(const KubeMeta& meta, const KubeSurroundings& around, MetaLabels* labels) {
  if (!meta.has_controller) return;
  labels->Set("pod_controller_kind", meta.controller_kind);
  labels->Set("pod_controller_name", meta.controller_name);
  const std::string key = meta.name_space + "/" + meta.controller_name;
  const auto owner = [&](KubeResource resource, std::string_view kind) -> std::string_view {
    const KubeObject* found = around.find(resource, key);
    if (found == nullptr || found->meta.controller_kind != kind) return {};
    return found->meta.controller_name;
  };
  if (meta.controller_kind == "ReplicaSet" && around.deployment) {
    labels->Set("pod_deployment_name", owner(KubeResource::kReplicaSets, "Deployment"));
  }
  if (meta.controller_kind == "Job") {
    if (around.job) labels->Set("pod_job_name", meta.controller_name);
    if (around.cronjob) labels->Set("pod_cronjob_name", owner(KubeResource::kJobs, "CronJob"));
  }
}

void AddPod(const KubeObject& object, const KubeSurroundings& around, MetaLabels* labels) {
  const KubePod& pod = object.pod;
  labels->Set("pod_ip", pod.ip);
  labels->Set("pod_ready", pod.ready);
  labels->Set("pod_phase", pod.phase);
  labels->Set("pod_node_name", pod.node_name);
  labels->Set("pod_host_ip", pod.host_ip);
  labels->Set("pod_uid", object.meta.uid);
  AddMeta(object.meta, "pod", labels);
  AddPodController(object.meta, around, labels);
}

void AddContainer(const KubeContainer& container, MetaLabels* labels) {
  labels->Set("pod_container_name", container.name);
  labels->Set("pod_container_image", container.image);
  labels->SetBool("pod_container_init", container.is_init);
}

void AddContainerPort(const KubePort& port, std::string_view protocol, MetaLabels* labels) {
  labels->Set("pod_container_port_name", port.name.value_or(""));
  labels->Set("pod_container_port_number", fmt::format("{}", port.number.value_or(0)));
  labels->Set("pod_container_port_protocol", protocol);
}

void AddService(const KubeObject& service, MetaLabels* labels) {
  labels->Set("namespace", service.meta.name_space);
  AddMeta(service.meta, "service", labels);
}

void BuildPod(const KubeObject& object, const KubeSurroundings& around, TargetGroup* group) {
  const KubePod& pod = object.pod;
  if (pod.ip.empty()) return;  // it starts, or has been evicted
  const bool node_left_out =
      around.node && around.find(KubeResource::kNodes, pod.node_name) == nullptr;
  if (node_left_out) return;
  MetaLabels labels;
  AddPod(object, around, &labels);
  labels.Set("namespace", object.meta.name_space);
  if (around.node) AddNodeMeta(pod.node_name, around, &labels);
  AddNamespaceMeta(object.meta.name_space, around, &labels);
  group->labels = labels.Build();
  for (const KubeContainer& container : pod.containers) {
    const auto begin = [&](std::string_view address) {
      MetaLabels target;
      target.SetWhole("__address__", address);
      target.Set("pod_container_id", container.id);
      AddContainer(container, &target);
      return target;
    };
    // Without a port the address is the pod's alone: relabelling adds one.
    if (container.ports.empty()) group->targets.push_back(begin(pod.ip).Build());
    for (const KubePort& port : container.ports) {
      MetaLabels target = begin(HostPort(pod.ip, port.number.value_or(0)));
      AddContainerPort(port, port.protocol.value_or(""), &target);
      group->targets.push_back(target.Build());
    }
  }
}

// The address that stands for a node, by the order of Kubernetes' own GetNodeHostIP.
const std::string* NodeAddress(const KubeNode& node) {
  for (const std::string_view wanted :
       {"InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"}) {
    for (const auto& [type, address] : node.addresses) {
      if (type == wanted) return &address;
    }
  }
  return nullptr;
}

void BuildNode(const KubeObject& object, TargetGroup* group) {
  const KubeNode& node = object.node;
  MetaLabels labels;
  labels.Set("node_provider_id", node.provider_id);
  for (const auto& [type, status] : node.conditions) {
    labels.Set("node_condition_" + Sanitized(ToLowerAscii(type)), ToLowerAscii(status));
  }
  AddMeta(object.meta, "node", &labels);
  group->labels = labels.Build();
  const std::string* address = NodeAddress(node);
  if (address == nullptr) return;
  MetaLabels target;
  target.SetWhole("__address__", HostPort(*address, node.kubelet_port));
  target.SetWhole("instance", object.meta.name);
  // The first address of a type counts.
  for (auto at = node.addresses.rbegin(); at != node.addresses.rend(); ++at) {
    target.Set("node_address_" + Sanitized(at->first), at->second);
  }
  group->targets.push_back(target.Build());
}

void BuildService(const KubeObject& object, const KubeSurroundings& around, TargetGroup* group) {
  const KubeService& service = object.service;
  MetaLabels labels;
  AddService(object, &labels);
  AddNamespaceMeta(object.meta.name_space, around, &labels);
  group->labels = labels.Build();
  const std::string host = fmt::format("{}.{}.svc", object.meta.name, object.meta.name_space);
  for (const KubePort& port : service.ports) {
    const int64_t number = port.number.value_or(0);
    MetaLabels target;
    target.SetWhole("__address__", HostPort(host, number));
    target.Set("service_port_name", port.name.value_or(""));
    target.Set("service_port_number", fmt::format("{}", number));
    target.Set("service_port_protocol", port.protocol.value_or(""));
    target.Set("service_type", service.type);
    if (service.type == "ExternalName") {
      target.Set("service_external_name", service.external_name);
    } else {
      target.Set("service_cluster_ip", service.cluster_ip);
    }
    if (service.type == "LoadBalancer") {
      target.Set("service_loadbalancer_ip", service.load_balancer_ip);
    }
    group->targets.push_back(target.Build());
  }
}

// "*.example.org" stands for one more part in front; else both are equal.
bool MatchesHost(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  if (pattern != "*" && !pattern.starts_with("*.")) return false;
  const size_t dot = host.find('.');
  const std::string_view rest = dot == std::string_view::npos ? "" : host.substr(dot);
  return pattern.substr(1) == rest;
}

void BuildIngress(const KubeObject& object, const KubeSurroundings& around, TargetGroup* group) {
  const KubeIngress& ingress = object.ingress;
  MetaLabels labels;
  labels.Set("namespace", object.meta.name_space);
  labels.SetIf("ingress_class_name", ingress.class_name);
  AddMeta(object.meta, "ingress", &labels);
  AddNamespaceMeta(object.meta.name_space, around, &labels);
  group->labels = labels.Build();
  for (const KubeIngressRule& rule : ingress.rules) {
    const bool tls =
        std::any_of(ingress.tls_hosts.begin(), ingress.tls_hosts.end(),
                    [&](const std::string& host) { return MatchesHost(host, rule.host); });
    std::vector<std::string> paths = rule.paths;
    if (!rule.has_http) paths = {"/"};
    for (const std::string& path : paths) {
      MetaLabels target;
      target.SetWhole("__address__", rule.host);
      target.Set("ingress_scheme", tls ? "https" : "http");
      target.Set("ingress_host", rule.host);
      target.Set("ingress_path", path.empty() ? "/" : path);
      group->targets.push_back(target.Build());
    }
  }
}

// What Endpoints and EndpointSlices have in common: targets that are pods get their labels, and
// ports of those pods that no endpoint names become targets too.
class EndpointTargets {
 public:
  EndpointTargets(const KubeSurroundings& around, TargetGroup* group)
      : around_(around), group_(*group) {}

  // `protocol_of_endpoint`: the container port's label takes the endpoint's protocol.
  void Add(MetaLabels target, const KubeEndpoint& endpoint, const KubePort& port,
           bool protocol_of_endpoint) {
    const KubeObject* pod = Resolve(endpoint);
    if (pod != nullptr) {
      SeenPod* seen = Seen(pod);
      AddPod(*pod, around_, &target);
      for (const KubeContainer& container : pod->pod.containers) {
        const KubePort* match = Match(container, port);
        if (match == nullptr) continue;
        AddContainer(container, &target);
        const auto& protocol = protocol_of_endpoint ? port.protocol : match->protocol;
        AddContainerPort(*match, protocol.value_or(""), &target);
      }
      if (port.number) seen->ports.push_back(*port.number);
    }
    group_.targets.push_back(target.Build());
  }

  void AddOtherPorts() {
    for (const SeenPod& seen : seen_) {
      const KubePod& pod = seen.pod->pod;
      if (pod.ip.empty()) continue;
      for (const KubeContainer& container : pod.containers) {
        for (const KubePort& port : container.ports) {
          const int64_t number = port.number.value_or(0);
          if (std::find(seen.ports.begin(), seen.ports.end(), number) != seen.ports.end()) continue;
          MetaLabels target;
          target.SetWhole("__address__", HostPort(pod.ip, number));
          AddContainer(container, &target);
          AddContainerPort(port, port.protocol.value_or(""), &target);
          AddPod(*seen.pod, around_, &target);
          group_.targets.push_back(target.Build());
        }
      }
    }
  }

 private:
  struct SeenPod {
    const KubeObject* pod;
    std::vector<int64_t> ports;
  };

  const KubeObject* Resolve(const KubeEndpoint& endpoint) const {
    if (!endpoint.target || endpoint.target->kind != "Pod") return nullptr;
    return around_.find(KubeResource::kPods,
                        endpoint.target->name_space + "/" + endpoint.target->name);
  }
  SeenPod* Seen(const KubeObject* pod) {
    for (SeenPod& seen : seen_) {
      if (seen.pod == pod) return &seen;
    }
    return &seen_.emplace_back(SeenPod{pod, {}});
  }
  static const KubePort* Match(const KubeContainer& container, const KubePort& port) {
    for (const KubePort& own : container.ports) {
      if (port.number && own.number == port.number) return &own;
    }
    return nullptr;
  }

  const KubeSurroundings& around_;
  TargetGroup& group_;
  std::deque<SeenPod> seen_;  // pointers into it stay
};

void AddTargetReference(const KubeEndpoint& endpoint, std::string_view prefix, MetaLabels* labels) {
  if (!endpoint.target) return;
  labels->Set(fmt::format("{}_address_target_kind", prefix), endpoint.target->kind);
  labels->Set(fmt::format("{}_address_target_name", prefix), endpoint.target->name);
}

void BuildEndpoints(const KubeObject& object, const KubeSurroundings& around, TargetGroup* group) {
  MetaLabels labels;
  labels.Set("namespace", object.meta.name_space);
  const KubeObject* service = around.find(KubeResource::kServices, object.meta.Key());
  if (service != nullptr) AddService(*service, &labels);
  AddMeta(object.meta, "endpoints", &labels);
  AddNamespaceMeta(object.meta.name_space, around, &labels);
  group->labels = labels.Build();
  EndpointTargets targets(around, group);
  const auto add = [&](const KubeEndpoint& endpoint, const KubePort& port, bool ready) {
    MetaLabels target;
    target.SetWhole("__address__", HostPort(endpoint.addresses[0], port.number.value_or(0)));
    target.Set("endpoint_port_name", port.name.value_or(""));
    target.Set("endpoint_port_protocol", port.protocol.value_or(""));
    target.SetBool("endpoint_ready", ready);
    AddTargetReference(endpoint, "endpoint", &target);
    target.SetIf("endpoint_node_name", endpoint.node_name);
    target.SetIf("endpoint_hostname", endpoint.hostname);
    if (around.node && endpoint.node_name) {
      AddNodeMeta(*endpoint.node_name, around, &target);
    } else if (around.node && endpoint.target && endpoint.target->kind == "Node") {
      AddNodeMeta(endpoint.target->name, around, &target);
    }
    targets.Add(std::move(target), endpoint, port, /*protocol_of_endpoint=*/true);
  };
  for (const KubeSubset& subset : object.endpoints.subsets) {
    for (const KubePort& port : subset.ports) {
      for (const KubeEndpoint& endpoint : subset.ready) add(endpoint, port, true);
      for (const KubeEndpoint& endpoint : subset.not_ready) add(endpoint, port, false);
    }
  }
  targets.AddOtherPorts();
}

// The second slice of a service with addresses of both families names the same pods again.
bool IsOtherFamily(const KubeObject* service, const KubeEndpointSlice& slice) {
  if (service == nullptr) return false;
  const KubeService& spec = service->service;
  const bool dual =
      spec.ip_family_policy == "PreferDualStack" || spec.ip_family_policy == "RequireDualStack";
  return dual && !spec.ip_families.empty() && spec.ip_families[0] != slice.address_type;
}

MetaLabels SliceTarget(std::string_view address, const KubeEndpoint& endpoint,
                       const KubePort& port) {
  constexpr std::string_view kEndpoint = "endpointslice_endpoint";
  MetaLabels target;
  target.SetWhole("__address__",
                  port.number ? HostPort(address, *port.number) : std::string(address));
  target.SetIf("endpointslice_port_name", port.name);
  target.SetIf("endpointslice_port_protocol", port.protocol);
  if (port.number) target.Set("endpointslice_port", fmt::format("{}", *port.number));
  target.SetIf("endpointslice_port_app_protocol", port.app_protocol);
  const auto condition = [&](std::string_view name, std::optional<bool> value) {
    if (value) target.SetBool(fmt::format("{}_conditions_{}", kEndpoint, name), *value);
  };
  condition("ready", endpoint.ready);
  condition("serving", endpoint.serving);
  condition("terminating", endpoint.terminating);
  target.SetIf("endpointslice_endpoint_hostname", endpoint.hostname);
  AddTargetReference(endpoint, "endpointslice", &target);
  target.SetIf("endpointslice_endpoint_node_name", endpoint.node_name);
  target.SetIf("endpointslice_endpoint_zone", endpoint.zone);
  for (const auto& [key, value] : endpoint.topology) {
    target.Set(fmt::format("{}_topology_{}", kEndpoint, Sanitized(key)), value);
    target.Set(fmt::format("{}_topology_present_{}", kEndpoint, Sanitized(key)), "true");
  }
  return target;
}

void BuildEndpointSlice(const KubeObject& object, const KubeSurroundings& around,
                        TargetGroup* group) {
  const KubeEndpointSlice& slice = object.slice;
  MetaLabels labels;
  labels.Set("namespace", object.meta.name_space);
  labels.Set("endpointslice_address_type", slice.address_type);
  AddMeta(object.meta, "endpointslice", &labels);
  bool found = false;
  const std::string_view name = object.meta.Label("kubernetes.io/service-name", &found);
  const KubeObject* service =
      found
          ? around.find(KubeResource::kServices, fmt::format("{}/{}", object.meta.name_space, name))
          : nullptr;
  if (service != nullptr) AddService(*service, &labels);
  AddNamespaceMeta(object.meta.name_space, around, &labels);
  group->labels = labels.Build();
  if (IsOtherFamily(service, slice)) return;
  EndpointTargets targets(around, group);
  for (const KubeEndpoint& endpoint : slice.endpoints) {
    for (const KubePort& port : slice.ports) {
      for (const std::string& address : endpoint.addresses) {
        MetaLabels target = SliceTarget(address, endpoint, port);
        if (around.node && endpoint.target && endpoint.target->kind == "Node") {
          AddNodeMeta(endpoint.target->name, around, &target);
        } else if (around.node && endpoint.node_name) {
          AddNodeMeta(*endpoint.node_name, around, &target);
        }
        targets.Add(std::move(target), endpoint, port, /*protocol_of_endpoint=*/false);
      }
    }
  }
  targets.AddOtherPorts();
}

}  // namespace

TargetGroup BuildKubeGroup(KubeResource resource, const KubeObject& object,
                           const KubeSurroundings& around) {
  TargetGroup group;
  const auto source = [&](std::string_view kind) {
    group.source = fmt::format("{}/{}", kind, object.meta.Key());
  };
  switch (resource) {
    case KubeResource::kPods:
      source("pod");
      BuildPod(object, around, &group);
      break;
    case KubeResource::kNodes:
      source("node");
      BuildNode(object, &group);
      break;
    case KubeResource::kServices:
      source("svc");
      BuildService(object, around, &group);
      break;
    case KubeResource::kIngresses:
      source("ingress");
      BuildIngress(object, around, &group);
      break;
    case KubeResource::kEndpoints:
      source("endpoints");
      BuildEndpoints(object, around, &group);
      break;
    case KubeResource::kEndpointSlices:
      source("endpointslice");
      BuildEndpointSlice(object, around, &group);
      break;
    case KubeResource::kNamespaces:
    case KubeResource::kReplicaSets:
    case KubeResource::kJobs:
      break;  // no role
  }
  return group;
}

}  // namespace hearth::scrape

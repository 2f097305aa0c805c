// SPDX-License-Identifier: Apache-2.0
// The objects of a Kubernetes API server that discovery reads, with the fields that become labels
// (Kubernetes API reference: core/v1, discovery.k8s.io/v1, networking.k8s.io/v1, apps/v1,
// batch/v1). Plain values; absent optional fields are nullopt or "". Everything here comes from
// foreign bytes: what has another type than the API says is an error that names it.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::scrape {

enum class KubeResource : uint8_t {
  kPods,
  kNodes,
  kServices,
  kEndpoints,
  kEndpointSlices,
  kIngresses,
  kNamespaces,
  kReplicaSets,
  kJobs,
};
// The list's path below the API server: "/api/v1/namespaces/a/pods", of all namespaces where
// `name_space` is "". Nodes and namespaces are in none.
std::string KubePath(KubeResource resource, std::string_view name_space);

using KubePairs = std::vector<std::pair<std::string, std::string>>;

struct KubeMeta {
  std::string name;
  std::string name_space;
  std::string uid;
  std::string resource_version;
  KubePairs labels;
  KubePairs annotations;
  // Its controller (the owner reference that says so), "" where it has none.
  std::string controller_kind;
  std::string controller_name;
  bool has_controller = false;

  std::string Key() const { return name_space.empty() ? name : name_space + "/" + name; }
  std::string_view Label(std::string_view wanted, bool* found) const;
};

struct KubePort {
  std::optional<std::string> name;
  std::optional<std::string> protocol;
  std::optional<int64_t> number;
  std::optional<std::string> app_protocol;
};

struct KubeContainer {
  std::string name;
  std::string image;
  std::string id;  // of its status
  bool is_init = false;
  std::vector<KubePort> ports;
};

struct KubePod {
  std::string ip;
  std::string host_ip;
  std::string node_name;
  std::string phase;
  std::string ready = "unknown";          // the condition's status, lower case
  std::vector<KubeContainer> containers;  // init containers last
};

struct KubeNode {
  std::string provider_id;
  int64_t kubelet_port = 0;
  KubePairs conditions;  // type, status
  KubePairs addresses;   // type, address; in order
};

struct KubeService {
  std::string type;
  std::string cluster_ip;
  std::string external_name;
  std::string load_balancer_ip;
  std::string ip_family_policy;
  std::vector<std::string> ip_families;
  std::vector<KubePort> ports;
};

struct KubeReference {
  std::string kind;
  std::string name;
  std::string name_space;
};

struct KubeEndpoint {
  std::vector<std::string> addresses;
  std::optional<std::string> node_name;
  std::optional<std::string> hostname;
  std::optional<std::string> zone;
  std::optional<KubeReference> target;
  std::optional<bool> ready;
  std::optional<bool> serving;
  std::optional<bool> terminating;
  KubePairs topology;
};

struct KubeSubset {  // of Endpoints
  std::vector<KubePort> ports;
  std::vector<KubeEndpoint> ready;  // one address each
  std::vector<KubeEndpoint> not_ready;
};

struct KubeEndpoints {
  std::vector<KubeSubset> subsets;
};

struct KubeEndpointSlice {
  std::string address_type;
  std::vector<KubeEndpoint> endpoints;
  std::vector<KubePort> ports;
};

struct KubeIngressRule {
  std::string host;
  std::vector<std::string> paths;  // empty: the rule has no HTTP part
  bool has_http = false;
};

struct KubeIngress {
  std::optional<std::string> class_name;
  std::vector<std::string> tls_hosts;
  std::vector<KubeIngressRule> rules;
};

// One object; of the parts only its resource's is filled.
struct KubeObject {
  KubeMeta meta;
  KubePod pod;
  KubeNode node;
  KubeService service;
  KubeEndpoints endpoints;
  KubeEndpointSlice slice;
  KubeIngress ingress;
};

absl::StatusOr<KubeObject> ParseKubeObject(KubeResource resource, const nlohmann::json& json);

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
#include "scrape/kubernetes_objects.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"

namespace hearth::scrape {
namespace {

using Json = nlohmann::json;

// Reads members of one object; the first that has a wrong type is kept.
class Reader {
 public:
  // `name` is the member that it is, for messages.
  Reader(const Json& json, std::string_view name, absl::Status* status)
      : json_(json), status_(*status) {
    if (!json.is_object() && !json.is_null()) Fail("an object", name);
  }

  // Null where absent.
  const Json& Member(const char* name) const {
    static const Json nothing;
    if (!json_.is_object()) return nothing;
    const auto found = json_.find(name);
    return found == json_.end() ? nothing : *found;
  }
  Reader Object(const char* name) const { return {Member(name), name, &status_}; }

  std::optional<std::string> MaybeText(const char* name) const {
    const Json& value = Member(name);
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return value.get<std::string>();
    Fail("a text", name);
    return std::nullopt;
  }
  std::string Text(const char* name) const { return MaybeText(name).value_or(""); }
  std::optional<int64_t> Number(const char* name) const {
    const Json& value = Member(name);
    if (value.is_null()) return std::nullopt;
    if (value.is_number_integer()) return value.get<int64_t>();
    Fail("a whole number", name);
    return std::nullopt;
  }
  std::optional<bool> Bool(const char* name) const {
    const Json& value = Member(name);
    if (value.is_null()) return std::nullopt;
    if (value.is_boolean()) return value.get<bool>();
    Fail("true or false", name);
    return std::nullopt;
  }
  KubePairs Pairs(const char* name) const {
    KubePairs pairs;
    const Json& value = Member(name);
    if (value.is_null()) return pairs;
    if (!value.is_object()) Fail("an object", name);
    for (const auto& [key, text] : value.items()) {
      if (text.is_string()) {
        pairs.emplace_back(key, text.get<std::string>());
      } else {
        Fail("a map of texts", name);
      }
    }
    return pairs;
  }
  std::vector<std::string> Texts(const char* name) const {
    std::vector<std::string> texts;
    Each(name, [&](const Json& item) {
      if (item.is_string()) {
        texts.push_back(item.get<std::string>());
      } else {
        Fail("a list of texts", name);
      }
    });
    return texts;
  }
  template <typename F>
  void Each(const char* name, F visit) const {
    const Json& value = Member(name);
    if (value.is_null()) return;
    if (!value.is_array()) return Fail("a list", name);
    for (const Json& item : value) visit(item);
  }
  template <typename F>
  void EachObject(const char* name, F visit) const {
    Each(name, [&](const Json& item) { visit(Reader(item, name, &status_)); });
  }

 private:
  void Fail(std::string_view wanted, std::string_view member) const {
    if (status_.ok()) status_ = InvalidArgument("{} is not {}", member, wanted);
  }
  const Json& json_;
  absl::Status& status_;
};

KubeMeta ReadMeta(const Reader& object) {
  const Reader reader = object.Object("metadata");
  KubeMeta meta;
  meta.name = reader.Text("name");
  meta.name_space = reader.Text("namespace");
  meta.uid = reader.Text("uid");
  meta.resource_version = reader.Text("resourceVersion");
  meta.labels = reader.Pairs("labels");
  meta.annotations = reader.Pairs("annotations");
  reader.EachObject("ownerReferences", [&](const Reader& owner) {
    if (meta.has_controller || !owner.Bool("controller").value_or(false)) return;
    meta.has_controller = true;
    meta.controller_kind = owner.Text("kind");
    meta.controller_name = owner.Text("name");
  });
  return meta;
}

std::vector<KubePort> ReadPorts(const Reader& reader, const char* number) {
  std::vector<KubePort> ports;
  reader.EachObject("ports", [&](const Reader& port) {
    ports.push_back({port.MaybeText("name"), port.MaybeText("protocol"), port.Number(number),
                     port.MaybeText("appProtocol")});
  });
  return ports;
}

KubePod ReadPod(const Reader& object) {
  const Reader spec = object.Object("spec");
  const Reader status = object.Object("status");
  KubePod pod;
  pod.ip = status.Text("podIP");
  pod.host_ip = status.Text("hostIP");
  pod.phase = status.Text("phase");
  pod.node_name = spec.Text("nodeName");
  bool ready_seen = false;
  status.EachObject("conditions", [&](const Reader& condition) {
    if (ready_seen || condition.Text("type") != "Ready") return;
    ready_seen = true;
    pod.ready = ToLowerAscii(condition.Text("status"));
  });
  const auto read = [&](const char* name, const char* statuses, bool is_init) {
    spec.EachObject(name, [&](const Reader& container) {
      pod.containers.push_back({container.Text("name"), container.Text("image"), "", is_init,
                                ReadPorts(container, "containerPort")});
      KubeContainer& made = pod.containers.back();
      bool found = false;
      status.EachObject(statuses, [&](const Reader& one) {
        if (found || one.Text("name") != made.name) return;
        found = true;
        made.id = one.Text("containerID");
      });
    });
  };
  read("containers", "containerStatuses", false);
  read("initContainers", "initContainerStatuses", true);
  return pod;
}

KubeNode ReadNode(const Reader& object) {
  const Reader status = object.Object("status");
  KubeNode node;
  node.provider_id = object.Object("spec").Text("providerID");
  node.kubelet_port =
      status.Object("daemonEndpoints").Object("kubeletEndpoint").Number("Port").value_or(0);
  status.EachObject("conditions", [&](const Reader& condition) {
    node.conditions.emplace_back(condition.Text("type"), condition.Text("status"));
  });
  status.EachObject("addresses", [&](const Reader& address) {
    node.addresses.emplace_back(address.Text("type"), address.Text("address"));
  });
  return node;
}

KubeService ReadService(const Reader& object) {
  const Reader spec = object.Object("spec");
  KubeService service;
  service.type = spec.Text("type");
  service.cluster_ip = spec.Text("clusterIP");
  service.external_name = spec.Text("externalName");
  service.load_balancer_ip = spec.Text("loadBalancerIP");
  service.ip_family_policy = spec.Text("ipFamilyPolicy");
  service.ip_families = spec.Texts("ipFamilies");
  service.ports = ReadPorts(spec, "port");
  return service;
}

std::optional<KubeReference> ReadReference(const Reader& reader) {
  if (reader.Member("targetRef").is_null()) return std::nullopt;
  const Reader target = reader.Object("targetRef");
  return KubeReference{target.Text("kind"), target.Text("name"), target.Text("namespace")};
}

KubeEndpoints ReadEndpoints(const Reader& object) {
  KubeEndpoints endpoints;
  object.EachObject("subsets", [&](const Reader& reader) {
    KubeSubset& subset = endpoints.subsets.emplace_back();
    subset.ports = ReadPorts(reader, "port");
    const auto read = [&](const char* name, std::vector<KubeEndpoint>* out) {
      reader.EachObject(name, [&](const Reader& address) {
        KubeEndpoint& endpoint = out->emplace_back();
        endpoint.addresses.push_back(address.Text("ip"));
        endpoint.node_name = address.MaybeText("nodeName");
        endpoint.hostname = address.MaybeText("hostname");
        endpoint.target = ReadReference(address);
      });
    };
    read("addresses", &subset.ready);
    read("notReadyAddresses", &subset.not_ready);
  });
  return endpoints;
}

KubeEndpointSlice ReadEndpointSlice(const Reader& object) {
  KubeEndpointSlice slice;
  slice.address_type = object.Text("addressType");
  slice.ports = ReadPorts(object, "port");
  object.EachObject("endpoints", [&](const Reader& reader) {
    const Reader conditions = reader.Object("conditions");
    KubeEndpoint& endpoint = slice.endpoints.emplace_back();
    endpoint.addresses = reader.Texts("addresses");
    endpoint.node_name = reader.MaybeText("nodeName");
    endpoint.hostname = reader.MaybeText("hostname");
    endpoint.zone = reader.MaybeText("zone");
    endpoint.target = ReadReference(reader);
    endpoint.ready = conditions.Bool("ready");
    endpoint.serving = conditions.Bool("serving");
    endpoint.terminating = conditions.Bool("terminating");
    endpoint.topology = reader.Pairs("deprecatedTopology");
  });
  return slice;
}

KubeIngress ReadIngress(const Reader& object) {
  const Reader spec = object.Object("spec");
  KubeIngress ingress;
  ingress.class_name = spec.MaybeText("ingressClassName");
  spec.EachObject("tls", [&](const Reader& tls) {
    for (std::string& host : tls.Texts("hosts")) ingress.tls_hosts.push_back(std::move(host));
  });
  spec.EachObject("rules", [&](const Reader& reader) {
    KubeIngressRule& rule = ingress.rules.emplace_back();
    rule.host = reader.Text("host");
    rule.has_http = !reader.Member("http").is_null();
    reader.Object("http").EachObject(
        "paths", [&](const Reader& path) { rule.paths.push_back(path.Text("path")); });
  });
  return ingress;
}

}  // namespace

std::string KubePath(KubeResource resource, std::string_view name_space) {
  const auto path = [&](std::string_view group, std::string_view plural) {
    if (name_space.empty()) return fmt::format("{}/{}", group, plural);
    return fmt::format("{}/namespaces/{}/{}", group, PercentEncode(name_space, false), plural);
  };
  switch (resource) {
    case KubeResource::kPods:
      return path("/api/v1", "pods");
    case KubeResource::kNodes:
      return "/api/v1/nodes";
    case KubeResource::kServices:
      return path("/api/v1", "services");
    case KubeResource::kEndpoints:
      return path("/api/v1", "endpoints");
    case KubeResource::kEndpointSlices:
      return path("/apis/discovery.k8s.io/v1", "endpointslices");
    case KubeResource::kIngresses:
      return path("/apis/networking.k8s.io/v1", "ingresses");
    case KubeResource::kNamespaces:
      return "/api/v1/namespaces";
    case KubeResource::kReplicaSets:
      return path("/apis/apps/v1", "replicasets");
    case KubeResource::kJobs:
      return path("/apis/batch/v1", "jobs");
  }
  return "";
}

std::string_view KubeMeta::Label(std::string_view wanted, bool* found) const {
  for (const auto& [name_of, value] : labels) {
    if (name_of != wanted) continue;
    *found = true;
    return value;
  }
  *found = false;
  return {};
}

absl::StatusOr<KubeObject> ParseKubeObject(KubeResource resource, const Json& json) {
  absl::Status status;
  const Reader reader(json, "it", &status);
  KubeObject object;
  object.meta = ReadMeta(reader);
  switch (resource) {
    case KubeResource::kPods:
      object.pod = ReadPod(reader);
      break;
    case KubeResource::kNodes:
      object.node = ReadNode(reader);
      break;
    case KubeResource::kServices:
      object.service = ReadService(reader);
      break;
    case KubeResource::kEndpoints:
      object.endpoints = ReadEndpoints(reader);
      break;
    case KubeResource::kEndpointSlices:
      object.slice = ReadEndpointSlice(reader);
      break;
    case KubeResource::kIngresses:
      object.ingress = ReadIngress(reader);
      break;
    case KubeResource::kNamespaces:
    case KubeResource::kReplicaSets:
    case KubeResource::kJobs:
      break;  // their metadata is all
  }
  if (status.ok() && object.meta.name.empty()) status = InvalidArgument("it has no name");
  if (!status.ok()) {
    return Annotate(status, fmt::format("Kubernetes object {}", object.meta.Key()));
  }
  return object;
}

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
// Kubernetes discovery against an API server that a table plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "scrape/kubernetes_access.h"
#include "scrape/kubernetes_discovery.h"

namespace hearth::scrape {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;

// One exchange: what came, and whether and how it ended.
struct Exchange {
  std::string url;
  std::string body;
  bool ended = false;
  absl::StatusOr<FetchResult> result = FetchResult{200, "200 OK", "application/json", ""};
};

class FakeServer : public Fetcher {
 public:
  absl::StatusOr<FetchResult> Fetch(const FetchRequest&) override {
    return Unavailable("only streams here");
  }
  absl::StatusOr<std::unique_ptr<FetchStream>> Open(const FetchRequest& request) override {
    auto exchange = std::make_shared<Exchange>();
    exchange->url = request.url;
    if (const auto found = lists.find(request.url); found != lists.end()) {
      exchange->body = found->second;
      exchange->ended = true;
    }
    exchanges.push_back(exchange);
    token = request.http->credentials;
    return std::make_unique<Stream>(exchange);
  }
  Exchange& last() { return *exchanges.back(); }

  std::map<std::string, std::string> lists;  // by URL; others stay open
  std::vector<std::shared_ptr<Exchange>> exchanges;
  std::string token;

 private:
  class Stream : public FetchStream {
   public:
    explicit Stream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    bool Read(std::string* out) override {
      *out += std::exchange(exchange_->body, "");
      return !exchange_->ended;
    }
    absl::StatusOr<FetchResult> Result() override { return exchange_->result; }

   private:
    const std::shared_ptr<Exchange> exchange_;
  };
};

std::string PodJson(std::string_view name, std::string_view version, std::string_view ip) {
  return fmt::format(
      R"({{"metadata":{{"name":"{}","namespace":"n","resourceVersion":"{}"}},"spec":{{}},)"
      R"("status":{{"podIP":"{}"}}}})",
      name, version, ip);
}

class KubeWatchTest : public testing::Test {
 protected:
  static constexpr char kList[] = "http://k/api/v1/namespaces/n/pods?limit=500";

  void Poll(int64_t seconds) {
    now_ns_ += seconds * kSecond;
    watch_.Poll(now_ns_);
  }
  std::vector<std::string> Pods() {
    std::vector<std::string> found;
    watch_.ForEach([&](const std::string& key, const auto& object) {
      found.push_back(key + "=" + object->pod.ip);
    });
    return found;
  }

  FakeServer server_;
  Registry registry_;
  KubeMetrics metrics_{registry_};
  int64_t now_ns_ = kSecond;
  KubeWatch watch_{
      {{"http://k", HttpConfig{}, ""}, KubeResource::kPods, "n", "", ""}, server_, metrics_};
};

TEST_F(KubeWatchTest, ListsPageByPageAndWatches) {
  server_.lists[kList] =
      R"({"metadata":{"continue":"c/1"},"items":[)" + PodJson("a", "1", "1.1.1.1") + "]}";
  server_.lists[std::string(kList) + "&continue=c%2F1"] =
      R"({"metadata":{"resourceVersion":"7"},"items":[)" + PodJson("b", "2", "2.2.2.2") + "]}";
  Poll(0);
  EXPECT_FALSE(watch_.synced());
  Poll(0);
  EXPECT_FALSE(watch_.synced());  // one page is not all
  Poll(0);
  EXPECT_TRUE(watch_.synced());
  EXPECT_THAT(Pods(), ElementsAre("n/a=1.1.1.1", "n/b=2.2.2.2"));
  EXPECT_THAT(server_.last().url,
              HasSubstr("?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds="));
  const uint64_t version = watch_.version();
  server_.last().body = R"({"type":"MODIFIED","object":)" + PodJson("a", "8", "3.3.3.3") + "}\n" +
                        R"({"type":"DELETED","object":)" + PodJson("b", "9", "") + "}\n" +
                        R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12"}}})" +
                        "\n" + R"({"type":"ADDED","obj)";
  Poll(1);
  EXPECT_THAT(Pods(), ElementsAre("n/a=3.3.3.3"));
  EXPECT_GT(watch_.version(), version);
  // The server ends the watch: the next goes on at the bookmark; the half line is nothing.
  server_.last().ended = true;
  Poll(1);
  Poll(0);
  EXPECT_EQ(server_.exchanges.size(), 3U);  // not before its pause
  Poll(1);
  EXPECT_THAT(server_.last().url, HasSubstr("resourceVersion=12"));
  EXPECT_EQ(watch_.error(), "");
}

TEST_F(KubeWatchTest, ListsAgainWhatTheServerHasForgotten) {
  server_.lists[kList] =
      R"({"metadata":{"resourceVersion":"7"},"items":[)" + PodJson("a", "1", "1.1.1.1") + "]}";
  Poll(0);
  Poll(0);
  server_.last().body =
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})"
      "\n";
  server_.lists[kList] =
      R"({"metadata":{"resourceVersion":"90"},"items":[)" + PodJson("c", "80", "4.4.4.4") + "]}";
  Poll(1);
  EXPECT_THAT(Pods(), ElementsAre("n/a=1.1.1.1"));  // what was known stays meanwhile
  Poll(0);
  Poll(0);
  EXPECT_THAT(Pods(), ElementsAre("n/c=4.4.4.4"));
  EXPECT_THAT(server_.last().url, HasSubstr("resourceVersion=90"));
  // The same as the answer to the watch itself.
  server_.last().ended = true;
  server_.last().result = FetchResult{410, "410 Gone", "application/json", ""};
  Poll(1);
  Poll(1);
  EXPECT_EQ(server_.last().url, kList);
}

TEST_F(KubeWatchTest, RetriesWithGrowingPausesAndKeepsWhatItKnows) {
  Poll(0);
  for (const double pause : {0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0}) {
    server_.last().ended = true;
    server_.last().result = Unavailable("refused");
    const size_t asked = server_.exchanges.size();
    watch_.Poll(now_ns_);
    EXPECT_EQ(watch_.error(), "refused");
    now_ns_ += static_cast<int64_t>(pause * 1e9) - 1;
    watch_.Poll(now_ns_);
    EXPECT_EQ(server_.exchanges.size(), asked) << pause;
    watch_.Poll(++now_ns_);
    EXPECT_EQ(server_.exchanges.size(), asked + 1) << pause;
  }
  server_.last().ended = true;
  server_.last().body = R"({"kind":"Status","message":"pods is forbidden","code":403})";
  server_.last().result = FetchResult{403, "403 Forbidden", "application/json", ""};
  Poll(0);
  EXPECT_EQ(watch_.error(), "the API server answered 403: pods is forbidden");
  EXPECT_FALSE(watch_.synced());
  EXPECT_EQ(registry_.AddCounter("hearth_scrape_kubernetes_failures_total", "").value(), 9U);
}

TEST_F(KubeWatchTest, RefusesWhatIsNoListOrEvent) {
  for (const char* body : {"", "[]", "{}", R"({"metadata":{},"items":[]})", R"({"metadata":7})",
                           R"({"metadata":{"resourceVersion":"1"},"items":[{"spec":7}]})"}) {
    server_.lists[kList] = body;
    Poll(0);
    Poll(60);
    EXPECT_NE(watch_.error(), "") << body;
    EXPECT_FALSE(watch_.synced()) << body;
    Poll(60);
  }
  server_.lists[kList] = R"({"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"},)"
                         R"("spec":7}]})";
  Poll(60);
  Poll(60);
  EXPECT_EQ(watch_.error(), "Kubernetes object a: spec is not an object");
}

TEST_F(KubeWatchTest, TakesNoPageOrLineWithoutAnEnd) {
  server_.lists[kList] = R"({"metadata":{"resourceVersion":"7"},"items":[]})";
  KubeWatchOptions options{{"http://k", HttpConfig{}, ""}, KubeResource::kPods, "n", "", ""};
  options.unread_bytes_max = 1000;
  KubeWatch watch(options, server_, metrics_);
  watch.Poll(0);
  watch.Poll(0);
  ASSERT_TRUE(watch.synced());
  for (int i = 0; i < 10; ++i) {  // each piece alone is within the limit
    server_.last().body = std::string(900, ' ');
    watch.Poll(0);
  }
  EXPECT_THAT(watch.error(), HasSubstr("more than 1000 bytes"));
  // The same in a list.
  server_.lists.clear();
  KubeWatch second(options, server_, metrics_);
  second.Poll(0);
  for (int i = 0; i < 10; ++i) {
    server_.last().body = std::string(900, ' ');
    second.Poll(0);
  }
  EXPECT_THAT(second.error(), HasSubstr("more than 1000 bytes"));
}

TEST_F(KubeWatchTest, SurvivesDeepNestingInErrors) {
  server_.lists[kList] = R"({"metadata":{"resourceVersion":"7"},"items":[]})";
  Poll(0);
  Poll(0);
  constexpr size_t kDeep = 1'000'000;
  server_.last().body = R"({"type":"ERROR","object":{"code":500,"x":)" + std::string(kDeep, '[') +
                        std::string(kDeep, ']') + "}}\n";
  Poll(1);
  EXPECT_THAT(watch_.error(), HasSubstr("the API server answered 500"));
}

// ---- Targets ----

struct Case {
  const char* what;
  KubeResource resource;
  std::string object;
  std::vector<std::pair<KubeResource, std::string>> others;
  std::string group;                 // its labels without the prefix
  std::vector<std::string> targets;  // the same
};

// Labels without "__meta_kubernetes_", "name=value" with commas.
std::string Short(const model::Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    constexpr std::string_view kPrefix = "__meta_kubernetes_";
    std::string_view shown = name;
    if (shown.starts_with(kPrefix)) shown.remove_prefix(kPrefix.size());
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", shown, value);
  }
  return out;
}

KubeObject Parse(KubeResource resource, const std::string& text) {
  auto object = ParseKubeObject(resource, nlohmann::json::parse(text));
  EXPECT_TRUE(object.ok()) << object.status();
  return object.ok() ? *object : KubeObject{};
}

const char kPod[] = R"({"metadata":{"name":"p","namespace":"n","uid":"u","labels":{"a.b/c":"x"},
  "annotations":{"k":"y"},"ownerReferences":[{"kind":"Old","name":"o"},
  {"kind":"ReplicaSet","name":"rs","controller":true}]},
  "spec":{"nodeName":"node1","containers":[
    {"name":"c1","image":"i1","ports":[{"name":"web","containerPort":80,"protocol":"TCP"},
     {"containerPort":81,"protocol":"UDP"}]},{"name":"c2","image":"i2"}],
   "initContainers":[{"name":"c0","image":"i0"}]},
  "status":{"podIP":"::1","hostIP":"2.2.2.2","phase":"Running",
   "conditions":[{"type":"Ready","status":"True"}],
   "containerStatuses":[{"name":"c1","containerID":"docker://1"}],
   "initContainerStatuses":[{"name":"c0","containerID":"docker://0"}]}})";
const char kPodLabels[] =
    "pod_annotation_k=y,pod_annotationpresent_k=true,pod_controller_kind=ReplicaSet,"
    "pod_controller_name=rs,";

std::vector<Case> Cases() {
  return {
      {"a pod",
       KubeResource::kPods,
       kPod,
       {},
       std::string("namespace=n,") + kPodLabels +
           "pod_host_ip=2.2.2.2,pod_ip=::1,pod_label_a_b_c=x,pod_labelpresent_a_b_c=true,"
           "pod_name=p,pod_node_name=node1,pod_phase=Running,pod_ready=true,pod_uid=u",
       {"__address__=[::1]:80,pod_container_id=docker://1,pod_container_image=i1,"
        "pod_container_init=false,pod_container_name=c1,pod_container_port_name=web,"
        "pod_container_port_number=80,pod_container_port_protocol=TCP",
        "__address__=[::1]:81,pod_container_id=docker://1,pod_container_image=i1,"
        "pod_container_init=false,pod_container_name=c1,pod_container_port_number=81,"
        "pod_container_port_protocol=UDP",
        "__address__=::1,pod_container_image=i2,pod_container_init=false,pod_container_name=c2",
        "__address__=::1,pod_container_id=docker://0,pod_container_image=i0,"
        "pod_container_init=true,pod_container_name=c0"}},
      {"a node",
       KubeResource::kNodes,
       R"({"metadata":{"name":"node1","labels":{"z":"1"}},"spec":{"providerID":"aws:///i-1"},
           "status":{"addresses":[{"type":"Hostname","address":"h"},
            {"type":"InternalIP","address":"1.1.1.1"},{"type":"InternalIP","address":"1.1.1.2"}],
           "conditions":[{"type":"Ready","status":"True"}],
           "daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}})",
       {},
       "node_condition_ready=true,node_label_z=1,node_labelpresent_z=true,node_name=node1,"
       "node_provider_id=aws:///i-1",
       {"__address__=1.1.1.1:10250,node_address_Hostname=h,node_address_InternalIP=1.1.1.1,"
        "instance=node1"}},
      {"a service of a name elsewhere",
       KubeResource::kServices,
       R"({"metadata":{"name":"s","namespace":"n"},"spec":{"type":"ExternalName",
           "externalName":"e.example","ports":[{"name":"a","port":9,"protocol":"TCP"}]}})",
       {},
       "namespace=n,service_name=s",
       {"__address__=s.n.svc:9,service_external_name=e.example,service_port_name=a,"
        "service_port_number=9,service_port_protocol=TCP,service_type=ExternalName"}},
      {"an ingress",
       KubeResource::kIngresses,
       R"({"metadata":{"name":"i","namespace":"n"},"spec":{"ingressClassName":"nginx",
           "tls":[{"hosts":["*.example.org"]}],"rules":[
           {"host":"a.example.org","http":{"paths":[{"path":"/x"},{}]}},{"host":"b.c"}]}})",
       {},
       "ingress_class_name=nginx,ingress_name=i,namespace=n",
       {"__address__=a.example.org,ingress_host=a.example.org,ingress_path=/x,ingress_scheme=https",
        "__address__=a.example.org,ingress_host=a.example.org,ingress_path=/,ingress_scheme=https",
        "__address__=b.c,ingress_host=b.c,ingress_path=/,ingress_scheme=http"}},
      {"a slice of the service's other family",
       KubeResource::kEndpointSlices,
       R"({"metadata":{"name":"e","namespace":"n","labels":{"kubernetes.io/service-name":"s"}},
           "addressType":"IPv6","endpoints":[{"addresses":["::2"]}],"ports":[{"port":1}]})",
       {{KubeResource::kServices,
         R"({"metadata":{"name":"s","namespace":"n"},"spec":{
             "ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv4","IPv6"]}})"}},
       "endpointslice_address_type=IPv6,"
       "endpointslice_label_kubernetes_io_service_name=s,"
       "endpointslice_labelpresent_kubernetes_io_service_name=true,endpointslice_name=e,"
       "namespace=n,service_name=s",
       {}},
      {"endpoints, one of them a pod with another port",
       KubeResource::kEndpoints,
       R"({"metadata":{"name":"s","namespace":"n"},"subsets":[{
           "ports":[{"name":"web","port":80,"protocol":"TCP"}],
           "addresses":[{"ip":"1.2.3.4","hostname":"h","nodeName":"node1"}],
           "notReadyAddresses":[{"ip":"::1","targetRef":{"kind":"Pod","name":"q","namespace":"n"}}]
           }]})",
       {{KubeResource::kPods,
         R"({"metadata":{"name":"q","namespace":"n"},"spec":{"containers":[{"name":"c","image":"i",
             "ports":[{"name":"w","containerPort":80,"protocol":"UDP"},{"containerPort":9}]}]},
             "status":{"podIP":"::1"}})"}},
       "endpoints_name=s,namespace=n",
       {"__address__=1.2.3.4:80,endpoint_hostname=h,endpoint_node_name=node1,"
        "endpoint_port_name=web,endpoint_port_protocol=TCP,endpoint_ready=true",
        "__address__=[::1]:80,endpoint_address_target_kind=Pod,endpoint_address_target_name=q,"
        "endpoint_port_name=web,endpoint_port_protocol=TCP,endpoint_ready=false,"
        "pod_container_image=i,pod_container_init=false,pod_container_name=c,"
        "pod_container_port_name=w,pod_container_port_number=80,pod_container_port_protocol=TCP,"
        "pod_ip=::1,pod_name=q,pod_ready=unknown",
        "__address__=[::1]:9,pod_container_image=i,pod_container_init=false,pod_container_name=c,"
        "pod_container_port_number=9,pod_ip=::1,pod_name=q,pod_ready=unknown"}},
  };
}

TEST(KubeTargets, AreThoseOfPrometheus) {
  for (const Case& row : Cases()) {
    SCOPED_TRACE(row.what);
    std::vector<std::pair<KubeResource, KubeObject>> others;
    for (const auto& [resource, text] : row.others) {
      others.emplace_back(resource, Parse(resource, text));
    }
    const auto find = [&](KubeResource resource, std::string_view key) -> const KubeObject* {
      for (const auto& [kind, object] : others) {
        if (kind == resource && object.meta.Key() == key) return &object;
      }
      return nullptr;
    };
    const KubeSurroundings around{find};
    const TargetGroup group = BuildKubeGroup(row.resource, Parse(row.resource, row.object), around);
    EXPECT_EQ(Short(group.labels), row.group);
    std::vector<std::string> targets;
    for (const model::Labels& target : group.targets) targets.push_back(Short(target));
    EXPECT_EQ(targets, row.targets);
  }
}

TEST(KubeTargets, TakeWhatIsToBeAttached) {
  const KubeObject node =
      Parse(KubeResource::kNodes, R"({"metadata":{"name":"node1","labels":{"z":"1"}}})");
  const KubeObject set = Parse(KubeResource::kReplicaSets,
                               R"({"metadata":{"name":"rs","namespace":"n","ownerReferences":[
          {"kind":"Deployment","name":"d","controller":true}]}})");
  const KubeObject space =
      Parse(KubeResource::kNamespaces, R"({"metadata":{"name":"n","annotations":{"t":"7"}}})");
  bool has_node = true;
  const auto find = [&](KubeResource resource, std::string_view key) -> const KubeObject* {
    if (resource == KubeResource::kNodes && key == "node1" && has_node) return &node;
    if (resource == KubeResource::kReplicaSets && key == "n/rs") return &set;
    return resource == KubeResource::kNamespaces && key == "n" ? &space : nullptr;
  };
  const KubeSurroundings around{find, true, true, true, true, true};
  const KubeObject pod = Parse(KubeResource::kPods, kPod);
  const std::string labels = Short(BuildKubeGroup(KubeResource::kPods, pod, around).labels);
  EXPECT_THAT(labels, HasSubstr("node_label_z=1,node_labelpresent_z=true,node_name=node1,"));
  EXPECT_THAT(labels, HasSubstr("pod_deployment_name=d,"));
  EXPECT_THAT(labels, HasSubstr("namespace_annotation_t=7,namespace_annotationpresent_t=true,"));
  has_node = false;
  EXPECT_THAT(BuildKubeGroup(KubeResource::kPods, pod, around).targets, IsEmpty());
}

// ---- Discovery ----

TEST(KubernetesTargets, ShareWatchesAndTakeChangesOverTogether) {
  FakeServer server;
  Registry registry;
  KubeWatchPool pool(server, registry);
  server.lists["http://k/api/v1/pods?limit=500&labelSelector=a%3Db"] =
      R"({"metadata":{"resourceVersion":"7"},"items":[)" + PodJson("a", "1", "1.1.1.1") + "]}";
  KubernetesDiscovery config;
  config.role = "pod";
  config.api_server = "http://k/";
  config.selectors = {{"pod", "a=b", ""}};
  const std::optional<KubernetesAccess> none;
  KubernetesTargets one(config, none, pool, RealFileSystem());
  KubernetesTargets two(config, none, pool, RealFileSystem());
  int64_t now = kSecond;
  EXPECT_FALSE(one.Refresh(now));
  EXPECT_TRUE(two.Refresh(now));  // what the first has asked for has come
  now = one.next_ns();
  EXPECT_TRUE(one.Refresh(now));
  EXPECT_EQ(server.exchanges.size(), 2U);  // one list, one watch
  ASSERT_EQ(one.Groups().size(), 1U);
  EXPECT_EQ(one.Groups()[0].source, "pod/n/a");
  server.last().body = R"({"type":"ADDED","object":)" + PodJson("b", "8", "2.2.2.2") + "}\n";
  EXPECT_FALSE(one.Refresh(now + kSecond));  // soon after the first
  EXPECT_TRUE(one.Refresh(now + 6 * kSecond));
  EXPECT_EQ(one.Groups().size(), 2U);
}

TEST(KubernetesTargets, SayWhenThereIsNoClusterAround) {
  FakeServer server;
  Registry registry;
  KubeWatchPool pool(server, registry);
  KubernetesDiscovery config;
  config.role = "node";
  std::optional<KubernetesAccess> around;
  KubernetesTargets targets(config, around, pool, RealFileSystem());
  EXPECT_FALSE(targets.Refresh(kSecond));
  EXPECT_THAT(targets.Error(), HasSubstr("KUBERNETES_SERVICE_HOST"));
  around = KubernetesAccess{"http://in", HttpConfig{}, ""};
  around->http.credentials = "secret";
  EXPECT_FALSE(targets.Refresh(targets.next_ns()));
  EXPECT_EQ(server.last().url, "http://in/api/v1/nodes?limit=500");
  EXPECT_EQ(server.token, "secret");
}

TEST(Kubeconfig, GivesTheCurrentContext) {
  constexpr char kFile[] = R"(
current-context: b
contexts:
- {name: a, context: {cluster: x, user: x}}
- {name: b, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster: {server: "https://1.2.3.4:6443", certificate-authority-data: Q0E=, tls-server-name: k}
users:
- name: u
  user: {client-certificate-data: Q0VSVA==, client-key: key.pem, tokenFile: /t}
)";
  const auto access = ParseKubeconfig(kFile, "/etc/kube");
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->api_server, "https://1.2.3.4:6443");
  EXPECT_EQ(access->http.tls.ca, "CA");
  EXPECT_EQ(access->http.tls.cert, "CERT");
  EXPECT_EQ(access->http.tls.key_file, "/etc/kube/key.pem");
  EXPECT_EQ(access->http.tls.server_name, "k");
  EXPECT_EQ(access->http.credentials_file, "/t");
  EXPECT_EQ(access->http.authorization_type, "Bearer");
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"current-context: z\n", "contexts has no context called \"z\""},
      {"[]", "the file is no map"},
      {"current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\n"
       "clusters: [{name: c, cluster: {server: k}}]\n",
       "server \"k\" is no URL"},
      {"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
       "clusters: [{name: c, cluster: {server: 'http://k'}}]\n"
       "users: [{name: u, user: {exec: {command: aws}}}]\n",
       "credentials by exec are not supported"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(std::string(ParseKubeconfig(row.text, "").status().message()),
                HasSubstr(row.error));
  }
}

}  // namespace
}  // namespace hearth::scrape

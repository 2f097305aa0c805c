// SPDX-License-Identifier: Apache-2.0
// Any bytes as what an API server sends: first as a list, then as events, for each resource; and as
// a kubeconfig file.
#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "scrape/kubernetes_access.h"
#include "scrape/kubernetes_discovery.h"

namespace hearth::scrape {
namespace {

class OneBody : public Fetcher {
 public:
  explicit OneBody(std::string body) : body_(std::move(body)) {}
  absl::StatusOr<FetchResult> Fetch(const FetchRequest&) override {
    return Unavailable("only streams here");
  }
  absl::StatusOr<std::unique_ptr<FetchStream>> Open(const FetchRequest& request) override {
    // A good list before events, so that they are looked at.
    const bool is_watch = request.url.find("watch=1") != std::string::npos;
    const bool good = !is_watch && good_list;
    return std::make_unique<Stream>(good ? R"({"metadata":{"resourceVersion":"1"},"items":[]})"
                                         : body_);
  }
  bool good_list = false;

 private:
  class Stream : public FetchStream {
   public:
    explicit Stream(std::string body) : body_(std::move(body)) {}
    bool Read(std::string* out) override {
      *out += body_;
      return false;
    }
    absl::StatusOr<FetchResult> Result() override { return FetchResult{200, "200 OK", "", ""}; }

   private:
    const std::string body_;
  };
  const std::string body_;
};

void Watch(std::string_view body, KubeResource resource, KubeMetrics* metrics) {
  OneBody server{std::string(body)};
  for (const bool good_list : {false, true}) {
    server.good_list = good_list;
    KubeWatch watch({{"http://k", HttpConfig{}, ""}, resource, "", "", ""}, server, *metrics);
    for (int i = 0; i < 4; ++i) watch.Poll(0);
    const auto find = [](KubeResource, std::string_view) -> const KubeObject* { return nullptr; };
    const KubeSurroundings around{find, true, true, true, true, true};
    watch.ForEach(
        [&](const std::string&, const auto& object) { BuildKubeGroup(resource, *object, around); });
  }
}

}  // namespace
}  // namespace hearth::scrape

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::scrape;  // NOLINT: a fuzz target's own file
  static hearth::Registry registry;
  static KubeMetrics metrics(registry);
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const KubeResource resource :
       {KubeResource::kPods, KubeResource::kNodes, KubeResource::kServices,
        KubeResource::kEndpoints, KubeResource::kEndpointSlices, KubeResource::kIngresses}) {
    Watch(body, resource, &metrics);
  }
  ParseKubeconfig(body, "/").IgnoreError();
  return 0;
}

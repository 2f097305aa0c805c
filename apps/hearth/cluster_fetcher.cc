// SPDX-License-Identifier: Apache-2.0
#include "cluster_fetcher.h"

#include "base/status.h"

namespace hearth::app {
namespace {

using scrape::FetchRequest;
using scrape::FetchResult;
using scrape::FetchStream;
using scrape::HttpConfig;

class ClusterFetcher : public scrape::Fetcher {
 public:
  ClusterFetcher(scrape::Fetcher& inner, scrape::KubernetesAccess access)
      : inner_(inner), access_(std::move(access)) {}

  absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) override {
    HttpConfig http = *request.http;
    TRY_ASSIGN(const FetchRequest translated, Translate(request, &http));
    return inner_.Fetch(translated);
  }

  absl::StatusOr<std::unique_ptr<FetchStream>> Open(const FetchRequest& request) override {
    HttpConfig http = *request.http;
    TRY_ASSIGN(const FetchRequest translated, Translate(request, &http));
    return inner_.Open(translated);
  }

 private:
  absl::StatusOr<FetchRequest> Translate(FetchRequest request, HttpConfig* http) const {
    if (http->credentials_file == scrape::kServiceAccountToken) {
      http->credentials_file.clear();
      http->credentials = access_.http.credentials;
      if (http->credentials.empty()) {  // a client certificate shows who we are instead
        http->authorization_type.clear();
        http->tls.cert = access_.http.tls.cert;
        http->tls.key = access_.http.tls.key;
      }
    }
    if (http->tls.ca_file == scrape::kServiceAccountCa) {
      http->tls.ca_file.clear();
      http->tls.ca = access_.http.tls.ca;
    }
    if (const auto files = scrape::ReferencedFiles(*http); !files.empty()) {
      return PermissionDenied("{}: a scraper reads no files of this machine", files.front());
    }
    request.http = http;
    RewriteApiServer(&request.url);
    return request;
  }

  // https://kubernetes.default.svc:443/x → the cluster's endpoint, /x.
  void RewriteApiServer(std::string* url) const {
    constexpr std::string_view kScheme = "https://";
    if (!url->starts_with(kScheme)) return;
    std::string_view rest = std::string_view(*url).substr(kScheme.size());
    if (!rest.starts_with(scrape::kApiServerName)) return;
    rest.remove_prefix(scrape::kApiServerName.size());
    constexpr std::string_view kClusterDomain = ".cluster.local";
    if (rest.starts_with(kClusterDomain)) rest.remove_prefix(kClusterDomain.size());
    if (rest.starts_with(":443")) rest.remove_prefix(4);
    if (!rest.empty() && rest[0] != '/') return;  // another name or port
    *url = access_.api_server + std::string(rest);
  }

  scrape::Fetcher& inner_;
  const scrape::KubernetesAccess access_;
};

}  // namespace

std::unique_ptr<scrape::Fetcher> MakeClusterFetcher(scrape::Fetcher& inner,
                                                    scrape::KubernetesAccess access) {
  while (access.api_server.ends_with('/')) access.api_server.pop_back();
  return std::make_unique<ClusterFetcher>(inner, std::move(access));
}

}  // namespace hearth::app

// SPDX-License-Identifier: Apache-2.0
#include "api/eks/eks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "access/aws_errors.h"
#include "access/oidc_keys.h"
#include "access/replay.h"
#include "access/rest_tags.h"
#include "api/eks/cluster_json.h"
#include "api/eks/operations.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/iam.h"
#include "crypto/certificates.h"
#include "crypto/jwt.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;
using catalog::EksCluster;

constexpr std::string_view kService = "eks";
constexpr size_t kTagsMax = 50;
constexpr size_t kClustersMax = 100;  // a region, AWS' quota

const access::RestOperations& Table() {
  static const access::RestOperations table(eks::kOperations);
  return table;
}

absl::Status InvalidParameter(std::string_view message) {
  return access::RestError(400, "InvalidParameterException", message);
}

// What is not a URL that a client could use.
bool IsHttpUrl(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) && url.size() > 8 &&
         url.find_first_of(" @\"<>") == std::string_view::npos;
}

absl::Status CheckCluster(const EksCluster& cluster) {
  if (!cluster.endpoint.empty() && !IsHttpUrl(cluster.endpoint)) {
    return InvalidParameter(fmt::format("endpoint is no URL: {}", cluster.endpoint));
  }
  if (!cluster.issuer.empty() && !IsHttpUrl(cluster.issuer)) {
    return InvalidParameter(fmt::format("issuer is no URL: {}", cluster.issuer));
  }
  if (!cluster.issuer.empty() && cluster.jwks.empty() && !access::IsOidcUrl(cluster.issuer)) {
    return InvalidParameter(
        fmt::format("keys of {} cannot be fetched: an issuer is https or on this machine; give its "
                    "key set as jwks",
                    cluster.issuer));
  }
  if (!cluster.ca_pem.empty()) {
    const auto certificate = crypto::InspectCertificate(cluster.ca_pem);
    if (!certificate.ok()) return InvalidParameter("certificateAuthority.data is no PEM");
  }
  if (!cluster.jwks.empty()) {
    const auto keys = crypto::Jwks::Parse(cluster.jwks);
    if (!keys.ok()) {
      return InvalidParameter(fmt::format("jwks is no key set: {}", Message(keys.status())));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCredentials(const catalog::EksCredentials& credentials) {
  if (credentials.token.find_first_of(" \t\r\n") != std::string::npos) {
    return InvalidParameter("credentials.token has white space in it");
  }
  if (credentials.certificate_pem.empty() != credentials.key_pem.empty()) {
    return InvalidParameter(
        "credentials: a client certificate needs both clientCertificate and clientKey");
  }
  if (credentials.certificate_pem.empty()) return absl::OkStatus();
  if (!crypto::InspectCertificate(credentials.certificate_pem).ok()) {
    return InvalidParameter("credentials.clientCertificate is no PEM");
  }
  return absl::OkStatus();
}

}  // namespace

net::HttpResponse Eks::Handle(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, kService);
  if (who.refusal) return access::AwsJsonRefusal(*who.refusal, false);
  access::RestMatch match;
  if (!Table().Find(request, &match)) {
    return access::RestErrorResponse(access::UnknownOperation(request), rng_);
  }
  auto body = Run(request, who.caller, match);
  if (!body.ok()) {
    if (const auto refusal = access::RefusalOf(body.status())) {
      return access::AwsJsonRefusal(*refusal, false);
    }
    return access::RestErrorResponse(body.status(), rng_);
  }
  return access::RestResponse(match.operation->ok_status, *std::move(body), rng_);
}

absl::StatusOr<std::string> Eks::Run(const net::HttpRequest& request, const access::Caller& caller,
                                     const access::RestMatch& match) {
  const std::string_view name = match.operation->name;
  if (name == "CreateCluster" || name == "DeleteCluster") {
    return access::RestError(
        400, "InvalidRequestException",
        fmt::format(
            "{} is not served: hearth runs no Kubernetes. `hearth cluster add|remove` makes "
            "one known that runs elsewhere",
            name));
  }
  auto input = access::ReadRestInput(*match.operation, match, request);
  if (!input.ok()) return InvalidParameter(Message(input.status()));
  const Call call{request, caller, match, *std::move(input)};
  if (name == "ListClusters") return ListClusters(call);
  if (name == "DescribeCluster") return DescribeCluster(call);
  if (name == "RegisterCluster") return RegisterCluster(call);
  if (name == "DeregisterCluster") return DeregisterCluster(call);
  if (name == "CreatePodIdentityAssociation") return CreateAssociation(call);
  if (name == "ListPodIdentityAssociations") return ListAssociations(call);
  if (name.ends_with("PodIdentityAssociation")) return Association(call);
  return Tags(call);
}

absl::Status Eks::Authorize(const Call& call, std::string_view resource,
                            const catalog::Tags& tags) {
  access::Gate::ConditionKeys keys = access::RequestTagKeys(call.input);
  access::AddResourceTagKeys(tags, &keys);
  const auto refusal = gate_.Authorize(
      call.caller, fmt::format("eks:{}", call.match.operation->name), resource, keys);
  return refusal ? access::RefusalStatus(*refusal) : absl::OkStatus();
}

absl::Status Eks::AuthorizeCluster(const Call& call, std::string_view name) {
  const auto cluster =
      catalog_.Read([&](catalog::Reader& reader) { return Find(reader, call.caller, name); });
  if (!cluster.ok() && !access::IsRestError(cluster.status())) return cluster.status();
  return Authorize(call, ClusterArn(call.caller, name),
                   cluster.ok() ? cluster->tags : catalog::Tags());
}

absl::Status Eks::AuthorizePods(const Call& call, std::string_view role_arn) {
  const auto refusal = gate_.AuthorizePassRole(call.caller, role_arn, "pods.eks.amazonaws.com");
  return refusal ? access::RefusalStatus(*refusal) : absl::OkStatus();
}

std::string Eks::ClusterArn(const access::Caller& caller, std::string_view name) const {
  return fmt::format("arn:aws:eks:{}:{}:cluster/{}", caller.region, gate_.options().account, name);
}

absl::StatusOr<EksCluster> Eks::Find(catalog::Reader& reader, const access::Caller& caller,
                                     std::string_view name) {
  auto cluster = catalog::GetEksCluster(reader, gate_.options().account, caller.region, name);
  if (!absl::IsNotFound(cluster.status())) return cluster;
  return access::RestError(404, "ResourceNotFoundException",
                           fmt::format("No cluster found for name: {}.", name),
                           fmt::format(R"("clusterName":{})", Json(name).dump()));
}

absl::StatusOr<std::string> Eks::Once(
    const Call& call, absl::FunctionRef<absl::StatusOr<std::string>(catalog::Transaction&)> body) {
  const access::ReplayKey key = access::MakeReplayKey(
      call.request, call.caller, gate_.options().account,
      fmt::format("eks:{}", call.match.operation->name), call.input.Text("clientRequestToken"));
  const auto run = [&](catalog::Transaction& transaction) -> absl::StatusOr<access::StoredAnswer> {
    TRY_ASSIGN(std::string text, body(transaction));
    return access::StoredAnswer{call.match.operation->ok_status, std::move(text), false};
  };
  TRY_ASSIGN(access::StoredAnswer answer, access::WriteOnce(catalog_, key, run));
  return std::move(answer.body);
}

absl::StatusOr<std::string> Eks::ListClusters(const Call& call) {
  TRY(Authorize(call, "*"));
  const std::string scope = fmt::format("eks/{}/{}", gate_.options().account, call.caller.region);
  TRY_ASSIGN(const std::string after, access::ReadPageToken(scope, call.input.Text("nextToken")));
  const auto page = static_cast<size_t>(call.input.Number("maxResults").value_or(100));
  TRY_ASSIGN(const auto clusters, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListEksClusters(reader, gate_.options().account, call.caller.region);
  }));
  Json answer = {{"clusters", Json::array()}, {"nextToken", nullptr}};
  std::string last;
  for (const EksCluster& cluster : clusters) {
    if (!after.empty() && cluster.name <= after) continue;
    if (answer["clusters"].size() == page) {
      answer["nextToken"] = access::MakePageToken(scope, last);
      break;
    }
    answer["clusters"].push_back(cluster.name);
    last = cluster.name;
  }
  return access::RestBody(answer);
}

absl::StatusOr<std::string> Eks::DescribeCluster(const Call& call) {
  const std::string name = call.input.Text("name");
  TRY(AuthorizeCluster(call, name));
  TRY_ASSIGN(const EksCluster cluster, catalog_.Read([&](catalog::Reader& reader) {
    return Find(reader, call.caller, name);
  }));
  return access::RestBody(Json{{"cluster", eks::ClusterJson(cluster)}});
}

absl::Status Eks::AuthorizeKeys(const Call& call) {
  const std::string issuer = call.input.Text("issuer");
  if (issuer.empty() || !call.input.Has("jwks")) return absl::OkStatus();
  const size_t scheme = issuer.find("://");
  std::string_view url = issuer;
  if (scheme != std::string::npos) url.remove_prefix(scheme + 3);
  while (url.ends_with('/')) url.remove_suffix(1);
  const auto refusal = gate_.Authorize(call.caller, "iam:UpdateOpenIDConnectProviderThumbprint",
                                       catalog::OidcProviderArn(gate_.options().account, url));
  return refusal ? access::RefusalStatus(*refusal) : absl::OkStatus();
}

absl::Status Eks::CheckRoom(catalog::Reader& reader, const Call& call) {
  TRY_ASSIGN(const auto clusters,
             catalog::ListEksClusters(reader, gate_.options().account, call.caller.region));
  if (clusters.size() < kClustersMax) return absl::OkStatus();
  return access::RestError(
      400, "ResourceLimitExceededException",
      fmt::format("A region has at most {} clusters: remove one with `hearth cluster remove`",
                  kClustersMax));
}

absl::StatusOr<std::string> Eks::RegisterCluster(const Call& call) {
  const std::string name = call.input.Text("name");
  TRY(AuthorizeCluster(call, name));
  TRY(AuthorizeKeys(call));
  return Once(call, [&](catalog::Transaction& transaction) -> absl::StatusOr<std::string> {
    auto before =
        catalog::GetEksCluster(transaction, gate_.options().account, call.caller.region, name);
    const bool exists = before.ok();
    if (!exists && !absl::IsNotFound(before.status())) return before.status();
    if (!exists) TRY(CheckRoom(transaction, call));
    EksCluster cluster = exists ? *std::move(before) : EksCluster();
    cluster.account = gate_.options().account;
    cluster.region = call.caller.region;
    cluster.name = name;
    cluster.endpoint = call.input.Text("endpoint");
    cluster.ca_pem = call.input.Child("certificateAuthority").Blob("data");
    cluster.issuer = call.input.Text("issuer");
    cluster.jwks = call.input.Text("jwks");
    cluster.version = call.input.Text("version");
    cluster.tags = call.input.TextMap("tags");
    TRY(CheckCluster(cluster));
    const access::RestInput given = call.input.Child("credentials");
    const catalog::EksCredentials credentials = {
        given.Text("token"), given.Blob("clientCertificate"), given.Blob("clientKey")};
    TRY(CheckCredentials(credentials));
    TRY(catalog::PutEksCredentials(transaction, cluster, credentials));
    TRY(exists ? catalog::UpdateEksCluster(transaction, &cluster)
               : catalog::CreateEksCluster(transaction, &cluster));
    return access::RestBody(Json{{"cluster", eks::ClusterJson(cluster)}});
  });
}

absl::StatusOr<std::string> Eks::DeregisterCluster(const Call& call) {
  const std::string name = call.input.Text("name");
  TRY(AuthorizeCluster(call, name));
  return Once(call, [&](catalog::Transaction& transaction) -> absl::StatusOr<std::string> {
    TRY_ASSIGN(const EksCluster cluster, Find(transaction, call.caller, name));
    TRY(catalog::DeleteEksCluster(transaction, cluster.account, cluster.region, name));
    Json json = eks::ClusterJson(cluster);
    json["status"] = "DELETING";
    return access::RestBody(Json{{"cluster", std::move(json)}});
  });
}

absl::StatusOr<std::string> Eks::Tags(const Call& call) {
  const std::string arn = call.input.Text("resourceArn");
  const std::string prefix = ClusterArn(call.caller, "");
  const std::string name = arn.starts_with(prefix) ? arn.substr(prefix.size()) : "";
  TRY(name.empty() ? Authorize(call, arn) : AuthorizeCluster(call, name));
  const std::string_view operation = call.match.operation->name;
  const auto missing = [&] {
    return access::RestError(404, "NotFoundException",
                             fmt::format("Resource {} was not found", arn));
  };
  if (name.empty()) return missing();
  if (operation == "ListTagsForResource") {
    const auto cluster =
        catalog_.Read([&](catalog::Reader& reader) { return Find(reader, call.caller, name); });
    if (access::IsRestError(cluster.status())) return missing();
    TRY(cluster.status());
    return access::RestBody(Json{{"tags", eks::TagsJson(cluster->tags)}});
  }
  return Once(call, [&](catalog::Transaction& transaction) -> absl::StatusOr<std::string> {
    auto cluster = Find(transaction, call.caller, name);
    if (access::IsRestError(cluster.status())) return missing();
    TRY(cluster.status());
    for (const auto& [key, value] : call.input.TextMap("tags")) cluster->tags[key] = value;
    for (const std::string& key : call.input.TextList("tagKeys")) cluster->tags.erase(key);
    if (cluster->tags.size() > kTagsMax) {
      return access::RestError(400, "BadRequestException",
                               fmt::format("At most {} tags a resource", kTagsMax));
    }
    TRY(catalog::UpdateEksCluster(transaction, &*cluster));
    return "{}";
  });
}

}  // namespace hearth::api

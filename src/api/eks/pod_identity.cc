// SPDX-License-Identifier: Apache-2.0
// Pod Identity associations of the EKS face. Taking a role by one is eks_auth.cc.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/eks/cluster_json.h"
#include "api/eks/eks.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;
using catalog::PodIdentityAssociation;

constexpr size_t kAssociationsMax = 5000;  // a cluster, AWS' quota

absl::Status CheckRole(std::string_view arn) {
  if (arn.starts_with("arn:aws:iam::") && arn.find(":role/") != std::string_view::npos) {
    return absl::OkStatus();
  }
  return access::RestError(400, "InvalidParameterException",
                           fmt::format("roleArn is not the ARN of a role: {}", arn));
}

}  // namespace

absl::StatusOr<std::string> Eks::CreateAssociation(const Call& call) {
  PodIdentityAssociation association;
  association.account = gate_.options().account;
  association.region = call.caller.region;
  association.cluster = call.input.Text("clusterName");
  association.namespace_name = call.input.Text("namespace");
  association.service_account = call.input.Text("serviceAccount");
  association.role_arn = call.input.Text("roleArn");
  association.tags = call.input.TextMap("tags");
  TRY(AuthorizeCluster(call, association.cluster));
  TRY(CheckRole(association.role_arn));
  TRY(AuthorizePods(call, association.role_arn));
  return Once(call, [&](catalog::Transaction& transaction) -> absl::StatusOr<std::string> {
    TRY(Find(transaction, call.caller, association.cluster).status());
    TRY_ASSIGN(const auto all,
               catalog::ListPodIdentityAssociations(transaction, association.account,
                                                    association.region, association.cluster));
    if (all.size() >= kAssociationsMax) {
      return access::RestError(
          400, "ResourceLimitExceededException",
          fmt::format("A cluster has at most {} Pod Identity associations: delete one",
                      kAssociationsMax));
    }
    const absl::Status made = catalog::CreatePodIdentityAssociation(transaction, &association);
    if (absl::IsAlreadyExists(made)) {
      return access::RestError(
          409, "ResourceInUseException",
          fmt::format("Association already exists: {} {}", association.namespace_name,
                      association.service_account));
    }
    TRY(made);
    return access::RestBody(Json{{"association", eks::AssociationJson(association)}});
  });
}

absl::StatusOr<std::string> Eks::ListAssociations(const Call& call) {
  const std::string cluster = call.input.Text("clusterName");
  TRY(AuthorizeCluster(call, cluster));
  const std::string scope =
      fmt::format("eks/{}/{}/{}/{}/{}", gate_.options().account, call.caller.region, cluster,
                  call.input.Text("namespace"), call.input.Text("serviceAccount"));
  TRY_ASSIGN(const std::string after, access::ReadPageToken(scope, call.input.Text("nextToken")));
  const auto page = static_cast<size_t>(call.input.Number("maxResults").value_or(100));
  using List = std::vector<PodIdentityAssociation>;
  TRY_ASSIGN(const List all, catalog_.Read([&](catalog::Reader& reader) -> absl::StatusOr<List> {
    TRY(Find(reader, call.caller, cluster).status());
    return catalog::ListPodIdentityAssociations(reader, gate_.options().account, call.caller.region,
                                                cluster);
  }));
  Json answer = {{"associations", Json::array()}};
  std::string last;
  for (const PodIdentityAssociation& association : all) {
    const auto differs = [&](const char* filter, const std::string& value) {
      return call.input.Has(filter) && call.input.Text(filter) != value;
    };
    if (differs("namespace", association.namespace_name)) continue;
    if (differs("serviceAccount", association.service_account)) continue;
    if (!after.empty() && association.id <= after) continue;
    if (answer["associations"].size() == page) {
      answer["nextToken"] = access::MakePageToken(scope, last);
      break;
    }
    answer["associations"].push_back(
        {{"clusterName", association.cluster},
         {"namespace", association.namespace_name},
         {"serviceAccount", association.service_account},
         {"associationArn", catalog::PodIdentityAssociationArn(association)},
         {"associationId", association.id}});
    last = association.id;
  }
  return access::RestBody(answer);
}

absl::StatusOr<std::string> Eks::Association(const Call& call) {
  const std::string cluster = call.input.Text("clusterName");
  const std::string id = call.input.Text("associationId");
  const std::string_view operation = call.match.operation->name;
  const auto find = [&](catalog::Reader& reader) -> absl::StatusOr<PodIdentityAssociation> {
    auto found = catalog::GetPodIdentityAssociation(reader, gate_.options().account,
                                                    call.caller.region, cluster, id);
    if (!absl::IsNotFound(found.status())) return found;
    return access::RestError(404, "ResourceNotFoundException",
                             fmt::format("No pod identity association found: {}", id));
  };
  const auto before = catalog_.Read(find);
  if (!before.ok() && !access::IsRestError(before.status())) return before.status();
  TRY(Authorize(call,
                fmt::format("arn:aws:eks:{}:{}:podidentityassociation/{}/{}", call.caller.region,
                            gate_.options().account, cluster, id),
                before.ok() ? before->tags : catalog::Tags()));
  const bool moves = operation == "UpdatePodIdentityAssociation" && call.input.Has("roleArn");
  if (moves) TRY(AuthorizePods(call, call.input.Text("roleArn")));
  const auto answer = [](const PodIdentityAssociation& association) {
    return access::RestBody(Json{{"association", eks::AssociationJson(association)}});
  };
  if (operation == "DescribePodIdentityAssociation") {
    TRY_ASSIGN(const PodIdentityAssociation found, catalog_.Read(find));
    return answer(found);
  }
  return Once(call, [&](catalog::Transaction& transaction) -> absl::StatusOr<std::string> {
    TRY_ASSIGN(PodIdentityAssociation found, find(transaction));
    if (operation == "DeletePodIdentityAssociation") {
      TRY(catalog::DeletePodIdentityAssociation(transaction, found));
      return answer(found);
    }
    if (call.input.Has("roleArn")) found.role_arn = call.input.Text("roleArn");
    TRY(CheckRole(found.role_arn));
    TRY(catalog::UpdatePodIdentityAssociation(transaction, &found));
    return answer(found);
  });
}

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
#include "api/eks/cluster_json.h"

#include <nlohmann/json.hpp>

#include "access/rest_json.h"
#include "base/text.h"

namespace hearth::api::eks {

using Json = nlohmann::ordered_json;

Json TagsJson(const catalog::Tags& tags) {
  Json json = Json::object();
  for (const auto& [key, value] : tags) json[key] = value;
  return json;
}

// createdAt must be there, and be a number: the provider panics without (aws-contract.md §6.6).
Json ClusterJson(const catalog::EksCluster& cluster) {
  Json json = {{"name", cluster.name},
               {"arn", catalog::EksClusterArn(cluster)},
               {"createdAt", access::EpochSeconds(cluster.created_ms)},
               {"status", "ACTIVE"},
               {"tags", TagsJson(cluster.tags)}};
  if (!cluster.version.empty()) json["version"] = cluster.version;
  if (!cluster.endpoint.empty()) json["endpoint"] = cluster.endpoint;
  json["certificateAuthority"] = {{"data", Base64Encode(cluster.ca_pem)}};
  if (!cluster.issuer.empty()) json["identity"] = {{"oidc", {{"issuer", cluster.issuer}}}};
  return json;
}

Json AssociationJson(const catalog::PodIdentityAssociation& association) {
  return {{"clusterName", association.cluster},
          {"namespace", association.namespace_name},
          {"serviceAccount", association.service_account},
          {"roleArn", association.role_arn},
          {"associationArn", catalog::PodIdentityAssociationArn(association)},
          {"associationId", association.id},
          {"tags", TagsJson(association.tags)},
          {"createdAt", access::EpochSeconds(association.created_ms)},
          {"modifiedAt", access::EpochSeconds(association.modified_ms)}};
}

}  // namespace hearth::api::eks

// SPDX-License-Identifier: Apache-2.0
// What the EKS face takes, from the service model (2017-11-01). Private to api_eks.
#pragma once

#include "access/rest_json.h"

namespace hearth::api::eks {

using access::In;
using access::Member;
using access::Shape;
using access::ShapeType;

inline constexpr Shape kText{.type = ShapeType::kString};
inline constexpr Shape kClusterName{
    .type = ShapeType::kString, .min = 1, .max = 100, .pattern = "[0-9A-Za-z][A-Za-z0-9_-]*"};
inline constexpr Shape kUrl{.type = ShapeType::kString, .min = 1, .max = 2048};
inline constexpr Shape kKeySet{.type = ShapeType::kString, .min = 2, .max = 262144};
inline constexpr Shape kPageSize{.type = ShapeType::kInteger, .min = 1, .max = 100};
inline constexpr Shape kTagKey{.type = ShapeType::kString, .min = 1, .max = 128};
inline constexpr Shape kTagValue{.type = ShapeType::kString, .max = 256};
inline constexpr Shape kTags{
    .type = ShapeType::kMap, .min = 1, .max = 50, .key = &kTagKey, .element = &kTagValue};
inline constexpr Shape kTagKeys{.type = ShapeType::kList, .min = 1, .max = 50, .element = &kTagKey};
inline constexpr Shape kTexts{.type = ShapeType::kList, .element = &kText};

inline constexpr Member kNameMembers[] = {{"name", &kClusterName, true, In::kUri}};
inline constexpr Shape kNamed{.type = ShapeType::kStructure, .members = kNameMembers};

inline constexpr Member kListMembers[] = {{"maxResults", &kPageSize, false, In::kQuery},
                                          {"nextToken", &kText, false, In::kQuery},
                                          {"include", &kTexts, false, In::kQuery}};
inline constexpr Shape kList{.type = ShapeType::kStructure, .members = kListMembers};

inline constexpr Shape kCaData{.type = ShapeType::kBlob, .max = 65536};
inline constexpr Member kCaMembers[] = {{"data", &kCaData}};
inline constexpr Shape kCa{.type = ShapeType::kStructure, .members = kCaMembers};
inline constexpr Shape kToken{.type = ShapeType::kString, .min = 1, .max = 16384};
inline constexpr Member kCredentialMembers[] = {
    {"token", &kToken}, {"clientCertificate", &kCaData}, {"clientKey", &kCaData}};
inline constexpr Shape kCredentials{.type = ShapeType::kStructure, .members = kCredentialMembers};
inline constexpr Member kRegisterMembers[] = {
    {"name", &kClusterName, true},  {"endpoint", &kUrl}, {"certificateAuthority", &kCa},
    {"credentials", &kCredentials}, {"issuer", &kUrl},   {"jwks", &kKeySet},
    {"version", &kTagValue},        {"tags", &kTags}};
inline constexpr Shape kRegister{.type = ShapeType::kStructure, .members = kRegisterMembers};

inline constexpr Member kTagMembers[] = {{"resourceArn", &kUrl, true, In::kUri},
                                         {"tags", &kTags, true}};
inline constexpr Shape kTag{.type = ShapeType::kStructure, .members = kTagMembers};
inline constexpr Member kUntagMembers[] = {{"resourceArn", &kUrl, true, In::kUri},
                                           {"tagKeys", &kTagKeys, true, In::kQuery}};
inline constexpr Shape kUntag{.type = ShapeType::kStructure, .members = kUntagMembers};
inline constexpr Member kListTagsMembers[] = {{"resourceArn", &kUrl, true, In::kUri}};
inline constexpr Shape kListTags{.type = ShapeType::kStructure, .members = kListTagsMembers};

inline constexpr Shape kKubernetesName{.type = ShapeType::kString, .min = 1, .max = 253};
inline constexpr Member kCreateAssociationMembers[] = {
    {"clusterName", &kClusterName, true, In::kUri},
    {"namespace", &kKubernetesName, true},
    {"serviceAccount", &kKubernetesName, true},
    {"roleArn", &kUrl, true},
    {"clientRequestToken", &kText},
    {"tags", &kTags}};
inline constexpr Shape kCreateAssociation{.type = ShapeType::kStructure,
                                          .members = kCreateAssociationMembers};
inline constexpr Member kListAssociationsMembers[] = {
    {"clusterName", &kClusterName, true, In::kUri},
    {"namespace", &kText, false, In::kQuery},
    {"serviceAccount", &kText, false, In::kQuery},
    {"maxResults", &kPageSize, false, In::kQuery},
    {"nextToken", &kText, false, In::kQuery}};
inline constexpr Shape kListAssociations{.type = ShapeType::kStructure,
                                         .members = kListAssociationsMembers};
inline constexpr Member kAssociationMembers[] = {{"clusterName", &kClusterName, true, In::kUri},
                                                 {"associationId", &kText, true, In::kUri},
                                                 {"roleArn", &kUrl},
                                                 {"clientRequestToken", &kText}};
inline constexpr Shape kAssociation{.type = ShapeType::kStructure, .members = kAssociationMembers};
inline constexpr Member kDeleteAssociationMembers[] = {
    {"clusterName", &kClusterName, true, In::kUri}, {"associationId", &kText, true, In::kUri}};
inline constexpr Shape kDeleteAssociation{.type = ShapeType::kStructure,
                                          .members = kDeleteAssociationMembers};

inline constexpr std::string_view kAssociations =
    "/clusters/{clusterName}/pod-identity-associations";
inline constexpr std::string_view kOneAssociation =
    "/clusters/{clusterName}/pod-identity-associations/{associationId}";

inline constexpr access::RestOperation kOperations[] = {
    {"ListClusters", "GET", "/clusters", 200, &kList},
    {"DescribeCluster", "GET", "/clusters/{name}", 200, &kNamed},
    {"CreateCluster", "POST", "/clusters", 200, nullptr},
    {"DeleteCluster", "DELETE", "/clusters/{name}", 200, &kNamed},
    {"RegisterCluster", "POST", "/hearth/clusters", 200, &kRegister},
    {"DeregisterCluster", "DELETE", "/cluster-registrations/{name}", 200, &kNamed},
    {"ListTagsForResource", "GET", "/tags/{resourceArn}", 200, &kListTags},
    {"TagResource", "POST", "/tags/{resourceArn}", 200, &kTag},
    {"UntagResource", "DELETE", "/tags/{resourceArn}", 200, &kUntag},
    {"CreatePodIdentityAssociation", "POST", kAssociations, 200, &kCreateAssociation},
    {"ListPodIdentityAssociations", "GET", kAssociations, 200, &kListAssociations},
    {"DescribePodIdentityAssociation", "GET", kOneAssociation, 200, &kDeleteAssociation},
    {"UpdatePodIdentityAssociation", "POST", kOneAssociation, 200, &kAssociation},
    {"DeletePodIdentityAssociation", "DELETE", kOneAssociation, 200, &kDeleteAssociation},
};

}  // namespace hearth::api::eks

// SPDX-License-Identifier: Apache-2.0
#include "api/eks/eks_auth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "access/aws_errors.h"
#include "access/rest_json.h"
#include "access/sessions.h"
#include "api/eks/operations.h"
#include "auth/access.h"
#include "auth/policy.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;
using catalog::EksCluster;
using catalog::PodIdentityAssociation;

constexpr std::string_view kAudience = "pods.eks.amazonaws.com";
constexpr int64_t kSessionSeconds = 6 * 3600;  // what EKS gives; the agent refreshes before
constexpr size_t kSessionNameMax = 64;

constexpr access::Shape kToken{.type = access::ShapeType::kString, .min = 1, .max = 20000};
constexpr access::Member kMembers[] = {{"clusterName", &eks::kClusterName, true, access::In::kUri},
                                       {"token", &kToken, true}};
constexpr access::Shape kInput{.type = access::ShapeType::kStructure, .members = kMembers};
constexpr access::RestOperation kOperations[] = {
    {"AssumeRoleForPodIdentity", "POST", "/clusters/{clusterName}/assume-role-for-pod-identity",
     200, &kInput}};

absl::Status Fault(std::string_view type, std::string_view message) {
  const int status = type == "ResourceNotFoundException" ? 404 : 400;
  return access::RestError(status, type, message);
}

// "system:serviceaccount:<namespace>:<name>".
bool SplitSubject(std::string_view subject, std::string* name_space, std::string* account) {
  const auto parts = Split(subject, ':');
  if (parts.size() != 4 || parts[0] != "system" || parts[1] != "serviceaccount") return false;
  *name_space = parts[2];
  *account = parts[3];
  return true;
}

// The tags that EKS gives a session, so that policies can tell pods apart.
std::map<std::string, std::string> SessionTags(const EksCluster& cluster,
                                               const PodIdentityAssociation& association,
                                               const crypto::Jwt& jwt) {
  std::map<std::string, std::string> tags = {
      {"eks-cluster-arn", catalog::EksClusterArn(cluster)},
      {"eks-cluster-name", cluster.name},
      {"kubernetes-namespace", association.namespace_name},
      {"kubernetes-service-account", association.service_account}};
  const Json payload = Json::parse(jwt.payload_json, nullptr, false);
  const auto kubernetes = payload.find("kubernetes.io");
  if (kubernetes == payload.end() || !kubernetes->is_object()) return tags;
  const auto pod = kubernetes->find("pod");
  if (pod == kubernetes->end() || !pod->is_object()) return tags;
  for (const auto& [claim, tag] :
       {std::pair{"name", "kubernetes-pod-name"}, std::pair{"uid", "kubernetes-pod-uid"}}) {
    const auto value = pod->find(claim);
    if (value != pod->end() && value->is_string()) tags[tag] = value->get<std::string>();
  }
  return tags;
}

absl::Status CheckTrust(const catalog::IamRole& role, const access::Caller& caller,
                        const EksCluster& cluster, const std::map<std::string, std::string>& tags) {
  const auto trust = auth::PolicyDocument::Parse(role.trust_policy, auth::PolicyKind::kTrust);
  TRY(trust.status());
  auth::ConditionContext context = auth::FactsContext(caller.facts);
  context.Set("aws:SourceAccount", cluster.account);
  context.Set("aws:SourceArn", catalog::EksClusterArn(cluster));
  std::vector<std::string> names;
  for (const auto& [key, value] : tags) {
    context.Set("aws:RequestTag/" + key, value);
    names.push_back(key);
  }
  context.SetMany("aws:TagKeys", std::move(names));
  for (const std::string_view action : {"sts:AssumeRole", "sts:TagSession"}) {
    if (auth::TrustAllows(**trust, auth::PrincipalPattern::Type::kService, kAudience, action,
                          context)) {
      continue;
    }
    const std::string statement = Json{{"Effect", "Allow"},
                                       {"Principal", {{"Service", kAudience}}},
                                       {"Action", {"sts:AssumeRole", "sts:TagSession"}}}
                                      .dump();
    return access::RefusalStatus(
        {access::RefusalKind::kDenied,
         fmt::format("{} is not allowed to perform {} on the role of the association: its trust "
                     "policy must allow sts:AssumeRole and sts:TagSession",
                     kAudience, action),
         statement, "trust-policy"});
  }
  return absl::OkStatus();
}

std::string SessionName(const EksCluster& cluster, const std::map<std::string, std::string>& tags) {
  const auto pod = tags.find("kubernetes-pod-name");
  const std::string& who = pod == tags.end() ? tags.at("kubernetes-service-account") : pod->second;
  std::string name = fmt::format("eks-{}-{}", cluster.name, who).substr(0, kSessionNameMax);
  for (char& c : name) {
    const bool ok = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                    std::string_view("_+=,.@-").find(c) != std::string_view::npos;
    if (!ok) c = '-';
  }
  return name;
}

}  // namespace

net::HttpResponse EksAuth::Handle(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, "eks-auth");
  if (who.refusal) return access::AwsJsonRefusal(*who.refusal, false);
  auto body = Run(request, who.caller);
  if (body.ok()) return access::RestResponse(200, *std::move(body), rng_);
  if (const auto refusal = access::RefusalOf(body.status())) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  return access::RestErrorResponse(body.status(), rng_);
}

absl::StatusOr<crypto::Jwt> EksAuth::VerifyToken(const std::string& token,
                                                 const EksCluster& cluster) {
  if (cluster.issuer.empty()) {
    return Fault("InvalidRequestException",
                 fmt::format("cluster {} has no OIDC issuer: register it with one", cluster.name));
  }
  auto jwt = keys_.Verify(token, cluster.issuer, {cluster.jwks, cluster.ca_pem});
  if (absl::IsUnavailable(jwt.status())) {
    return access::RestError(503, "ServiceUnavailableException", Message(jwt.status()));
  }
  if (!jwt.ok()) return Fault("InvalidTokenException", Message(jwt.status()));
  std::string_view issuer = jwt->issuer;
  while (issuer.ends_with('/')) issuer.remove_suffix(1);
  if (issuer != cluster.issuer) {
    return Fault("InvalidTokenException",
                 fmt::format("the token is of {}, not of {}", jwt->issuer, cluster.issuer));
  }
  if (!jwt->expires_ms || clock_.NowMs() >= *jwt->expires_ms) {
    return Fault("ExpiredTokenException", "The Kubernetes service account token has expired");
  }
  const auto& audience = jwt->audience;
  if (std::find(audience.begin(), audience.end(), kAudience) == audience.end()) {
    return Fault("InvalidTokenException",
                 fmt::format("The token's audience must be {}", kAudience));
  }
  return jwt;
}

absl::StatusOr<std::string> EksAuth::Run(const net::HttpRequest& request,
                                         const access::Caller& caller) {
  static const access::RestOperations table(kOperations);
  access::RestMatch match;
  if (!table.Find(request, &match)) return access::UnknownOperation(request);
  const auto input = access::ReadRestInput(*match.operation, match, request);
  if (!input.ok()) return Fault("InvalidParameterException", Message(input.status()));
  const std::string& account = gate_.options().account;
  const std::string name = input->Text("clusterName");
  const auto refusal =
      gate_.Authorize(caller, "eks-auth:AssumeRoleForPodIdentity",
                      fmt::format("arn:aws:eks:{}:{}:cluster/{}", caller.region, account, name));
  if (refusal) return access::RefusalStatus(*refusal);
  const auto cluster = catalog_.Read([&](catalog::Reader& reader) {
    return catalog::GetEksCluster(reader, account, caller.region, name);
  });
  if (absl::IsNotFound(cluster.status())) {
    return Fault("ResourceNotFoundException", fmt::format("No cluster found for name: {}.", name));
  }
  TRY(cluster.status());
  TRY_ASSIGN(const crypto::Jwt jwt,
             VerifyToken(std::string(TrimSpace(input->Text("token"))), *cluster));
  PodIdentityAssociation association;
  std::string name_space;
  std::string service_account;
  if (!SplitSubject(jwt.subject, &name_space, &service_account)) {
    return Fault("InvalidTokenException", "The token's subject is no service account");
  }
  TRY_ASSIGN(const auto all, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListPodIdentityAssociations(reader, account, caller.region, name);
  }));
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) {
    return one.namespace_name == name_space && one.service_account == service_account;
  });
  if (found == all.end()) {
    return Fault("ResourceNotFoundException",
                 fmt::format("No pod identity association for {} {} in cluster {}", name_space,
                             service_account, name));
  }
  const auto role = catalog_.Read(
      [&](catalog::Reader& reader) { return access::FindRoleByArn(reader, found->role_arn); });
  if (absl::IsNotFound(role.status())) {
    return Fault("InvalidRequestException", fmt::format("Role {} does not exist", found->role_arn));
  }
  TRY(role.status());
  const auto tags = SessionTags(*cluster, *found, jwt);
  TRY(CheckTrust(*role, caller, *cluster, tags));
  auth::StsSession session = access::SessionOfRole(*role, SessionName(*cluster, tags));
  session.tags = tags;
  for (const auto& [key, value] : tags) session.transitive_tag_keys.push_back(key);
  TRY_ASSIGN(const auto credentials,
             access::IssueSession(catalog_, &session, clock_.NowMs(), kSessionSeconds, rng_));
  return access::RestBody(
      Json{{"subject", {{"namespace", name_space}, {"serviceAccount", service_account}}},
           {"audience", kAudience},
           {"podIdentityAssociation",
            {{"associationArn", catalog::PodIdentityAssociationArn(*found)},
             {"associationId", found->id}}},
           {"assumedRoleUser",
            {{"arn", auth::AssumedRoleArn(role->account, role->name, session.session_name)},
             {"assumeRoleId", fmt::format("{}:{}", role->id, session.session_name)}}},
           {"credentials",
            {{"sessionToken", credentials.token},
             {"secretAccessKey", credentials.secret},
             {"accessKeyId", credentials.access_key_id},
             {"expiration", access::EpochSeconds(credentials.expires_ms)}}}});
}

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
// What concerns the account as a whole.
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

absl::Status GetAccountSummary(Call& call) {
  TRY(call.Authorize("*"));
  TRY_ASSIGN(const auto users, catalog::ListUsers(call.reader, call.account, "/", {}, INT32_MAX));
  TRY_ASSIGN(const auto roles, catalog::ListRoles(call.reader, call.account, "/", {}, INT32_MAX));
  TRY_ASSIGN(const auto groups, catalog::ListGroups(call.reader, call.account, "/", {}, INT32_MAX));
  TRY_ASSIGN(const auto policies, catalog::ListManagedPolicies(call.reader, call.account));
  TRY_ASSIGN(const auto providers, catalog::ListOidcProviders(call.reader, call.account));
  const auto count = [](const auto& list) { return static_cast<int64_t>(list.size()); };
  const std::pair<std::string_view, int64_t> entries[] = {
      {"AccessKeysPerUserQuota", 2},
      {"AccountAccessKeysPresent", 1},
      {"AccountMFAEnabled", 0},
      {"AssumeRolePolicySizeQuota", static_cast<int64_t>(auth::kTrustPolicyCharsMax)},
      {"AttachedPoliciesPerGroupQuota", 10},
      {"AttachedPoliciesPerRoleQuota", 10},
      {"AttachedPoliciesPerUserQuota", 10},
      {"Groups", count(groups)},
      {"GroupsQuota", IamQuota(catalog::IamKind::kGroup)},
      {"GroupsPerUserQuota", 10},
      {"InstanceProfiles", 0},
      {"MFADevices", 0},
      {"Policies", count(policies)},
      {"PoliciesQuota", IamQuota(catalog::IamKind::kPolicy)},
      {"PolicySizeQuota", static_cast<int64_t>(auth::kManagedPolicyCharsMax)},
      {"Providers", count(providers)},
      {"Roles", count(roles)},
      {"RolesQuota", IamQuota(catalog::IamKind::kRole)},
      {"ServerCertificates", 0},
      {"Users", count(users)},
      {"UsersQuota", IamQuota(catalog::IamKind::kUser)},
      {"VersionsPerPolicyQuota", static_cast<int64_t>(catalog::kPolicyVersionsMax)},
  };
  call.out.Open("SummaryMap");
  for (const auto& [key, value] : entries) {
    call.out.Open("entry");
    call.out.Text("key", key);
    call.out.Number("value", value);
    call.out.Close("entry");
  }
  call.out.Close("SummaryMap");
  return absl::OkStatus();
}

absl::Status ListAccountAliases(Call& call) {
  TRY(call.Authorize("*"));
  call.out.List("AccountAliases", {});
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

absl::Status ListInstanceProfiles(Call& call) {
  TRY(call.Authorize(fmt::format("arn:aws:iam::{}:instance-profile/", call.account)));
  call.out.List("InstanceProfiles", {});
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

absl::Status ListSamlProviders(Call& call) {
  TRY(call.Authorize("*"));
  call.out.List("SAMLProviderList", {});
  return absl::OkStatus();
}

// ---- GetAccountAuthorizationDetails ----

using catalog::PolicyOwner;

absl::Status WriteOwned(Call& call, PolicyOwner kind, std::string_view list,
                        std::string_view name) {
  TRY_ASSIGN(const auto inlines,
             catalog::ListInlinePolicies(call.reader, kind, call.account, name));
  call.out.Open(list);
  for (const catalog::InlinePolicy& policy : inlines) {
    call.out.Open("member");
    call.out.Text("PolicyName", policy.name);
    call.out.Text("PolicyDocument", PercentEncode(policy.document, false));
    call.out.Close("member");
  }
  call.out.Close(list);
  TRY_ASSIGN(const auto arns, catalog::ListAttachedPolicies(call.reader, kind, call.account, name));
  call.out.Open("AttachedManagedPolicies");
  for (const std::string& arn : arns) {
    call.out.Open("member");
    call.out.Text("PolicyName", arn.substr(arn.rfind('/') + 1));
    call.out.Text("PolicyArn", arn);
    call.out.Close("member");
  }
  call.out.Close("AttachedManagedPolicies");
  return absl::OkStatus();
}

absl::Status WriteUserDetails(Call& call) {
  TRY_ASSIGN(const auto users, catalog::ListUsers(call.reader, call.account, "/", {}, INT32_MAX));
  for (const catalog::IamUser& user : users) {
    call.out.Open("member");
    WriteUser(call, user, true);
    TRY(WriteOwned(call, PolicyOwner::kUser, "UserPolicyList", user.name));
    TRY_ASSIGN(const auto groups, catalog::ListGroupsOfUser(call.reader, call.account, user.name));
    std::vector<std::string> names;
    for (const catalog::IamGroup& group : groups) names.push_back(group.name);
    call.out.List("GroupList", names);
    call.out.Close("member");
  }
  return absl::OkStatus();
}

absl::Status WriteGroupDetails(Call& call) {
  TRY_ASSIGN(const auto groups, catalog::ListGroups(call.reader, call.account, "/", {}, INT32_MAX));
  for (const catalog::IamGroup& group : groups) {
    call.out.Open("member");
    WriteGroup(call, group);
    TRY(WriteOwned(call, PolicyOwner::kGroup, "GroupPolicyList", group.name));
    call.out.Close("member");
  }
  return absl::OkStatus();
}

absl::Status WriteRoleDetails(Call& call) {
  TRY_ASSIGN(const auto roles, catalog::ListRoles(call.reader, call.account, "/", {}, INT32_MAX));
  for (const catalog::IamRole& role : roles) {
    call.out.Open("member");
    WriteRole(call, role, true);
    call.out.List("InstanceProfileList", {});
    TRY(WriteOwned(call, PolicyOwner::kRole, "RolePolicyList", role.name));
    call.out.Close("member");
  }
  return absl::OkStatus();
}

absl::Status WritePolicyDetails(Call& call, const std::vector<catalog::ManagedPolicy>& policies) {
  for (const catalog::ManagedPolicy& policy : policies) {
    const std::string arn = catalog::ManagedPolicyArn(policy);
    call.out.Open("member");
    call.out.Text("PolicyName", policy.name);
    call.out.Text("PolicyId", policy.id);
    call.out.Text("Arn", arn);
    call.out.Text("Path", policy.path);
    call.out.Text("DefaultVersionId", policy.default_version);
    call.out.Flag("IsAttachable", true);
    call.out.Time("CreateDate", policy.created_ms);
    call.out.Time("UpdateDate", policy.updated_ms);
    TRY_ASSIGN(const auto versions, catalog::ListPolicyVersions(call.reader, arn));
    call.out.Open("PolicyVersionList");
    for (const catalog::PolicyVersion& version : versions) {
      call.out.Open("member");
      call.out.Text("Document", PercentEncode(version.document, false));
      call.out.Text("VersionId", version.version);
      call.out.Flag("IsDefaultVersion", version.version == policy.default_version);
      call.out.Time("CreateDate", version.created_ms);
      call.out.Close("member");
    }
    call.out.Close("PolicyVersionList");
    call.out.Close("member");
  }
  return absl::OkStatus();
}

// Everything in one page: an account of hearth's is small against IAM's quotas.
absl::Status GetAccountAuthorizationDetails(Call& call) {
  const auto filter = call.in.List("Filter", 5);
  TRY(call.in.status());
  TRY(call.Authorize("*"));
  const auto wanted = [&](std::string_view kind) {
    return filter.empty() || std::find(filter.begin(), filter.end(), kind) != filter.end();
  };
  call.out.Open("UserDetailList");
  if (wanted("User")) TRY(WriteUserDetails(call));
  call.out.Close("UserDetailList");
  call.out.Open("GroupDetailList");
  if (wanted("Group")) TRY(WriteGroupDetails(call));
  call.out.Close("GroupDetailList");
  call.out.Open("RoleDetailList");
  if (wanted("Role")) TRY(WriteRoleDetails(call));
  call.out.Close("RoleDetailList");
  call.out.Open("Policies");
  if (wanted("LocalManagedPolicy")) {
    TRY_ASSIGN(const auto policies, catalog::ListManagedPolicies(call.reader, call.account));
    TRY(WritePolicyDetails(call, policies));
  }
  if (wanted("AWSManagedPolicy")) TRY(WritePolicyDetails(call, catalog::AwsManagedPolicies()));
  call.out.Close("Policies");
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

constexpr Operation kOperations[] = {
    {"GetAccountSummary", GetAccountSummary},
    {"GetAccountAuthorizationDetails", GetAccountAuthorizationDetails},
    {"ListAccountAliases", ListAccountAliases},
    {"ListInstanceProfiles", ListInstanceProfiles},
    {"ListSAMLProviders", ListSamlProviders},
};

}  // namespace

std::span<const Operation> AccountOperations() { return kOperations; }

}  // namespace hearth::api::iam

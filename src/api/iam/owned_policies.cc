// SPDX-License-Identifier: Apache-2.0
// Inline policies and attachments, which users, groups and roles have alike.
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using catalog::PolicyOwner;

constexpr size_t kAttachedMax = 10;  // IAM's default quota for users, groups and roles alike

constexpr std::string_view Noun(PolicyOwner kind) {
  switch (kind) {
    case PolicyOwner::kUser:
      return "user";
    case PolicyOwner::kGroup:
      return "group";
    case PolicyOwner::kRole:
      break;
  }
  return "role";
}

constexpr size_t InlineLimit(PolicyOwner kind) {
  switch (kind) {
    case PolicyOwner::kUser:
      return auth::kUserInlinePolicyCharsMax;
    case PolicyOwner::kGroup:
      return 5120;
    case PolicyOwner::kRole:
      break;
  }
  return auth::kRoleInlinePolicyCharsMax;
}

// The name of the one that the call is about, as it was made.
template <PolicyOwner kKind>
absl::StatusOr<std::string> Owner(Call& call, const Keys& keys = {}) {
  if constexpr (kKind == PolicyOwner::kRole) {
    const std::string name = call.in.Text("RoleName", NameRule(kRoleNameMax));
    TRY(call.in.status());
    TRY_ASSIGN(catalog::IamRole role, FindRole(call, name, keys));
    return role.name;
  } else if constexpr (kKind == PolicyOwner::kUser) {
    const std::string name = call.in.Text("UserName", NameRule());
    TRY(call.in.status());
    TRY_ASSIGN(catalog::IamUser user, FindUser(call, name, keys));
    return user.name;
  } else {
    const std::string name = call.in.Text("GroupName", NameRule());
    TRY(call.in.status());
    TRY_ASSIGN(catalog::IamGroup group, FindGroup(call, name, keys));
    return group.name;
  }
}

std::string NoPolicy(PolicyOwner kind, std::string_view name) {
  return fmt::format("The {} policy with name {} cannot be found.", Noun(kind), name);
}

template <PolicyOwner kKind>
absl::Status Put(Call& call) {
  const std::string name = call.in.Text("PolicyName", NameRule());
  const std::string document = call.in.Text("PolicyDocument", DocumentRule());
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call));
  const std::string limit_text = fmt::format("Maximum policy size of {} bytes exceeded for {} {}",
                                             InlineLimit(kKind), Noun(kKind), owner);
  // The limit is for all inline policies of the owner together.
  TRY_ASSIGN(const auto others,
             catalog::ListInlinePolicies(call.reader, kKind, call.account, owner));
  size_t used = 0;
  for (const catalog::InlinePolicy& other : others) {
    if (other.name != name) used += CountWithoutSpace(other.document);
  }
  TRY(CheckDocument(document, auth::PolicyKind::kIdentity,
                    InlineLimit(kKind) - std::min(used, InlineLimit(kKind)), limit_text));
  return catalog::PutInlinePolicy(call.write(), kKind, call.account, owner, name, document);
}

template <PolicyOwner kKind>
absl::Status Get(Call& call) {
  const std::string name = call.in.Text("PolicyName", NameRule());
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call));
  const auto policy = catalog::GetInlinePolicy(call.reader, kKind, call.account, owner, name);
  TRY(Reworded(policy.status(), NoPolicy(kKind, name)));
  constexpr std::string_view kElement = kKind == PolicyOwner::kRole   ? "RoleName"
                                        : kKind == PolicyOwner::kUser ? "UserName"
                                                                      : "GroupName";
  call.out.Text(kElement, owner);
  call.out.Text("PolicyName", policy->name);
  call.out.Text("PolicyDocument", PercentEncode(policy->document, false));
  return absl::OkStatus();
}

template <PolicyOwner kKind>
absl::Status Delete(Call& call) {
  const std::string name = call.in.Text("PolicyName", NameRule());
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call));
  return Reworded(catalog::DeleteInlinePolicy(call.write(), kKind, call.account, owner, name),
                  NoPolicy(kKind, name));
}

template <PolicyOwner kKind>
absl::Status List(Call& call) {
  const Page page = ReadPage(call);
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call));
  TRY_ASSIGN(auto policies, catalog::ListInlinePolicies(call.reader, kKind, call.account, owner));
  WritePage(
      call, page, "PolicyNames", std::move(policies),
      [](const catalog::InlinePolicy& policy) { return policy.name; },
      [&](const catalog::InlinePolicy& policy) { call.out.Text("member", policy.name); });
  return absl::OkStatus();
}

template <PolicyOwner kKind>
absl::Status Attach(Call& call) {
  const std::string arn = call.in.Text("PolicyArn", ArnRule());
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call, {{"iam:PolicyARN", {arn}}}));
  TRY(CheckAttachable(call, arn,
                      fmt::format("Policy {} does not exist or is not attachable.", arn)));
  TRY_ASSIGN(const auto attached,
             catalog::ListAttachedPolicies(call.reader, kKind, call.account, owner));
  const bool again = std::find(attached.begin(), attached.end(), arn) != attached.end();
  if (!again && attached.size() >= kAttachedMax) {
    constexpr std::string_view kPer = kKind == PolicyOwner::kRole   ? "PoliciesPerRole"
                                      : kKind == PolicyOwner::kUser ? "PoliciesPerUser"
                                                                    : "PoliciesPerGroup";
    return QueryFault(409, "LimitExceeded",
                      fmt::format("Cannot exceed quota for {}: {}", kPer, kAttachedMax));
  }
  return catalog::AttachPolicy(call.write(), kKind, call.account, owner, arn);
}

template <PolicyOwner kKind>
absl::Status Detach(Call& call) {
  const std::string arn = call.in.Text("PolicyArn", ArnRule());
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call, {{"iam:PolicyARN", {arn}}}));
  return Reworded(catalog::DetachPolicy(call.write(), kKind, call.account, owner, arn),
                  fmt::format("Policy {} was not found.", arn));
}

template <PolicyOwner kKind>
absl::Status ListAttached(Call& call) {
  const std::string prefix = ReadPathPrefix(call);
  const Page page = ReadPage(call);
  TRY_ASSIGN(const std::string owner, Owner<kKind>(call));
  TRY_ASSIGN(const auto arns,
             catalog::ListAttachedPolicies(call.reader, kKind, call.account, owner));
  std::vector<catalog::ManagedPolicy> policies;
  for (const std::string& arn : arns) {
    TRY_ASSIGN(catalog::ManagedPolicy policy, catalog::GetManagedPolicy(call.reader, arn));
    if (policy.path.starts_with(prefix)) policies.push_back(std::move(policy));
  }
  WritePage(call, page, "AttachedPolicies", std::move(policies), catalog::ManagedPolicyArn,
            [&](const catalog::ManagedPolicy& policy) {
              call.out.Open("member");
              call.out.Text("PolicyName", policy.name);
              call.out.Text("PolicyArn", catalog::ManagedPolicyArn(policy));
              call.out.Close("member");
            });
  return absl::OkStatus();
}

constexpr Operation kOperations[] = {
    {"PutRolePolicy", Put<PolicyOwner::kRole>, true, false},
    {"PutUserPolicy", Put<PolicyOwner::kUser>, true, false},
    {"PutGroupPolicy", Put<PolicyOwner::kGroup>, true, false},
    {"GetRolePolicy", Get<PolicyOwner::kRole>},
    {"GetUserPolicy", Get<PolicyOwner::kUser>},
    {"GetGroupPolicy", Get<PolicyOwner::kGroup>},
    {"DeleteRolePolicy", Delete<PolicyOwner::kRole>, true, false},
    {"DeleteUserPolicy", Delete<PolicyOwner::kUser>, true, false},
    {"DeleteGroupPolicy", Delete<PolicyOwner::kGroup>, true, false},
    {"ListRolePolicies", List<PolicyOwner::kRole>},
    {"ListUserPolicies", List<PolicyOwner::kUser>},
    {"ListGroupPolicies", List<PolicyOwner::kGroup>},
    {"AttachRolePolicy", Attach<PolicyOwner::kRole>, true, false},
    {"AttachUserPolicy", Attach<PolicyOwner::kUser>, true, false},
    {"AttachGroupPolicy", Attach<PolicyOwner::kGroup>, true, false},
    {"DetachRolePolicy", Detach<PolicyOwner::kRole>, true, false},
    {"DetachUserPolicy", Detach<PolicyOwner::kUser>, true, false},
    {"DetachGroupPolicy", Detach<PolicyOwner::kGroup>, true, false},
    {"ListAttachedRolePolicies", ListAttached<PolicyOwner::kRole>},
    {"ListAttachedUserPolicies", ListAttached<PolicyOwner::kUser>},
    {"ListAttachedGroupPolicies", ListAttached<PolicyOwner::kGroup>},
};

}  // namespace

std::span<const Operation> OwnedPolicyOperations() { return kOperations; }

}  // namespace hearth::api::iam

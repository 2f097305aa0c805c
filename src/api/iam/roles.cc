// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;

constexpr int64_t kSessionSecondsMin = 3600;
constexpr int64_t kSessionSecondsMax = 43200;
constexpr std::string_view kTrustLimitText = "Cannot exceed quota for ACLSizePerRole: 2048";

absl::Status CheckTrust(std::string_view document) {
  return CheckDocument(document, auth::PolicyKind::kTrust, auth::kTrustPolicyCharsMax,
                       kTrustLimitText);
}

Keys BoundaryKeys(std::string_view arn) {
  return arn.empty() ? Keys() : Keys{{"iam:PermissionsBoundary", {std::string(arn)}}};
}

absl::Status Missing(std::string_view name) {
  return QueryFault(404, "NoSuchEntity",
                    fmt::format("The role with name {} cannot be found.", name));
}

absl::Status CreateRole(Call& call) {
  catalog::IamRole role;
  role.account = call.account;
  role.name = call.in.Text("RoleName", NameRule(kRoleNameMax));
  role.path = ReadPath(call);
  role.trust_policy = call.in.Text("AssumeRolePolicyDocument", DocumentRule());
  role.description = call.in.Text("Description", DescriptionRule());
  role.max_session_seconds =
      call.in.Number("MaxSessionDuration", 3600, kSessionSecondsMin, kSessionSecondsMax);
  role.boundary_arn = call.in.Text("PermissionsBoundary", ArnRule(false));
  TRY(call.in.status());
  TRY_ASSIGN(role.tags, ReadTags(call));
  Keys keys = RequestTagKeys(role.tags);
  for (auto& key : BoundaryKeys(role.boundary_arn)) keys.push_back(std::move(key));
  TRY(call.Authorize(auth::RoleArn(role.account, role.path, role.name), keys));
  TRY(CheckTrust(role.trust_policy));
  TRY(CheckBoundary(call, role.boundary_arn));
  TRY(CheckQuota(call, catalog::IamKind::kRole));
  TRY(Reworded(catalog::CreateRole(call.write(), &role), "",
               fmt::format("Role with name {} already exists.", role.name)));
  call.out.Open("Role");
  WriteRole(call, role, true);
  call.out.Close("Role");
  return absl::OkStatus();
}

absl::StatusOr<catalog::IamRole> NamedRole(Call& call, const Keys& keys = {}) {
  const std::string name = call.in.Text("RoleName", NameRule(kRoleNameMax));
  TRY(call.in.status());
  return FindRole(call, name, keys);
}

absl::Status GetRole(Call& call) {
  TRY_ASSIGN(const catalog::IamRole role, NamedRole(call));
  call.out.Open("Role");
  WriteRole(call, role, true);
  call.out.Open("RoleLastUsed");
  call.out.Close("RoleLastUsed");
  call.out.Close("Role");
  return absl::OkStatus();
}

absl::Status ListRoles(Call& call) {
  const std::string prefix = ReadPathPrefix(call);
  const Page page = ReadPage(call);
  TRY(call.in.status());
  TRY(call.Authorize(fmt::format("arn:aws:iam::{}:role{}", call.account, prefix)));
  TRY_ASSIGN(auto roles, catalog::ListRoles(call.reader, call.account, prefix, {}, INT32_MAX));
  WritePage(
      call, page, "Roles", std::move(roles),
      [](const catalog::IamRole& role) { return ToLowerAscii(role.name); },
      [&](const catalog::IamRole& role) {
        call.out.Open("member");
        WriteRole(call, role, false);
        call.out.Close("member");
      });
  return absl::OkStatus();
}

absl::Status DeleteRole(Call& call) {
  TRY_ASSIGN(const catalog::IamRole role, NamedRole(call));
  return Reworded(catalog::DeleteRole(call.write(), call.account, role.name),
                  fmt::format("The role with name {} cannot be found.", role.name));
}

absl::Status Update(Call& call, catalog::IamRole* role) {
  const absl::Status status = catalog::UpdateRole(call.write(), role);
  return absl::IsNotFound(status) ? Missing(role->name) : status;
}

absl::Status UpdateAssumeRolePolicy(Call& call) {
  const std::string document = call.in.Text("PolicyDocument", DocumentRule());
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call));
  TRY(CheckTrust(document));
  role.trust_policy = document;
  return Update(call, &role);
}

absl::Status UpdateRole(Call& call) {
  const std::string description = call.in.Text("Description", DescriptionRule());
  const int64_t seconds =
      call.in.Number("MaxSessionDuration", 0, kSessionSecondsMin, kSessionSecondsMax);
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call));
  if (call.form.Has("Description")) role.description = description;
  if (seconds != 0) role.max_session_seconds = seconds;
  return Update(call, &role);
}

absl::Status UpdateRoleDescription(Call& call) {
  const std::string description = call.in.Text("Description", DescriptionRule());
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call));
  role.description = description;
  TRY(Update(call, &role));
  call.out.Open("Role");
  WriteRole(call, role, true);
  call.out.Close("Role");
  return absl::OkStatus();
}

absl::Status PutRolePermissionsBoundary(Call& call) {
  const std::string arn = call.in.Text("PermissionsBoundary", ArnRule());
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call, BoundaryKeys(arn)));
  TRY(CheckBoundary(call, arn));
  role.boundary_arn = arn;
  return Update(call, &role);
}

absl::Status DeleteRolePermissionsBoundary(Call& call) {
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call));
  if (role.boundary_arn.empty()) {
    return QueryFault(404, "NoSuchEntity",
                      fmt::format("Role {} has no permissions boundary.", role.name));
  }
  role.boundary_arn.clear();
  return Update(call, &role);
}

absl::Status TagRole(Call& call) {
  TRY_ASSIGN(const catalog::Tags tags, ReadTags(call));
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call, RequestTagKeys(tags)));
  TRY(MergeTags(tags, &role.tags));
  return Update(call, &role);
}

absl::Status UntagRole(Call& call) {
  const auto keys = call.in.List("TagKeys", kTagsMax);
  TRY_ASSIGN(catalog::IamRole role, NamedRole(call, {{"aws:TagKeys", keys}}));
  RemoveTags(keys, &role.tags);
  return Update(call, &role);
}

absl::Status ListRoleTags(Call& call) {
  TRY_ASSIGN(const catalog::IamRole role, NamedRole(call));
  WriteTags(call.out, role.tags);
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

// hearth runs no instances: there is never a profile, and delete asks for them first.
absl::Status ListInstanceProfilesForRole(Call& call) {
  TRY(NamedRole(call));
  call.out.List("InstanceProfiles", {});
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

constexpr Operation kOperations[] = {
    {"CreateRole", CreateRole, true},
    {"GetRole", GetRole},
    {"ListRoles", ListRoles},
    {"DeleteRole", DeleteRole, true, false},
    {"UpdateAssumeRolePolicy", UpdateAssumeRolePolicy, true, false},
    {"UpdateRole", UpdateRole, true},
    {"UpdateRoleDescription", UpdateRoleDescription, true},
    {"PutRolePermissionsBoundary", PutRolePermissionsBoundary, true, false},
    {"DeleteRolePermissionsBoundary", DeleteRolePermissionsBoundary, true, false},
    {"TagRole", TagRole, true, false},
    {"UntagRole", UntagRole, true, false},
    {"ListRoleTags", ListRoleTags},
    {"ListInstanceProfilesForRole", ListInstanceProfilesForRole},
};

}  // namespace

std::span<const Operation> RoleOperations() { return kOperations; }

}  // namespace hearth::api::iam

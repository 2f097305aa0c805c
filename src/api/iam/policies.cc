// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using catalog::ManagedPolicy;
using catalog::PolicyOwner;

constexpr std::string_view kSizeText = "Cannot exceed quota for PolicySize: 6144";

absl::Status CheckPolicy(std::string_view document) {
  return CheckDocument(document, auth::PolicyKind::kIdentity, auth::kManagedPolicyCharsMax,
                       kSizeText);
}

absl::Status WritePolicy(Call& call, const ManagedPolicy& policy, bool with_description) {
  access::XmlWriter& out = call.out;
  const std::string arn = catalog::ManagedPolicyArn(policy);
  TRY_ASSIGN(const auto attached,
             catalog::ListPolicyEntities(call.reader, call.account, arn, false));
  TRY_ASSIGN(const auto boundaries,
             catalog::ListPolicyEntities(call.reader, call.account, arn, true));
  out.Text("PolicyName", policy.name);
  out.Text("PolicyId", policy.id);
  out.Text("Arn", arn);
  out.Text("Path", policy.path);
  out.Text("DefaultVersionId", policy.default_version);
  out.Number("AttachmentCount", static_cast<int64_t>(attached.size()));
  out.Number("PermissionsBoundaryUsageCount", static_cast<int64_t>(boundaries.size()));
  out.Flag("IsAttachable", true);
  if (with_description) out.TextIf("Description", policy.description);
  out.Time("CreateDate", policy.created_ms);
  out.Time("UpdateDate", policy.updated_ms);
  if (with_description && !policy.tags.empty()) WriteTags(out, policy.tags);
  return absl::OkStatus();
}

void WriteVersion(Call& call, const catalog::PolicyVersion& version, bool is_default,
                  bool with_document) {
  if (with_document) call.out.Text("Document", PercentEncode(version.document, false));
  call.out.Text("VersionId", version.version);
  call.out.Flag("IsDefaultVersion", is_default);
  call.out.Time("CreateDate", version.created_ms);
}

absl::Status CreatePolicy(Call& call) {
  ManagedPolicy policy;
  policy.account = call.account;
  policy.name = call.in.Text("PolicyName", NameRule());
  policy.path = ReadPath(call);
  policy.document = call.in.Text("PolicyDocument", DocumentRule());
  policy.description = call.in.Text("Description", DescriptionRule());
  TRY(call.in.status());
  TRY_ASSIGN(policy.tags, ReadTags(call));
  TRY(call.Authorize(catalog::ManagedPolicyArn(policy), RequestTagKeys(policy.tags)));
  TRY(CheckPolicy(policy.document));
  TRY(CheckQuota(call, catalog::IamKind::kPolicy));
  TRY(Reworded(catalog::CreateManagedPolicy(call.write(), &policy), "",
               fmt::format("A policy called {} already exists. Duplicate names are not allowed.",
                           policy.name)));
  call.out.Open("Policy");
  TRY(WritePolicy(call, policy, true));
  call.out.Close("Policy");
  return absl::OkStatus();
}

absl::StatusOr<ManagedPolicy> NamedPolicy(Call& call) {
  const std::string arn = call.in.Text("PolicyArn", ArnRule());
  TRY(call.in.status());
  return FindPolicy(call, arn);
}

absl::Status GetPolicy(Call& call) {
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  call.out.Open("Policy");
  TRY(WritePolicy(call, policy, true));
  call.out.Close("Policy");
  return absl::OkStatus();
}

absl::Status ListPolicies(Call& call) {
  const std::string prefix = ReadPathPrefix(call);
  const std::string scope = call.in.OneOf("Scope", {"All", "AWS", "Local"});
  const std::string usage =
      call.in.OneOf("PolicyUsageFilter", {"PermissionsPolicy", "PermissionsBoundary"});
  const bool only_attached = call.in.Flag("OnlyAttached", false);
  const Page page = ReadPage(call);
  TRY(call.in.status());
  TRY(call.Authorize(fmt::format("arn:aws:iam::{}:policy{}", call.account, prefix)));
  std::vector<ManagedPolicy> all;
  if (scope != "AWS") {
    TRY_ASSIGN(all, catalog::ListManagedPolicies(call.reader, call.account));
  }
  if (scope != "Local") {
    const auto& aws = catalog::AwsManagedPolicies();
    all.insert(all.end(), aws.begin(), aws.end());
  }
  std::vector<ManagedPolicy> policies;
  for (ManagedPolicy& policy : all) {
    if (!policy.path.starts_with(prefix)) continue;
    const std::string arn = catalog::ManagedPolicyArn(policy);
    bool used = !only_attached && usage.empty();
    if (!used && usage != "PermissionsBoundary") {
      TRY_ASSIGN(const auto found,
                 catalog::ListPolicyEntities(call.reader, call.account, arn, false));
      used = !found.empty();
    }
    if (!used && usage != "PermissionsPolicy") {
      TRY_ASSIGN(const auto found,
                 catalog::ListPolicyEntities(call.reader, call.account, arn, true));
      used = !found.empty();
    }
    if (used) policies.push_back(std::move(policy));
  }
  absl::Status trouble;
  WritePage(call, page, "Policies", std::move(policies), catalog::ManagedPolicyArn,
            [&](const ManagedPolicy& policy) {
              call.out.Open("member");
              trouble.Update(WritePolicy(call, policy, false));
              call.out.Close("member");
            });
  return trouble;
}

absl::Status DeletePolicy(Call& call) {
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  const std::string arn = catalog::ManagedPolicyArn(policy);
  TRY_ASSIGN(const auto versions, catalog::ListPolicyVersions(call.reader, arn));
  if (versions.size() > 1) {
    return QueryFault(409, "DeleteConflict",
                      "This policy has more than one version. Before you delete a policy, you must "
                      "delete the policy's versions. The default version is deleted with the "
                      "policy.");
  }
  TRY_ASSIGN(const auto boundaries,
             catalog::ListPolicyEntities(call.reader, call.account, arn, true));
  if (!boundaries.empty()) {
    return QueryFault(409, "DeleteConflict",
                      "Cannot delete a policy that is the permissions boundary of entities.");
  }
  return Reworded(catalog::DeleteManagedPolicy(call.write(), arn),
                  fmt::format("Policy {} was not found.", arn));
}

absl::Status CreatePolicyVersion(Call& call) {
  const std::string document = call.in.Text("PolicyDocument", DocumentRule());
  const bool set_default = call.in.Flag("SetAsDefault", false);
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  TRY(CheckPolicy(document));
  const auto version = catalog::CreatePolicyVersion(call.write(), catalog::ManagedPolicyArn(policy),
                                                    document, set_default);
  if (absl::IsResourceExhausted(version.status())) {
    return QueryFault(409, "LimitExceeded", Message(version.status()));
  }
  TRY(version.status());
  call.out.Open("PolicyVersion");
  WriteVersion(call, *version, set_default, false);
  call.out.Close("PolicyVersion");
  return absl::OkStatus();
}

access::QueryRule VersionRule() { return {true, 1, 64}; }

std::string NoVersion(const ManagedPolicy& policy, std::string_view version) {
  return fmt::format("Policy {} version {} does not exist or is not attachable.",
                     catalog::ManagedPolicyArn(policy), version);
}

absl::Status GetPolicyVersion(Call& call) {
  const std::string id = call.in.Text("VersionId", VersionRule());
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  const auto version =
      catalog::GetPolicyVersion(call.reader, catalog::ManagedPolicyArn(policy), id);
  TRY(Reworded(version.status(), NoVersion(policy, id)));
  call.out.Open("PolicyVersion");
  WriteVersion(call, *version, version->version == policy.default_version, true);
  call.out.Close("PolicyVersion");
  return absl::OkStatus();
}

absl::Status ListPolicyVersions(Call& call) {
  const Page page = ReadPage(call);
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  TRY_ASSIGN(auto versions,
             catalog::ListPolicyVersions(call.reader, catalog::ManagedPolicyArn(policy)));
  WritePage(
      call, page, "Versions", std::move(versions),
      [](const catalog::PolicyVersion& version) {
        return fmt::format("{:>8}", version.version);  // v9 before v10
      },
      [&](const catalog::PolicyVersion& version) {
        call.out.Open("member");
        WriteVersion(call, version, version.version == policy.default_version, false);
        call.out.Close("member");
      });
  return absl::OkStatus();
}

absl::Status DeletePolicyVersion(Call& call) {
  const std::string id = call.in.Text("VersionId", VersionRule());
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  return Reworded(catalog::DeletePolicyVersion(call.write(), catalog::ManagedPolicyArn(policy), id),
                  NoVersion(policy, id));
}

absl::Status SetDefaultPolicyVersion(Call& call) {
  const std::string id = call.in.Text("VersionId", VersionRule());
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  return Reworded(
      catalog::SetDefaultPolicyVersion(call.write(), catalog::ManagedPolicyArn(policy), id),
      NoVersion(policy, id));
}

absl::Status TagPolicy(Call& call) {
  TRY_ASSIGN(const catalog::Tags tags, ReadTags(call));
  TRY_ASSIGN(ManagedPolicy policy, NamedPolicy(call));
  TRY(MergeTags(tags, &policy.tags));
  return catalog::SetPolicyTags(call.write(), catalog::ManagedPolicyArn(policy), policy.tags);
}

absl::Status UntagPolicy(Call& call) {
  const auto keys = call.in.List("TagKeys", kTagsMax);
  TRY_ASSIGN(ManagedPolicy policy, NamedPolicy(call));
  RemoveTags(keys, &policy.tags);
  return catalog::SetPolicyTags(call.write(), catalog::ManagedPolicyArn(policy), policy.tags);
}

absl::Status ListPolicyTags(Call& call) {
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  WriteTags(call.out, policy.tags);
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

void WriteEntities(Call& call, std::string_view list, PolicyOwner kind, std::string_view name,
                   std::string_view id, const std::vector<catalog::PolicyEntity>& entities) {
  call.out.Open(list);
  for (const catalog::PolicyEntity& entity : entities) {
    if (entity.kind != kind) continue;
    call.out.Open("member");
    call.out.Text(name, entity.name);
    call.out.Text(id, entity.id);
    call.out.Close("member");
  }
  call.out.Close(list);
}

absl::Status ListEntitiesForPolicy(Call& call) {
  const std::string filter = call.in.OneOf(
      "EntityFilter", {"User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"});
  const std::string usage =
      call.in.OneOf("PolicyUsageFilter", {"PermissionsPolicy", "PermissionsBoundary"});
  TRY_ASSIGN(const ManagedPolicy policy, NamedPolicy(call));
  TRY_ASSIGN(auto entities, catalog::ListPolicyEntities(call.reader, call.account,
                                                        catalog::ManagedPolicyArn(policy),
                                                        usage == "PermissionsBoundary"));
  std::erase_if(entities, [&](const catalog::PolicyEntity& entity) {
    return (filter == "User" && entity.kind != PolicyOwner::kUser) ||
           (filter == "Role" && entity.kind != PolicyOwner::kRole) ||
           (filter == "Group" && entity.kind != PolicyOwner::kGroup);
  });
  WriteEntities(call, "PolicyGroups", PolicyOwner::kGroup, "GroupName", "GroupId", entities);
  WriteEntities(call, "PolicyUsers", PolicyOwner::kUser, "UserName", "UserId", entities);
  WriteEntities(call, "PolicyRoles", PolicyOwner::kRole, "RoleName", "RoleId", entities);
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

constexpr Operation kOperations[] = {
    {"CreatePolicy", CreatePolicy, true},
    {"GetPolicy", GetPolicy},
    {"ListPolicies", ListPolicies},
    {"DeletePolicy", DeletePolicy, true, false},
    {"CreatePolicyVersion", CreatePolicyVersion, true},
    {"GetPolicyVersion", GetPolicyVersion},
    {"ListPolicyVersions", ListPolicyVersions},
    {"DeletePolicyVersion", DeletePolicyVersion, true, false},
    {"SetDefaultPolicyVersion", SetDefaultPolicyVersion, true, false},
    {"TagPolicy", TagPolicy, true, false},
    {"UntagPolicy", UntagPolicy, true, false},
    {"ListPolicyTags", ListPolicyTags},
    {"ListEntitiesForPolicy", ListEntitiesForPolicy},
};

}  // namespace

std::span<const Operation> PolicyOperations() { return kOperations; }

}  // namespace hearth::api::iam

// SPDX-License-Identifier: Apache-2.0
// IAM's objects: users, groups, roles, inline and managed policies, OIDC providers. Documents are
// kept as given; names are unique within an account without regard to case (as in IAM).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

struct IamUser {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // AIDA + 17
  std::string boundary_arn;
  Tags tags;
  int64_t created_ms = 0;
  int64_t revision = 0;
};

struct IamRole {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // AROA + 17
  std::string description;
  std::string trust_policy;
  std::string boundary_arn;
  int64_t max_session_seconds = 3600;
  Tags tags;
  int64_t created_ms = 0;
  int64_t revision = 0;
};

// Whose inline or attached policies.
enum class PolicyOwner { kUser, kGroup, kRole };

struct InlinePolicy {
  std::string name;
  std::string document;
};

struct ManagedPolicy {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // ANPA + 17
  std::string description;
  std::string document;  // of the default version
  std::string default_version = "v1";
  int64_t versions_made = 1;  // v<n> of the newest ever made
  Tags tags;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  int64_t revision = 0;
};

struct IamGroup {
  std::string account;
  std::string name;
  std::string path = "/";
  std::string id;  // AGPA + 17
  int64_t created_ms = 0;
  int64_t revision = 0;
};

struct PolicyVersion {
  std::string version;  // "v3"
  std::string document;
  int64_t created_ms = 0;
};

// IAM keeps so many versions of a managed policy; one must be deleted before the next is made.
inline constexpr size_t kPolicyVersionsMax = 5;

// Who has a managed policy attached.
struct PolicyEntity {
  PolicyOwner kind = PolicyOwner::kRole;
  std::string name;
  std::string id;
};

struct OidcProvider {
  std::string account;
  std::string url;  // without https://
  std::vector<std::string> client_ids;
  std::vector<std::string> thumbprints;
  Tags tags;
  int64_t created_ms = 0;
  int64_t revision = 0;
};

std::string ManagedPolicyArn(const ManagedPolicy& policy);
std::string OidcProviderArn(std::string_view account, std::string_view url);

absl::StatusOr<IamUser> GetUser(Reader& reader, std::string_view account, std::string_view name);
absl::StatusOr<std::vector<IamUser>> ListUsers(Reader& reader, std::string_view account,
                                               std::string_view path_prefix = "/",
                                               std::string_view after = {}, int limit = 1000);
absl::Status CreateUser(Transaction& transaction, IamUser* user);  // fills id, time, revision
absl::Status UpdateUser(Transaction& transaction, IamUser* user);
// With everything that hangs on the name; AlreadyExists where another user has the new one.
absl::Status RenameUser(Transaction& transaction, IamUser* user, std::string_view name);
// FailedPrecondition while it has access keys or policies (IAM's DeleteConflict).
absl::Status DeleteUser(Transaction& transaction, std::string_view account, std::string_view name);

absl::StatusOr<IamRole> GetRole(Reader& reader, std::string_view account, std::string_view name);
absl::StatusOr<std::vector<IamRole>> ListRoles(Reader& reader, std::string_view account,
                                               std::string_view path_prefix = "/",
                                               std::string_view after = {}, int limit = 1000);
absl::Status CreateRole(Transaction& transaction, IamRole* role);
absl::Status UpdateRole(Transaction& transaction, IamRole* role);
absl::Status DeleteRole(Transaction& transaction, std::string_view account, std::string_view name);

absl::StatusOr<IamGroup> GetGroup(Reader& reader, std::string_view account, std::string_view name);
absl::StatusOr<std::vector<IamGroup>> ListGroups(Reader& reader, std::string_view account,
                                                 std::string_view path_prefix = "/",
                                                 std::string_view after = {}, int limit = 1000);
absl::Status CreateGroup(Transaction& transaction, IamGroup* group);
absl::Status UpdateGroup(Transaction& transaction, IamGroup* group);  // the path
absl::Status RenameGroup(Transaction& transaction, IamGroup* group, std::string_view name);
// FailedPrecondition while it has members or policies.
absl::Status DeleteGroup(Transaction& transaction, std::string_view account, std::string_view name);
// Both must exist; twice is as once.
absl::Status AddGroupMember(Transaction& transaction, std::string_view account,
                            std::string_view group, std::string_view user);
absl::Status RemoveGroupMember(Transaction& transaction, std::string_view account,
                               std::string_view group, std::string_view user);
absl::StatusOr<std::vector<IamUser>> ListGroupMembers(Reader& reader, std::string_view account,
                                                      std::string_view group);
absl::StatusOr<std::vector<IamGroup>> ListGroupsOfUser(Reader& reader, std::string_view account,
                                                       std::string_view user);

absl::Status PutInlinePolicy(Transaction& transaction, PolicyOwner kind, std::string_view account,
                             std::string_view owner, std::string_view name,
                             std::string_view document);
absl::StatusOr<InlinePolicy> GetInlinePolicy(Reader& reader, PolicyOwner kind,
                                             std::string_view account, std::string_view owner,
                                             std::string_view name);
absl::StatusOr<std::vector<InlinePolicy>> ListInlinePolicies(Reader& reader, PolicyOwner kind,
                                                             std::string_view account,
                                                             std::string_view owner);
absl::Status DeleteInlinePolicy(Transaction& transaction, PolicyOwner kind,
                                std::string_view account, std::string_view owner,
                                std::string_view name);

absl::StatusOr<ManagedPolicy> GetManagedPolicy(Reader& reader, std::string_view arn);
absl::StatusOr<std::vector<ManagedPolicy>> ListManagedPolicies(Reader& reader,
                                                               std::string_view account);
// Of AWS's own, which every account may attach and none may change (arn:aws:iam::aws:policy/…).
const std::vector<ManagedPolicy>& AwsManagedPolicies();
// Oldest first. Those of AWS's policies have one version.
absl::StatusOr<std::vector<PolicyVersion>> ListPolicyVersions(Reader& reader, std::string_view arn);
absl::StatusOr<PolicyVersion> GetPolicyVersion(Reader& reader, std::string_view arn,
                                               std::string_view version);
// ResourceExhausted beyond kPolicyVersionsMax.
absl::StatusOr<PolicyVersion> CreatePolicyVersion(Transaction& transaction, std::string_view arn,
                                                  std::string_view document, bool set_default);
absl::Status SetDefaultPolicyVersion(Transaction& transaction, std::string_view arn,
                                     std::string_view version);
// FailedPrecondition for the default one.
absl::Status DeletePolicyVersion(Transaction& transaction, std::string_view arn,
                                 std::string_view version);
absl::Status SetPolicyTags(Transaction& transaction, std::string_view arn, const Tags& tags);
// Users, groups and roles of the account that have it attached, or (`boundary`) as a boundary.
absl::StatusOr<std::vector<PolicyEntity>> ListPolicyEntities(Reader& reader,
                                                             std::string_view account,
                                                             std::string_view arn, bool boundary);
absl::Status CreateManagedPolicy(Transaction& transaction, ManagedPolicy* policy);
// FailedPrecondition while it is attached.
absl::Status DeleteManagedPolicy(Transaction& transaction, std::string_view arn);
absl::Status AttachPolicy(Transaction& transaction, PolicyOwner kind, std::string_view account,
                          std::string_view owner, std::string_view policy_arn);
absl::Status DetachPolicy(Transaction& transaction, PolicyOwner kind, std::string_view account,
                          std::string_view owner, std::string_view policy_arn);
absl::StatusOr<std::vector<std::string>> ListAttachedPolicies(Reader& reader, PolicyOwner kind,
                                                              std::string_view account,
                                                              std::string_view owner);

absl::StatusOr<OidcProvider> GetOidcProvider(Reader& reader, std::string_view account,
                                             std::string_view url);
absl::StatusOr<std::vector<OidcProvider>> ListOidcProviders(Reader& reader,
                                                            std::string_view account);
absl::Status CreateOidcProvider(Transaction& transaction, OidcProvider* provider);
absl::Status UpdateOidcProvider(Transaction& transaction, OidcProvider* provider);
absl::Status DeleteOidcProvider(Transaction& transaction, std::string_view account,
                                std::string_view url);

}  // namespace hearth::catalog

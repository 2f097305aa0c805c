// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using catalog::IamUser;

constexpr size_t kUserNameMax = 64;  // of a new one; parameters take 128

absl::Status CreateUser(Call& call) {
  IamUser user;
  user.account = call.account;
  user.name = call.in.Text("UserName", NameRule(kUserNameMax));
  user.path = ReadPath(call);
  user.boundary_arn = call.in.Text("PermissionsBoundary", ArnRule(false));
  TRY(call.in.status());
  TRY_ASSIGN(user.tags, ReadTags(call));
  Keys keys = RequestTagKeys(user.tags);
  if (!user.boundary_arn.empty()) {
    keys.push_back({"iam:PermissionsBoundary", {user.boundary_arn}});
  }
  TRY(call.Authorize(auth::UserArn(user.account, user.path, user.name), keys));
  TRY(CheckBoundary(call, user.boundary_arn));
  TRY(CheckQuota(call, catalog::IamKind::kUser));
  TRY(Reworded(catalog::CreateUser(call.write(), &user), "",
               fmt::format("User with name {} already exists.", user.name)));
  call.out.Open("User");
  WriteUser(call, user, true);
  call.out.Close("User");
  return absl::OkStatus();
}

absl::StatusOr<IamUser> NamedUser(Call& call, const Keys& keys = {}) {
  const std::string name = call.in.Text("UserName", NameRule());
  TRY(call.in.status());
  return FindUser(call, name, keys);
}

// Without a name: who calls. The account's root user has no name.
absl::Status GetUser(Call& call) {
  const auth::Principal& caller = *call.caller.principal;
  std::string name = call.in.Text("UserName", OptionalNameRule());
  TRY(call.in.status());
  if (name.empty() && caller.kind == auth::PrincipalKind::kRoot) {
    call.out.Open("User");
    call.out.Text("Path", "/");
    call.out.Text("UserId", caller.user_id);
    call.out.Text("Arn", caller.arn);
    call.out.Time("CreateDate", 0);
    call.out.Close("User");
    return absl::OkStatus();
  }
  if (name.empty() && caller.kind == auth::PrincipalKind::kAssumedRole) {
    return QueryFault(400, "ValidationError",
                      "Must specify userName when calling with non-User credentials");
  }
  if (name.empty()) name = caller.user_name;
  TRY_ASSIGN(const IamUser user, FindUser(call, name));
  call.out.Open("User");
  WriteUser(call, user, true);
  call.out.Close("User");
  return absl::OkStatus();
}

absl::Status ListUsers(Call& call) {
  const std::string prefix = ReadPathPrefix(call);
  const Page page = ReadPage(call);
  TRY(call.in.status());
  TRY(call.Authorize(fmt::format("arn:aws:iam::{}:user{}", call.account, prefix)));
  TRY_ASSIGN(auto users, catalog::ListUsers(call.reader, call.account, prefix, {}, INT32_MAX));
  WritePage(
      call, page, "Users", std::move(users),
      [](const IamUser& user) { return ToLowerAscii(user.name); },
      [&](const IamUser& user) {
        call.out.Open("member");
        WriteUser(call, user, false);
        call.out.Close("member");
      });
  return absl::OkStatus();
}

absl::Status UpdateUser(Call& call) {
  const std::string new_name = call.in.Text("NewUserName", OptionalNameRule(kUserNameMax));
  const std::string path = ReadPath(call, "NewPath");
  TRY_ASSIGN(IamUser user, NamedUser(call));
  // Both on what it is and on what it becomes: a user does not move into another's reach.
  TRY(call.Authorize(auth::UserArn(user.account, call.form.Has("NewPath") ? path : user.path,
                                   new_name.empty() ? user.name : new_name),
                     ResourceTagKeys(user.tags)));
  if (call.form.Has("NewPath") && path != user.path) {
    user.path = path;
    TRY(catalog::UpdateUser(call.write(), &user));
  }
  if (new_name.empty() || new_name == user.name) return absl::OkStatus();
  return Reworded(catalog::RenameUser(call.write(), &user, new_name), "",
                  fmt::format("User with name {} already exists.", new_name));
}

absl::Status DeleteUser(Call& call) {
  TRY_ASSIGN(const IamUser user, NamedUser(call));
  TRY_ASSIGN(const auto groups, catalog::ListGroupsOfUser(call.reader, call.account, user.name));
  if (!groups.empty()) {
    return QueryFault(409, "DeleteConflict",
                      "Cannot delete entity, must remove users from group first.");
  }
  return Reworded(catalog::DeleteUser(call.write(), call.account, user.name),
                  fmt::format("The user with name {} cannot be found.", user.name));
}

absl::Status TagUser(Call& call) {
  TRY_ASSIGN(const catalog::Tags tags, ReadTags(call));
  TRY_ASSIGN(IamUser user, NamedUser(call, RequestTagKeys(tags)));
  TRY(MergeTags(tags, &user.tags));
  return catalog::UpdateUser(call.write(), &user);
}

absl::Status UntagUser(Call& call) {
  const auto keys = call.in.List("TagKeys", kTagsMax);
  TRY_ASSIGN(IamUser user, NamedUser(call, {{"aws:TagKeys", keys}}));
  RemoveTags(keys, &user.tags);
  return catalog::UpdateUser(call.write(), &user);
}

absl::Status ListUserTags(Call& call) {
  TRY_ASSIGN(const IamUser user, NamedUser(call));
  WriteTags(call.out, user.tags);
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

absl::Status PutUserPermissionsBoundary(Call& call) {
  const std::string arn = call.in.Text("PermissionsBoundary", ArnRule());
  TRY_ASSIGN(IamUser user, NamedUser(call, {{"iam:PermissionsBoundary", {arn}}}));
  TRY(CheckBoundary(call, arn));
  user.boundary_arn = arn;
  return catalog::UpdateUser(call.write(), &user);
}

absl::Status DeleteUserPermissionsBoundary(Call& call) {
  TRY_ASSIGN(IamUser user, NamedUser(call));
  if (user.boundary_arn.empty()) {
    return QueryFault(404, "NoSuchEntity",
                      fmt::format("User {} has no permissions boundary.", user.name));
  }
  user.boundary_arn.clear();
  return catalog::UpdateUser(call.write(), &user);
}

// What hearth's users never have (passwords, devices, certificates): force_destroy asks for each.
absl::Status EmptyList(Call& call, std::string_view list) {
  if (call.form.Has("UserName")) TRY(NamedUser(call));
  call.out.List(list, {});
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

absl::Status ListMfaDevices(Call& call) { return EmptyList(call, "MFADevices"); }
absl::Status ListVirtualMfaDevices(Call& call) { return EmptyList(call, "VirtualMFADevices"); }
absl::Status ListSshPublicKeys(Call& call) { return EmptyList(call, "SSHPublicKeys"); }
absl::Status ListSigningCertificates(Call& call) { return EmptyList(call, "Certificates"); }
absl::Status ListServiceSpecificCredentials(Call& call) {
  return EmptyList(call, "ServiceSpecificCredentials");
}

absl::Status NoLoginProfile(Call& call) {
  TRY_ASSIGN(const IamUser user, NamedUser(call));
  return QueryFault(404, "NoSuchEntity",
                    fmt::format("Login Profile for User {} cannot be found.", user.name));
}

constexpr Operation kOperations[] = {
    {"CreateUser", CreateUser, true},
    {"GetUser", GetUser},
    {"ListUsers", ListUsers},
    {"UpdateUser", UpdateUser, true, false},
    {"DeleteUser", DeleteUser, true, false},
    {"TagUser", TagUser, true, false},
    {"UntagUser", UntagUser, true, false},
    {"ListUserTags", ListUserTags},
    {"PutUserPermissionsBoundary", PutUserPermissionsBoundary, true, false},
    {"DeleteUserPermissionsBoundary", DeleteUserPermissionsBoundary, true, false},
    {"ListMFADevices", ListMfaDevices},
    {"ListVirtualMFADevices", ListVirtualMfaDevices},
    {"ListSSHPublicKeys", ListSshPublicKeys},
    {"ListSigningCertificates", ListSigningCertificates},
    {"ListServiceSpecificCredentials", ListServiceSpecificCredentials},
    {"GetLoginProfile", NoLoginProfile},
    {"DeleteLoginProfile", NoLoginProfile, true, false},
};

}  // namespace

std::span<const Operation> UserOperations() { return kOperations; }

}  // namespace hearth::api::iam

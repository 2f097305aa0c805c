// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using catalog::IamGroup;
using catalog::IamUser;

constexpr size_t kGroupsPerUserMax = 10;

absl::Status CreateGroup(Call& call) {
  IamGroup group;
  group.account = call.account;
  group.name = call.in.Text("GroupName", NameRule());
  group.path = ReadPath(call);
  TRY(call.in.status());
  TRY(call.Authorize(GroupArn(group)));
  TRY(CheckQuota(call, catalog::IamKind::kGroup));
  TRY(Reworded(catalog::CreateGroup(call.write(), &group), "",
               fmt::format("Group with name {} already exists.", group.name)));
  call.out.Open("Group");
  WriteGroup(call, group);
  call.out.Close("Group");
  return absl::OkStatus();
}

absl::StatusOr<IamGroup> NamedGroup(Call& call) {
  const std::string name = call.in.Text("GroupName", NameRule());
  TRY(call.in.status());
  return FindGroup(call, name);
}

absl::Status GetGroup(Call& call) {
  const Page page = ReadPage(call);
  TRY_ASSIGN(const IamGroup group, NamedGroup(call));
  TRY_ASSIGN(auto users, catalog::ListGroupMembers(call.reader, call.account, group.name));
  call.out.Open("Group");
  WriteGroup(call, group);
  call.out.Close("Group");
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

void WriteGroups(Call& call, const Page& page, std::vector<IamGroup> groups) {
  WritePage(
      call, page, "Groups", std::move(groups),
      [](const IamGroup& group) { return ToLowerAscii(group.name); },
      [&](const IamGroup& group) {
        call.out.Open("member");
        WriteGroup(call, group);
        call.out.Close("member");
      });
}

absl::Status ListGroups(Call& call) {
  const std::string prefix = ReadPathPrefix(call);
  const Page page = ReadPage(call);
  TRY(call.in.status());
  TRY(call.Authorize(fmt::format("arn:aws:iam::{}:group{}", call.account, prefix)));
  TRY_ASSIGN(auto groups, catalog::ListGroups(call.reader, call.account, prefix, {}, INT32_MAX));
  WriteGroups(call, page, std::move(groups));
  return absl::OkStatus();
}

absl::Status ListGroupsForUser(Call& call) {
  const Page page = ReadPage(call);
  const std::string name = call.in.Text("UserName", NameRule());
  TRY(call.in.status());
  TRY_ASSIGN(const IamUser user, FindUser(call, name));
  TRY_ASSIGN(auto groups, catalog::ListGroupsOfUser(call.reader, call.account, user.name));
  WriteGroups(call, page, std::move(groups));
  return absl::OkStatus();
}

absl::Status UpdateGroup(Call& call) {
  const std::string new_name = call.in.Text("NewGroupName", OptionalNameRule());
  const std::string path = ReadPath(call, "NewPath");
  TRY_ASSIGN(IamGroup group, NamedGroup(call));
  IamGroup becomes = group;
  if (call.form.Has("NewPath")) becomes.path = path;
  if (!new_name.empty()) becomes.name = new_name;
  TRY(call.Authorize(GroupArn(becomes)));
  if (call.form.Has("NewPath") && path != group.path) {
    group.path = path;
    TRY(catalog::UpdateGroup(call.write(), &group));
  }
  if (new_name.empty() || new_name == group.name) return absl::OkStatus();
  return Reworded(catalog::RenameGroup(call.write(), &group, new_name), "",
                  fmt::format("Group with name {} already exists.", new_name));
}

absl::Status DeleteGroup(Call& call) {
  TRY_ASSIGN(const IamGroup group, NamedGroup(call));
  return Reworded(catalog::DeleteGroup(call.write(), call.account, group.name),
                  fmt::format("The group with name {} cannot be found.", group.name));
}

absl::Status AddUserToGroup(Call& call) {
  const std::string name = call.in.Text("UserName", NameRule());
  TRY_ASSIGN(const IamGroup group, NamedGroup(call));
  const std::string missing = fmt::format("The user with name {} cannot be found.", name);
  TRY(Reworded(catalog::GetUser(call.reader, call.account, name).status(), missing));
  TRY_ASSIGN(const auto groups, catalog::ListGroupsOfUser(call.reader, call.account, name));
  const bool member = std::any_of(groups.begin(), groups.end(),
                                  [&](const IamGroup& g) { return g.name == group.name; });
  if (!member && groups.size() >= kGroupsPerUserMax) {
    return QueryFault(409, "LimitExceeded",
                      fmt::format("Cannot exceed quota for GroupsPerUser: {}", kGroupsPerUserMax));
  }
  return catalog::AddGroupMember(call.write(), call.account, group.name, name);
}

absl::Status RemoveUserFromGroup(Call& call) {
  const std::string name = call.in.Text("UserName", NameRule());
  TRY_ASSIGN(const IamGroup group, NamedGroup(call));
  return Reworded(catalog::RemoveGroupMember(call.write(), call.account, group.name, name),
                  fmt::format("The user with name {} cannot be found.", name));
}

constexpr Operation kOperations[] = {
    {"CreateGroup", CreateGroup, true},
    {"GetGroup", GetGroup},
    {"ListGroups", ListGroups},
    {"ListGroupsForUser", ListGroupsForUser},
    {"UpdateGroup", UpdateGroup, true, false},
    {"DeleteGroup", DeleteGroup, true, false},
    {"AddUserToGroup", AddUserToGroup, true, false},
    {"RemoveUserFromGroup", RemoveUserFromGroup, true, false},
};

}  // namespace

std::span<const Operation> GroupOperations() { return kOperations; }

}  // namespace hearth::api::iam

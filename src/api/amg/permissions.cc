// SPDX-License-Identifier: Apache-2.0
// Roles of the identity provider's users and groups.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/amg/amg.h"
#include "api/amg/answers.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using access::RestInput;
using amg::Json;
using catalog::GrafanaPermission;
using catalog::GrafanaWorkspace;
using catalog::Transaction;

// ([0-9a-f]{10}-|)uuid, in either case of the hex digits (aws-contract.md §9.1).
bool IsSsoId(std::string_view id) {
  constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  constexpr size_t kStoreSize = 11;  // ten digits and a dash
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (id.size() == kUuid.size() + kStoreSize) {
    if (id[kStoreSize - 1] != '-') return false;
    if (!std::all_of(id.begin(), id.begin() + kStoreSize - 1, is_hex)) return false;
    id.remove_prefix(kStoreSize);
  }
  if (id.size() != kUuid.size()) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    if (kUuid[i] == '-' ? id[i] != '-' : !is_hex(id[i])) return false;
  }
  return true;
}

Json ErrorOf(std::string_view message, const RestInput& instruction, const RestInput& user) {
  return {{"code", 400},
          {"message", message},
          {"causedBy",
           {{"action", instruction.Text("action")},
            {"role", instruction.Text("role")},
            {"users", {{{"id", user.Text("id")}, {"type", user.Text("type")}}}}}}};
}

// One instruction of a batch; what it cannot do goes to `errors`, the rest is done.
absl::Status Apply(catalog::Transaction& transaction, const std::string& workspace,
                   const RestInput& instruction, Json* errors) {
  for (const RestInput& user : instruction.Children("users")) {
    if (!IsSsoId(user.Text("id"))) {
      errors->push_back(ErrorOf(fmt::format("{} is not the id of a user or group: a UUID, after "
                                            "the ten hex digits of an identity store or alone",
                                            user.Text("id")),
                                instruction, user));
      continue;
    }
    GrafanaPermission permission;
    permission.workspace = workspace;
    permission.user_type = user.Text("type");
    permission.user_id = user.Text("id");
    permission.role = instruction.Text("role");
    if (instruction.Text("action") == "ADD") {
      TRY(catalog::PutGrafanaPermission(transaction, &permission));
      continue;
    }
    // To take away what is not there is done: the caller may have been here before.
    const absl::Status status = catalog::DeleteGrafanaPermission(transaction, permission);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

}  // namespace

Amg::Answer Amg::ListPermissions(const Call& call) {
  const RestInput& input = call.input;
  catalog::GrafanaPermissionQuery query;
  query.workspace = call.Label("workspaceId");
  query.user_type = input.Text("userType");
  for (const auto& [member, type] :
       {std::pair{"userId", "SSO_USER"}, std::pair{"groupId", "SSO_GROUP"}}) {
    if (!input.Has(member)) continue;
    if (!query.user_id.empty() || (!query.user_type.empty() && query.user_type != type)) {
      return access::InvalidField(member, "userType, userId and groupId contradict each other");
    }
    query.user_type = type;
    query.user_id = input.Text(member);
  }
  TRY(Find(call));
  TRY_ASSIGN(const amg::Page page,
             amg::ReadPage(input, fmt::format("amg/permissions/{}/{}/{}", query.workspace,
                                              query.user_type, query.user_id)));
  const size_t slash = page.position.find('/');
  if (slash != std::string::npos) {
    query.after_type = page.position.substr(0, slash);
    query.after_id = page.position.substr(slash + 1);
  }
  query.limit = page.size + 1;
  TRY_ASSIGN(std::vector<GrafanaPermission> rows, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListGrafanaPermissions(reader, query);
  }));
  Json answer = {{"permissions", Json::array()}};
  const std::string next = amg::CutPage(
      page, &rows, [](const GrafanaPermission& row) { return row.user_type + "/" + row.user_id; });
  if (!next.empty()) answer["nextToken"] = next;
  for (const GrafanaPermission& row : rows) {
    answer["permissions"].push_back(
        {{"user", {{"id", row.user_id}, {"type", row.user_type}}}, {"role", row.role}});
  }
  return access::RestBody(answer);
}

Amg::Answer Amg::UpdatePermissions(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    Json errors = Json::array();
    for (const RestInput& instruction : call.input.Children("updateInstructionBatch")) {
      TRY(Apply(transaction, workspace.id, instruction, &errors));
    }
    const Json answer = {{"errors", std::move(errors)}};
    return access::RestBody(answer);
  });
}

}  // namespace hearth::api

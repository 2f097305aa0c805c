// SPDX-License-Identifier: Apache-2.0
// /api/teams, their members and preferences. Source: https://grafana.com/docs/grafana/latest/
// developers/http_api/team/
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/people.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

constexpr size_t kTeamsMax = 2000;      // as many as folders: one may want a team for each
constexpr size_t kMembersMax = 10'000;  // AMG's quota of users
constexpr size_t kNameBytesMax = 190;   // Grafana's column
constexpr int64_t kMemberAdmin = 4;     // Grafana's number; a member is 0

absl::StatusOr<Json> Shape(catalog::Reader& reader, const Call& call,
                           const catalog::GrafanaItem& team) {
  TRY_ASSIGN(const int64_t members, TeamMembers(reader, call.id(), team));
  return Json{{"id", team.id},
              {"uid", team.uid},
              {"orgId", 1},
              {"name", team.name},
              {"email", Stored(team.json).value("email", "")},
              {"externalUID", ""},
              {"isProvisioned", false},
              {"avatarUrl", AvatarUrl(call, team.uid)},
              {"memberCount", members},
              {"permission", call.user.role == Role::kAdmin ? kMemberAdmin : 0},
              {"accessControl", nullptr}};
}

Answer Search(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t per_page, call.Number("perpage", 1000, 1, 10'000));
  TRY_ASSIGN(const int64_t page, call.Number("page", 1, 0, 1'000'000));
  const std::string text = ToLowerAscii(call.Parameter("query"));
  const std::string_view name = call.Parameter("name");
  Json teams = Json::array();
  int64_t total = 0;
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto all, catalog::ListItems(reader, call.id(), "team"));
    const int64_t skip = (std::max<int64_t>(page, 1) - 1) * per_page;
    for (const catalog::GrafanaItem& team : all) {
      if (!name.empty() && team.name != name) continue;
      if (ToLowerAscii(team.name).find(text) == std::string::npos) continue;
      if (total++ < skip || static_cast<int64_t>(teams.size()) == per_page) continue;
      TRY_ASSIGN(Json shape, Shape(reader, call, team));
      teams.push_back(std::move(shape));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply({{"totalCount", total},
                {"teams", std::move(teams)},
                {"page", std::max<int64_t>(page, 1)},
                {"perPage", per_page}});
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaItem team;
  team.workspace = call.id();
  team.kind = "team";
  team.name = body.Required("name", kNameBytesMax);
  team.unique_name = true;
  team.json = Dump({{"email", body.Text("email")}});
  team.created_by = team.updated_by = call.user.login;
  TRY(body.status());
  const auto status = face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), "team"));
    if (static_cast<size_t>(count) >= kTeamsMax) {
      return ResourceExhausted("Quota reached: a workspace has at most {} teams", kTeamsMax);
    }
    return catalog::CreateItem(transaction, &team);
  });
  if (absl::IsAlreadyExists(status)) return Message(409, "Team name taken");
  TRY(status);
  return Reply({{"message", "Team created"}, {"teamId", team.id}, {"uid", team.uid}});
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(const Json json,
             face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Json> {
               TRY_ASSIGN(const auto team, FindTeam(reader, call.id(), call.argument()));
               return Shape(reader, call, team);
             }));
  return Reply(json);
}

Answer Update(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const std::string name = body.Required("name", kNameBytesMax);
  const std::string email = body.Text("email");
  TRY(body.status());
  const auto status = face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(auto team, FindTeam(transaction, call.id(), call.argument()));
    team.name = name;
    team.json = Dump({{"email", email}});
    team.updated_by = call.user.login;
    return catalog::UpdateItem(transaction, &team);
  });
  if (absl::IsAlreadyExists(status)) return Message(409, "Team name taken");
  TRY(status);
  return Message(200, "Team updated");
}

Answer Delete(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto team, FindTeam(transaction, call.id(), call.argument()));
        const std::string id = std::to_string(team.id);
        TRY(catalog::DeleteItemsOf(transaction, call.id(), "team_member", id));
        // Entries of permissions that name it go with it.
        TRY_ASSIGN(const auto grants,
                   catalog::FindItemsByName(transaction, call.id(), "permission", "teams/" + id));
        for (const catalog::GrafanaItem& grant : grants) {
          TRY(catalog::DeleteItem(transaction, call.id(), "permission", grant.uid));
        }
        const auto gone = catalog::DeleteItem(transaction, call.id(), "preferences", "team/" + id);
        if (!gone.ok() && !absl::IsNotFound(gone)) return gone;
        return catalog::DeleteItem(transaction, call.id(), "team", team.uid);
      });
  TRY(written);
  return Message(200, "Team deleted");
}

// ---- members -----------------------------------------------------------------------------------

Answer Members(Face& face, const Call& call) {
  Json list = Json::array();
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto team, FindTeam(reader, call.id(), call.argument()));
    TRY_ASSIGN(const auto members,
               catalog::ListItemsOf(reader, call.id(), "team_member", std::to_string(team.id)));
    for (const catalog::GrafanaItem& member : members) {
      int64_t id = 0;
      ParseInt64(member.name, &id);
      const auto person = FindPerson(reader, call.id(), id);
      if (!person.ok()) continue;
      list.push_back({{"orgId", 1},
                      {"teamId", team.id},
                      {"teamUID", team.uid},
                      {"userId", person->id},
                      {"userUID", person->uid},
                      {"auth_module", ""},
                      {"email", person->email},
                      {"name", person->name},
                      {"login", person->login},
                      {"avatarUrl", AvatarUrl(call, person->login)},
                      {"labels", Json::array()},
                      {"permission", Stored(member.json).value("permission", int64_t{0})}});
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply(list);
}

catalog::GrafanaItem MemberItem(const Call& call, const catalog::GrafanaItem& team, int64_t user,
                                int64_t permission) {
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = "team_member";
  item.parent = std::to_string(team.id);
  item.name = std::to_string(user);
  item.uid = item.parent + "/" + item.name;
  item.json = Dump({{"permission", permission}});
  item.created_by = item.updated_by = call.user.login;
  return item;
}

Answer AddMember(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const int64_t user = body.Number("userId");
  TRY(body.status());
  const auto status = face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(const auto team, FindTeam(transaction, call.id(), call.argument()));
    TRY_ASSIGN(const Person person, FindPerson(transaction, call.id(), user));
    if (person.service_account) return InvalidArgument("a service account is in no team");
    TRY_ASSIGN(const int64_t members, TeamMembers(transaction, call.id(), team));
    if (static_cast<size_t>(members) >= kMembersMax) {
      return ResourceExhausted("Quota reached: a team has at most {} members", kMembersMax);
    }
    catalog::GrafanaItem item = MemberItem(call, team, user, 0);
    return catalog::CreateItem(transaction, &item);
  });
  if (absl::IsAlreadyExists(status)) return Message(400, "User is already added to this team");
  TRY(status);
  return Message(200, "Member added to Team");
}

absl::StatusOr<int64_t> UserArgument(const Call& call) {
  int64_t user = 0;
  if (!ParseInt64(call.argument(1), &user)) return InvalidArgument("userId is invalid");
  return user;
}

Answer UpdateMember(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const int64_t permission = body.Number("permission");
  TRY(body.status());
  if (permission != 0 && permission != kMemberAdmin) {
    return InvalidArgument("permission must be 0 (member) or 4 (admin), not {}", permission);
  }
  TRY_ASSIGN(const int64_t user, UserArgument(call));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto team, FindTeam(transaction, call.id(), call.argument()));
        catalog::GrafanaItem item = MemberItem(call, team, user, permission);
        TRY(Named(catalog::GetItem(transaction, call.id(), item.kind, item.uid),
                  "Team member not found"));
        return catalog::PutItem(transaction, &item);
      });
  TRY(written);
  return Message(200, "Team member updated");
}

Answer RemoveMember(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t user, UserArgument(call));
  TRY(face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(const auto team, FindTeam(transaction, call.id(), call.argument()));
    const auto status = catalog::DeleteItem(transaction, call.id(), "team_member",
                                            fmt::format("{}/{}", team.id, user));
    return absl::IsNotFound(status) ? NotFound("Team member not found") : status;
  }));
  return Message(200, "Team Member removed");
}

// All at once: {"members": [emails], "admins": [emails]}.
Answer SetMembers(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const auto members = body.Texts("members");
  const auto admins = body.Texts("admins");
  TRY(body.status());
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto team, FindTeam(transaction, call.id(), call.argument()));
        TRY_ASSIGN(const auto users, catalog::ListItems(transaction, call.id(), "user"));
        TRY(catalog::DeleteItemsOf(transaction, call.id(), "team_member", std::to_string(team.id)));
        const auto add = [&](const std::string& email, int64_t permission) -> absl::Status {
          for (const catalog::GrafanaItem& user : users) {
            const Person person = PersonOf(user);
            if (person.email != email && person.login != email) continue;
            catalog::GrafanaItem item = MemberItem(call, team, person.id, permission);
            return catalog::PutItem(transaction, &item);
          }
          return NotFound("user {} not found", email);
        };
        for (const std::string& email : members) TRY(add(email, 0));
        for (const std::string& email : admins) TRY(add(email, kMemberAdmin));
        return absl::OkStatus();
      });
  TRY(written);
  return Message(200, "Team memberships have been updated");
}

absl::StatusOr<std::string> Owner(Face& face, const Call& call) {
  TRY_ASSIGN(const auto team, face.catalog().Read([&](catalog::Reader& reader) {
    return FindTeam(reader, call.id(), call.argument());
  }));
  return fmt::format("team/{}", team.id);
}

Answer Preferences(Face& face, const Call& call) {
  TRY_ASSIGN(const std::string owner, Owner(face, call));
  return GetPreferences(face, call, owner);
}

Answer SetPreferences(Face& face, const Call& call) {
  TRY_ASSIGN(const std::string owner, Owner(face, call));
  return PutPreferences(face, call, owner, /*patch=*/false);
}

Answer Groups(Face&, const Call&) {
  return Unimplemented("team sync with groups of an identity provider is not part of hearth yet");
}

}  // namespace

absl::StatusOr<catalog::GrafanaItem> FindTeam(catalog::Reader& reader, std::string_view workspace,
                                              std::string_view key) {
  constexpr std::string_view kMissing = "Team not found";
  int64_t id = 0;
  if (ParseInt64(key, &id)) {
    return Named(catalog::GetItemById(reader, workspace, "team", id), kMissing);
  }
  return Named(catalog::GetItem(reader, workspace, "team", key), kMissing);
}

absl::StatusOr<int64_t> TeamMembers(catalog::Reader& reader, std::string_view workspace,
                                    const catalog::GrafanaItem& team) {
  TRY_ASSIGN(const auto members,
             catalog::ListItemsOf(reader, workspace, "team_member", std::to_string(team.id)));
  return static_cast<int64_t>(members.size());
}

std::vector<Route> TeamRoutes() {
  const std::string_view read = "teams:read";
  const std::string_view write = "teams:write";
  return {
      {"GET", "teams/search", Role::kAdmin, read, Search},
      {"POST", "teams", Role::kAdmin, "teams:create", Create},
      {"GET", "teams/:id", Role::kAdmin, read, Get},
      {"PUT", "teams/:id", Role::kAdmin, write, Update},
      {"DELETE", "teams/:id", Role::kAdmin, "teams:delete", Delete},
      {"GET", "teams/:id/members", Role::kAdmin, "teams.permissions:read", Members},
      {"POST", "teams/:id/members", Role::kAdmin, "teams.permissions:write", AddMember},
      {"PUT", "teams/:id/members", Role::kAdmin, "teams.permissions:write", SetMembers},
      {"PUT", "teams/:id/members/:user", Role::kAdmin, "teams.permissions:write", UpdateMember},
      {"DELETE", "teams/:id/members/:user", Role::kAdmin, "teams.permissions:write", RemoveMember},
      {"GET", "teams/:id/preferences", Role::kAdmin, read, Preferences},
      {"PUT", "teams/:id/preferences", Role::kAdmin, write, SetPreferences},
      {"GET", "teams/:id/groups", Role::kAdmin, read, Groups},
  };
}

}  // namespace hearth::api::grafana_http

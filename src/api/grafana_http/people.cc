// SPDX-License-Identifier: Apache-2.0
// Users of the organisation. Nobody signs in by a password here: a row is made when somebody of the
// identity provider is seen for the first time, or by an Admin beforehand. Source:
// https://grafana.com/docs/grafana/latest/developers/http_api/org/ and …/user/
#include "api/grafana_http/people.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "base/status.h"
#include "catalog/grafana_access.h"

namespace hearth::api::grafana_http {
namespace {

constexpr size_t kUsersMax = 10'000;   // AMG's quota
constexpr size_t kNameBytesMax = 190;  // Grafana's column

Json OrgUser(const Call& call, const Person& person, const catalog::GrafanaItem& row) {
  return {{"orgId", 1},
          {"userId", person.id},
          {"uid", person.uid},
          {"email", person.email},
          {"name", person.name},
          {"avatarUrl", AvatarUrl(call, person.login)},
          {"login", person.login},
          {"role", RoleName(person.role)},
          {"lastSeenAt", Rfc3339(row.updated_ms)},
          {"lastSeenAtAge", "< 1 minute"},
          {"isDisabled", false},
          {"isExternallySynced", false},
          {"authLabels", Json::array()}};
}

// Grafana's "10 minutes", of which its clients show only the text.
std::string Age(int64_t ms) {
  const int64_t minutes = ms / 60'000;
  if (minutes < 1) return "< 1 minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  if (minutes < 48 * 60) return fmt::format("{} hours", minutes / 60);
  return fmt::format("{} days", minutes / 1440);
}

absl::StatusOr<Json> Users(Face& face, const Call& call) {
  const std::string text = ToLowerAscii(call.Parameter("query"));
  TRY_ASSIGN(const auto rows, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListItems(reader, call.id(), "user");
  }));
  Json list = Json::array();
  for (const catalog::GrafanaItem& row : rows) {
    const Person person = PersonOf(row);
    const std::string all = ToLowerAscii(person.login + "\n" + person.email + "\n" + person.name);
    if (all.find(text) == std::string::npos) continue;
    Json user = OrgUser(call, person, row);
    user["lastSeenAtAge"] = Age(call.request.received_ms - row.updated_ms);
    list.push_back(std::move(user));
  }
  return list;
}

Answer List(Face& face, const Call& call) {
  TRY_ASSIGN(Json list, Users(face, call));
  TRY_ASSIGN(const int64_t limit, call.Number("limit", 10'000, 0, 1'000'000));
  while (limit > 0 && static_cast<int64_t>(list.size()) > limit) list.erase(list.size() - 1);
  return Reply(list);
}

Answer Search(Face& face, const Call& call) {
  TRY_ASSIGN(Json list, Users(face, call));
  const size_t total = list.size();
  return Reply(
      {{"totalCount", total}, {"orgUsers", std::move(list)}, {"page", 1}, {"perPage", 1000}});
}

Answer LookUp(Face& face, const Call& call) {
  TRY_ASSIGN(const Json list, Users(face, call));
  Json found = Json::array();
  for (const Json& user : list) {
    found.push_back({{"userId", user["userId"]},
                     {"uid", user["uid"]},
                     {"login", user["login"]},
                     {"avatarUrl", user["avatarUrl"]}});
  }
  return Reply(found);
}

absl::StatusOr<catalog::GrafanaItem> FindRow(catalog::Reader& reader, const Call& call) {
  int64_t id = 0;
  if (!ParseInt64(call.argument(), &id)) return InvalidArgument("id is invalid");
  return Named(catalog::GetItemById(reader, call.id(), "user", id), "user not found");
}

Json UserShape(const Call& call, const catalog::GrafanaItem& row) {
  const Person person = PersonOf(row);
  return {{"id", person.id},
          {"uid", person.uid},
          {"email", person.email},
          {"name", person.name},
          {"login", person.login},
          {"theme", ""},
          {"orgId", 1},
          {"isGrafanaAdmin", false},
          {"isDisabled", false},
          {"isExternal", true},
          {"authLabels", Json::array()},
          {"updatedAt", Rfc3339(row.updated_ms)},
          {"createdAt", Rfc3339(row.created_ms)},
          {"avatarUrl", AvatarUrl(call, person.login)}};
}

Answer GetUser(Face& face, const Call& call) {
  TRY_ASSIGN(const auto row,
             face.catalog().Read([&](catalog::Reader& reader) { return FindRow(reader, call); }));
  return Reply(UserShape(call, row));
}

Answer GetByName(Face& face, const Call& call) {
  const std::string_view wanted = call.Parameter("loginOrEmail");
  TRY_ASSIGN(const auto rows, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListItems(reader, call.id(), "user");
  }));
  for (const catalog::GrafanaItem& row : rows) {
    const Person person = PersonOf(row);
    if (person.login == wanted || (!wanted.empty() && person.email == wanted)) {
      return Reply(UserShape(call, row));
    }
  }
  return NotFound("user not found");
}

// POST /api/admin/users of Grafana, without its password: somebody of the identity provider who has
// not come yet.
Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  if (body.Has("password")) {
    return InvalidArgument(
        "a workspace keeps no passwords: leave `password` out; users sign in through the identity "
        "provider");
  }
  const std::string email = body.Text("email");
  std::string login = body.Text("login");
  if (login.empty()) login = email;
  const std::string name = body.Text("name");
  const std::string role_name = body.Text("role");
  TRY(body.status());
  Role role = Role::kViewer;
  if (!role_name.empty() && !ParseRole(role_name, &role)) {
    return InvalidArgument("role must be Viewer, Editor, Admin or None, not {}", role_name);
  }
  if (login.empty()) return InvalidArgument("login or email is required");
  if (std::max({login.size(), email.size(), name.size()}) > kNameBytesMax) {
    return InvalidArgument("login, email and name have at most {} bytes each", kNameBytesMax);
  }
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = "user";
  item.name = login;
  item.unique_name = true;
  item.created_by = item.updated_by = call.user.login;
  item.json = Dump({{"role", RoleName(role)}, {"email", email}, {"name", name}});
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), "user"));
        if (static_cast<size_t>(count) >= kUsersMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} users", kUsersMax);
        }
        return catalog::CreateItem(transaction, &item);
      });
  if (absl::IsAlreadyExists(written)) {
    return Message(412, fmt::format("user already exists: {}", login));
  }
  TRY(written);
  return Reply({{"id", item.id}, {"uid", item.uid}, {"message", "User created"}});
}

Answer SetRole(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const std::string name = body.Text("role");
  TRY(body.status());
  Role role = Role::kNone;
  if (!ParseRole(name, &role)) {
    return InvalidArgument("role must be Viewer, Editor, Admin or None, not {}", name);
  }
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(auto row, FindRow(transaction, call));
        Json json = Stored(row.json);
        json["role"] = RoleName(role);
        row.json = Dump(json);
        row.updated_by = call.user.login;
        return catalog::UpdateItem(transaction, &row);
      });
  TRY(written);
  return Message(200, "Organization user updated");
}

Answer Remove(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto row, FindRow(transaction, call));
        const std::string id = std::to_string(row.id);
        const std::pair<std::string_view, std::string> kinds[] = {
            {"team_member", id}, {"star", id}, {"permission", "users/" + id}};
        for (const auto& [kind, name] : kinds) {
          TRY_ASSIGN(const auto items,
                     catalog::FindItemsByName(transaction, call.id(), kind, name));
          for (const catalog::GrafanaItem& item : items) {
            TRY(catalog::DeleteItem(transaction, call.id(), kind, item.uid));
          }
        }
        const auto gone = catalog::DeleteItem(transaction, call.id(), "preferences", "user/" + id);
        if (!gone.ok() && !absl::IsNotFound(gone)) return gone;
        return catalog::DeleteItem(transaction, call.id(), "user", row.uid);
      });
  TRY(written);
  return Message(200, "User removed from organization");
}

Answer TeamsOfUser(Face& face, const Call& call) {
  Json list = Json::array();
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto memberships, catalog::FindItemsByName(reader, call.id(), "team_member",
                                                                std::to_string(call.user.id)));
    for (const catalog::GrafanaItem& membership : memberships) {
      const auto team = FindTeam(reader, call.id(), membership.parent);
      if (!team.ok()) continue;
      list.push_back({{"id", team->id},
                      {"uid", team->uid},
                      {"orgId", 1},
                      {"name", team->name},
                      {"email", Stored(team->json).value("email", "")},
                      {"avatarUrl", AvatarUrl(call, team->uid)},
                      {"memberCount", 0}});
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply(list);
}

// ---- stars -------------------------------------------------------------------------------------

Answer Stars(Face& face, const Call& call) {
  TRY_ASSIGN(const auto stars, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::FindItemsByName(reader, call.id(), "star", std::to_string(call.user.id));
  }));
  Json list = Json::array();
  for (const catalog::GrafanaItem& star : stars) list.push_back(star.parent);
  return Reply(list);
}

Handler Star(bool set) {
  return [set](Face& face, const Call& call) -> Answer {
    const absl::Status written =
        face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
          TRY(Named(catalog::GetDashboard(transaction, call.id(), call.argument()),
                    "Dashboard not found"));
          catalog::GrafanaItem star;
          star.workspace = call.id();
          star.kind = "star";
          star.parent = call.argument();
          star.name = std::to_string(call.user.id);
          star.uid = star.parent + "/" + star.name;
          if (set) return catalog::PutItem(transaction, &star);
          const auto status = catalog::DeleteItem(transaction, call.id(), "star", star.uid);
          return absl::IsNotFound(status) ? absl::OkStatus() : status;
        });
    TRY(written);
    return Message(200, set ? "Dashboard starred!" : "Dashboard unstarred");
  };
}

}  // namespace

Person PersonOf(const catalog::GrafanaItem& user) {
  const Json json = Stored(user.json);
  Person person;
  person.id = user.id;
  person.uid = user.uid;
  person.login = user.name;
  person.name = json.value("name", "");
  if (person.name.empty()) person.name = user.name;
  person.email = json.value("email", "");
  ParseRole(json.value("role", ""), &person.role);
  return person;
}

absl::StatusOr<Person> FindPerson(catalog::Reader& reader, std::string_view workspace, int64_t id) {
  const auto row = catalog::GetItemById(reader, workspace, "user", id);
  if (row.ok()) return PersonOf(*row);
  if (!absl::IsNotFound(row.status())) return row.status();
  TRY_ASSIGN(const auto account,
             Named(catalog::GetGrafanaServiceAccount(reader, workspace, id), "user not found"));
  Person person;
  person.id = account.id;
  person.uid = account.uid;
  person.login = account.login;
  person.name = account.name;
  ParseRole(account.role, &person.role);
  person.service_account = true;
  return person;
}

std::vector<Route> PeopleRoutes() {
  const std::string_view read = "org.users:read";
  const std::string_view write = "org.users:write";
  return {
      {"GET", "org/users", Role::kAdmin, read, List},
      {"GET", "org/users/search", Role::kAdmin, read, Search},
      {"GET", "org/users/lookup", Role::kEditor, read, LookUp},
      {"PATCH", "org/users/:id", Role::kAdmin, write, SetRole},
      {"DELETE", "org/users/:id", Role::kAdmin, "org.users:remove", Remove},
      {"GET", "orgs/1/users", Role::kAdmin, read, List},
      {"GET", "users/lookup", Role::kAdmin, "users:read", GetByName},
      {"GET", "users/:id", Role::kAdmin, "users:read", GetUser},
      {"POST", "admin/users", Role::kAdmin, "users:create", Create},
      {"GET", "user/teams", Role::kNone, "", TeamsOfUser},
      {"GET", "user/stars", Role::kViewer, "dashboards:read", Stars},
      {"POST", "user/stars/dashboard/uid/:uid", Role::kViewer, "dashboards:read", Star(true)},
      {"DELETE", "user/stars/dashboard/uid/:uid", Role::kViewer, "dashboards:read", Star(false)},
  };
}

}  // namespace hearth::api::grafana_http

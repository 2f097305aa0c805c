// SPDX-License-Identifier: Apache-2.0
// /api/access-control/<resource>/<key>: who may do what, as the provider reads and sets it; and the
// older /permissions of folders and dashboards. An entry without `permission` takes it away
// (aws-contract.md §13). Source: https://grafana.com/docs/grafana/latest/developers/http_api/
// access_control/
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/people.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

// A kind of resource: its permissions, least first, each with the actions that it adds.
struct Kind {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::vector<std::string_view>>> permissions;
};

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {
      {"dashboards",
       {{"View", {"dashboards:read"}},
        {"Edit", {"dashboards:write", "dashboards:delete"}},
        {"Admin", {"dashboards.permissions:read", "dashboards.permissions:write"}}}},
      {"folders",
       {{"View", {"dashboards:read", "folders:read", "alert.rules:read"}},
        {"Edit",
         {"dashboards:write", "dashboards:create", "dashboards:delete", "folders:write",
          "folders:create", "folders:delete", "alert.rules:write", "alert.rules:create",
          "alert.rules:delete"}},
        {"Admin", {"folders.permissions:read", "folders.permissions:write"}}}},
      {"datasources",
       {{"Query", {"datasources:read", "datasources:query"}},
        {"Edit", {"datasources:write", "datasources:delete"}},
        {"Admin", {"datasources.permissions:read", "datasources.permissions:write"}}}},
      {"serviceaccounts",
       {{"Edit", {"serviceaccounts:read", "serviceaccounts:write"}},
        {"Admin",
         {"serviceaccounts:delete", "serviceaccounts.permissions:read",
          "serviceaccounts.permissions:write"}}}},
  };
  return kinds;
}

const Kind* FindKind(std::string_view name) {
  for (const Kind& kind : Kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

bool Knows(const Kind& kind, std::string_view permission) {
  return std::any_of(kind.permissions.begin(), kind.permissions.end(),
                     [&](const auto& each) { return each.first == permission; });
}

// Sorted by object as Grafana lists them: dashboards, folders, rules, then the permissions' own.
Json ActionsOf(const Kind& kind, std::string_view permission) {
  std::vector<std::string_view> actions;
  for (const auto& [name, adds] : kind.permissions) {
    actions.insert(actions.end(), adds.begin(), adds.end());
    if (name == permission) break;
  }
  const auto rank = [](std::string_view action) {
    const std::string_view object = action.substr(0, action.find(':'));
    return object.ends_with(".permissions") ? 3
           : object == "dashboards"         ? 0
           : object.starts_with("alert")    ? 2
                                            : 1;
  };
  std::stable_sort(actions.begin(), actions.end(),
                   [&](std::string_view a, std::string_view b) { return rank(a) < rank(b); });
  return actions;
}

// What a request is about: it exists, and the caller may see or set its permissions.
struct Target {
  const Kind* kind = nullptr;
  std::string key;
  std::vector<std::string> folders;  // above it, nearest first
  bool provisioned = false;          // brought by a file: the default entries count
};

absl::StatusOr<Target> FindTarget(catalog::Reader& reader, const Call& call,
                                  std::string_view resource, const std::string& key) {
  Target target;
  target.kind = FindKind(resource);
  target.key = key;
  if (target.kind == nullptr) return NotFound("Not found");
  TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
  std::string above;
  if (resource == "dashboards") {
    TRY_ASSIGN(const auto dashboard,
               Named(catalog::GetDashboard(reader, call.id(), key), "Dashboard not found"));
    TRY(access.RequireDashboard(dashboard, kAdmin, "dashboards.permissions:read"));
    above = dashboard.folder_uid;
    target.provisioned = dashboard.provisioned;
  } else if (resource == "folders") {
    TRY_ASSIGN(const auto folder,
               Named(catalog::GetFolder(reader, call.id(), key), "folder not found"));
    TRY(access.RequireFolder(key, kAdmin, "folders.permissions:read"));
    above = folder.parent_uid;
    target.provisioned = folder.created_by.empty();
  } else if (call.user.role < Role::kAdmin) {
    return PermissionDenied(
        "You'll need additional permissions to perform this action. Permissions needed: "
        "{}.permissions:read",
        resource);
  } else if (resource == "datasources") {
    TRY(Named(catalog::GetDataSource(reader, call.id(), key), "Data source not found"));
  } else {
    int64_t id = 0;
    if (!ParseInt64(key, &id)) return InvalidArgument("id is invalid");
    const auto account = FindPerson(reader, call.id(), id);
    if (!account.ok() || !account->service_account) return NotFound("service account not found");
  }
  while (!above.empty()) {
    TRY_ASSIGN(const auto folder, catalog::GetFolder(reader, call.id(), above));
    target.folders.push_back(above);
    above = folder.parent_uid;
  }
  return target;
}

// One entry in the answer's form; false where the user or team is gone.
absl::StatusOr<bool> Describe(catalog::Reader& reader, const Call& call, const Grant& grant,
                              Json* entry) {
  if (grant.subject == "builtInRoles") {
    (*entry)["roleName"] = fmt::format("managed:builtins:{}:permissions", ToLowerAscii(grant.who));
    (*entry)["builtInRole"] = grant.who;
    return true;
  }
  (*entry)["roleName"] = fmt::format("managed:{}:{}:permissions", grant.subject, grant.who);
  int64_t id = 0;
  ParseInt64(grant.who, &id);
  if (grant.subject == "users") {
    const auto person = FindPerson(reader, call.id(), id);
    if (!person.ok()) return false;
    (*entry)["isServiceAccount"] = person->service_account;
    (*entry)["userId"] = person->id;
    (*entry)["userUid"] = person->uid;
    (*entry)["userLogin"] = person->login;
    (*entry)["userAvatarUrl"] = AvatarUrl(call, person->login);
    return true;
  }
  const auto team = FindTeam(reader, call.id(), grant.who);
  if (!team.ok()) return false;
  (*entry)["team"] = team->name;
  (*entry)["teamId"] = team->id;
  (*entry)["teamUid"] = team->uid;
  (*entry)["teamAvatarUrl"] = AvatarUrl(call, team->uid);
  return true;
}

absl::Status AppendGrants(catalog::Reader& reader, const Call& call, const Kind& kind,
                          const std::vector<Grant>& grants, bool inherited, Json* list) {
  for (const Grant& grant : grants) {
    Json entry = {{"id", list->size() + 1},
                  {"roleName", ""},
                  {"isManaged", true},
                  {"isInherited", inherited},
                  {"isServiceAccount", false}};
    TRY_ASSIGN(const bool there, Describe(reader, call, grant, &entry));
    if (!there) continue;
    entry["actions"] = ActionsOf(kind, grant.permission);
    entry["permission"] = grant.permission;
    list->push_back(std::move(entry));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Grant>> GrantsOf(catalog::Reader& reader, const Call& call,
                                            std::string_view resource, const std::string& key,
                                            bool provisioned) {
  TRY_ASSIGN(std::vector<Grant> grants, ListGrants(reader, call.id(), resource, key));
  if (provisioned && grants.empty()) {
    grants = {{"builtInRoles", "Editor", "Edit"}, {"builtInRoles", "Viewer", "View"}};
  }
  return grants;
}

absl::StatusOr<Json> ListOf(catalog::Reader& reader, const Call& call, const Target& target) {
  Json list = Json::array();
  const Kind& kind = *target.kind;
  TRY_ASSIGN(const auto own, GrantsOf(reader, call, kind.name, target.key, target.provisioned));
  TRY(AppendGrants(reader, call, kind, own, false, &list));
  for (const std::string& uid : target.folders) {
    TRY_ASSIGN(const auto folder, catalog::GetFolder(reader, call.id(), uid));
    TRY_ASSIGN(const auto grants,
               GrantsOf(reader, call, "folders", uid, folder.created_by.empty()));
    TRY(AppendGrants(reader, call, kind, grants, true, &list));
  }
  if (kind.name == "serviceaccounts") return list;
  // What no entry gives and none can take away.
  list.push_back({{"id", list.size() + 1},
                  {"roleName", "basic:admin"},
                  {"isManaged", false},
                  {"isInherited", false},
                  {"isServiceAccount", false},
                  {"builtInRole", "Admin"},
                  {"actions", ActionsOf(kind, "Admin")},
                  {"permission", "Admin"}});
  return list;
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(const Json list,
             face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Json> {
               TRY_ASSIGN(const Target target,
                          FindTarget(reader, call, call.argument(0), call.argument(1)));
               return ListOf(reader, call, target);
             }));
  return Reply(list);
}

// The user, team or role is there, and the permission is one of this kind's.
absl::Status CheckGrant(catalog::Reader& reader, const Call& call, const Kind& kind,
                        const Grant& grant) {
  if (!grant.permission.empty() && !Knows(kind, grant.permission)) {
    return InvalidArgument("{} is no permission of {}", grant.permission, kind.name);
  }
  if (grant.subject == "builtInRoles") {
    Role role = Role::kNone;
    if (ParseRole(grant.who, &role) && grant.who == RoleName(role) && role != Role::kNone) {
      return absl::OkStatus();
    }
    return InvalidArgument("{} is no basic role: Viewer, Editor or Admin", grant.who);
  }
  // What is gone may still be taken away.
  if (grant.permission.empty()) return absl::OkStatus();
  int64_t id = 0;
  if (!ParseInt64(grant.who, &id)) return InvalidArgument("{} is no id", grant.who);
  if (grant.subject == "users") return FindPerson(reader, call.id(), id).status();
  return FindTeam(reader, call.id(), grant.who).status();
}

absl::StatusOr<std::vector<Grant>> ReadGrants(const Json& list) {
  std::vector<Grant> grants;
  for (const Json& each : list) {
    if (!each.is_object()) return InvalidArgument("permissions must be a list of objects");
    Body entry(each, "permissions.");
    Grant grant;
    grant.permission = entry.Text("permission");
    const int64_t user = entry.Number("userId");
    const int64_t team = entry.Number("teamId");
    const std::string role = entry.Text("builtInRole");
    TRY(entry.status());
    if ((user != 0) + (team != 0) + (!role.empty() ? 1 : 0) != 1) {
      return InvalidArgument("each of permissions names one of userId, teamId and builtInRole");
    }
    grant.subject = user != 0 ? "users" : team != 0 ? "teams" : "builtInRoles";
    grant.who = !role.empty() ? role : std::to_string(user != 0 ? user : team);
    grants.push_back(std::move(grant));
  }
  return grants;
}

absl::Status Apply(catalog::Transaction& transaction, const Call& call, const Target& target,
                   const std::vector<Grant>& grants) {
  constexpr size_t kGrantsMax = 1000;  // of one object; a team serves where more are wanted
  for (const Grant& grant : grants) {
    TRY(CheckGrant(transaction, call, *target.kind, grant));
    TRY(SetGrant(transaction, call.id(), target.kind->name, target.key, grant));
  }
  TRY_ASSIGN(const auto now, ListGrants(transaction, call.id(), target.kind->name, target.key));
  if (now.size() > kGrantsMax) {
    return InvalidArgument("{} permissions of one object exceed the limit of {}", now.size(),
                           kGrantsMax);
  }
  return absl::OkStatus();
}

Answer Set(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const Json list = body.Array("permissions");
  TRY(body.status());
  TRY_ASSIGN(const auto grants, ReadGrants(list));
  TRY(face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(const Target target,
               FindTarget(transaction, call, call.argument(0), call.argument(1)));
    return Apply(transaction, call, target, grants);
  }));
  return Message(200, "Permissions updated");
}

Handler SetOne(std::string subject) {
  return [subject](Face& face, const Call& call) -> Answer {
    TRY_ASSIGN(Body body, Body::Of(call));
    const Grant grant = {subject, call.argument(2), body.Text("permission")};
    TRY(body.status());
    TRY(face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
      TRY_ASSIGN(const Target target,
                 FindTarget(transaction, call, call.argument(0), call.argument(1)));
      Grant stored = grant;
      if (subject == "teams") {
        // Teams are named by uid too.
        const auto team = FindTeam(transaction, call.id(), grant.who);
        if (team.ok()) stored.who = std::to_string(team->id);
      }
      return Apply(transaction, call, target, {stored});
    }));
    return Message(200, grant.permission.empty() ? "Permission removed" : "Permission updated");
  };
}

Answer Description(Face&, const Call& call) {
  const Kind* kind = FindKind(call.argument());
  if (kind == nullptr) return NotFound("Not found");
  Json names = Json::array();
  for (const auto& [name, actions] : kind->permissions) names.push_back(name);
  return Reply({{"assignments",
                 {{"users", true},
                  {"serviceAccounts", true},
                  {"teams", true},
                  {"builtInRoles", kind->name != "serviceaccounts"}}},
                {"permissions", std::move(names)}});
}

// ---- the older form: numbers for permissions, POST replaces all --------------------------------

constexpr std::pair<int, std::string_view> kNumbers[] = {{1, "View"}, {2, "Edit"}, {4, "Admin"}};

Handler OldList(std::string_view resource) {
  return [resource](Face& face, const Call& call) -> Answer {
    Json list = Json::array();
    const auto read = [&](catalog::Reader& reader) -> absl::Status {
      TRY_ASSIGN(const Target target, FindTarget(reader, call, resource, call.argument()));
      TRY_ASSIGN(const Json entries, ListOf(reader, call, target));
      for (const Json& entry : entries) {
        if (!entry.value("isManaged", false)) continue;
        const std::string name = entry.value("permission", "");
        int number = 0;
        for (const auto& [value, text] : kNumbers) {
          if (name == text) number = value;
        }
        Json item = {{"uid", target.key},
                     {"userId", entry.value("userId", 0)},
                     {"userLogin", entry.value("userLogin", "")},
                     {"teamId", entry.value("teamId", 0)},
                     {"team", entry.value("team", "")},
                     {"permission", number},
                     {"permissionName", name},
                     {"inherited", entry.value("isInherited", false)}};
        if (entry.contains("builtInRole")) item["role"] = entry["builtInRole"];
        list.push_back(std::move(item));
      }
      return absl::OkStatus();
    };
    TRY(face.catalog().Read(read));
    return Reply(list);
  };
}

absl::StatusOr<std::vector<Grant>> OldGrants(const Json& items) {
  std::vector<Grant> grants;
  for (const Json& each : items) {
    if (!each.is_object()) return InvalidArgument("items must be a list of objects");
    Body item(each, "items.");
    const int64_t number = item.Number("permission");
    Json entry = {{"userId", item.Number("userId")},
                  {"teamId", item.Number("teamId")},
                  {"builtInRole", item.Text("role")}};
    TRY(item.status());
    for (const auto& [value, text] : kNumbers) {
      if (number == value) entry["permission"] = text;
    }
    if (!entry.contains("permission")) {
      return InvalidArgument("permission must be 1 (View), 2 (Edit) or 4 (Admin), not {}", number);
    }
    TRY_ASSIGN(const auto read, ReadGrants(Json::array({entry})));
    grants.push_back(read[0]);
  }
  return grants;
}

Handler OldSet(std::string_view resource) {
  return [resource](Face& face, const Call& call) -> Answer {
    TRY_ASSIGN(Body body, Body::Of(call));
    const Json items = body.Array("items");
    TRY(body.status());
    TRY_ASSIGN(const auto grants, OldGrants(items));
    const absl::Status written =
        face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
          TRY_ASSIGN(const Target target, FindTarget(transaction, call, resource, call.argument()));
          TRY(DropGrants(transaction, call.id(), resource, target.key));
          return Apply(transaction, call, target, grants);
        });
    TRY(written);
    return Message(200, resource == "folders" ? "Folder permissions updated"
                                              : "Dashboard permissions updated");
  };
}

}  // namespace

std::vector<Route> PermissionRoutes() {
  // Who may is decided by each object's own entries.
  const std::string_view read = "permissions:read";
  const std::string_view write = "permissions:write";
  return {
      {"GET", "access-control/:resource/description", Role::kViewer, read, Description},
      {"GET", "access-control/:resource/:key", Role::kViewer, read, Get},
      {"POST", "access-control/:resource/:key", Role::kViewer, write, Set},
      {"POST", "access-control/:resource/:key/users/:id", Role::kViewer, write, SetOne("users")},
      {"POST", "access-control/:resource/:key/teams/:id", Role::kViewer, write, SetOne("teams")},
      {"POST", "access-control/:resource/:key/builtInRoles/:role", Role::kViewer, write,
       SetOne("builtInRoles")},
      {"GET", "folders/:uid/permissions", Role::kViewer, read, OldList("folders")},
      {"POST", "folders/:uid/permissions", Role::kViewer, write, OldSet("folders")},
      {"GET", "dashboards/uid/:uid/permissions", Role::kViewer, read, OldList("dashboards")},
      {"POST", "dashboards/uid/:uid/permissions", Role::kViewer, write, OldSet("dashboards")},
  };
}

}  // namespace hearth::api::grafana_http

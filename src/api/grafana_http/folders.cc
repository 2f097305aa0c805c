// SPDX-License-Identifier: Apache-2.0
// /api/folders. Source: https://grafana.com/docs/grafana/latest/developers/http_api/folder/ and
// aws-contract.md §13.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kMissing = "folder not found";
constexpr size_t kDescriptionBytesMax = 10'000;

// Errors of folders carry which one it is.
Answer WithWord(const absl::Status& status) {
  if (absl::IsNotFound(status)) return StatusMessage(404, kMissing, "not-found");
  if (absl::IsAborted(status)) {
    return StatusMessage(412, "the folder has been changed by someone else", "version-mismatch");
  }
  return status;
}

absl::StatusOr<catalog::Folder> Find(catalog::Reader& reader, const Call& call,
                                     std::string_view uid) {
  return Named(catalog::GetFolder(reader, call.id(), uid), kMissing);
}

net::HttpResponse General() {
  return Reply({{"id", 0},
                {"uid", "general"},
                {"orgId", 1},
                {"title", "General"},
                {"url", ""},
                {"hasAcl", false},
                {"canSave", true},
                {"canEdit", true},
                {"canAdmin", true},
                {"canDelete", false},
                {"createdBy", "Anonymous"},
                {"created", Rfc3339(0)},
                {"updatedBy", "Anonymous"},
                {"updated", Rfc3339(0)},
                {"version", 0}});
}

Answer List(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t limit, call.Number("limit", 1000, 1, 10'000));
  TRY_ASSIGN(const int64_t page, call.Number("page", 1, 0, 1'000'000));
  const Level wanted = call.Parameter("permission") == "Edit" ? kEdit : kView;
  const std::string_view parent = call.Parameter("parentUid");
  Json list = Json::array();
  TRY(face.catalog().Read([&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    TRY_ASSIGN(const auto folders, catalog::ListFolders(reader, call.id()));
    int64_t skip = (std::max<int64_t>(page, 1) - 1) * limit;
    for (const catalog::Folder& folder : folders) {
      if (folder.parent_uid != parent || access.Folder(folder.uid) < wanted) continue;
      if (skip-- > 0) continue;
      if (static_cast<int64_t>(list.size()) == limit) break;
      Json entry = {{"id", folder.id}, {"uid", folder.uid}, {"title", folder.title}};
      if (!folder.parent_uid.empty()) entry["parentUid"] = folder.parent_uid;
      list.push_back(std::move(entry));
    }
    return absl::OkStatus();
  }));
  return Reply(list);
}

Answer Get(Face& face, const Call& call, bool by_id) {
  if (!by_id && call.argument() == "general") return General();
  const auto json = face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Json> {
    int64_t id = 0;
    if (by_id && !ParseInt64(call.argument(), &id)) return InvalidArgument("id is invalid");
    TRY_ASSIGN(const catalog::Folder folder,
               by_id ? catalog::GetFolderById(reader, call.id(), id)
                     : catalog::GetFolder(reader, call.id(), call.argument()));
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    TRY(access.RequireFolder(folder.uid, kView, "folders:read"));
    return FolderJson(reader, call, folder, access.Folder(folder.uid));
  });
  if (!json.ok()) return WithWord(json.status());
  return Reply(*json);
}

Answer Counts(Face& face, const Call& call) {
  int64_t dashboards = 0;
  int64_t folders = 0;
  int64_t rules = 0;
  int64_t elements = 0;
  const auto status = face.catalog().Read([&](catalog::Reader& reader) -> absl::Status {
    TRY(Find(reader, call, call.argument()));
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    TRY(access.RequireFolder(call.argument(), kView, "folders:read"));
    TRY_ASSIGN(const auto all_folders, catalog::ListFolders(reader, call.id()));
    std::vector<std::string> in = {call.argument()};
    for (size_t i = 0; i < in.size(); ++i) {
      for (const catalog::Folder& folder : all_folders) {
        if (folder.parent_uid == in[i]) in.push_back(folder.uid);
      }
    }
    folders = static_cast<int64_t>(in.size()) - 1;
    TRY_ASSIGN(const auto boards, catalog::ListDashboards(reader, call.id()));
    for (const catalog::Dashboard& board : boards) {
      if (std::find(in.begin(), in.end(), board.folder_uid) != in.end()) ++dashboards;
    }
    for (const std::string& uid : in) {
      TRY_ASSIGN(const auto r, catalog::ListItemsOf(reader, call.id(), "alert_rule", uid));
      TRY_ASSIGN(const auto e, catalog::ListItemsOf(reader, call.id(), "library_element", uid));
      rules += static_cast<int64_t>(r.size());
      elements += static_cast<int64_t>(e.size());
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return WithWord(status);
  return Reply({{"alertrule", rules},
                {"dashboard", dashboards},
                {"folder", folders},
                {"librarypanel", elements}});
}

absl::Status CheckText(const catalog::Folder& folder) {
  if (TrimSpace(folder.title).empty()) return InvalidArgument("folder title cannot be empty");
  if (folder.title.size() > kTitleBytesMax) {
    return InvalidArgument("a folder title of {} bytes exceeds the limit of {} bytes",
                           folder.title.size(), kTitleBytesMax);
  }
  if (folder.description.size() > kDescriptionBytesMax) {
    return InvalidArgument("a folder description of {} bytes exceeds the limit of {} bytes",
                           folder.description.size(), kDescriptionBytesMax);
  }
  return absl::OkStatus();
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::Folder folder;
  folder.workspace = call.id();
  folder.title = body.Text("title");
  folder.uid = body.Text("uid");
  folder.parent_uid = body.Text("parentUid");
  folder.description = body.Text("description");
  folder.created_by = folder.updated_by = call.user.login;
  TRY(body.status());
  TRY(CheckText(folder));
  TRY(CheckUid(folder.uid));
  if (folder.uid == "general") return InvalidArgument("uid general is Grafana's own");
  if (folder.parent_uid == "general") folder.parent_uid.clear();
  const auto json =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Json> {
        TRY_ASSIGN(const AccessList access, AccessList::Load(transaction, call));
        TRY(access.RequireFolder(folder.parent_uid, kEdit, "folders:create"));
        TRY_ASSIGN(const auto all, catalog::ListFolders(transaction, call.id()));
        if (all.size() >= kFoldersMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} folders",
                                   kFoldersMax);
        }
        if (FindFolder(all, folder.uid) != nullptr) {
          return AlreadyExists("a folder with the same uid already exists: {}", folder.uid);
        }
        if (!folder.parent_uid.empty()) TRY(Find(transaction, call, folder.parent_uid));
        TRY(catalog::CreateFolder(transaction, &folder));
        TRY(GrantDefaults(transaction, call, "folders", folder.uid, folder.parent_uid.empty(),
                          /*creator=*/false));
        return FolderJson(transaction, call, folder,
                          std::max(kEdit, access.Folder(folder.parent_uid)));
      });
  if (!json.ok()) return WithWord(json.status());
  return Reply(*json);
}

Answer Update(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const std::string title = body.Text("title");
  const int64_t version = body.Number("version");
  const bool overwrite = body.Flag("overwrite");
  const std::string new_uid = body.Text("uid");
  TRY(body.status());
  if (!new_uid.empty() && new_uid != call.argument()) {
    return InvalidArgument("the uid of a folder cannot be changed");
  }
  const auto json =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Json> {
        TRY_ASSIGN(catalog::Folder folder, Find(transaction, call, call.argument()));
        TRY_ASSIGN(const AccessList access, AccessList::Load(transaction, call));
        TRY(access.RequireFolder(folder.uid, kEdit, "folders:write"));
        if (!overwrite && version != folder.revision) return absl::AbortedError("version");
        if (body.Has("title") || !body.Has("description")) folder.title = title;
        if (body.Has("description")) folder.description = body.Text("description");
        folder.updated_by = call.user.login;
        TRY(CheckText(folder));
        TRY(catalog::UpdateFolder(transaction, &folder));
        return FolderJson(transaction, call, folder, access.Folder(folder.uid));
      });
  if (!json.ok()) return WithWord(json.status());
  return Reply(*json);
}

Answer Move(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  std::string parent = body.Text("parentUid");
  TRY(body.status());
  if (parent == "general") parent.clear();
  const auto json =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Json> {
        TRY_ASSIGN(catalog::Folder folder, Find(transaction, call, call.argument()));
        TRY_ASSIGN(const AccessList access, AccessList::Load(transaction, call));
        TRY(access.RequireFolder(folder.uid, kEdit, "folders:write"));
        TRY(access.RequireFolder(parent, kEdit, "folders:create"));
        if (!parent.empty()) TRY(Find(transaction, call, parent));
        folder.parent_uid = parent;
        folder.updated_by = call.user.login;
        TRY(catalog::UpdateFolder(transaction, &folder));
        return FolderJson(transaction, call, folder, access.Folder(folder.uid));
      });
  if (!json.ok()) return WithWord(json.status());
  return Reply(*json);
}

// Alert rules go with their folder only where the caller says so.
absl::Status DropContents(catalog::Transaction& transaction, const Call& call,
                          const std::vector<std::string>& folders, bool force_rules) {
  for (const std::string& uid : folders) {
    TRY_ASSIGN(const auto rules, catalog::ListItemsOf(transaction, call.id(), "alert_rule", uid));
    if (!rules.empty() && !force_rules) {
      return InvalidArgument(
          "folder cannot be deleted: folder contains alert rules ({}); delete them, or send "
          "forceDeleteRules=true",
          rules.size());
    }
    for (const char* kind : {"alert_rule", "alert_group", "library_element"}) {
      TRY(catalog::DeleteItemsOf(transaction, call.id(), kind, uid));
    }
    TRY(DropGrants(transaction, call.id(), "folders", uid));
  }
  return absl::OkStatus();
}

Answer Delete(Face& face, const Call& call) {
  const bool force = call.Parameter("forceDeleteRules") == "true";
  const auto folder = face.catalog().Write(
      [&](catalog::Transaction& transaction) -> absl::StatusOr<catalog::Folder> {
        TRY_ASSIGN(catalog::Folder found, Find(transaction, call, call.argument()));
        TRY_ASSIGN(const AccessList access, AccessList::Load(transaction, call));
        TRY(access.RequireFolder(found.uid, kEdit, "folders:delete"));
        TRY_ASSIGN(const auto all, catalog::ListFolders(transaction, call.id()));
        std::vector<std::string> going = {found.uid};
        for (size_t i = 0; i < going.size(); ++i) {
          for (const catalog::Folder& child : all) {
            if (child.parent_uid == going[i]) going.push_back(child.uid);
          }
        }
        TRY(DropContents(transaction, call, going, force));
        TRY_ASSIGN(const auto dashboards, catalog::DeleteFolder(transaction, call.id(), found.uid));
        for (const std::string& uid : dashboards) {
          TRY(DropBelongings(transaction, call.id(), uid));
        }
        return found;
      });
  if (!folder.ok()) return WithWord(folder.status());
  return Reply({{"id", folder->id},
                {"message", fmt::format("Folder {} deleted", folder->title)},
                {"title", folder->title}});
}

}  // namespace

const catalog::Folder* FindFolder(const std::vector<catalog::Folder>& folders,
                                  std::string_view uid) {
  for (const catalog::Folder& folder : folders) {
    if (!uid.empty() && folder.uid == uid) return &folder;
  }
  return nullptr;
}

std::string FolderUrl(const Call& call, const catalog::Folder& folder) {
  return fmt::format("{}/dashboards/f/{}/{}", call.base, folder.uid, Slug(folder.title));
}

absl::StatusOr<Json> FolderJson(catalog::Reader& reader, const Call& call,
                                const catalog::Folder& folder, Level level) {
  const auto shape = [&](const catalog::Folder& one) {
    Json json = {{"id", one.id},
                 {"uid", one.uid},
                 {"orgId", 1},
                 {"title", one.title},
                 {"url", FolderUrl(call, one)},
                 {"hasAcl", false},
                 {"canSave", level >= kEdit},
                 {"canEdit", level >= kEdit},
                 {"canAdmin", level >= kAdmin},
                 {"canDelete", level >= kEdit},
                 {"createdBy", one.created_by},
                 {"created", Rfc3339(one.created_ms)},
                 {"updatedBy", one.updated_by},
                 {"updated", Rfc3339(one.updated_ms)},
                 {"version", one.revision}};
    if (!one.description.empty()) json["description"] = one.description;
    if (!one.parent_uid.empty()) json["parentUid"] = one.parent_uid;
    return json;
  };
  Json json = shape(folder);
  Json parents = Json::array();
  for (std::string at = folder.parent_uid; !at.empty();) {
    TRY_ASSIGN(const catalog::Folder parent, catalog::GetFolder(reader, call.id(), at));
    parents.insert(parents.begin(), shape(parent));
    at = parent.parent_uid;
  }
  if (!parents.empty()) json["parents"] = std::move(parents);
  return json;
}

std::vector<Route> FolderRoutes() {
  const auto get = [](bool by_id) -> Handler {
    return [by_id](Face& face, const Call& call) { return Get(face, call, by_id); };
  };
  return {
      {"GET", "folders", Role::kViewer, "folders:read", List},
      {"POST", "folders", Role::kViewer, "folders:create", Create},
      {"GET", "folders/id/:id", Role::kViewer, "folders:read", get(true)},
      {"GET", "folders/:uid", Role::kViewer, "folders:read", get(false)},
      {"PUT", "folders/:uid", Role::kViewer, "folders:write", Update},
      {"DELETE", "folders/:uid", Role::kViewer, "folders:delete", Delete},
      {"GET", "folders/:uid/counts", Role::kViewer, "folders:read", Counts},
      {"POST", "folders/:uid/move", Role::kViewer, "folders:write", Move},
  };
}

}  // namespace hearth::api::grafana_http

// SPDX-License-Identifier: Apache-2.0
// /api/library-elements: panels that several dashboards share. Source:
// https://grafana.com/docs/grafana/latest/developers/http_api/library_element/
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/people.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kKind = "library_element";
constexpr std::string_view kMissing = "library element could not be found";
constexpr std::string_view kTaken = "library element with that name or UID already exists";
constexpr size_t kElementsMax = 2000;  // as many as dashboards
constexpr size_t kNameBytesMax = 150;  // Grafana's column

Json Maker(catalog::Reader& reader, const Call& call, const std::string& login) {
  int64_t id = 0;
  const auto users = catalog::FindItemsByName(reader, call.id(), "user", login);
  if (users.ok() && !users->empty()) id = users->front().id;
  if (login == call.user.login) id = call.user.id;  // a service account is no row of users
  return {{"id", id}, {"name", login}, {"avatarUrl", AvatarUrl(call, login)}};
}

absl::StatusOr<Json> Shape(catalog::Reader& reader, const Call& call,
                           const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  const Json model = own.value("model", Json::object());
  int64_t folder_id = 0;
  std::string folder_name = "General";
  if (!item.parent.empty()) {
    TRY_ASSIGN(const auto folder, catalog::GetFolder(reader, call.id(), item.parent));
    folder_id = folder.id;
    folder_name = folder.title;
  }
  TRY_ASSIGN(const auto connections,
             catalog::FindItemsByName(reader, call.id(), "library_connection", item.uid));
  const auto text = [&model](const char* key) {
    const auto found = model.find(key);
    return found != model.end() && found->is_string() ? found->get<std::string>() : "";
  };
  return Json{{"id", item.id},
              {"orgId", 1},
              {"folderId", folder_id},
              {"folderUid", item.parent},
              {"uid", item.uid},
              {"name", item.name},
              {"kind", own.value("kind", int64_t{1})},
              {"type", text("type")},
              {"description", text("description")},
              {"model", model},
              {"version", item.revision},
              {"meta",
               {{"folderName", folder_name},
                {"folderUid", item.parent},
                {"connectedDashboards", connections.size()},
                {"created", Rfc3339(item.created_ms)},
                {"updated", Rfc3339(item.updated_ms)},
                {"createdBy", Maker(reader, call, item.created_by)},
                {"updatedBy", Maker(reader, call, item.updated_by)}}}};
}

absl::Status MayIn(catalog::Reader& reader, const Call& call, const std::string& folder,
                   Level wanted, std::string_view permission) {
  TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
  return access.RequireFolder(folder, wanted, permission);
}

absl::StatusOr<catalog::GrafanaItem> Find(catalog::Reader& reader, const Call& call, Level wanted,
                                          std::string_view permission) {
  TRY_ASSIGN(auto item,
             Named(catalog::GetItem(reader, call.id(), kKind, call.argument()), kMissing));
  TRY(MayIn(reader, call, item.parent, wanted, permission));
  return item;
}

// Folder by uid, or by the number of older clients.
absl::Status FindFolderOf(catalog::Reader& reader, const Call& call, Body& body,
                          std::string* folder) {
  if (body.Has("folderUid")) *folder = body.Text("folderUid");
  const int64_t id = body.Number("folderId");
  TRY(body.status());
  if (!body.Has("folderUid") && id > 0) {
    TRY_ASSIGN(const auto row,
               Named(catalog::GetFolderById(reader, call.id(), id), "folder not found"));
    *folder = row.uid;
  }
  if (*folder == "general") folder->clear();
  if (folder->empty()) return absl::OkStatus();
  const auto row = catalog::GetFolder(reader, call.id(), *folder);
  return absl::IsNotFound(row.status()) ? InvalidArgument("folder not found: {}", *folder)
                                        : row.status();
}

absl::Status CheckName(catalog::Reader& reader, const catalog::GrafanaItem& item) {
  TRY_ASSIGN(const auto same, catalog::FindItemsByName(reader, item.workspace, kKind, item.name));
  for (const catalog::GrafanaItem& other : same) {
    if (other.uid != item.uid && other.parent == item.parent) {
      return InvalidArgument("{}", kTaken);
    }
  }
  return absl::OkStatus();
}

// Grafana keeps name, type and description of the element in its model too.
Json Completed(Json model) {
  if (!model.contains("description")) model["description"] = "";
  return model;
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kKind;
  item.uid = body.Text("uid");
  item.name = body.Required("name", kNameBytesMax);
  const int64_t kind = body.Number("kind");
  item.json = Dump({{"kind", kind}, {"model", Completed(body.Object("model"))}});
  item.created_by = item.updated_by = call.user.login;
  TRY(body.status());
  TRY(CheckUid(item.uid));
  if (kind != 1) return InvalidArgument("kind must be 1 (a panel), not {}", kind);
  if (!body.Has("model")) return InvalidArgument("bad request data: model is required");
  TRY_ASSIGN(const Json shape,
             face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Json> {
               TRY(FindFolderOf(transaction, call, body, &item.parent));
               TRY(MayIn(transaction, call, item.parent, kEdit, "library.panels:create"));
               TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), kKind));
               if (static_cast<size_t>(count) >= kElementsMax) {
                 return ResourceExhausted(
                     "Quota reached: a workspace has at most {} library panels", kElementsMax);
               }
               TRY(CheckName(transaction, item));
               const auto created = catalog::CreateItem(transaction, &item);
               if (absl::IsAlreadyExists(created)) return InvalidArgument("{}", kTaken);
               TRY(created);
               return Shape(transaction, call, item);
             }));
  return Reply({{"result", shape}});
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(const Json shape,
             face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Json> {
               TRY_ASSIGN(const auto item, Find(reader, call, kView, "library.panels:read"));
               return Shape(reader, call, item);
             }));
  return Reply({{"result", shape}});
}

Answer GetByName(Face& face, const Call& call) {
  Json list = Json::array();
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto items,
               catalog::FindItemsByName(reader, call.id(), kKind, call.argument()));
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    for (const catalog::GrafanaItem& item : items) {
      if (access.Folder(item.parent) < kView) continue;
      TRY_ASSIGN(Json shape, Shape(reader, call, item));
      list.push_back(std::move(shape));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  if (list.empty()) return NotFound("{}", kMissing);
  return Reply({{"result", std::move(list)}});
}

Answer List(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t per_page, call.Number("perPage", 100, 1, 10'000));
  TRY_ASSIGN(const int64_t page, call.Number("page", 1, 1, 1'000'000));
  const std::string text = ToLowerAscii(call.Parameter("searchString"));
  std::vector<std::string_view> folders;
  if (const auto filter = call.Parameter("folderFilterUIDs"); !filter.empty()) {
    folders = Split(filter, ',');
  }
  Json elements = Json::array();
  int64_t total = 0;
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(auto items, catalog::ListItems(reader, call.id(), kKind));
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    std::stable_sort(items.begin(), items.end(), [&](const auto& a, const auto& b) {
      return call.Parameter("sortDirection") == "alpha-desc" ? b.name < a.name : a.name < b.name;
    });
    for (const catalog::GrafanaItem& item : items) {
      const std::string_view in = item.parent.empty() ? "general" : std::string_view(item.parent);
      if (!folders.empty() && std::find(folders.begin(), folders.end(), in) == folders.end()) {
        continue;
      }
      if (ToLowerAscii(item.name).find(text) == std::string::npos) continue;
      if (item.uid == call.Parameter("excludeUid")) continue;
      if (access.Folder(item.parent) < kView) continue;
      if (total++ < (page - 1) * per_page) continue;
      if (static_cast<int64_t>(elements.size()) == per_page) continue;
      TRY_ASSIGN(Json shape, Shape(reader, call, item));
      elements.push_back(std::move(shape));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply({{"result",
                 {{"totalCount", total},
                  {"elements", std::move(elements)},
                  {"page", page},
                  {"perPage", per_page}}}});
}

Answer Change(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const auto shape =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Json> {
        TRY_ASSIGN(auto item, Find(transaction, call, kEdit, "library.panels:write"));
        if (body.Number("version") != item.revision) {
          return absl::AbortedError("the library element has been changed by someone else");
        }
        Json own = Stored(item.json);
        if (body.Has("name")) item.name = body.Required("name", kNameBytesMax);
        if (body.Has("model")) own["model"] = Completed(body.Object("model"));
        TRY(FindFolderOf(transaction, call, body, &item.parent));
        TRY(MayIn(transaction, call, item.parent, kEdit, "library.panels:create"));
        TRY(CheckName(transaction, item));
        item.json = Dump(own);
        item.updated_by = call.user.login;
        TRY(catalog::UpdateItem(transaction, &item));
        return Shape(transaction, call, item);
      });
  TRY(shape);
  return Reply({{"result", *shape}});
}

Answer Delete(Face& face, const Call& call) {
  TRY_ASSIGN(const auto item, face.catalog().Write([&](catalog::Transaction& transaction)
                                                       -> absl::StatusOr<catalog::GrafanaItem> {
    TRY_ASSIGN(auto found, Find(transaction, call, kEdit, "library.panels:delete"));
    TRY_ASSIGN(const auto connections,
               catalog::FindItemsByName(transaction, call.id(), "library_connection", found.uid));
    if (!connections.empty()) {
      return PermissionDenied("the library element has connections");
    }
    TRY(catalog::DeleteItem(transaction, call.id(), kKind, found.uid));
    return found;
  }));
  return Reply({{"message", "Library element deleted"}, {"id", item.id}});
}

Answer Connections(Face& face, const Call& call) {
  Json list = Json::array();
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto item, Find(reader, call, kView, "library.panels:read"));
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    TRY_ASSIGN(const auto connections,
               catalog::FindItemsByName(reader, call.id(), "library_connection", item.uid));
    for (const catalog::GrafanaItem& connection : connections) {
      const auto dashboard = catalog::GetDashboard(reader, call.id(), connection.parent);
      if (!dashboard.ok() || access.Dashboard(*dashboard) < kView) continue;
      list.push_back({{"id", connection.id},
                      {"kind", 1},
                      {"elementId", item.id},
                      {"connectionId", dashboard->id},
                      {"connectionUid", dashboard->uid},
                      {"created", Rfc3339(connection.created_ms)},
                      {"createdBy", Maker(reader, call, connection.created_by)}});
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply({{"result", std::move(list)}});
}

}  // namespace

std::vector<Route> LibraryRoutes() {
  const std::string_view read = "library.panels:read";
  return {
      {"GET", "library-elements", Role::kViewer, read, List},
      {"POST", "library-elements", Role::kViewer, "library.panels:create", Create},
      {"GET", "library-elements/name/:name", Role::kViewer, read, GetByName},
      {"GET", "library-elements/:uid", Role::kViewer, read, Get},
      {"PATCH", "library-elements/:uid", Role::kViewer, "library.panels:write", Change},
      {"DELETE", "library-elements/:uid", Role::kViewer, "library.panels:delete", Delete},
      {"GET", "library-elements/:uid/connections", Role::kViewer, read, Connections},
  };
}

}  // namespace hearth::api::grafana_http

// SPDX-License-Identifier: Apache-2.0
// Folders, dashboards, data sources, settings: catalog rows in Grafana's JSON.
#include <absl/time/time.h>
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/grafana_http.h"
#include "base/status.h"
#include "grafana/reader_role.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Rfc3339(int64_t ms) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

// "Cluster health" → "cluster-health", as Grafana's links have it.
std::string Slug(std::string_view title) {
  std::string slug;
  for (const char c : ToLowerAscii(title)) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keep) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "dashboard" : slug;
}

std::string DashboardUrl(const catalog::Dashboard& dashboard) {
  return "/d/" + dashboard.uid + "/" + Slug(dashboard.title);
}

Json DataSourceJson(const catalog::DataSource& source) {
  Json data = Json::parse(source.json_data, nullptr, false);
  if (!data.is_object()) data = Json::object();
  Json fields = Json::object();
  for (const auto& [name, value] : source.secure_json_data) fields[name] = true;
  return {{"id", source.id},
          {"uid", source.uid},
          {"orgId", 1},
          {"name", source.name},
          {"type", source.type},
          {"typeLogoUrl", ""},
          {"access", source.access},
          {"url", source.url},
          {"user", source.user},
          {"database", source.database},
          {"basicAuth", source.basic_auth},
          {"basicAuthUser", source.basic_auth_user},
          {"withCredentials", source.with_credentials},
          {"isDefault", source.is_default},
          {"jsonData", std::move(data)},
          {"secureJsonFields", std::move(fields)},
          {"version", source.revision},
          {"readOnly", source.read_only}};
}

Json FolderJson(const catalog::Folder& folder) {
  return {{"id", folder.id},
          {"uid", folder.uid},
          {"orgId", 1},
          {"title", folder.title},
          {"url", "/dashboards/f/" + folder.uid + "/" + Slug(folder.title)},
          {"hasAcl", false},
          {"canSave", false},
          {"canEdit", false},
          {"canAdmin", false},
          {"canDelete", false},
          {"createdBy", folder.created_by},
          {"created", Rfc3339(folder.created_ms)},
          {"updatedBy", folder.updated_by},
          {"updated", Rfc3339(folder.updated_ms)},
          {"version", folder.revision},
          {"parentUid", folder.parent_uid}};
}

bool ContainsIgnoringCase(std::string_view text, std::string_view part) {
  return ToLowerAscii(text).find(ToLowerAscii(part)) != std::string::npos;
}

std::string FolderTitle(const std::vector<catalog::Folder>& folders, std::string_view uid) {
  for (const catalog::Folder& folder : folders) {
    if (folder.uid == uid) return folder.title;
  }
  return "";
}

}  // namespace

net::HttpResponse GrafanaMessage(int status, std::string_view message) {
  return net::JsonResponse(status, Dump(Json{{"message", message}}));
}

net::HttpResponse GrafanaError(const absl::Status& status, std::string_view missing) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return GrafanaMessage(404, missing);
    case absl::StatusCode::kInvalidArgument:
      return GrafanaMessage(400, Message(status));
    case absl::StatusCode::kPermissionDenied:
      return GrafanaMessage(403, Message(status));
    case absl::StatusCode::kAlreadyExists:
      return GrafanaMessage(409, Message(status));
    case absl::StatusCode::kUnavailable:
      return GrafanaMessage(503, Message(status));
    default:
      return GrafanaMessage(500, Message(status));
  }
}

net::HttpResponse GrafanaHttp::FrontendSettings(const Call& call) {
  const auto sources = catalog_.Read(
      [&](catalog::Reader& reader) { return catalog::ListDataSources(reader, call.workspace.id); });
  if (!sources.ok()) return GrafanaError(sources.status(), "Not found");
  Json by_name = Json::object();
  std::string default_name;
  for (const catalog::DataSource& source : *sources) {
    by_name[source.name] = DataSourceJson(source);
    if (source.is_default) default_name = source.name;
  }
  return net::JsonResponse(
      200,
      Dump({{"buildInfo", {{"version", options_.version}, {"commit", ""}, {"edition", "hearth"}}},
            {"workspace", {{"id", call.workspace.id}, {"name", call.workspace.name}}},
            {"defaultDatasource", default_name},
            {"datasources", std::move(by_name)}}));
}

net::HttpResponse GrafanaHttp::CurrentUser(const Call& call) {
  return net::JsonResponse(200, Dump({{"id", 1},
                                      {"login", call.user.login},
                                      {"name", call.user.login},
                                      {"email", ""},
                                      {"theme", ""},
                                      {"orgId", 1},
                                      {"orgRole", call.user.role},
                                      {"isGrafanaAdmin", false},
                                      {"isDisabled", false}}));
}

net::HttpResponse GrafanaHttp::Search(const Call& call) {
  const std::string_view query = call.Parameter("query");
  const std::string_view type = call.Parameter("type");
  const std::string_view folder_uids = call.Parameter("folderUIDs");
  uint64_t limit = 1000;
  if (const std::string_view text = call.Parameter("limit"); !text.empty()) {
    if (!ParseUint64(text, &limit)) return GrafanaMessage(400, "limit must be a number");
  }
  Json hits = Json::array();
  const absl::Status status = catalog_.Read([&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto folders, catalog::ListFolders(reader, call.workspace.id));
    TRY_ASSIGN(const auto dashboards, catalog::ListDashboards(reader, call.workspace.id));
    for (const catalog::Folder& folder : folders) {
      if (type == "dash-db" || !folder_uids.empty() || hits.size() >= limit) break;
      if (!ContainsIgnoringCase(folder.title, query)) continue;
      hits.push_back({{"id", folder.id},
                      {"uid", folder.uid},
                      {"title", folder.title},
                      {"url", "/dashboards/f/" + folder.uid + "/" + Slug(folder.title)},
                      {"type", "dash-folder"},
                      {"tags", Json::array()},
                      {"isStarred", false}});
    }
    for (const catalog::Dashboard& dashboard : dashboards) {
      if (type == "dash-folder" || hits.size() >= limit) break;
      if (!ContainsIgnoringCase(dashboard.title, query)) continue;
      const std::string folder = dashboard.folder_uid.empty() ? "general" : dashboard.folder_uid;
      const auto wanted = Split(folder_uids, ',');
      if (!folder_uids.empty() && std::find(wanted.begin(), wanted.end(), folder) == wanted.end()) {
        continue;
      }
      Json hit = {{"id", dashboard.id},       {"uid", dashboard.uid},
                  {"title", dashboard.title}, {"url", DashboardUrl(dashboard)},
                  {"type", "dash-db"},        {"tags", dashboard.tags},
                  {"isStarred", false}};
      if (!dashboard.folder_uid.empty()) {
        hit["folderUid"] = dashboard.folder_uid;
        hit["folderTitle"] = FolderTitle(folders, dashboard.folder_uid);
      }
      hits.push_back(std::move(hit));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return GrafanaError(status, "Not found");
  return net::JsonResponse(200, Dump(hits));
}

net::HttpResponse GrafanaHttp::Folders(const Call& call, const std::vector<std::string>& segments) {
  if (segments.size() == 2) {
    const auto folders = catalog_.Read(
        [&](catalog::Reader& reader) { return catalog::ListFolders(reader, call.workspace.id); });
    if (!folders.ok()) return GrafanaError(folders.status(), "Not found");
    Json list = Json::array();
    for (const catalog::Folder& folder : *folders) {
      if (folder.parent_uid != call.Parameter("parentUid")) continue;
      list.push_back({{"id", folder.id}, {"uid", folder.uid}, {"title", folder.title}});
    }
    return net::JsonResponse(200, Dump(list));
  }
  const auto folder = catalog_.Read([&](catalog::Reader& reader) {
    return catalog::GetFolder(reader, call.workspace.id, segments[2]);
  });
  if (!folder.ok()) return GrafanaError(folder.status(), "folder not found");
  return net::JsonResponse(200, Dump(FolderJson(*folder)));
}

net::HttpResponse GrafanaHttp::Dashboard(const Call& call, std::string_view uid) {
  std::string folder_title;
  const auto found =
      catalog_.Read([&](catalog::Reader& reader) -> absl::StatusOr<catalog::Dashboard> {
        TRY_ASSIGN(auto dashboard, catalog::GetDashboard(reader, call.workspace.id, uid));
        if (!dashboard.folder_uid.empty()) {
          TRY_ASSIGN(const auto folder,
                     catalog::GetFolder(reader, call.workspace.id, dashboard.folder_uid));
          folder_title = folder.title;
        }
        return dashboard;
      });
  if (!found.ok()) return GrafanaError(found.status(), "Dashboard not found");
  Json document = Json::parse(found->json, nullptr, false);
  if (!document.is_object()) return GrafanaMessage(500, "the stored dashboard is not JSON");
  // Grafana's clients count on these three being there, with these types (aws-contract.md §13).
  document["id"] = found->id;
  document["uid"] = found->uid;
  document["version"] = found->version;
  const Json meta = {{"type", "db"},
                     {"canSave", false},
                     {"canEdit", false},
                     {"canAdmin", false},
                     {"canStar", false},
                     {"canDelete", false},
                     {"slug", Slug(found->title)},
                     {"url", DashboardUrl(*found)},
                     {"expires", "0001-01-01T00:00:00Z"},
                     {"created", Rfc3339(found->created_ms)},
                     {"updated", Rfc3339(found->updated_ms)},
                     {"createdBy", found->created_by},
                     {"updatedBy", found->updated_by},
                     {"version", found->version},
                     {"hasAcl", false},
                     {"isFolder", false},
                     {"folderUid", found->folder_uid},
                     {"folderTitle", folder_title.empty() ? "General" : folder_title},
                     {"folderUrl", ""},
                     {"provisioned", found->provisioned}};
  return net::JsonResponse(200, Dump({{"meta", meta}, {"dashboard", std::move(document)}}));
}

net::HttpResponse GrafanaHttp::DataSources(const Call& call,
                                           const std::vector<std::string>& segments,
                                           std::string_view raw_path) {
  const std::string& id = call.workspace.id;
  const auto find = [&](std::string_view by, const std::string& key) {
    return catalog_.Read([&](catalog::Reader& reader) -> absl::StatusOr<catalog::DataSource> {
      if (by == "uid") return catalog::GetDataSource(reader, id, key);
      if (by == "name") return catalog::GetDataSourceByName(reader, id, key);
      int64_t number = 0;
      if (!ParseInt64(key, &number)) return InvalidArgument("id is invalid");
      return catalog::GetDataSourceById(reader, id, number);
    });
  };
  // proxy/uid/<uid>/<rest>, proxy/<id>/<rest>, uid/<uid>/resources/<rest>
  const size_t n = segments.size();
  const bool by_uid = n > 5 && segments[2] == "proxy" && segments[3] == "uid";
  const bool by_id = n > 4 && segments[2] == "proxy" && !by_uid;
  const bool resources = n > 5 && segments[2] == "uid" && segments[4] == "resources";
  if (by_uid || by_id || resources) {
    const std::string& key = by_uid ? segments[4] : segments[3];
    const auto source = find(by_id ? "id" : "uid", key);
    if (!source.ok()) return GrafanaError(source.status(), "Unable to find datasource");
    // What is passed on is the path as it was sent.
    size_t at = 0;
    for (int slashes = by_uid || resources ? 6 : 5; slashes > 0; --slashes) {
      at = raw_path.find('/', at) + 1;
    }
    return Proxy(call, *source, raw_path.substr(at - 1));
  }
  if (call.request.method != "GET") {
    return GrafanaMessage(501, "Data sources cannot be changed in this version of hearth");
  }
  if (n == 2) {
    const auto sources = catalog_.Read(
        [&](catalog::Reader& reader) { return catalog::ListDataSources(reader, id); });
    if (!sources.ok()) return GrafanaError(sources.status(), "Not found");
    Json list = Json::array();
    for (const catalog::DataSource& source : *sources) list.push_back(DataSourceJson(source));
    return net::JsonResponse(200, Dump(list));
  }
  const bool named = n == 4 && (segments[2] == "uid" || segments[2] == "name");
  if (!named && n != 3) return GrafanaMessage(404, "Not found");
  const auto source = named ? find(segments[2], segments[3]) : find("id", segments[2]);
  if (!source.ok()) return GrafanaError(source.status(), "Data source not found");
  return net::JsonResponse(200, Dump(DataSourceJson(*source)));
}

net::HttpResponse GrafanaHttp::Proxy(const Call& call, const catalog::DataSource& source,
                                     std::string_view rest) {
  std::string_view workspace;
  for (const std::string& own : options_.own_urls) {
    const std::string prefix = own + "/workspaces/";
    if (!source.url.starts_with(prefix)) continue;
    workspace = std::string_view(source.url).substr(prefix.size());
    workspace = workspace.substr(0, workspace.find('/'));
  }
  if (workspace.empty()) {
    return GrafanaMessage(
        501, fmt::format("data source {} points at {}, which is no workspace of this server; other "
                         "servers are not reached in this version of hearth",
                         source.uid, source.url));
  }
  const auto reader = grafana::ReaderOf(call.workspace, identities_, options_.aws_fidelity);
  if (!reader.ok()) return GrafanaError(reader.status(), Message(reader.status()));
  access::Caller caller;
  caller.principal = reader->principal;
  caller.via = access::Via::kWorkspaceRole;
  caller.region = call.workspace.region;
  caller.facts.now_ms = call.request.received_ms;
  caller.facts.region = call.workspace.region;
  caller.facts.secure_transport = true;
  if (rest.find("/api/v1/write") == 0 || rest.find("/api/v1/remote_write") == 0) {
    return GrafanaMessage(403, "a data source only reads");
  }
  net::HttpResponse response = own_query_(call.request, workspace, rest, caller);
  if (!reader->warning.empty()) response.headers.Set("X-Hearth-Warning", reader->warning);
  return response;
}

}  // namespace hearth::api

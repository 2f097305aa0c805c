// SPDX-License-Identifier: Apache-2.0
// /api/datasources: reading and writing. Source: https://grafana.com/docs/grafana/latest/
// developers/http_api/data_source/ and aws-contract.md §13, traps 1 and 5.
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kMissing = "Data source not found";
constexpr size_t kNameBytesMax = 190;     // Grafana's column
constexpr size_t kUrlBytesMax = 8 << 10;  // no client sends longer ones
constexpr size_t kJsonDataBytesMax = 1 << 20;

enum class By { kUid, kId, kName };

absl::StatusOr<catalog::DataSource> Find(catalog::Reader& reader, const Call& call, By by,
                                         const std::string& key) {
  switch (by) {
    case By::kUid:
      return Named(catalog::GetDataSource(reader, call.id(), key), kMissing);
    case By::kName:
      return Named(catalog::GetDataSourceByName(reader, call.id(), key), kMissing);
    case By::kId:
      break;
  }
  int64_t number = 0;
  if (!ParseInt64(key, &number)) return InvalidArgument("id is invalid");
  return Named(catalog::GetDataSourceById(reader, call.id(), number), kMissing);
}

absl::Status CheckUrl(const std::string& url, std::string_view type) {
  if (url.empty()) return absl::OkStatus();
  if (url.size() > kUrlBytesMax) {
    return InvalidArgument("a url of {} bytes exceeds the limit of {} bytes", url.size(),
                           kUrlBytesMax);
  }
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return InvalidArgument(
          "Validation error, invalid URL: \"{}\" holds white space or a control character", url);
    }
  }
  const size_t scheme = url.find("://");
  const bool queried = type == "prometheus" || type == "grafana-amazonprometheus-datasource";
  // As Grafana: without a scheme it is http.
  if (queried && scheme != std::string::npos && url.substr(0, scheme) != "http" &&
      url.substr(0, scheme) != "https") {
    return InvalidArgument("Validation error, invalid URL: \"{}\" is neither http nor https", url);
  }
  return absl::OkStatus();
}

// What the body says, over `source`. Secrets that it does not name stay as they are; "" removes.
absl::Status Fill(Body& body, catalog::DataSource* source) {
  source->name = body.Required("name", kNameBytesMax);
  source->type = body.Required("type", kNameBytesMax);
  source->url = body.Text("url");
  source->access = body.Text("access");
  source->database = body.Text("database");
  source->user = body.Text("user");
  source->is_default = body.Flag("isDefault");
  source->basic_auth = body.Flag("basicAuth");
  source->basic_auth_user = body.Text("basicAuthUser");
  source->with_credentials = body.Flag("withCredentials");
  source->json_data = Dump(body.Object("jsonData"));
  const Json secrets = body.Object("secureJsonData");
  for (const auto& [name, value] : secrets.items()) {
    if (!value.is_string()) {
      return InvalidArgument("bad request data: secureJsonData.{} must be a string", name);
    }
    if (value.get_ref<const std::string&>().empty()) {
      source->secure_json_data.erase(name);
    } else {
      source->secure_json_data[name] = value.get<std::string>();
    }
  }
  TRY(body.status());
  if (source->access.empty()) source->access = "proxy";
  if (source->access != "proxy" && source->access != "direct") {
    return InvalidArgument("bad request data: access must be proxy or direct, not {}",
                           source->access);
  }
  if (source->json_data.size() > kJsonDataBytesMax) {
    return InvalidArgument("jsonData of {} bytes exceeds the limit of {} bytes",
                           source->json_data.size(), kJsonDataBytesMax);
  }
  return CheckUrl(source->url, source->type);
}

Json Written(const catalog::DataSource& source, std::string_view message) {
  return {{"datasource", DataSourceJson(source)},
          {"id", source.id},
          {"message", message},
          {"name", source.name}};
}

Answer List(Face& face, const Call& call) {
  TRY_ASSIGN(const auto sources, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListDataSources(reader, call.id());
  }));
  Json list = Json::array();
  for (const catalog::DataSource& source : sources) list.push_back(DataSourceJson(source));
  return Reply(list);
}

Answer Get(Face& face, const Call& call, By by) {
  TRY_ASSIGN(const auto source, face.catalog().Read([&](catalog::Reader& reader) {
    return Find(reader, call, by, call.argument());
  }));
  return Reply(DataSourceJson(source));
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::DataSource source;
  source.workspace = call.id();
  source.uid = body.Text("uid");
  TRY(Fill(body, &source));
  TRY(CheckUid(source.uid));
  TRY(face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
    TRY_ASSIGN(const auto all, catalog::ListDataSources(transaction, call.id()));
    if (all.size() >= kDataSourcesMax) {
      return ResourceExhausted("Quota reached: a workspace has at most {} data sources",
                               kDataSourcesMax);
    }
    return catalog::CreateDataSource(transaction, &source);
  }));
  return Reply(Written(source, "Datasource added"));
}

Answer Update(Face& face, const Call& call, By by) {
  TRY_ASSIGN(Body body, Body::Of(call));
  TRY_ASSIGN(const auto source, face.catalog().Write([&](catalog::Transaction& transaction)
                                                         -> absl::StatusOr<catalog::DataSource> {
    TRY_ASSIGN(catalog::DataSource stored, Find(transaction, call, by, call.argument()));
    if (stored.read_only) {
      return PermissionDenied("Cannot update read-only data source");
    }
    const int64_t version = body.Number("version");
    if (version != 0 && version != stored.revision) {
      return AlreadyExists(
          "Datasource has already been updated by someone else. Please reload and "
          "try again");
    }
    if (const std::string uid = body.Text("uid"); !uid.empty()) {
      TRY(CheckUid(uid));
      stored.uid = uid;
    }
    TRY(Fill(body, &stored));
    TRY(catalog::UpdateDataSource(transaction, &stored));
    return stored;
  }));
  return Reply(Written(source, "Datasource updated"));
}

Answer Delete(Face& face, const Call& call, By by) {
  TRY_ASSIGN(const auto source, face.catalog().Write([&](catalog::Transaction& transaction)
                                                         -> absl::StatusOr<catalog::DataSource> {
    TRY_ASSIGN(const catalog::DataSource stored, Find(transaction, call, by, call.argument()));
    if (stored.read_only) {
      return PermissionDenied("Cannot delete read-only data source");
    }
    TRY(DropGrants(transaction, call.id(), "datasources", stored.uid));
    TRY(catalog::DeleteDataSource(transaction, call.id(), stored.uid));
    return stored;
  }));
  return Reply({{"id", source.id}, {"message", "Data source deleted"}});
}

Answer IdOfName(Face& face, const Call& call) {
  TRY_ASSIGN(const auto source, face.catalog().Read([&](catalog::Reader& reader) {
    return Find(reader, call, By::kName, call.argument());
  }));
  return Reply({{"id", source.id}});
}

Handler With(Answer (*handle)(Face&, const Call&, By), By by) {
  return [handle, by](Face& face, const Call& call) { return handle(face, call, by); };
}

}  // namespace

Json DataSourceJson(const catalog::DataSource& source) {
  Json fields = Json::object();
  for (const auto& [name, value] : source.secure_json_data) fields[name] = true;
  return {{"id", source.id},
          {"uid", source.uid},
          {"orgId", 1},
          {"name", source.name},
          {"type", source.type},
          {"typeLogoUrl",
           fmt::format("public/app/plugins/datasource/{0}/img/{0}_logo.svg", source.type)},
          {"access", source.access},
          {"url", source.url},
          {"user", source.user},
          {"database", source.database},
          {"basicAuth", source.basic_auth},
          {"basicAuthUser", source.basic_auth_user},
          {"withCredentials", source.with_credentials},
          {"isDefault", source.is_default},
          // Exactly the keys that were sent, and never null: the provider would panic.
          {"jsonData", Stored(source.json_data)},
          {"secureJsonFields", std::move(fields)},
          {"version", source.revision},
          {"readOnly", source.read_only},
          {"apiVersion", ""}};
}

std::vector<Route> DataSourceRoutes() {
  const std::string_view read = "datasources:read";
  const std::string_view write = "datasources:write";
  const std::string_view remove = "datasources:delete";
  return {
      // Our UI lists them for whoever may see dashboards; the same is in frontend/settings.
      {"GET", "datasources", Role::kViewer, read, List},
      {"POST", "datasources", Role::kAdmin, "datasources:create", Create},
      {"GET", "datasources/uid/:uid", Role::kAdmin, read, With(Get, By::kUid)},
      {"PUT", "datasources/uid/:uid", Role::kAdmin, write, With(Update, By::kUid)},
      {"DELETE", "datasources/uid/:uid", Role::kAdmin, remove, With(Delete, By::kUid)},
      {"GET", "datasources/name/:name", Role::kAdmin, read, With(Get, By::kName)},
      {"DELETE", "datasources/name/:name", Role::kAdmin, remove, With(Delete, By::kName)},
      {"GET", "datasources/id/:name", Role::kAdmin, read, IdOfName},
      {"GET", "datasources/:id", Role::kAdmin, read, With(Get, By::kId)},
      {"PUT", "datasources/:id", Role::kAdmin, write, With(Update, By::kId)},
      {"DELETE", "datasources/:id", Role::kAdmin, remove, With(Delete, By::kId)},
  };
}

}  // namespace hearth::api::grafana_http

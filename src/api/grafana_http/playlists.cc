// SPDX-License-Identifier: Apache-2.0
// /api/playlists. Source: https://grafana.com/docs/grafana/latest/developers/http_api/playlist/
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/json.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kKind = "playlist";
constexpr std::string_view kMissing = "playlist not found";
constexpr size_t kPlaylistsMax = 1000;  // Grafana's
constexpr size_t kItemsMax = 1000;      // more than a wall shows in a day
constexpr size_t kNameBytesMax = 255;   // Grafana's column

absl::StatusOr<catalog::GrafanaItem> Find(catalog::Reader& reader, const Call& call) {
  return Named(catalog::GetItem(reader, call.id(), kKind, call.argument()), kMissing);
}

Json Shape(const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  return {{"uid", item.uid},
          {"name", item.name},
          {"interval", own.value("interval", "")},
          {"items", own.value("items", Json::array())}};
}

absl::Status Fill(Body& body, catalog::GrafanaItem* item) {
  item->name = body.Required("name", kNameBytesMax);
  const std::string interval = body.Required("interval", kNameBytesMax);
  Json items = Json::array();
  for (const Json& each : body.Array("items")) {
    if (!each.is_object()) return InvalidArgument("bad request data: items must be objects");
    Body entry(each, "items.");
    const std::string type = entry.Required("type", kNameBytesMax);
    items.push_back(
        {{"type", type}, {"value", entry.Text("value")}, {"title", entry.Text("title")}});
    TRY(entry.status());
    if (type != "dashboard_by_uid" && type != "dashboard_by_tag" && type != "dashboard_by_id") {
      return InvalidArgument("items.type {} is neither dashboard_by_uid nor dashboard_by_tag",
                             type);
    }
  }
  TRY(body.status());
  if (items.size() > kItemsMax) {
    return InvalidArgument("{} items exceed the limit of {}", items.size(), kItemsMax);
  }
  item->json = Dump({{"interval", interval}, {"items", std::move(items)}});
  return absl::OkStatus();
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kKind;
  item.created_by = item.updated_by = call.user.login;
  TRY(Fill(body, &item));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), kKind));
        if (static_cast<size_t>(count) >= kPlaylistsMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} playlists",
                                   kPlaylistsMax);
        }
        return catalog::CreateItem(transaction, &item);
      });
  TRY(written);
  return Reply({{"id", item.id},
                {"uid", item.uid},
                {"name", item.name},
                {"interval", Stored(item.json).value("interval", "")}});
}

Answer List(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t limit, call.Number("limit", 1000, 0, 10'000));
  const std::string text = ToLowerAscii(call.Parameter("query"));
  TRY_ASSIGN(const auto items, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListItems(reader, call.id(), kKind);
  }));
  Json list = Json::array();
  for (const catalog::GrafanaItem& item : items) {
    if (limit > 0 && static_cast<int64_t>(list.size()) == limit) break;
    if (ToLowerAscii(item.name).find(text) == std::string::npos) continue;
    list.push_back({{"id", item.id},
                    {"uid", item.uid},
                    {"name", item.name},
                    {"interval", Stored(item.json).value("interval", "")}});
  }
  return Reply(list);
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(const auto item,
             face.catalog().Read([&](catalog::Reader& reader) { return Find(reader, call); }));
  return Reply(Shape(item));
}

Answer Items(Face& face, const Call& call) {
  TRY_ASSIGN(const auto item,
             face.catalog().Read([&](catalog::Reader& reader) { return Find(reader, call); }));
  return Reply(Shape(item)["items"]);
}

Answer Update(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  TRY_ASSIGN(const auto item,
             face.catalog().Write(
                 [&](catalog::Transaction& transaction) -> absl::StatusOr<catalog::GrafanaItem> {
                   TRY_ASSIGN(auto found, Find(transaction, call));
                   TRY(Fill(body, &found));
                   found.updated_by = call.user.login;
                   TRY(catalog::UpdateItem(transaction, &found));
                   return found;
                 }));
  return Reply(Shape(item));
}

Answer Delete(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto item, Find(transaction, call));
        return catalog::DeleteItem(transaction, call.id(), kKind, item.uid);
      });
  TRY(written);
  return Reply(Json::object());
}

}  // namespace

std::vector<Route> PlaylistRoutes() {
  const std::string_view read = "playlists:read";
  const std::string_view write = "playlists:write";
  return {
      {"GET", "playlists", Role::kViewer, read, List},
      {"POST", "playlists", Role::kEditor, write, Create},
      {"GET", "playlists/:uid", Role::kViewer, read, Get},
      {"GET", "playlists/:uid/items", Role::kViewer, read, Items},
      {"PUT", "playlists/:uid", Role::kEditor, write, Update},
      {"DELETE", "playlists/:uid", Role::kEditor, write, Delete},
  };
}

}  // namespace hearth::api::grafana_http

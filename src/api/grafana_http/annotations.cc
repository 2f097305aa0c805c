// SPDX-License-Identifier: Apache-2.0
// /api/annotations. Source: https://grafana.com/docs/grafana/latest/developers/http_api/
// annotations/
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/json.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kKind = "annotation";
constexpr std::string_view kMissing = "Could not find annotation to update";
// Rows of a workspace. A deploy every five minutes fills them in a month; the oldest then go.
constexpr int64_t kAnnotationsMax = 10'000;
constexpr size_t kTextBytesMax = 16 << 10;
constexpr size_t kTagsMax = 100;

int64_t DashboardId(catalog::Reader& reader, const Call& call, const std::string& uid) {
  if (uid.empty()) return 0;
  const auto dashboard = catalog::GetDashboard(reader, call.id(), uid);
  return dashboard.ok() ? dashboard->id : 0;
}

Json Shape(catalog::Reader& reader, const Call& call, const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  return {{"id", item.id},
          {"alertId", 0},
          {"alertName", ""},
          {"dashboardId", DashboardId(reader, call, item.parent)},
          {"dashboardUID", item.parent.empty() ? Json(nullptr) : Json(item.parent)},
          {"panelId", own.value("panelId", int64_t{0})},
          {"userId", own.value("userId", int64_t{0})},
          {"newState", ""},
          {"prevState", ""},
          {"created", item.created_ms},
          {"updated", item.updated_ms},
          {"time", item.from_ms},
          {"timeEnd", item.to_ms},
          {"text", own.value("text", "")},
          {"tags", own.value("tags", Json::array())},
          {"login", item.created_by},
          {"email", ""},
          {"avatarUrl", AvatarUrl(call, item.created_by)},
          {"data", own.value("data", Json::object())}};
}

absl::Status MayWrite(catalog::Reader& reader, const Call& call, const std::string& dashboard,
                      std::string_view permission) {
  if (dashboard.empty()) {
    if (call.user.role >= Role::kEditor) return absl::OkStatus();
    return PermissionDenied(
        "You'll need additional permissions to perform this action. Permissions needed: {}",
        permission);
  }
  TRY_ASSIGN(const auto row,
             Named(catalog::GetDashboard(reader, call.id(), dashboard), "Dashboard not found"));
  TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
  return access.RequireDashboard(row, kEdit, permission);
}

// What the body says, over `item`. With `partial` (PATCH) what it does not name stays.
absl::Status Fill(Body& body, bool partial, catalog::GrafanaItem* item) {
  Json own = Stored(item->json);
  if (!partial || body.Has("text")) own["text"] = body.Text("text");
  if (!partial || body.Has("tags")) own["tags"] = body.Texts("tags");
  if (body.Has("data")) own["data"] = body.Object("data");
  if (body.Has("panelId") && item->revision == 0) own["panelId"] = body.Number("panelId");
  if (body.Has("time")) item->from_ms = body.Number("time");
  if (body.Has("timeEnd")) {
    item->to_ms = body.Number("timeEnd");
  } else if (!partial) {
    item->to_ms = item->from_ms;
  }
  TRY(body.status());
  if (item->to_ms == 0) item->to_ms = item->from_ms;
  if (item->to_ms < item->from_ms) std::swap(item->to_ms, item->from_ms);
  const std::string text = own.value("text", "");
  if (text.empty()) {
    return InvalidArgument("Failed to save annotation: text field should not be empty");
  }
  if (text.size() > kTextBytesMax) {
    return InvalidArgument("a text of {} bytes exceeds the limit of {} bytes", text.size(),
                           kTextBytesMax);
  }
  if (own["tags"].size() > kTagsMax) {
    return InvalidArgument("{} tags exceed the limit of {}", own["tags"].size(), kTagsMax);
  }
  item->json = Dump(own);
  return absl::OkStatus();
}

absl::Status MakeRoom(catalog::Transaction& transaction, const Call& call) {
  TRY_ASSIGN(const int64_t count, catalog::CountItems(transaction, call.id(), kKind));
  if (count < kAnnotationsMax) return absl::OkStatus();
  TRY_ASSIGN(const auto all, catalog::ListItems(transaction, call.id(), kKind));
  return catalog::DeleteItem(transaction, call.id(), kKind, all.front().uid);
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kKind;
  item.parent = body.Text("dashboardUID");
  item.from_ms = call.request.received_ms;
  item.json = Dump({{"userId", call.user.service_account ? 0 : call.user.id}});
  item.created_by = item.updated_by = call.user.login;
  const int64_t dashboard_id = body.Number("dashboardId");
  TRY(Fill(body, false, &item));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        if (item.parent.empty() && dashboard_id > 0) {
          TRY_ASSIGN(const auto row,
                     Named(catalog::GetDashboardById(transaction, call.id(), dashboard_id),
                           "Dashboard not found"));
          item.parent = row.uid;
        }
        TRY(MayWrite(transaction, call, item.parent, "annotations:create"));
        TRY(MakeRoom(transaction, call));
        return catalog::CreateItem(transaction, &item);
      });
  TRY(written);
  return Reply({{"message", "Annotation added"}, {"id", item.id}});
}

absl::StatusOr<catalog::GrafanaItem> Find(catalog::Reader& reader, const Call& call) {
  int64_t id = 0;
  if (!ParseInt64(call.argument(), &id)) return InvalidArgument("annotation id is invalid");
  return Named(catalog::GetItemById(reader, call.id(), kKind, id), kMissing);
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(const Json json,
             face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Json> {
               TRY_ASSIGN(const auto item, Find(reader, call));
               if (!item.parent.empty()) {
                 TRY_ASSIGN(const auto row,
                            Named(catalog::GetDashboard(reader, call.id(), item.parent), kMissing));
                 TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
                 TRY(access.RequireDashboard(row, kView, "annotations:read"));
               }
               return Shape(reader, call, item);
             }));
  return Reply(json);
}

Handler Change(bool partial) {
  return [partial](Face& face, const Call& call) -> Answer {
    TRY_ASSIGN(Body body, Body::Of(call));
    const absl::Status written =
        face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
          TRY_ASSIGN(auto item, Find(transaction, call));
          TRY(MayWrite(transaction, call, item.parent, "annotations:write"));
          TRY(Fill(body, partial, &item));
          item.updated_by = call.user.login;
          return catalog::UpdateItem(transaction, &item);
        });
    TRY(written);
    return Message(200, partial ? "Annotation patched" : "Annotation updated");
  };
}

Answer Delete(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const auto item, Find(transaction, call));
        TRY(MayWrite(transaction, call, item.parent, "annotations:delete"));
        return catalog::DeleteItem(transaction, call.id(), kKind, item.uid);
      });
  TRY(written);
  return Message(200, "Annotation deleted");
}

bool Tagged(const Json& annotation, const std::vector<std::string_view>& wanted, bool any) {
  if (wanted.empty()) return true;
  size_t met = 0;
  for (const std::string_view tag : wanted) {
    for (const Json& own : annotation["tags"]) met += own.get<std::string>() == tag ? 1 : 0;
  }
  return any ? met > 0 : met == wanted.size();
}

Answer List(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t from, call.Number("from", 0, INT64_MIN, INT64_MAX));
  TRY_ASSIGN(const int64_t to, call.Number("to", INT64_MAX, INT64_MIN, INT64_MAX));
  TRY_ASSIGN(const int64_t limit, call.Number("limit", 100, 0, kAnnotationsMax));
  TRY_ASSIGN(const int64_t panel, call.Number("panelId", 0, 0, INT64_MAX));
  TRY_ASSIGN(const int64_t user, call.Number("userId", 0, 0, INT64_MAX));
  TRY_ASSIGN(const int64_t dashboard, call.Number("dashboardId", 0, 0, INT64_MAX));
  const std::string_view uid = call.Parameter("dashboardUID");
  const auto tags = call.Parameters("tags");
  const bool any = call.Parameter("matchAny") == "true";
  Json list = Json::array();
  if (call.Parameter("type") == "alert") return Reply(list);  // no alert makes annotations yet
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    TRY_ASSIGN(const auto items, catalog::ListItemsBetween(reader, call.id(), kKind, from, to));
    for (const catalog::GrafanaItem& item : items) {
      if (limit > 0 && static_cast<int64_t>(list.size()) == limit) break;
      if (!uid.empty() && item.parent != uid) continue;
      Json annotation = Shape(reader, call, item);
      if (panel != 0 && annotation["panelId"] != panel) continue;
      if (user != 0 && annotation["userId"] != user) continue;
      if (dashboard != 0 && annotation["dashboardId"] != dashboard) continue;
      if (!Tagged(annotation, tags, any)) continue;
      if (!item.parent.empty()) {
        const auto row = catalog::GetDashboard(reader, call.id(), item.parent);
        if (!row.ok() || access.Dashboard(*row) < kView) continue;
      }
      list.push_back(std::move(annotation));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply(list);
}

Answer Tags(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t limit, call.Number("limit", 100, 1, kAnnotationsMax));
  const std::string_view part = call.Parameter("tag");
  TRY_ASSIGN(const auto items, face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::ListItems(reader, call.id(), kKind);
  }));
  std::map<std::string, int64_t> counts;
  for (const catalog::GrafanaItem& item : items) {
    const Json own = Stored(item.json);
    for (const Json& tag : own.value("tags", Json::array())) {
      const std::string text = tag.get<std::string>();
      if (text.find(part) != std::string::npos) ++counts[text];
    }
  }
  Json tags = Json::array();
  for (const auto& [tag, count] : counts) {
    if (static_cast<int64_t>(tags.size()) == limit) break;
    tags.push_back({{"tag", tag}, {"count", count}});
  }
  return Reply({{"result", {{"tags", std::move(tags)}}}});
}

}  // namespace

std::vector<Route> AnnotationRoutes() {
  const std::string_view read = "annotations:read";
  return {
      {"GET", "annotations", Role::kViewer, read, List},
      {"POST", "annotations", Role::kViewer, "annotations:create", Create},
      {"GET", "annotations/tags", Role::kViewer, read, Tags},
      {"GET", "annotations/:id", Role::kViewer, read, Get},
      {"PUT", "annotations/:id", Role::kViewer, "annotations:write", Change(false)},
      {"PATCH", "annotations/:id", Role::kViewer, "annotations:write", Change(true)},
      {"DELETE", "annotations/:id", Role::kViewer, "annotations:delete", Delete},
  };
}

}  // namespace hearth::api::grafana_http

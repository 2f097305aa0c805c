// SPDX-License-Identifier: Apache-2.0
// Public ("shared externally") dashboards: kept and given back as the provider sets them. hearth
// shows nothing to somebody anonymous, so that an enabled one opens no door; the answer says so in
// a header. Snapshots are refused for the same reason.
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/json.h"
#include "base/rng.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kKind = "public_dashboard";
constexpr std::string_view kMissing = "Public dashboard not found";

absl::Status Check(catalog::Reader& reader, const Call& call, Level wanted) {
  TRY_ASSIGN(const auto dashboard, Named(catalog::GetDashboard(reader, call.id(), call.argument()),
                                         "Dashboard not found"));
  TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
  return access.RequireDashboard(dashboard, wanted, "dashboards.public:write");
}

absl::StatusOr<catalog::GrafanaItem> Find(catalog::Reader& reader, const Call& call) {
  TRY_ASSIGN(auto found, catalog::ListItemsOf(reader, call.id(), kKind, call.argument()));
  const bool named = call.arguments.size() > 1;
  if (found.empty() || (named && found[0].uid != call.argument(1))) {
    return NotFound("{}", kMissing);
  }
  return std::move(found[0]);
}

net::HttpResponse Shape(const catalog::GrafanaItem& item) {
  const Json own = Stored(item.json);
  net::HttpResponse response =
      Reply({{"uid", item.uid},
             {"dashboardUid", item.parent},
             {"accessToken", own.value("accessToken", "")},
             {"createdBy", own.value("createdBy", int64_t{0})},
             {"updatedBy", own.value("updatedBy", int64_t{0})},
             {"createdAt", Rfc3339(item.created_ms)},
             {"updatedAt", Rfc3339(item.updated_ms)},
             {"timeSelectionEnabled", own.value("timeSelectionEnabled", false)},
             {"isEnabled", own.value("isEnabled", false)},
             {"annotationsEnabled", own.value("annotationsEnabled", false)},
             {"share", own.value("share", "public")},
             {"recipients", Json::array()}});
  if (own.value("isEnabled", false)) {
    response.headers.Set(
        "X-Hearth-Warning",
        "public dashboards are kept but not shown: hearth serves nobody anonymous");
  }
  return response;
}

absl::Status Fill(Body& body, const Call& call, Json* own) {
  for (const char* key : {"timeSelectionEnabled", "isEnabled", "annotationsEnabled"}) {
    if (body.Has(key)) (*own)[key] = body.Flag(key);
  }
  if (body.Has("share")) (*own)["share"] = body.Text("share");
  if (body.Has("accessToken")) (*own)["accessToken"] = body.Text("accessToken");
  (*own)["updatedBy"] = call.user.id;
  TRY(body.status());
  const std::string share = own->value("share", "public");
  if (share != "public" && share != "email") {
    return InvalidArgument("share must be public or email, not {}", share);
  }
  const std::string token = own->value("accessToken", "");
  std::string bytes;
  if (token.size() != 32 || !HexDecode(token, &bytes)) {
    return InvalidArgument("accessToken must be 32 hexadecimal digits");
  }
  return absl::OkStatus();
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaItem item;
  item.workspace = call.id();
  item.kind = kKind;
  item.parent = call.argument();
  item.uid = body.Text("uid");
  Json own = {{"createdBy", call.user.id}, {"accessToken", HexEncode(SystemRng().Bytes(16))}};
  TRY(Fill(body, call, &own));
  TRY(CheckUid(item.uid));
  item.json = Dump(own);
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY(Check(transaction, call, kEdit));
        TRY_ASSIGN(const auto found,
                   catalog::ListItemsOf(transaction, call.id(), kKind, call.argument()));
        if (!found.empty()) return InvalidArgument("Dashboard is already shared");
        return catalog::CreateItem(transaction, &item);
      });
  TRY(written);
  return Shape(item);
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(
      const auto item,
      face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<catalog::GrafanaItem> {
        TRY(Check(reader, call, kView));
        return Find(reader, call);
      }));
  return Shape(item);
}

Answer Update(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  TRY_ASSIGN(const auto item,
             face.catalog().Write(
                 [&](catalog::Transaction& transaction) -> absl::StatusOr<catalog::GrafanaItem> {
                   TRY(Check(transaction, call, kEdit));
                   TRY_ASSIGN(auto found, Find(transaction, call));
                   Json own = Stored(found.json);
                   TRY(Fill(body, call, &own));
                   found.json = Dump(own);
                   TRY(catalog::UpdateItem(transaction, &found));
                   return found;
                 }));
  return Shape(item);
}

Answer Delete(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY(Check(transaction, call, kEdit));
        TRY_ASSIGN(const auto item, Find(transaction, call));
        return catalog::DeleteItem(transaction, call.id(), kKind, item.uid);
      });
  TRY(written);
  return Reply(Json::object());
}

Answer NoSnapshots(Face&, const Call&) {
  return Unimplemented("snapshots of dashboards are not part of hearth: share a link instead");
}

}  // namespace

std::vector<Route> PublicDashboardRoutes() {
  const std::string_view write = "dashboards.public:write";
  const std::string_view read = "dashboards:read";
  return {
      {"GET", "dashboards/uid/:uid/public-dashboards", Role::kViewer, read, Get},
      {"POST", "dashboards/uid/:uid/public-dashboards", Role::kViewer, write, Create},
      {"PATCH", "dashboards/uid/:uid/public-dashboards/:public", Role::kViewer, write, Update},
      {"DELETE", "dashboards/uid/:uid/public-dashboards/:public", Role::kViewer, write, Delete},
      {"GET", "snapshots/*", Role::kViewer, read, NoSnapshots},
      {"POST", "snapshots", Role::kViewer, read, NoSnapshots},
      {"DELETE", "snapshots/*", Role::kViewer, read, NoSnapshots},
      {"GET", "dashboard/snapshots", Role::kViewer, read, NoSnapshots},
  };
}

}  // namespace hearth::api::grafana_http

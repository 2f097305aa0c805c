// SPDX-License-Identifier: Apache-2.0
// Preferences of the organisation, of a user and of a team: theme, home dashboard, time zone, first
// day of the week. Source: https://grafana.com/docs/grafana/latest/developers/http_api/preferences/
#include <absl/time/time.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/people.h"
#include "base/status.h"

namespace hearth::api::grafana_http {
namespace {

absl::Status CheckWord(std::string_view key, const std::string& value,
                       std::initializer_list<std::string_view> words) {
  if (std::find(words.begin(), words.end(), value) != words.end()) return absl::OkStatus();
  return InvalidArgument("invalid {}: {}", key, value);
}

absl::Status Check(catalog::Reader& reader, const Call& call, const Json& json) {
  TRY(CheckWord("theme", json.value("theme", ""), {"", "light", "dark", "system"}));
  TRY(CheckWord("weekStart", json.value("weekStart", ""),
                {"", "browser", "monday", "saturday", "sunday"}));
  const std::string zone = json.value("timezone", "");
  absl::TimeZone found;
  if (!zone.empty() && zone != "utc" && zone != "browser" && !absl::LoadTimeZone(zone, &found)) {
    return InvalidArgument("invalid timezone: {}", zone);
  }
  if (json.contains("homeDashboardUID")) {
    const auto home = catalog::GetDashboard(reader, call.id(), json.value("homeDashboardUID", ""));
    if (absl::IsNotFound(home.status())) return InvalidArgument("Dashboard not found");
    TRY(home);
  }
  return absl::OkStatus();
}

// What the body says over `json`; "" takes a member away.
absl::Status Merge(catalog::Reader& reader, const Call& call, Body& body, Json* json) {
  for (const char* key : {"homeDashboardUID", "theme", "timezone", "weekStart", "language"}) {
    if (!body.Has(key)) continue;
    const std::string text = body.Text(key);
    if (text.empty()) {
      json->erase(key);
    } else {
      (*json)[key] = text;
    }
  }
  for (const char* key : {"queryHistory", "navbar", "cookiePreferences"}) {
    if (body.Has(key)) (*json)[key] = body.Object(key);
  }
  const int64_t home = body.Number("homeDashboardId");
  TRY(body.status());
  if (home > 0 && !body.Has("homeDashboardUID")) {
    const auto dashboard = catalog::GetDashboardById(reader, call.id(), home);
    if (!dashboard.ok()) return InvalidArgument("Dashboard not found");
    (*json)["homeDashboardUID"] = dashboard->uid;
  }
  return Check(reader, call, *json);
}

std::string OwnerOf(const Call& call, std::string_view whose) {
  return whose == "org" ? "org" : fmt::format("user/{}", call.user.id);
}

Handler Read(std::string_view whose) {
  return [whose](Face& face, const Call& call) {
    return GetPreferences(face, call, OwnerOf(call, whose));
  };
}

Handler Write(std::string_view whose, bool patch) {
  return [whose, patch](Face& face, const Call& call) {
    return PutPreferences(face, call, OwnerOf(call, whose), patch);
  };
}

}  // namespace

Answer GetPreferences(Face& face, const Call& call, const std::string& owner) {
  const auto item = face.catalog().Read([&](catalog::Reader& reader) {
    return catalog::GetItem(reader, call.id(), "preferences", owner);
  });
  if (absl::IsNotFound(item.status())) return Reply(Json::object());
  TRY(item);
  return Reply(Stored(item->json));
}

Answer PutPreferences(Face& face, const Call& call, const std::string& owner, bool patch) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        catalog::GrafanaItem item;
        item.workspace = call.id();
        item.kind = "preferences";
        item.uid = owner;
        item.updated_by = call.user.login;
        Json json = Json::object();
        if (patch) {
          const auto stored = catalog::GetItem(transaction, call.id(), "preferences", owner);
          if (stored.ok()) json = Stored(stored->json);
        }
        TRY(Merge(transaction, call, body, &json));
        item.json = Dump(json);
        return catalog::PutItem(transaction, &item);
      });
  TRY(written);
  return Message(200, "Preferences updated");
}

std::vector<Route> PreferenceRoutes() {
  const std::string_view read = "orgs.preferences:read";
  const std::string_view write = "orgs.preferences:write";
  return {
      {"GET", "org/preferences", Role::kAdmin, read, Read("org")},
      {"PUT", "org/preferences", Role::kAdmin, write, Write("org", false)},
      {"PATCH", "org/preferences", Role::kAdmin, write, Write("org", true)},
      {"GET", "user/preferences", Role::kNone, "", Read("user")},
      {"PUT", "user/preferences", Role::kNone, "", Write("user", false)},
      {"PATCH", "user/preferences", Role::kNone, "", Write("user", true)},
  };
}

}  // namespace hearth::api::grafana_http

// SPDX-License-Identifier: Apache-2.0
// /api/search. Source: https://grafana.com/docs/grafana/latest/developers/http_api/
// folder_dashboard_search/
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "api/grafana_http/face.h"
#include "api/grafana_http/shapes.h"
#include "base/status.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {
namespace {

constexpr int64_t kHitsMax = 5000;  // Grafana's

// What a call asks for. Empty sets ask for nothing in particular.
struct Wish {
  std::string text;
  std::vector<std::string> tags;
  std::set<std::string> types;
  std::set<std::string> dashboard_ids;
  std::set<std::string> dashboard_uids;
  std::set<std::string> folder_uids;
  bool in_folders = false;
  bool starred = false;
  Level level = kView;
  int64_t limit = 1000;
  int64_t page = 1;
  bool descending = false;
};

// "a,b" and repeated parameters alike.
std::set<std::string> Listed(const Call& call, std::string_view name) {
  std::set<std::string> values;
  for (const std::string_view value : call.Parameters(name)) {
    for (const std::string_view piece : Split(value, ',')) {
      if (!piece.empty()) values.emplace(piece);
    }
  }
  return values;
}

absl::StatusOr<Wish> ReadWish(const Call& call) {
  Wish wish;
  wish.text = ToLowerAscii(call.Parameter("query"));
  for (const std::string_view tag : call.Parameters("tag")) wish.tags.emplace_back(tag);
  wish.types = Listed(call, "type");
  for (const std::string& type : wish.types) {
    if (type != "dash-db" && type != "dash-folder" && type != "dash-annotation") {
      return InvalidArgument("type must be dash-db or dash-folder, not {}", type);
    }
  }
  wish.dashboard_ids = Listed(call, "dashboardIds");
  wish.dashboard_uids = Listed(call, "dashboardUIDs");
  wish.folder_uids = Listed(call, "folderUIDs");
  wish.in_folders = !wish.folder_uids.empty();
  wish.starred = call.Parameter("starred") == "true";
  if (call.Parameter("permission") == "Edit") wish.level = kEdit;
  TRY_ASSIGN(wish.limit, call.Number("limit", 1000, 0, kHitsMax));
  if (wish.limit == 0) wish.limit = 1000;
  TRY_ASSIGN(wish.page, call.Number("page", 1, 0, 1'000'000));
  wish.descending = call.Parameter("sort") == "alpha-desc";
  return wish;
}

struct Hits {
  std::vector<std::pair<std::string, Json>> list;  // by lower-case title
};

class Searcher {
 public:
  Searcher(const Call& call, const Wish& wish) : call_(call), wish_(wish) {}

  absl::Status Run(catalog::Reader& reader) {
    TRY_ASSIGN(access_, AccessList::Load(reader, call_));
    TRY_ASSIGN(folders_, catalog::ListFolders(reader, call_.id()));
    TRY_ASSIGN(const auto stars,
               catalog::FindItemsByName(reader, call_.id(), "star", std::to_string(call_.user.id)));
    for (const catalog::GrafanaItem& star : stars) stars_.insert(star.parent);
    TRY(FolderIds());
    if (Wants("dash-folder")) AddFolders();
    if (Wants("dash-db")) {
      TRY_ASSIGN(const auto dashboards, catalog::ListDashboards(reader, call_.id()));
      AddDashboards(dashboards);
    }
    return absl::OkStatus();
  }

  Json Page() {
    std::stable_sort(hits_.list.begin(), hits_.list.end(), [this](const auto& a, const auto& b) {
      return wish_.descending ? b.first < a.first : a.first < b.first;
    });
    const auto skip = static_cast<size_t>((std::max<int64_t>(wish_.page, 1) - 1) * wish_.limit);
    Json list = Json::array();
    for (size_t i = skip; i < hits_.list.size(); ++i) {
      if (static_cast<int64_t>(list.size()) == wish_.limit) break;
      list.push_back(std::move(hits_.list[i].second));
    }
    return list;
  }

 private:
  bool Wants(const std::string& type) const {
    return wish_.types.empty() || wish_.types.contains(type);
  }

  // folderIds of older clients; 0 is General.
  absl::Status FolderIds() {
    folder_uids_ = wish_.folder_uids;
    in_folders_ = wish_.in_folders;
    for (const std::string& id : Listed(call_, "folderIds")) {
      in_folders_ = true;
      if (id == "0") folder_uids_.insert("general");
      for (const catalog::Folder& folder : folders_) {
        if (std::to_string(folder.id) == id) folder_uids_.insert(folder.uid);
      }
    }
    return absl::OkStatus();
  }

  bool InWantedFolder(const std::string& uid) const {
    return !in_folders_ || folder_uids_.contains(uid.empty() ? "general" : uid);
  }
  bool Titled(std::string_view title) const {
    return ToLowerAscii(title).find(wish_.text) != std::string::npos;
  }

  void Add(int64_t id, const std::string& uid, const std::string& title, std::string url,
           const char* type, const std::vector<std::string>& tags, const std::string& folder_uid) {
    Json hit = {{"id", id},
                {"uid", uid},
                {"orgId", 1},
                {"title", title},
                {"uri", "db/" + Slug(title)},
                {"url", std::move(url)},
                {"slug", ""},
                {"type", type},
                {"tags", tags},
                {"isStarred", stars_.contains(uid)},
                {"sortMeta", 0},
                {"isDeleted", false}};
    if (const catalog::Folder* folder = FindFolder(folders_, folder_uid)) {
      hit["folderId"] = folder->id;
      hit["folderUid"] = folder->uid;
      hit["folderTitle"] = folder->title;
      hit["folderUrl"] = FolderUrl(call_, *folder);
    }
    hits_.list.emplace_back(ToLowerAscii(title), std::move(hit));
  }

  void AddFolders() {
    // These name dashboards, and only dashboards have tags and stars.
    const bool only_dashboards =
        !wish_.dashboard_ids.empty() || !wish_.tags.empty() || wish_.starred;
    if (only_dashboards) return;
    for (const catalog::Folder& folder : folders_) {
      if (!Titled(folder.title) || !InWantedFolder(folder.parent_uid)) continue;
      // Grafana searches folders by dashboardUIDs too.
      if (!wish_.dashboard_uids.empty() && !wish_.dashboard_uids.contains(folder.uid)) continue;
      if (access_.Folder(folder.uid) < wish_.level) continue;
      Add(folder.id, folder.uid, folder.title, FolderUrl(call_, folder), "dash-folder", {},
          folder.parent_uid);
    }
  }

  bool Wanted(const catalog::Dashboard& dashboard) const {
    if (!Titled(dashboard.title) || !InWantedFolder(dashboard.folder_uid)) return false;
    if (!wish_.dashboard_ids.empty() &&
        !wish_.dashboard_ids.contains(std::to_string(dashboard.id))) {
      return false;
    }
    if (!wish_.dashboard_uids.empty() && !wish_.dashboard_uids.contains(dashboard.uid)) {
      return false;
    }
    for (const std::string& tag : wish_.tags) {
      if (std::find(dashboard.tags.begin(), dashboard.tags.end(), tag) == dashboard.tags.end()) {
        return false;
      }
    }
    if (wish_.starred && !stars_.contains(dashboard.uid)) return false;
    return access_.Dashboard(dashboard) >= wish_.level;
  }

  void AddDashboards(const std::vector<catalog::Dashboard>& dashboards) {
    for (const catalog::Dashboard& dashboard : dashboards) {
      if (!Wanted(dashboard)) continue;
      Add(dashboard.id, dashboard.uid, dashboard.title, DashboardUrl(call_, dashboard), "dash-db",
          dashboard.tags, dashboard.folder_uid);
    }
  }

  const Call& call_;
  const Wish& wish_;
  AccessList access_;
  std::vector<catalog::Folder> folders_;
  std::set<std::string> stars_;
  std::set<std::string> folder_uids_;
  bool in_folders_ = false;
  Hits hits_;
};

Answer Search(Face& face, const Call& call) {
  TRY_ASSIGN(const Wish wish, ReadWish(call));
  Searcher searcher(call, wish);
  TRY(face.catalog().Read([&](catalog::Reader& reader) { return searcher.Run(reader); }));
  return Reply(searcher.Page());
}

Answer Sorting(Face&, const Call&) {
  return Reply({{"sortOptions",
                 {{{"name", "alpha-asc"},
                   {"displayName", "Alphabetically (A–Z)"},
                   {"description", "Sort results in an alphabetically ascending order"}},
                  {{"name", "alpha-desc"},
                   {"displayName", "Alphabetically (Z–A)"},
                   {"description", "Sort results in an alphabetically descending order"}}}}});
}

}  // namespace

std::vector<Route> SearchRoutes() {
  return {{"GET", "search", Role::kViewer, "dashboards:read", Search},
          {"GET", "search/sorting", Role::kViewer, "dashboards:read", Sorting}};
}

}  // namespace hearth::api::grafana_http

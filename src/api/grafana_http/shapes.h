// SPDX-License-Identifier: Apache-2.0
// Catalog rows in Grafana's JSON, where more than one family shows them. Private to
// api/grafana_http.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/call.h"
#include "api/grafana_http/json.h"
#include "catalog/grafana_objects.h"

namespace hearth::api::grafana_http {

// AMG's quotas (aws-contract.md §12.1).
inline constexpr size_t kDashboardsMax = 2000;
inline constexpr size_t kDataSourcesMax = 2000;
// No quota of AMG's: as many as dashboards, so that each may have its own.
inline constexpr size_t kFoldersMax = 2000;
inline constexpr size_t kTitleBytesMax = 5000;  // Grafana's, of dashboard titles

Json DataSourceJson(const catalog::DataSource& source);
std::string DashboardUrl(const Call& call, const catalog::Dashboard& dashboard);
std::string FolderUrl(const Call& call, const catalog::Folder& folder);
// With "parents", root first, where it is nested.
absl::StatusOr<Json> FolderJson(catalog::Reader& reader, const Call& call,
                                const catalog::Folder& folder, Level level);
// What goes with a dashboard: grants, stars, its public form, its uses of library elements.
absl::Status DropBelongings(catalog::Transaction& transaction, std::string_view workspace,
                            std::string_view dashboard);
// nullptr where there is none with that uid.
const catalog::Folder* FindFolder(const std::vector<catalog::Folder>& folders,
                                  std::string_view uid);

}  // namespace hearth::api::grafana_http

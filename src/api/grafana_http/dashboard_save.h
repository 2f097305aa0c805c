// SPDX-License-Identifier: Apache-2.0
// Saving a dashboard, whoever asks: POST /api/dashboards/db, restore, import. Private to
// api/grafana_http.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>

#include "api/grafana_http/call.h"
#include "catalog/grafana_objects.h"

namespace hearth::api::grafana_http {

struct DashboardSave {
  std::string_view json;  // the dashboard, as sent
  std::string folder_uid;
  std::string message;
  bool overwrite = false;
};

// InvalidArgument, NotFound ("Dashboard not found"), Aborted (version mismatch), PermissionDenied,
// ResourceExhausted (quota).
absl::StatusOr<catalog::Dashboard> SaveDashboardAs(catalog::Transaction& transaction,
                                                   const Call& call, const DashboardSave& save);
net::HttpResponse SavedAnswer(const Call& call, const catalog::Dashboard& dashboard);
// Errors of dashboards carry which one it is: {"message", "status": "version-mismatch"}.
Answer WithDashboardWord(const absl::Status& status);

}  // namespace hearth::api::grafana_http

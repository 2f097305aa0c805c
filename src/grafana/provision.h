// SPDX-License-Identifier: Apache-2.0
// Dashboards and data sources out of files, as `hearth: {dashboards, datasources}` of hearth.yaml
// names them: brought into a Grafana workspace at start and at every reload; what is unchanged
// makes no new version.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "catalog/catalog.h"
#include "catalog/grafana_objects.h"

namespace hearth::grafana {

// What of a dashboard's JSON the catalog keeps beside the text. InvalidArgument names what is
// missing; `source` is for the message.
absl::StatusOr<catalog::Dashboard> ReadDashboard(std::string_view json, std::string_view source);

// Files, or folders whose *.json are meant. Returns the uids. One bad file does not stop the
// others: its error is in `errors`.
std::vector<std::string> ProvisionDashboards(catalog::Catalog& catalog, FileSystem& file_system,
                                             std::string_view workspace,
                                             const std::vector<std::string>& paths,
                                             std::vector<std::string>* errors);

// The data source of product.md: uid AMP, signed with the workspace's own role, reading the AMP
// workspace whose endpoint is `url`.
catalog::DataSource AmpDataSource(std::string_view workspace, std::string_view url,
                                  std::string_view region);

}  // namespace hearth::grafana

// SPDX-License-Identifier: Apache-2.0
// What the control plane has set for a workspace, read from the catalog as one: the row with its
// configuration and resource policy, and where its logs go.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::workspace {

struct QueryLogging {
  std::string log_group;         // "/aws/prometheus/queries"
  int64_t samples_at_least = 0;  // queries that process fewer are not logged
};

struct Settings {
  catalog::AmpWorkspace row;
  std::string rule_log_group;  // "" where rules and alerts are not logged
  std::optional<QueryLogging> query_logging;
};

// NotFound where there is no such workspace.
absl::StatusOr<Settings> LoadSettings(catalog::Reader& reader, std::string_view workspace);

// "/aws/x" of "arn:aws:logs:us-east-1:000000000000:log-group:/aws/x:*"; "" of what is no such ARN.
std::string LogGroupOfArn(std::string_view arn);

}  // namespace hearth::workspace

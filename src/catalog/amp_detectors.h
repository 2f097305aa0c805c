// SPDX-License-Identifier: Apache-2.0
// Anomaly detectors of an AMP workspace, kept as they were given. They go with their workspace.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

struct AmpDetector {
  std::string workspace;
  std::string id;  // ad-<uuid>
  std::string alias;
  int64_t interval_seconds = 60;
  std::string missing_data;   // JSON of missingDataAction; "" for none
  std::string configuration;  // JSON
  std::map<std::string, std::string> labels;
  Tags tags;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t revision = 0;
};

std::string AmpDetectorArn(std::string_view account, std::string_view region,
                           std::string_view workspace, std::string_view id);

absl::StatusOr<AmpDetector> GetAmpDetector(Reader& reader, std::string_view workspace,
                                           std::string_view id);
// By id, after `after`.
absl::StatusOr<std::vector<AmpDetector>> ListAmpDetectors(Reader& reader,
                                                          std::string_view workspace,
                                                          std::string_view alias_prefix = {},
                                                          std::string_view after = {},
                                                          int limit = 10'000);
// Fills id (where empty), times and revision. Event kind "amp_detector", object "<ws>/<id>".
absl::Status CreateAmpDetector(Transaction& transaction, AmpDetector* detector);
// modified_ms is the caller's.
absl::Status UpdateAmpDetector(Transaction& transaction, AmpDetector* detector);
absl::Status DeleteAmpDetector(Transaction& transaction, std::string_view workspace,
                               std::string_view id);

}  // namespace hearth::catalog

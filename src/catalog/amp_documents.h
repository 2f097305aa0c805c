// SPDX-License-Identifier: Apache-2.0
// What an AMP workspace has at most one of: its alert manager definition and its logging
// configurations. Content is kept byte for byte. They go with their workspace.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace hearth::catalog {

enum class AmpDocumentKind {
  kAlertManager,  // YAML; event kind "amp_alert_manager", object the workspace's id
  kLogging,       // the log group's ARN; "amp_logging"
  kQueryLogging,  // JSON of `destinations`; "amp_query_logging"
};

struct AmpDocument {
  std::string workspace;
  AmpDocumentKind kind = AmpDocumentKind::kAlertManager;
  std::string content;  // any bytes
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t revision = 0;
};

absl::StatusOr<AmpDocument> GetAmpDocument(Reader& reader, AmpDocumentKind kind,
                                           std::string_view workspace);
// Fill the times and the revision. AlreadyExists.
absl::Status CreateAmpDocument(Transaction& transaction, AmpDocument* document);
absl::Status UpdateAmpDocument(Transaction& transaction, AmpDocument* document);
absl::Status DeleteAmpDocument(Transaction& transaction, AmpDocumentKind kind,
                               std::string_view workspace);

}  // namespace hearth::catalog

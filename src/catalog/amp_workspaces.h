// SPDX-License-Identifier: Apache-2.0
// AMP workspaces: the control-plane rows. The store behind one is opened by the workspace module.
// Ids are ws-<uuid>; an alias need not be unique. Unset configuration means "the default that is in
// force", which the caller knows (fidelity).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace hearth::catalog {

using Tags = std::map<std::string, std::string>;

enum class WorkspaceStatus { kCreating, kActive, kUpdating, kDeleting, kCreationFailed };
std::string_view WorkspaceStatusName(WorkspaceStatus status);  // "ACTIVE"

// Series limit of those that carry all of `labels`; max_series 0: count, don't limit.
struct LabelSetLimit {
  std::map<std::string, std::string> labels;
  int64_t max_series = 0;
};

struct AmpWorkspaceConfig {
  std::optional<int64_t> retention_days;
  std::optional<int64_t> out_of_order_window_seconds;
  std::optional<int64_t> rule_query_offset_seconds;
  std::vector<LabelSetLimit> label_set_limits;
};

struct AmpWorkspace {
  std::string id;
  std::string account;
  std::string region;
  std::string alias;  // "" for none
  std::string kms_key_arn;
  WorkspaceStatus status = WorkspaceStatus::kActive;
  int64_t created_ms = 0;
  Tags tags;
  AmpWorkspaceConfig config;
  int64_t config_modified_ms = 0;  // 0: never set
  std::string resource_policy;     // "" for none
  std::string resource_policy_revision;
  int64_t revision = 0;
};

std::string AmpWorkspaceArn(const AmpWorkspace& workspace);

// `prefix` is matched against the alias; "" matches all, also those without one. Ordered by id;
// `after` is the last id of the page before ("" for the first).
struct AmpWorkspaceQuery {
  std::string account;
  std::string region;  // "" for all
  std::string alias_prefix;
  std::string after;
  int limit = 1000;
};

absl::StatusOr<AmpWorkspace> GetAmpWorkspace(Reader& reader, std::string_view id);
absl::StatusOr<std::vector<AmpWorkspace>> ListAmpWorkspaces(Reader& reader,
                                                            const AmpWorkspaceQuery& query);
// Every workspace of every account and region: what the server opens at start.
absl::StatusOr<std::vector<AmpWorkspace>> AllAmpWorkspaces(Reader& reader);
// The workspaces with exactly that alias.
absl::StatusOr<std::vector<AmpWorkspace>> FindAmpWorkspacesByAlias(Reader& reader,
                                                                   std::string_view account,
                                                                   std::string_view region,
                                                                   std::string_view alias);
// Fills id (where empty), created_ms and revision.
absl::Status CreateAmpWorkspace(Transaction& transaction, AmpWorkspace* workspace);
absl::Status UpdateAmpWorkspace(Transaction& transaction, AmpWorkspace* workspace);
// With its rule groups namespaces, documents and anomaly detectors.
absl::Status DeleteAmpWorkspace(Transaction& transaction, std::string_view id,
                                int64_t revision = 0);

// The workspace with that alias (the oldest where there are several), made where missing.
absl::StatusOr<AmpWorkspace> EnsureAmpWorkspace(Transaction& transaction, std::string_view account,
                                                std::string_view region, std::string_view alias);

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// Rule groups namespaces of an AMP workspace: one rules file each, byte for byte as it was sent.
// Whoever evaluates them reads ListRuleNamespaces at start and whenever one has changed (event kind
// "amp_rule_namespace", object "<workspace>/<name>"; in the same process also the hook of
// api/aps/aps.h). They go with their workspace.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

struct RuleNamespace {
  std::string workspace;
  std::string name;  // 1 to 128 characters, no '/'
  std::string data;  // any bytes
  Tags tags;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t revision = 0;
};

// `account` and `region` are those of the workspace.
std::string RuleNamespaceArn(std::string_view account, std::string_view region,
                             std::string_view workspace, std::string_view name);

absl::StatusOr<RuleNamespace> GetRuleNamespace(Reader& reader, std::string_view workspace,
                                               std::string_view name);
// By name; `after` is the last name of the page before.
absl::StatusOr<std::vector<RuleNamespace>> ListRuleNamespaces(Reader& reader,
                                                              std::string_view workspace,
                                                              std::string_view name_prefix = {},
                                                              std::string_view after = {},
                                                              int limit = 10'000);
// Fill the times and the revision. AlreadyExists.
absl::Status CreateRuleNamespace(Transaction& transaction, RuleNamespace* rules);
absl::Status UpdateRuleNamespace(Transaction& transaction, RuleNamespace* rules);
absl::Status DeleteRuleNamespace(Transaction& transaction, std::string_view workspace,
                                 std::string_view name);

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// Grafana workspaces as the AWS API shows them, and what several operations share. Private to this
// module.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "access/rest_json.h"
#include "catalog/grafana_objects.h"

namespace hearth::api::amg {

using Json = nlohmann::ordered_json;

// Versions that can be created, oldest first; the last is the default (aws-contract.md §12.1).
inline constexpr std::string_view kVersions[] = {"8.4", "9.4", "10.4", "12.4"};
std::string_view NewestVersion();
// Its place among kVersions, or -1.
int VersionIndex(std::string_view version);
std::string VersionOf(const catalog::GrafanaWorkspace& workspace);

// Quotas a region or workspace (aws-contract.md §12.1), and what stands for "no limit" otherwise:
// a program that runs wild must not fill the disk.
struct Quotas {
  int64_t workspaces;
  int64_t service_accounts;
  int64_t tokens;
  int64_t api_keys;
};
Quotas QuotasOf(bool aws_fidelity);

Json WorkspaceJson(const catalog::GrafanaWorkspace& workspace, std::string_view endpoint,
                   bool aws_fidelity, int64_t now_ms);
// "CONFIGURED" or "NOT_CONFIGURED".
std::string_view SamlStatus(const catalog::GrafanaWorkspace& workspace, bool aws_fidelity);
bool UsesSaml(const catalog::GrafanaWorkspace& workspace);
Json TagsJson(const catalog::Tags& tags);
absl::Status CheckTags(const catalog::Tags& tags);

// A page of at most `maxResults` rows (100 where not given): `scope` binds its token.
struct Page {
  std::string scope;
  std::string position;  // where the page before ended, "" for the first
  int size = 100;
};
absl::StatusOr<Page> ReadPage(const access::RestInput& input, std::string scope);
// Cuts what was read beyond the page; the token of the next one, "" where there is none. `rows` has
// up to size + 1.
template <typename Row, typename Position>
std::string CutPage(const Page& page, std::vector<Row>* rows, Position position) {
  if (rows->size() <= static_cast<size_t>(page.size)) return "";
  rows->resize(static_cast<size_t>(page.size));
  return access::MakePageToken(page.scope, position(rows->back()));
}
// A page token whose position is a number, 0 for the first page.
absl::StatusOr<int64_t> PositionNumber(const Page& page);

absl::Status OverQuota(std::string_view what, int64_t limit, std::string_view resource_id,
                       std::string_view resource_type);

}  // namespace hearth::api::amg

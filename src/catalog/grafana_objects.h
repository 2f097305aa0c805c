// SPDX-License-Identifier: Apache-2.0
// AMG workspaces and what lives in them: data sources, folders, dashboards with their history. JSON
// that users wrote is kept and given back byte for byte. Uids are unique within a workspace, ids
// are numbers within a workspace (Grafana's API shows both).
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

// How a workspace's SAML identity provider is known and what its assertions mean.
struct GrafanaSaml {
  std::string metadata_url;  // one of the two
  std::string metadata_xml;
  // AWS' members: name, login, email, groups, role, org.
  std::map<std::string, std::string> assertion_attributes;
  std::vector<std::string> admin_roles;
  std::vector<std::string> editor_roles;
  std::vector<std::string> allowed_organizations;
  int64_t login_validity_minutes = 1440;
};

struct GrafanaLicense {
  std::string type;  // "", ENTERPRISE, ENTERPRISE_FREE_TRIAL
  int64_t expires_ms = 0;
  int64_t free_trial_expires_ms = 0;
  bool free_trial_consumed = false;
  std::string grafana_token;  // as given; of Grafana Labs
};

// Two lists of ids that only AWS can act upon: kept and given back.
struct GrafanaVpc {
  std::vector<std::string> security_group_ids;
  std::vector<std::string> subnet_ids;
};
struct GrafanaNetworkAccess {
  std::vector<std::string> prefix_list_ids;
  std::vector<std::string> vpce_ids;
};

struct GrafanaWorkspace {
  std::string id;  // g-[0-9a-f]{10}
  std::string account;
  std::string region;
  std::string name;
  std::string description;
  std::string status = "ACTIVE";  // aws-contract's 14 words; this module does not judge them
  std::string account_access_type = "CURRENT_ACCOUNT";
  std::string permission_type = "SERVICE_MANAGED";
  std::string role_arn;  // "" for none
  std::string grafana_version;
  std::vector<std::string> authentication_providers;  // in the request's order
  std::vector<std::string> data_sources;
  std::vector<std::string> notification_destinations;
  std::string configuration;  // JSON text, as DescribeWorkspaceConfiguration gives it
  std::optional<GrafanaSaml> saml;
  GrafanaLicense license;
  std::optional<GrafanaVpc> vpc;
  std::optional<GrafanaNetworkAccess> network_access;
  std::string stack_set_name;
  std::string organization_role_name;
  std::vector<std::string> organizational_units;
  std::string kms_key_id;
  std::string ip_address_type;
  Tags tags;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t revision = 0;
};

std::string GrafanaWorkspaceArn(const GrafanaWorkspace& workspace);

absl::StatusOr<GrafanaWorkspace> GetGrafanaWorkspace(Reader& reader, std::string_view id);
// "" for region is all. Ordered by id; `after` is the last id of the page before.
absl::StatusOr<std::vector<GrafanaWorkspace>> ListGrafanaWorkspaces(Reader& reader,
                                                                    std::string_view account,
                                                                    std::string_view region,
                                                                    std::string_view after = {},
                                                                    int limit = 1000);
absl::StatusOr<std::vector<GrafanaWorkspace>> FindGrafanaWorkspacesByName(Reader& reader,
                                                                          std::string_view account,
                                                                          std::string_view region,
                                                                          std::string_view name);
// Fills id (where empty), created_ms, modified_ms, revision.
absl::Status CreateGrafanaWorkspace(Transaction& transaction, GrafanaWorkspace* workspace);
absl::Status UpdateGrafanaWorkspace(Transaction& transaction, GrafanaWorkspace* workspace);
// With everything in it.
absl::Status DeleteGrafanaWorkspace(Transaction& transaction, std::string_view id,
                                    int64_t revision = 0);
absl::StatusOr<GrafanaWorkspace> EnsureGrafanaWorkspace(Transaction& transaction,
                                                        std::string_view account,
                                                        std::string_view region,
                                                        std::string_view name);

struct DataSource {
  std::string workspace;  // g-…
  int64_t id = 0;
  std::string uid;
  std::string name;
  std::string type = "prometheus";
  std::string url;
  std::string access = "proxy";
  std::string database;
  std::string user;
  bool is_default = false;
  bool basic_auth = false;
  std::string basic_auth_user;
  bool with_credentials = false;
  bool read_only = false;        // provisioned
  std::string json_data = "{}";  // an object's text, as sent
  // Clear text here; sealed with the catalog's root key in the row.
  std::map<std::string, std::string> secure_json_data;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  int64_t revision = 0;  // Grafana's "version"
};

absl::StatusOr<DataSource> GetDataSource(Reader& reader, std::string_view workspace,
                                         std::string_view uid);
absl::StatusOr<DataSource> GetDataSourceById(Reader& reader, std::string_view workspace,
                                             int64_t id);
absl::StatusOr<DataSource> GetDataSourceByName(Reader& reader, std::string_view workspace,
                                               std::string_view name);
absl::StatusOr<std::vector<DataSource>> ListDataSources(Reader& reader,
                                                        std::string_view workspace);  // by name
// Fills id, uid (where empty: never purely numeric), times, revision. AlreadyExists for a uid or
// name in use. A new default takes the mark from the old one.
absl::Status CreateDataSource(Transaction& transaction, DataSource* source);
absl::Status UpdateDataSource(Transaction& transaction, DataSource* source);
absl::Status DeleteDataSource(Transaction& transaction, std::string_view workspace,
                              std::string_view uid, int64_t revision = 0);
// Creates it or brings the row with that uid to `source`'s content; no change, no event.
absl::Status EnsureDataSource(Transaction& transaction, DataSource* source);

struct Folder {
  std::string workspace;
  int64_t id = 0;
  std::string uid;
  std::string title;
  std::string parent_uid;  // "" at the top
  std::string description;
  std::string created_by;
  std::string updated_by;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  int64_t revision = 0;  // Grafana's "version"
};

absl::StatusOr<Folder> GetFolder(Reader& reader, std::string_view workspace, std::string_view uid);
absl::StatusOr<Folder> GetFolderById(Reader& reader, std::string_view workspace, int64_t id);
absl::StatusOr<std::vector<Folder>> ListFolders(Reader& reader, std::string_view workspace);
// InvalidArgument where the parent is missing, is the folder itself or lies below it.
absl::Status CreateFolder(Transaction& transaction, Folder* folder);
absl::Status UpdateFolder(Transaction& transaction, Folder* folder);
// With the folders and dashboards in it. Returns the uids of the dashboards that went.
absl::StatusOr<std::vector<std::string>> DeleteFolder(Transaction& transaction,
                                                      std::string_view workspace,
                                                      std::string_view uid, int64_t revision = 0);
// The first top-level folder with that title, made where missing.
absl::StatusOr<Folder> EnsureFolder(Transaction& transaction, std::string_view workspace,
                                    std::string_view title);

struct Dashboard {
  std::string workspace;
  int64_t id = 0;
  std::string uid;
  std::string folder_uid;  // "" at the top ("General")
  std::string title;
  std::vector<std::string> tags;
  std::string json;  // byte for byte as it was saved
  std::string message;
  std::string created_by;
  std::string updated_by;
  bool provisioned = false;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  int64_t version = 0;   // of the JSON: 1, 2, 3 …; moving a dashboard makes no version
  int64_t revision = 0;  // of the row
};

struct DashboardVersion {
  int64_t version = 0;
  int64_t created_ms = 0;
  std::string created_by;
  std::string message;
  std::string json;  // "" in lists
};

absl::StatusOr<Dashboard> GetDashboard(Reader& reader, std::string_view workspace,
                                       std::string_view uid);
absl::StatusOr<Dashboard> GetDashboardById(Reader& reader, std::string_view workspace, int64_t id);
// Without `json`, ordered by title. The whole list: at most 2,000 in a workspace (AMG's quota).
absl::StatusOr<std::vector<Dashboard>> ListDashboards(Reader& reader, std::string_view workspace);
// Creates (revision 0) or replaces (compare-and-swap): fills id, uid, version, times, revision, and
// appends to the history. Of the history the last kDashboardVersionsMax are kept.
absl::Status SaveDashboard(Transaction& transaction, Dashboard* dashboard);
absl::Status DeleteDashboard(Transaction& transaction, std::string_view workspace,
                             std::string_view uid, int64_t revision = 0);
// Newest first, without json.
absl::StatusOr<std::vector<DashboardVersion>> ListDashboardVersions(Reader& reader,
                                                                    std::string_view workspace,
                                                                    std::string_view uid);
absl::StatusOr<DashboardVersion> GetDashboardVersion(Reader& reader, std::string_view workspace,
                                                     std::string_view uid, int64_t version);
// A provisioned dashboard brought to this JSON; no change, no version. Returns what is stored.
absl::StatusOr<Dashboard> EnsureDashboard(Transaction& transaction, const Dashboard& dashboard);

inline constexpr int kDashboardVersionsMax = 20;  // Grafana's versions_to_keep default

// 14 characters of [a-z0-9] that begin with a letter: like Grafana's, never purely numeric, which
// its Terraform provider would take for an old numeric id.
std::string NewGrafanaUid(Rng& rng);

// Starred dashboards and such: small values by key, per workspace ("" for the server).
absl::StatusOr<std::string> GetSetting(Reader& reader, std::string_view workspace,
                                       std::string_view key);  // NotFound
absl::Status PutSetting(Transaction& transaction, std::string_view workspace, std::string_view key,
                        std::string_view value);

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
#include "api/amg/answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"

namespace hearth::api::amg {
namespace {

constexpr Quotas kAwsQuotas = {5, 100, 100, 100};
constexpr Quotas kLenientQuotas = {1000, 10'000, 10'000, 10'000};
constexpr size_t kTagsMax = 50;  // aws-contract.md §9.1

void PutText(Json* json, const char* name, const std::string& value) {
  if (!value.empty()) (*json)[name] = value;
}

void PutLicense(Json* json, const catalog::GrafanaLicense& license, int64_t now_ms) {
  const bool over =
      license.type == "ENTERPRISE_FREE_TRIAL" && license.free_trial_expires_ms <= now_ms;
  if (!over) PutText(json, "licenseType", license.type);
  PutText(json, "grafanaToken", license.grafana_token);
  if (license.expires_ms != 0) {
    (*json)["licenseExpiration"] = access::EpochSeconds(license.expires_ms);
  }
  if (license.free_trial_expires_ms != 0) {
    (*json)["freeTrialExpiration"] = access::EpochSeconds(license.free_trial_expires_ms);
  }
  (*json)["freeTrialConsumed"] = license.free_trial_consumed;
}

void PutNetwork(Json* json, const catalog::GrafanaWorkspace& workspace) {
  if (workspace.vpc) {
    (*json)["vpcConfiguration"] = {{"securityGroupIds", workspace.vpc->security_group_ids},
                                   {"subnetIds", workspace.vpc->subnet_ids}};
  }
  if (workspace.network_access) {
    (*json)["networkAccessControl"] = {{"prefixListIds", workspace.network_access->prefix_list_ids},
                                       {"vpceIds", workspace.network_access->vpce_ids}};
  }
  PutText(json, "ipAddressType", workspace.ip_address_type);
}

}  // namespace

std::string_view NewestVersion() { return std::end(kVersions)[-1]; }

int VersionIndex(std::string_view version) {
  const auto* found = std::find(std::begin(kVersions), std::end(kVersions), version);
  return found == std::end(kVersions) ? -1 : static_cast<int>(found - std::begin(kVersions));
}

std::string VersionOf(const catalog::GrafanaWorkspace& workspace) {
  return workspace.grafana_version.empty() ? std::string(NewestVersion())
                                           : workspace.grafana_version;
}

Quotas QuotasOf(bool aws_fidelity) { return aws_fidelity ? kAwsQuotas : kLenientQuotas; }

bool UsesSaml(const catalog::GrafanaWorkspace& workspace) {
  const auto& providers = workspace.authentication_providers;
  return std::find(providers.begin(), providers.end(), "SAML") != providers.end();
}

std::string_view SamlStatus(const catalog::GrafanaWorkspace& workspace, bool aws_fidelity) {
  // AWS also wants somebody to be an administrator (aws-contract.md §12.1).
  const bool ready =
      workspace.saml.has_value() && (!aws_fidelity || !workspace.saml->admin_roles.empty());
  return ready ? "CONFIGURED" : "NOT_CONFIGURED";
}

Json TagsJson(const catalog::Tags& tags) {
  Json json = Json::object();
  for (const auto& [key, value] : tags) json[key] = value;
  return json;
}

Json WorkspaceJson(const catalog::GrafanaWorkspace& workspace, std::string_view endpoint,
                   bool aws_fidelity, int64_t now_ms) {
  Json authentication = {{"providers", workspace.authentication_providers}};
  if (UsesSaml(workspace)) {
    authentication["samlConfigurationStatus"] = SamlStatus(workspace, aws_fidelity);
  }
  Json json = {{"id", workspace.id}};
  PutText(&json, "name", workspace.name);
  json["accountAccessType"] = workspace.account_access_type;
  json["permissionType"] = workspace.permission_type;
  json["authentication"] = std::move(authentication);
  json["dataSources"] = workspace.data_sources;
  json["description"] = workspace.description;
  json["notificationDestinations"] = workspace.notification_destinations;
  json["organizationalUnits"] = workspace.organizational_units;
  json["endpoint"] = endpoint;
  json["grafanaVersion"] = VersionOf(workspace);
  json["status"] = workspace.status;
  json["created"] = access::EpochSeconds(workspace.created_ms);
  json["modified"] = access::EpochSeconds(workspace.modified_ms);
  PutText(&json, "workspaceRoleArn", workspace.role_arn);
  PutText(&json, "organizationRoleName", workspace.organization_role_name);
  PutText(&json, "stackSetName", workspace.stack_set_name);
  PutText(&json, "kmsKeyId", workspace.kms_key_id);
  PutLicense(&json, workspace.license, now_ms);
  PutNetwork(&json, workspace);
  json["tags"] = TagsJson(workspace.tags);
  return json;
}

absl::Status CheckTags(const catalog::Tags& tags) {
  for (const auto& [key, value] : tags) {
    if (key.starts_with("aws:")) {
      return access::InvalidField("tags", "Tag keys that begin with aws: are reserved");
    }
  }
  if (tags.size() > kTagsMax) {
    return access::InvalidField(
        "tags", fmt::format("A resource has at most {} tags, not {}", kTagsMax, tags.size()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Page> ReadPage(const access::RestInput& input, std::string scope) {
  Page page;
  page.scope = std::move(scope);
  TRY_ASSIGN(page.position, access::ReadPageToken(page.scope, input.Text("nextToken")));
  page.size = static_cast<int>(input.Number("maxResults").value_or(100));
  return page;
}

absl::StatusOr<int64_t> PositionNumber(const Page& page) {
  int64_t number = 0;
  if (!page.position.empty() && !ParseInt64(page.position, &number)) {
    return access::InvalidField("nextToken", "The token is not one that this list gave out");
  }
  return number;
}

absl::Status OverQuota(std::string_view what, int64_t limit, std::string_view resource_id,
                       std::string_view resource_type) {
  return access::QuotaExceeded(fmt::format("Limit exceeded: at most {} {}", limit, what),
                               resource_id, resource_type, "grafana", "");
}

}  // namespace hearth::api::amg

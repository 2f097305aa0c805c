// SPDX-License-Identifier: Apache-2.0
#include "catalog/grafana_settings.h"

#include <nlohmann/json.hpp>

namespace hearth::catalog {
namespace {

using Json = nlohmann::json;

void PutText(Json* json, const char* name, const std::string& value) {
  if (!value.empty()) (*json)[name] = value;
}

void PutList(Json* json, const char* name, const std::vector<std::string>& value) {
  if (!value.empty()) (*json)[name] = value;
}

std::string Text(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

int64_t Number(const Json& json, const char* name, int64_t otherwise = 0) {
  const auto it = json.find(name);
  return it != json.end() && it->is_number_integer() ? it->get<int64_t>() : otherwise;
}

std::vector<std::string> List(const Json& json, const char* name) {
  std::vector<std::string> list;
  const auto it = json.find(name);
  if (it == json.end() || !it->is_array()) return list;
  for (const Json& entry : *it) {
    if (entry.is_string()) list.push_back(entry.get<std::string>());
  }
  return list;
}

const Json* Object(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_object() ? &*it : nullptr;
}

Json EncodeSaml(const GrafanaSaml& saml) {
  Json json = {{"login_validity_minutes", saml.login_validity_minutes},
               {"assertion_attributes", saml.assertion_attributes}};
  PutText(&json, "metadata_url", saml.metadata_url);
  PutText(&json, "metadata_xml", saml.metadata_xml);
  PutList(&json, "admin_roles", saml.admin_roles);
  PutList(&json, "editor_roles", saml.editor_roles);
  PutList(&json, "allowed_organizations", saml.allowed_organizations);
  return json;
}

GrafanaSaml DecodeSaml(const Json& json) {
  GrafanaSaml saml;
  saml.metadata_url = Text(json, "metadata_url");
  saml.metadata_xml = Text(json, "metadata_xml");
  saml.admin_roles = List(json, "admin_roles");
  saml.editor_roles = List(json, "editor_roles");
  saml.allowed_organizations = List(json, "allowed_organizations");
  saml.login_validity_minutes = Number(json, "login_validity_minutes", 1440);
  if (const Json* attributes = Object(json, "assertion_attributes")) {
    for (const auto& [name, value] : attributes->items()) {
      if (value.is_string()) saml.assertion_attributes[name] = value.get<std::string>();
    }
  }
  return saml;
}

void PutLicense(Json* json, const GrafanaLicense& license) {
  PutText(json, "license_type", license.type);
  PutText(json, "grafana_token", license.grafana_token);
  if (license.expires_ms != 0) (*json)["license_expires_ms"] = license.expires_ms;
  if (license.free_trial_expires_ms != 0) {
    (*json)["free_trial_expires_ms"] = license.free_trial_expires_ms;
  }
  if (license.free_trial_consumed) (*json)["free_trial_consumed"] = 1;
}

}  // namespace

std::string EncodeGrafanaSettings(const GrafanaWorkspace& workspace) {
  Json json = Json::object();
  if (workspace.saml) json["saml"] = EncodeSaml(*workspace.saml);
  PutLicense(&json, workspace.license);
  if (workspace.vpc) {
    json["vpc"] = {{"security_group_ids", workspace.vpc->security_group_ids},
                   {"subnet_ids", workspace.vpc->subnet_ids}};
  }
  if (workspace.network_access) {
    json["network_access"] = {{"prefix_list_ids", workspace.network_access->prefix_list_ids},
                              {"vpce_ids", workspace.network_access->vpce_ids}};
  }
  PutText(&json, "stack_set_name", workspace.stack_set_name);
  PutText(&json, "organization_role_name", workspace.organization_role_name);
  PutList(&json, "organizational_units", workspace.organizational_units);
  PutText(&json, "kms_key_id", workspace.kms_key_id);
  PutText(&json, "ip_address_type", workspace.ip_address_type);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void DecodeGrafanaSettings(std::string_view text, GrafanaWorkspace* workspace) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  if (const Json* saml = Object(json, "saml")) workspace->saml = DecodeSaml(*saml);
  GrafanaLicense& license = workspace->license;
  license.type = Text(json, "license_type");
  license.grafana_token = Text(json, "grafana_token");
  license.expires_ms = Number(json, "license_expires_ms");
  license.free_trial_expires_ms = Number(json, "free_trial_expires_ms");
  license.free_trial_consumed = Number(json, "free_trial_consumed") != 0;
  if (const Json* vpc = Object(json, "vpc")) {
    workspace->vpc = GrafanaVpc{List(*vpc, "security_group_ids"), List(*vpc, "subnet_ids")};
  }
  if (const Json* access = Object(json, "network_access")) {
    workspace->network_access =
        GrafanaNetworkAccess{List(*access, "prefix_list_ids"), List(*access, "vpce_ids")};
  }
  workspace->stack_set_name = Text(json, "stack_set_name");
  workspace->organization_role_name = Text(json, "organization_role_name");
  workspace->organizational_units = List(json, "organizational_units");
  workspace->kms_key_id = Text(json, "kms_key_id");
  workspace->ip_address_type = Text(json, "ip_address_type");
}

}  // namespace hearth::catalog

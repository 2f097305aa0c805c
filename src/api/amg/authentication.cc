// SPDX-License-Identifier: Apache-2.0
// How people sign in to a workspace: providers, and the SAML identity provider.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/amg/amg.h"
#include "api/amg/answers.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using access::RestInput;
using amg::Json;
using catalog::GrafanaSaml;
using catalog::GrafanaWorkspace;
using catalog::Transaction;

// aws-contract.md §5.5: one day where nothing is said, 30 days at most.
constexpr int64_t kValidityMinutesMax = int64_t{30} * 24 * 60;
constexpr std::string_view kAttributes[] = {"name", "login", "email", "groups", "role", "org"};

absl::StatusOr<GrafanaSaml> ReadSaml(const RestInput& input) {
  GrafanaSaml saml;
  const RestInput metadata = input.Child("idpMetadata");
  if (metadata.Has("url") == metadata.Has("xml")) {
    return access::InvalidField("samlConfiguration.idpMetadata", "Give one of url and xml");
  }
  saml.metadata_url = metadata.Text("url");
  saml.metadata_xml = metadata.Text("xml");
  saml.assertion_attributes = {{"name", "displayName"}, {"login", "mail"}, {"email", "mail"}};
  const RestInput attributes = input.Child("assertionAttributes");
  for (const std::string_view name : kAttributes) {
    if (attributes.Has(name)) {
      saml.assertion_attributes[std::string(name)] = attributes.Text(name);
    }
  }
  const RestInput roles = input.Child("roleValues");
  saml.admin_roles = roles.TextList("admin");
  saml.editor_roles = roles.TextList("editor");
  saml.allowed_organizations = input.TextList("allowedOrganizations");
  saml.login_validity_minutes =
      input.Number("loginValidityDuration").value_or(saml.login_validity_minutes);
  if (saml.login_validity_minutes < 1 || saml.login_validity_minutes > kValidityMinutesMax) {
    return access::InvalidField(
        "samlConfiguration.loginValidityDuration",
        fmt::format("Member must be between 1 and {} minutes", kValidityMinutesMax));
  }
  return saml;
}

// assertionAttributes, roleValues and idpMetadata are always there: the provider does not survive
// their absence (aws-contract.md §15.3).
Json SamlJson(const GrafanaSaml& saml) {
  Json metadata = Json::object();
  if (!saml.metadata_url.empty()) metadata["url"] = saml.metadata_url;
  if (!saml.metadata_xml.empty()) metadata["xml"] = saml.metadata_xml;
  Json json = {{"idpMetadata", std::move(metadata)},
               {"assertionAttributes", saml.assertion_attributes},
               {"roleValues", {{"editor", saml.editor_roles}, {"admin", saml.admin_roles}}},
               {"loginValidityDuration", saml.login_validity_minutes}};
  if (!saml.allowed_organizations.empty()) {
    json["allowedOrganizations"] = saml.allowed_organizations;
  }
  return json;
}

std::string AuthenticationBody(const GrafanaWorkspace& workspace, bool aws_fidelity) {
  Json authentication = {{"providers", workspace.authentication_providers}};
  if (amg::UsesSaml(workspace)) {
    Json saml = {{"status", amg::SamlStatus(workspace, aws_fidelity)}};
    if (workspace.saml) saml["configuration"] = SamlJson(*workspace.saml);
    authentication["saml"] = std::move(saml);
  }
  const Json answer = {{"authentication", std::move(authentication)}};
  return access::RestBody(answer);
}

}  // namespace

Amg::Answer Amg::DescribeWorkspaceAuthentication(const Call& call) {
  TRY_ASSIGN(const GrafanaWorkspace workspace, Find(call));
  return AuthenticationBody(workspace, options_.aws_fidelity);
}

Amg::Answer Amg::UpdateWorkspaceAuthentication(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    workspace.authentication_providers = call.input.TextList("authenticationProviders");
    if (call.input.Has("samlConfiguration")) {
      if (!amg::UsesSaml(workspace)) {
        return access::InvalidField("samlConfiguration",
                                    "It needs SAML among authenticationProviders");
      }
      TRY_ASSIGN(workspace.saml, ReadSaml(call.input.Child("samlConfiguration")));
    }
    if (!amg::UsesSaml(workspace)) workspace.saml.reset();
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    return AuthenticationBody(workspace, options_.aws_fidelity);
  });
}

}  // namespace hearth::api

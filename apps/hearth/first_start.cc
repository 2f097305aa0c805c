// SPDX-License-Identifier: Apache-2.0
#include "first_start.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "auth/principal.h"
#include "base/status.h"
#include "catalog/iam.h"
#include "catalog/sign_in_links.h"
#include "crypto/certificates.h"
#include "grafana/provision.h"

namespace hearth::app {
namespace {

constexpr std::string_view kDefaultName = "default";
constexpr std::string_view kServerCertificateName = "server-certificate";
constexpr std::string_view kServerKeyName = "server-key";

absl::StatusOr<std::string> SecretOrEmpty(catalog::Reader& reader, std::string_view name) {
  auto secret = catalog::GetSecret(reader, name);
  if (absl::IsNotFound(secret.status())) return std::string();
  return secret;
}

// The default Grafana workspace reads the default AMP workspace as a role of its own, as AMG's
// console would have made it: nothing rests on leniency. A role that was set later stays.
absl::Status EnsureReaderRole(catalog::Transaction& transaction, const catalog::AmpWorkspace& amp,
                              catalog::GrafanaWorkspace* grafana) {
  if (!grafana->role_arn.empty()) return absl::OkStatus();
  catalog::IamRole role;
  role.account = grafana->account;
  role.path = "/service-role/";
  role.name = "hearth-" + grafana->id;
  role.description = "What the default Grafana workspace may read";
  role.trust_policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":)"
      R"("grafana.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
  TRY(catalog::CreateRole(transaction, &role));
  TRY(catalog::PutInlinePolicy(
      transaction, catalog::PolicyOwner::kRole, role.account, role.name, "read-default-workspace",
      fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[)"
                  R"("aps:DescribeWorkspace","aps:QueryMetrics","aps:GetLabels","aps:GetSeries",)"
                  R"("aps:GetMetricMetadata","aps:ListRules","aps:ListAlerts"],)"
                  R"("Resource":"{}"}}]}})",
                  catalog::AmpWorkspaceArn(amp))));
  grafana->role_arn = auth::RoleArn(role.account, role.path, role.name);
  return catalog::UpdateGrafanaWorkspace(transaction, grafana);
}

std::vector<std::string> CertificateNames(const std::string& listen_host) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') names.emplace_back(host);
  const bool any = listen_host.empty() || listen_host == "0.0.0.0" || listen_host == "::";
  if (!any) names.push_back(listen_host);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

absl::StatusOr<Defaults> EnsureDefaults(catalog::Catalog& catalog, const ServeFlags& flags) {
  return catalog.Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Defaults> {
    Defaults defaults;
    TRY_ASSIGN(const auto keys, catalog::ListAccessKeys(transaction, flags.account, ""));
    defaults.first_start = keys.empty();
    TRY_ASSIGN(defaults.root, catalog::EnsureRootAccessKey(transaction, flags.account));
    TRY_ASSIGN(defaults.amp,
               catalog::EnsureAmpWorkspace(transaction, flags.account, flags.region, kDefaultName));
    TRY_ASSIGN(defaults.grafana, catalog::EnsureGrafanaWorkspace(transaction, flags.account,
                                                                 flags.region, kDefaultName));
    TRY(EnsureReaderRole(transaction, defaults.amp, &defaults.grafana));
    return defaults;
  });
}

absl::Status EnsureDefaultDataSource(catalog::Catalog& catalog, const Defaults& defaults,
                                     const std::string& base_url, const std::string& region) {
  catalog::DataSource source = grafana::AmpDataSource(
      defaults.grafana.id, base_url + "/workspaces/" + defaults.amp.id + "/", region);
  return catalog.Write([&](catalog::Transaction& transaction) {
    return catalog::EnsureDataSource(transaction, &source);
  });
}

absl::Status WriteAwsFiles(FileSystem& file_system, const std::string& data,
                           const catalog::AccessKey& root, const std::string& region,
                           const std::string& endpoint_url) {
  const std::string directory = JoinPath(data, "aws");
  TRY(file_system.MakeDirectories(directory));
  TRY(file_system.WriteFileAtomic(
      JoinPath(directory, "credentials"),
      fmt::format("[hearth]\naws_access_key_id = {}\naws_secret_access_key = {}\n", root.id,
                  root.secret)));
  return file_system.WriteFileAtomic(
      JoinPath(directory, "config"),
      fmt::format("[profile hearth]\nregion = {}\nendpoint_url = {}\n", region, endpoint_url));
}

absl::StatusOr<std::string> ReadEndpointUrl(FileSystem& file_system, const std::string& data) {
  TRY_ASSIGN(const std::string config, file_system.ReadFile(JoinPath(data, "aws/config")));
  for (const std::string_view line : Split(config, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    if (TrimSpace(line.substr(0, equals)) == "endpoint_url") {
      return std::string(TrimSpace(line.substr(equals + 1)));
    }
  }
  return NotFound("{}/aws/config has no endpoint_url", data);
}

absl::StatusOr<net::TlsIdentity> EnsureTls(catalog::Catalog& catalog, FileSystem& file_system,
                                           const Clock& clock, const std::string& data,
                                           const std::string& listen_host) {
  TRY_ASSIGN(
      const crypto::TlsSet set,
      catalog.Write([&](catalog::Transaction& transaction) -> absl::StatusOr<crypto::TlsSet> {
        crypto::TlsSet found;
        TRY_ASSIGN(found.ca_pem, SecretOrEmpty(transaction, catalog::kCaCertificateName));
        TRY_ASSIGN(found.ca_key_pem, SecretOrEmpty(transaction, catalog::kCaKeyName));
        TRY_ASSIGN(found.server_pem, SecretOrEmpty(transaction, kServerCertificateName));
        TRY_ASSIGN(found.server_key_pem, SecretOrEmpty(transaction, kServerKeyName));
        TRY_ASSIGN(const bool changed,
                   crypto::RefreshTlsSet(CertificateNames(listen_host), clock.NowMs(), &found));
        if (!changed) return found;
        TRY(catalog::PutSecret(transaction, catalog::kCaCertificateName, found.ca_pem));
        TRY(catalog::PutSecret(transaction, catalog::kCaKeyName, found.ca_key_pem));
        TRY(catalog::PutSecret(transaction, kServerCertificateName, found.server_pem));
        TRY(catalog::PutSecret(transaction, kServerKeyName, found.server_key_pem));
        return found;
      }));
  TRY(crypto::WriteTlsDirectory(file_system, JoinPath(data, "tls"), set));
  return net::TlsIdentity{set.server_pem, set.server_key_pem};
}

absl::StatusOr<std::string> NewSignInUrl(catalog::Catalog& catalog, const ServeFlags& flags,
                                         const std::string& base_url) {
  catalog::SignInLink link;
  link.account = flags.account;
  link.principal = auth::RootArn(flags.account);
  link.role = "ADMIN";
  TRY_ASSIGN(const std::string token, catalog.Write([&](catalog::Transaction& transaction) {
    return catalog::CreateSignInLink(transaction, &link);
  }));
  return base_url + "/login/link?token=" + token;
}

}  // namespace hearth::app

// SPDX-License-Identifier: Apache-2.0
#include "scrape/kubernetes_access.h"

#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/yaml.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;

std::string TextOf(const YamlNode& node, std::string_view key) {
  const YamlNode* found = node.is_map() ? node.Find(key) : nullptr;
  return found == nullptr || found->is_null() ? std::string() : found->text();
}

// `inner` of the entry called `name` in the list `list`.
absl::StatusOr<const YamlNode*> Named(const YamlNode& root, std::string_view list,
                                      std::string_view inner, std::string_view name) {
  if (const YamlNode* entries = root.Find(list); entries != nullptr) {
    for (const YamlNode& entry : entries->items()) {
      if (TextOf(entry, "name") != name) continue;
      const YamlNode* found = entry.Find(inner);
      if (found != nullptr && found->is_map()) return found;
    }
  }
  return InvalidArgument("kubeconfig: {} has no {} called {}", list, inner, model::QuoteGo(name));
}

// A text in base64 (`key`-data), or the file that `key` names.
absl::Status ReadPem(const YamlNode& node, const std::string& key, std::string_view directory,
                     std::string* pem, std::string* file) {
  const std::string data = TextOf(node, key + "-data");
  if (!data.empty()) {
    if (!Base64Decode(data, pem)) return InvalidArgument("kubeconfig: {}-data is no base64", key);
    return absl::OkStatus();
  }
  *file = TextOf(node, key);
  if (!file->empty() && !file->starts_with('/')) *file = JoinPath(directory, *file);
  return absl::OkStatus();
}

absl::Status ReadUser(const YamlNode& user, std::string_view directory, HttpConfig* http) {
  for (const std::string_view program : {"exec", "auth-provider"}) {
    if (user.Find(program) == nullptr) continue;
    return Unimplemented(
        "kubeconfig: credentials by {} are not supported; give the user a token, tokenFile or "
        "client certificate",
        program);
  }
  TRY(ReadPem(user, "client-certificate", directory, &http->tls.cert, &http->tls.cert_file));
  TRY(ReadPem(user, "client-key", directory, &http->tls.key, &http->tls.key_file));
  http->credentials = TextOf(user, "token");
  http->credentials_file = TextOf(user, "tokenFile");
  if (!http->credentials_file.empty() && !http->credentials_file.starts_with('/')) {
    http->credentials_file = JoinPath(directory, http->credentials_file);
  }
  if (!http->credentials.empty() || !http->credentials_file.empty()) {
    http->authorization_type = "Bearer";
  }
  http->username = TextOf(user, "username");
  http->password = TextOf(user, "password");
  http->has_basic_auth = !http->username.empty();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KubernetesAccess> ParseKubeconfig(std::string_view text,
                                                 std::string_view directory) {
  TRY_ASSIGN(const YamlNode root, codec::ParseYaml(text));
  if (!root.is_map()) return InvalidArgument("kubeconfig: the file is no map");
  TRY_ASSIGN(const YamlNode* context,
             Named(root, "contexts", "context", TextOf(root, "current-context")));
  TRY_ASSIGN(const YamlNode* cluster,
             Named(root, "clusters", "cluster", TextOf(*context, "cluster")));
  KubernetesAccess access;
  access.api_server = TextOf(*cluster, "server");
  if (!access.api_server.starts_with("https://") && !access.api_server.starts_with("http://")) {
    return InvalidArgument("kubeconfig: server {} is no URL", model::QuoteGo(access.api_server));
  }
  HttpConfig& http = access.http;
  TRY(ReadPem(*cluster, "certificate-authority", directory, &http.tls.ca, &http.tls.ca_file));
  http.tls.server_name = TextOf(*cluster, "tls-server-name");
  http.tls.insecure_skip_verify = TextOf(*cluster, "insecure-skip-tls-verify") == "true";
  http.proxy_url = TextOf(*cluster, "proxy-url");
  if (const std::string user = TextOf(*context, "user"); !user.empty()) {
    TRY_ASSIGN(const YamlNode* found, Named(root, "users", "user", user));
    TRY(ReadUser(*found, directory, &http));
  }
  return access;
}

}  // namespace hearth::scrape

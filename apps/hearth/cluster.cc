// SPDX-License-Identifier: Apache-2.0
// `hearth cluster add|list|remove`: makes Kubernetes clusters known to a running server, over its
// EKS face with signed calls.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "aws_call.h"
#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"
#include "commands.h"

namespace hearth::app {
namespace {

using Json = nlohmann::ordered_json;

struct ClusterFlags {
  AwsFlags aws;
  std::string name;
  std::string api_server;
  std::string ca_file;
  std::string issuer;
  std::string jwks_file;
  std::string token_file;
  std::string certificate_file;
  std::string key_file;
  std::string version;
  bool as_json = false;
};

// The decoded answer, or what the server says is wrong.
absl::StatusOr<Json> Call(const ClusterFlags& flags, std::string_view method, std::string_view path,
                          std::string body) {
  TRY_ASSIGN(const AwsAccess access, FindAwsAccess(flags.aws));
  TRY_ASSIGN(const AwsAnswer answer,
             CallAws(access, "eks", method, path, "application/json", std::move(body)));
  Json json = Json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (answer.status / 100 == 2 && json.is_object()) return json;
  const bool told = json.is_object() && json.contains("message") && json["message"].is_string();
  return FailedPrecondition("{} answered {} {}: {}", access.endpoint, answer.status,
                            answer.error_type,
                            told ? json["message"].get<std::string>() : answer.body.substr(0, 200));
}

// "-" where there is none.
std::string Text(const Json& json, const char* pointer) {
  const Json::json_pointer at(pointer);
  return json.contains(at) && json[at].is_string() ? json[at].get<std::string>() : "-";
}

absl::Status Add(const ClusterFlags& flags) {
  Json body = {{"name", flags.name}};
  if (!flags.api_server.empty()) body["endpoint"] = flags.api_server;
  if (!flags.issuer.empty()) body["issuer"] = flags.issuer;
  if (!flags.version.empty()) body["version"] = flags.version;
  if (!flags.ca_file.empty()) {
    TRY_ASSIGN(const std::string pem, RealFileSystem().ReadFile(flags.ca_file));
    body["certificateAuthority"] = {{"data", Base64Encode(pem)}};
  }
  if (!flags.jwks_file.empty()) {
    TRY_ASSIGN(body["jwks"], RealFileSystem().ReadFile(flags.jwks_file));
  }
  if (!flags.token_file.empty()) {
    TRY_ASSIGN(const std::string token, RealFileSystem().ReadFile(flags.token_file));
    body["credentials"]["token"] = TrimSpace(token);
  }
  if (!flags.certificate_file.empty()) {
    TRY_ASSIGN(const std::string pem, RealFileSystem().ReadFile(flags.certificate_file));
    TRY_ASSIGN(const std::string key, RealFileSystem().ReadFile(flags.key_file));
    body["credentials"]["clientCertificate"] = Base64Encode(pem);
    body["credentials"]["clientKey"] = Base64Encode(key);
  }
  TRY_ASSIGN(const Json answer, Call(flags, "POST", "/hearth/clusters", body.dump()));
  std::printf("%s\n", Text(answer, "/cluster/arn").c_str());
  return absl::OkStatus();
}

absl::Status List(const ClusterFlags& flags) {
  Json clusters = Json::array();
  std::string token;
  do {
    TRY_ASSIGN(
        const Json page,
        Call(flags, "GET",
             token.empty() ? "/clusters" : "/clusters?nextToken=" + PercentEncode(token, false),
             ""));
    const Json names = page.contains("clusters") ? page["clusters"] : Json::array();
    for (const Json& name : names) {
      if (!name.is_string()) continue;
      TRY_ASSIGN(
          const Json one,
          Call(flags, "GET", "/clusters/" + PercentEncode(name.get<std::string>(), false), ""));
      if (one.contains("cluster")) clusters.push_back(one["cluster"]);
    }
    token = page.contains("nextToken") && page["nextToken"].is_string()
                ? page["nextToken"].get<std::string>()
                : "";
  } while (!token.empty());
  if (flags.as_json) {
    std::printf("%s\n", clusters.dump(2).c_str());
    return absl::OkStatus();
  }
  for (const Json& cluster : clusters) {
    std::printf("%s\t%s\t%s\n", Text(cluster, "/name").c_str(), Text(cluster, "/endpoint").c_str(),
                Text(cluster, "/identity/oidc/issuer").c_str());
  }
  return absl::OkStatus();
}

absl::Status Remove(const ClusterFlags& flags) {
  return Call(flags, "DELETE", "/cluster-registrations/" + PercentEncode(flags.name, false), "")
      .status();
}

void Report(const absl::Status& status, int* exit_code) {
  if (status.ok()) return;
  std::fprintf(stderr, "hearth cluster: %s\n", Message(status).c_str());
  *exit_code = 1;
}

}  // namespace

void AddClusterCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<ClusterFlags>();
  CLI::App* command = app.add_subcommand(
      "cluster", "Kubernetes clusters that the EKS face, IRSA and scrapers know");
  command->require_subcommand(1);
  CLI::App* add = command->add_subcommand("add", "make a cluster known, or change it");
  AddAwsFlags(*add, &flags->aws);
  add->add_option("name", flags->name, "its name")->required();
  add->add_option("--api-server", flags->api_server, "URL of its API server");
  add->add_option("--ca", flags->ca_file, "PEM file: the API server's certificate authority");
  add->add_option("--issuer", flags->issuer,
                  "URL of its OIDC issuer (kubectl get --raw /.well-known/openid-configuration)");
  add->add_option("--jwks", flags->jwks_file,
                  "the issuer's key set, where hearth cannot reach it (kubectl get --raw "
                  "/openid/v1/jwks)");
  add->add_option("--token", flags->token_file,
                  "file with a service account's token, for scrapers (kubectl create token …); "
                  "read once and kept sealed");
  CLI::Option* certificate =
      add->add_option("--client-cert", flags->certificate_file,
                      "PEM file: client certificate for scrapers; kept sealed with its key");
  CLI::Option* key =
      add->add_option("--client-key", flags->key_file, "PEM file: the key of --client-cert");
  certificate->needs(key);
  key->needs(certificate);
  add->add_option("--kubernetes-version", flags->version, "for example 1.31");
  add->callback([flags, exit_code] { Report(Add(*flags), exit_code); });
  CLI::App* list = command->add_subcommand("list", "name, API server, issuer, tab-separated");
  AddAwsFlags(*list, &flags->aws);
  list->add_flag("--json", flags->as_json, "as JSON");
  list->callback([flags, exit_code] { Report(List(*flags), exit_code); });
  CLI::App* remove = command->add_subcommand("remove", "forget a cluster");
  AddAwsFlags(*remove, &flags->aws);
  remove->add_option("name", flags->name, "its name")->required();
  remove->callback([flags, exit_code] { Report(Remove(*flags), exit_code); });
}

}  // namespace hearth::app

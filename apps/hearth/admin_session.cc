// SPDX-License-Identifier: Apache-2.0
#include "admin_session.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file_system.h"
#include "base/log.h"
#include "base/status.h"
#include "flags.h"
#include "server.h"

namespace hearth::app {
namespace {

// An export of a whole window, or a snapshot, is one answer.
constexpr int64_t kCallMs = int64_t{24} * 3600 * 1000;
constexpr size_t kErrorBytesMax = 64 << 10;  // no error of a server is longer

// What a server's error says, of Prometheus' or AWS's form.
std::string Reason(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  for (const char* name : {"error", "message", "Message"}) {
    if (json.is_object() && json.contains(name) && json[name].is_string()) {
      return json[name].get<std::string>();
    }
  }
  return body.substr(0, 300);
}

absl::Status ToStatus(int status, const std::string& text) {
  switch (status) {
    case 400:
      return InvalidArgument("{}", text);
    case 401:
    case 403:
      return PermissionDenied("{}", text);
    case 404:
      return NotFound("{}", text);
    case 507:
      return ResourceExhausted("{}", text);
    default:
      return Unavailable("{}", text);
  }
}

absl::StatusOr<std::unique_ptr<Server>> StartOwn(const AdminFlags& flags, bool may_create) {
  const std::string& data = flags.aws.data;
  if (!may_create && !RealFileSystem().Exists(JoinPath(data, "aws/credentials"))) {
    return NotFound(
        "--data {} is no data directory of hearth; name one, or a running server with --server",
        data);
  }
  ServeFlags serve;
  serve.data = data;
  serve.listen = "127.0.0.1:0";
  serve.listen_tls = "127.0.0.1:0";
  serve.account = flags.account;
  serve.catalog = flags.catalog;
  // As the server that ran on it wrote into its AWS profile.
  if (const auto access = FindAwsAccess(flags.aws); access.ok()) serve.region = access->region;
  TRY_ASSIGN(ServeSettings settings, CheckFlags(serve));
  log::Configure(log::Level::kWarn, log::Format::kText);
  auto server = std::make_unique<Server>(std::move(settings));
  TRY(server->Start());
  return server;
}

// A server that runs holds the lock, so that we cannot have it.
bool IsServed(const std::string& data) {
  return absl::IsFailedPrecondition(RealFileSystem().Lock(JoinPath(data, "lock")).status());
}

}  // namespace

void AddAdminFlags(CLI::App& command, AdminFlags* flags, bool with_workspace) {
  command.add_option("--server,--endpoint-url", flags->aws.endpoint,
                     "URL of a running server; signs as AWS clients do (AWS_ACCESS_KEY_ID, "
                     "AWS_PROFILE)");
  command
      .add_option("--data", flags->aws.data,
                  "data directory: of the server that runs on it, or without a server")
      ->envname("HEARTH_DATA");
  command.add_option("--profile", flags->aws.profile, "profile of the AWS credentials file")
      ->envname("AWS_PROFILE");
  command.add_option("--region", flags->aws.region, "region of the workspace")
      ->envname("AWS_REGION");
  command
      .add_option("--ca-file,--ca-bundle", flags->aws.ca_file,
                  "CA of an https server (DIR/tls/ca.pem)")
      ->envname("AWS_CA_BUNDLE");
  command.add_option("--account", flags->account, "the server's --account, where none runs")
      ->envname("HEARTH_ACCOUNT")
      ->capture_default_str();
  command.add_option("--catalog", flags->catalog, "the server's --catalog, where none runs")
      ->envname("HEARTH_CATALOG");
  if (with_workspace) {
    command.add_option("--workspace", flags->workspace, "ws-… (default: the default workspace)");
  }
}

AdminSession::AdminSession() = default;

AdminSession::~AdminSession() {
  client_.reset();
  if (own_ != nullptr) own_->Stop();
}

absl::StatusOr<std::unique_ptr<AdminSession>> AdminSession::Open(const AdminFlags& flags,
                                                                 bool may_create) {
  if (flags.aws.endpoint.empty() && flags.aws.data.empty()) {
    return InvalidArgument(
        "say where: --server URL of a running server, or --data DIR (with or without a server)");
  }
  auto session = std::unique_ptr<AdminSession>(new AdminSession());
  const bool alone = flags.aws.endpoint.empty() && !IsServed(flags.aws.data);
  if (alone) {
    TRY_ASSIGN(session->own_, StartOwn(flags, may_create));
  }
  AwsFlags aws = flags.aws;
  if (alone) aws.endpoint = session->own_->http_url();
  TRY_ASSIGN(session->access_, FindAwsAccess(aws));
  session->workspace_ = flags.workspace;
  session->client_ = std::make_unique<net::HttpClient>(net::HttpClientOptions{}, session->metrics_);
  std::fprintf(stderr, "%s\n",
               alone ? fmt::format("no server runs on {}: working on it directly", aws.data).c_str()
                     : fmt::format("server {}", session->endpoint()).c_str());
  return session;
}

std::string AdminSession::Path(std::string_view rest) const {
  return workspace_.empty() ? std::string(rest) : fmt::format("/workspaces/{}{}", workspace_, rest);
}

absl::StatusOr<std::string> AdminSession::Call(std::string_view service, std::string_view method,
                                               const std::string& path,
                                               std::string_view content_type, std::string body,
                                               std::function<bool(std::string_view)> on_body) {
  TRY_ASSIGN(net::ClientRequest request,
             SignedRequest(access_, service, method, path, content_type, std::move(body)));
  request.timeout_ms = kCallMs;
  // What an error says comes the same way, before anybody knows that it is one.
  std::string head;
  bool wanted = true;
  if (on_body) {
    request.on_body = [&](std::string_view bytes) {
      if (head.size() < kErrorBytesMax) head += bytes.substr(0, kErrorBytesMax - head.size());
      wanted = wanted && on_body(bytes);
      return wanted || head.size() < kErrorBytesMax;
    };
  }
  TRY_ASSIGN(net::ClientResponse response, client_->Fetch(std::move(request)));
  if (response.status / 100 == 2) return std::move(response.body);
  return ToStatus(response.status, fmt::format("{} answered {}: {}", endpoint(), response.status,
                                               Reason(on_body ? head : response.body)));
}

}  // namespace hearth::app

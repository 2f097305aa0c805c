// SPDX-License-Identifier: Apache-2.0
#include "aws_call.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <vector>

#include "auth/sigv4.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/text.h"
#include "net/http_client.h"

namespace hearth::app {
namespace {

constexpr std::string_view kDefaultEndpoint = "http://127.0.0.1:9320";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string FirstOf(std::initializer_list<std::string> values) {
  for (const std::string& value : values) {
    if (!value.empty()) return value;
  }
  return "";
}

// One section of an INI file as AWS's tools write it. A file that is not there is empty.
std::map<std::string, std::string> ReadSection(const std::string& path, std::string_view section) {
  std::map<std::string, std::string> values;
  const auto text = RealFileSystem().ReadFile(path);
  if (!text.ok()) return values;
  bool inside = false;
  for (const std::string_view raw : Split(*text, '\n')) {
    const std::string_view line = TrimSpace(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = TrimSpace(line.substr(1, line.find(']') - 1)) == section;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    values[std::string(TrimSpace(line.substr(0, equals)))] =
        std::string(TrimSpace(line.substr(equals + 1)));
  }
  return values;
}

}  // namespace

void AddAwsFlags(CLI::App& command, AwsFlags* flags) {
  command.add_option("--data", flags->data,
                     "the server's data directory: its root credentials are used");
  command
      .add_option("--profile", flags->profile, "profile of the AWS credentials and config files")
      ->envname("AWS_PROFILE");
  command
      .add_option("--endpoint-url,--server", flags->endpoint, "the server, http://127.0.0.1:9320")
      ->envname("AWS_ENDPOINT_URL");
  command.add_option("--region", flags->region, "region of the call")->envname("AWS_REGION");
  command
      .add_option("--ca-bundle,--ca-file", flags->ca_file,
                  "certificate authority of an https endpoint")
      ->envname("AWS_CA_BUNDLE");
}

absl::StatusOr<AwsAccess> FindAwsAccess(const AwsFlags& flags) {
  const std::string home = Environment("HOME");
  std::string credentials_path =
      FirstOf({Environment("AWS_SHARED_CREDENTIALS_FILE"), home + "/.aws/credentials"});
  std::string config_path = FirstOf({Environment("AWS_CONFIG_FILE"), home + "/.aws/config"});
  std::string profile = FirstOf({flags.profile, "default"});
  AwsAccess access;
  if (!flags.data.empty()) {
    credentials_path = JoinPath(flags.data, "aws/credentials");
    config_path = JoinPath(flags.data, "aws/config");
    profile = FirstOf({flags.profile, "hearth"});
  } else {
    access.access_key_id = Environment("AWS_ACCESS_KEY_ID");
    access.secret = Environment("AWS_SECRET_ACCESS_KEY");
    access.session_token = Environment("AWS_SESSION_TOKEN");
  }
  auto config =
      ReadSection(config_path, profile == "default" ? profile : fmt::format("profile {}", profile));
  if (access.access_key_id.empty() || access.secret.empty()) {
    auto keys = ReadSection(credentials_path, profile);
    access.access_key_id = FirstOf({keys["aws_access_key_id"], config["aws_access_key_id"]});
    access.secret = FirstOf({keys["aws_secret_access_key"], config["aws_secret_access_key"]});
    access.session_token = FirstOf({keys["aws_session_token"], config["aws_session_token"]});
  }
  if (access.access_key_id.empty() || access.secret.empty()) {
    return NotFound(
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with "
        "AWS_SHARED_CREDENTIALS_FILE, or name the server's data directory with --data (looked "
        "for profile {} in {})",
        profile, credentials_path);
  }
  access.endpoint =
      FirstOf({flags.endpoint, config["endpoint_url"], std::string(kDefaultEndpoint)});
  while (access.endpoint.ends_with('/')) access.endpoint.pop_back();
  access.region =
      FirstOf({flags.region, Environment("AWS_DEFAULT_REGION"), config["region"], "us-east-1"});
  access.ca_file = flags.ca_file;
  return access;
}

absl::StatusOr<net::ClientRequest> SignedRequest(const AwsAccess& access, std::string_view service,
                                                 std::string_view method, std::string_view path,
                                                 std::string_view content_type, std::string body) {
  const size_t scheme = access.endpoint.find("://");
  if (scheme == std::string::npos) return InvalidArgument("{} is no URL", access.endpoint);
  std::string host = access.endpoint.substr(scheme + 3);
  if (host.find('/') != std::string::npos) {
    return InvalidArgument("the endpoint {} must have no path", access.endpoint);
  }
  net::ClientRequest request;
  request.method = std::string(method);
  request.url = access.endpoint + std::string(path);
  request.tls.ca_file = access.ca_file;
  std::vector<std::pair<std::string_view, std::string_view>> headers = {{"Host", host}};
  if (!body.empty()) headers.emplace_back("Content-Type", content_type);
  auth::SigV4Request to_sign;
  to_sign.method = method;
  const size_t question = path.find('?');
  to_sign.raw_path = path.substr(0, question);
  if (question != std::string_view::npos) to_sign.raw_query = path.substr(question + 1);
  to_sign.headers = headers;
  to_sign.body = body;
  const auto made =
      auth::SignSigV4(to_sign, {access.access_key_id, access.secret, access.session_token},
                      access.region, service, SystemClock().NowMs());
  for (const auto& [name, value] : headers) request.headers.Add(name, value);
  for (const auto& [name, value] : made) request.headers.Add(name, value);
  request.body = std::move(body);
  return request;
}

absl::StatusOr<AwsAnswer> CallAws(const AwsAccess& access, std::string_view service,
                                  std::string_view method, std::string_view path,
                                  std::string_view content_type, std::string body) {
  TRY_ASSIGN(net::ClientRequest request,
             SignedRequest(access, service, method, path, content_type, std::move(body)));
  Registry metrics;
  net::HttpClient client(net::HttpClientOptions{}, metrics);
  TRY_ASSIGN(net::ClientResponse response, client.Fetch(std::move(request)));
  return AwsAnswer{response.status, std::move(response.body),
                   std::string(response.headers.Find("x-amzn-ErrorType"))};
}

std::string XmlText(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return "";
  xml.remove_prefix(begin + open.size());
  const std::string_view text = xml.substr(0, xml.find(fmt::format("</{}>", name)));
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
  std::string out;
  for (size_t i = 0; i < text.size();) {
    bool entity = false;
    for (const auto& [escaped, plain] : kEntities) {
      if (!text.substr(i).starts_with(escaped)) continue;
      out += plain;
      i += escaped.size();
      entity = true;
      break;
    }
    if (!entity) out += text[i++];
  }
  return out;
}

}  // namespace hearth::app

// SPDX-License-Identifier: Apache-2.0
// hearth query instant|range: as promtool query, against any Prometheus-compatible URL. Signs with
// SigV4 where AWS credentials are in the environment or in the server's data directory.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "auth/sigv4.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/status.h"
#include "commands.h"
#include "net/http_client.h"

namespace hearth::app {
namespace {

using Json = nlohmann::json;

constexpr size_t kReasonMax = 300;  // of an error that is not Prometheus'

struct QueryFlags {
  std::string server = "http://127.0.0.1:9320";
  std::string data;
  std::string region = "us-east-1";
  std::string ca_file;
  std::string expression;
  std::string time;
  std::string start;
  std::string end;
  std::string step;
};

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Of DIR/aws/credentials where --data names one. Else as the AWS command line finds them: keys in
// the environment, else the profile AWS_PROFILE ("hearth" here) of AWS_SHARED_CREDENTIALS_FILE or
// of ./data/aws/credentials.
auth::SigV4Credentials FindCredentials(const std::string& data) {
  auth::SigV4Credentials credentials;
  std::string path;
  if (data.empty()) {
    credentials = {FromEnvironment("AWS_ACCESS_KEY_ID"), FromEnvironment("AWS_SECRET_ACCESS_KEY"),
                   FromEnvironment("AWS_SESSION_TOKEN")};
    if (!credentials.access_key_id.empty()) return credentials;
    path = FromEnvironment("AWS_SHARED_CREDENTIALS_FILE");
  }
  if (path.empty()) path = JoinPath(data.empty() ? "./data" : data, "aws/credentials");
  std::string profile = FromEnvironment("AWS_PROFILE");
  if (profile.empty()) profile = "hearth";
  const auto file = RealFileSystem().ReadFile(path);
  if (!file.ok()) return credentials;
  bool wanted = false;
  for (const std::string_view line : Split(*file, '\n')) {
    if (line.starts_with('[')) wanted = TrimSpace(line) == "[" + profile + "]";
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || !wanted) continue;
    const std::string_view key = TrimSpace(line.substr(0, equals));
    const std::string_view value = TrimSpace(line.substr(equals + 1));
    if (key == "aws_access_key_id") credentials.access_key_id = value;
    if (key == "aws_secret_access_key") credentials.secret = value;
  }
  return credentials;
}

std::string Form(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string form;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!form.empty()) form += '&';
    form += name + "=" + PercentEncode(value, false);
  }
  return form;
}

void Sign(const QueryFlags& flags, net::ClientRequest* request) {
  const auth::SigV4Credentials credentials = FindCredentials(flags.data);
  if (credentials.access_key_id.empty()) return;
  const size_t host_begin = request->url.find("://") + 3;
  const size_t path_begin = std::min(request->url.find('/', host_begin), request->url.size());
  const std::string host = request->url.substr(host_begin, path_begin - host_begin);
  const std::string path = request->url.substr(path_begin);
  const std::vector<std::pair<std::string_view, std::string_view>> headers = {
      {"Host", host}, {"Content-Type", "application/x-www-form-urlencoded"}};
  auth::SigV4Request view;
  view.method = request->method;
  view.raw_path = path;
  view.headers = headers;
  view.body = request->body;
  for (const auto& [name, value] :
       auth::SignSigV4(view, credentials, flags.region, "aps", SystemClock().NowMs())) {
    request->headers.Set(name, value);
  }
}

// What comes may be of any server: nothing is taken for what it should be.
std::string Text(const Json& json) {
  return json.is_string() ? json.get<std::string>() : json.dump();
}
std::string TextOf(const Json& json, const char* name) {
  return json.is_object() && json.contains(name) ? Text(json[name]) : "";
}
const Json& MemberOf(const Json& json, const char* name) {
  static const Json nothing;
  return json.is_object() && json.contains(name) ? json[name] : nothing;
}
const Json& ElementOf(const Json& json, size_t index) {
  static const Json nothing;
  return json.is_array() && index < json.size() ? json[index] : nothing;
}

absl::StatusOr<Json> Ask(const QueryFlags& flags, std::string_view path, std::string form) {
  Registry metrics;
  net::HttpClient client(net::HttpClientOptions{}, metrics);
  net::ClientRequest request;
  request.method = "POST";
  request.url = flags.server;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  request.body = std::move(form);
  request.timeout_ms = 150'000;
  request.tls.ca_file = flags.ca_file;
  if (request.url.find("://") == std::string::npos) {
    return InvalidArgument("--server {}: write a URL with http:// or https://", flags.server);
  }
  Sign(flags, &request);
  auto fetched = client.Fetch(std::move(request));
  if (absl::IsUnavailable(fetched.status())) {
    return Unavailable("{}; --server names another, as `hearth serve` prints it",
                       Message(fetched.status()));
  }
  TRY_ASSIGN(const net::ClientResponse response, std::move(fetched));
  Json answer = Json::parse(response.body, nullptr, false);
  if (response.status / 100 != 2) {
    std::string reason = response.body.substr(0, kReasonMax);
    if (const std::string error = TextOf(answer, "error"); !error.empty()) {
      reason = TextOf(answer, "errorType") + ": " + error;
    } else if (const std::string message = TextOf(answer, "message"); !message.empty()) {
      reason = message;
    }
    if (response.status == 401 || response.status == 403) {
      reason +=
          " (credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from "
          "--data DIR)";
    }
    return FailedPrecondition("{} answered {}: {}", flags.server, response.status, reason);
  }
  if (!answer.is_object() || !answer.contains("data")) {
    return FailedPrecondition("{} did not answer as a Prometheus server does", flags.server);
  }
  for (const char* kind : {"warnings", "infos"}) {
    if (!answer.contains(kind)) continue;
    for (const Json& line : answer[kind]) std::fprintf(stderr, "%s\n", Text(line).c_str());
  }
  return answer["data"];
}

std::string MetricText(const Json& metric) {
  std::string name;
  std::string labels;
  for (const auto& [key, value] : metric.items()) {
    if (key == "__name__") {
      name = Text(value);
      continue;
    }
    labels += (labels.empty() ? "" : ", ") + key + "=" + value.dump();
  }
  return labels.empty() && !name.empty() ? name : name + "{" + labels + "}";
}

// As Go's %f.
std::string FixedText(const Json& json) {
  const std::string text = Text(json);
  const double value = std::strtod(text.c_str(), nullptr);
  return std::isfinite(value) ? fmt::format("{:f}", value) : text;
}

// A value, or a native histogram: Count: 3.000000, Sum: 5.500000, Buckets: [(1,2]:3]
std::string ValueText(const Json& value) {
  if (!value.is_object()) return Text(value);
  std::string buckets;
  for (const Json& bucket : MemberOf(value, "buckets")) {
    const std::string boundaries = Text(ElementOf(bucket, 0));
    const bool with_lower = boundaries == "1" || boundaries == "3";
    const bool with_upper = boundaries == "0" || boundaries == "3";
    buckets += fmt::format("{}{}{},{}{}:{}", buckets.empty() ? "" : " ", with_lower ? '[' : '(',
                           Text(ElementOf(bucket, 1)), Text(ElementOf(bucket, 2)),
                           with_upper ? ']' : ')', Text(ElementOf(bucket, 3)));
  }
  return fmt::format("Count: {}, Sum: {}, Buckets: [{}]", FixedText(MemberOf(value, "count")),
                     FixedText(MemberOf(value, "sum")), buckets);
}

std::string PointText(const Json& point) {
  return fmt::format("{} @[{}]", ValueText(ElementOf(point, 1)), Text(ElementOf(point, 0)));
}

// As promtool prints: up{job="a"} => 1 @[1700000000]
void Print(const Json& data) {
  const std::string type = TextOf(data, "resultType");
  const Json& result = MemberOf(data, "result");
  if (type == "scalar" || type == "string") {
    std::printf("%s: %s\n", type.c_str(), PointText(result).c_str());
    return;
  }
  for (const Json& series : result) {
    const std::string metric = MetricText(MemberOf(series, "metric"));
    for (const char* name : {"value", "histogram"}) {
      if (!MemberOf(series, name).is_array()) continue;
      std::printf("%s => %s\n", metric.c_str(), PointText(MemberOf(series, name)).c_str());
    }
    const Json& values = MemberOf(series, "values");
    const Json& histograms = MemberOf(series, "histograms");
    if (!values.is_array() && !histograms.is_array()) continue;
    std::printf("%s =>\n", metric.c_str());
    for (const Json* points : {&values, &histograms}) {
      for (const Json& point : *points) std::printf("%s\n", PointText(point).c_str());
    }
  }
}

int Run(const QueryFlags& flags, bool range) {
  std::string form = range ? Form({{"query", flags.expression},
                                   {"start", flags.start},
                                   {"end", flags.end},
                                   {"step", flags.step}})
                           : Form({{"query", flags.expression}, {"time", flags.time}});
  const auto data = Ask(flags, range ? "/api/v1/query_range" : "/api/v1/query", std::move(form));
  if (!data.ok()) {
    std::fprintf(stderr, "hearth query: %s\n", Message(data.status()).c_str());
    return 1;
  }
  Print(*data);
  return 0;
}

void AddCommon(CLI::App& command, QueryFlags* flags) {
  command.add_option("--server", flags->server, "any Prometheus-compatible URL")
      ->capture_default_str();
  command
      .add_option("--data", flags->data,
                  "data directory whose root credentials sign (default: what AWS_ACCESS_KEY_ID or "
                  "AWS_PROFILE name, else ./data)")
      ->envname("HEARTH_DATA");
  command.add_option("--region", flags->region, "region to sign for")
      ->envname("AWS_REGION")
      ->capture_default_str();
  command.add_option("--ca-file", flags->ca_file, "CA of an https server (DIR/tls/ca.pem)");
  command.add_option("EXPR", flags->expression, "PromQL")->required();
}

}  // namespace

void AddQueryCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<QueryFlags>();
  CLI::App* query = app.add_subcommand("query", "evaluate PromQL, as promtool query does");
  query->require_subcommand(1);
  CLI::App* instant = query->add_subcommand("instant", "at one moment");
  AddCommon(*instant, flags.get());
  instant->add_option("--time", flags->time, "RFC 3339 or unix seconds (default: now)");
  instant->callback([flags, exit_code] { *exit_code = Run(*flags, false); });
  CLI::App* range =
      query->add_subcommand("range", "over a time range (default: the last 5 minutes)");
  AddCommon(*range, flags.get());
  range->add_option("--start", flags->start, "RFC 3339 or unix seconds");
  range->add_option("--end", flags->end, "RFC 3339 or unix seconds (default: now)");
  range->add_option("--step", flags->step, "duration or seconds (default: 15s)");
  range->callback([flags, exit_code] {
    const int64_t now_s = SystemClock().NowMs() / 1000;
    if (flags->end.empty()) flags->end = std::to_string(now_s);
    if (flags->start.empty()) flags->start = std::to_string(now_s - 300);
    if (flags->step.empty()) flags->step = "15s";
    *exit_code = Run(*flags, true);
  });
}

}  // namespace hearth::app

// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/source_client.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/json.h"
#include "auth/access.h"
#include "auth/policy.h"
#include "auth/sigv4.h"
#include "base/status.h"
#include "catalog/iam.h"
#include "grafana/reader_role.h"
#include "net/http_client.h"

namespace hearth::api::grafana_http {
namespace {

// As long as Prometheus lets a query run by default (2 min) would hold a worker too long.
constexpr int64_t kTimeoutMs = 60'000;
constexpr size_t kAnswerBytesMax = 64 << 20;
constexpr size_t kHeadersMax = 20;  // httpHeaderName1 … 20

std::string Secret(const catalog::DataSource& source, const std::string& name) {
  const auto found = source.secure_json_data.find(name);
  return found == source.secure_json_data.end() ? "" : found->second;
}

bool FlagOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

// The id of our own workspace that a URL means, "" for other servers; *rest is what follows it.
std::string OwnWorkspace(const Face& face, const std::string& url, std::string* rest) {
  for (const std::string& own : face.options().own_urls) {
    const std::string prefix = own + "/workspaces/";
    if (!url.starts_with(prefix)) continue;
    const size_t slash = url.find('/', prefix.size());
    *rest = slash == std::string::npos ? "" : url.substr(slash);
    while (rest->ends_with('/')) rest->pop_back();
    return url.substr(prefix.size(), slash == std::string::npos ? slash : slash - prefix.size());
  }
  return "";
}

// A data source only reads, and its path stays below its URL.
absl::Status CheckPath(std::string_view path) {
  std::string decoded;
  if (!PercentDecode(path, false, &decoded)) return InvalidArgument("the path is not encoded well");
  std::string last;
  for (const std::string_view piece : Split(decoded, '/')) {
    if (piece == "..") return InvalidArgument("the path of a data source holds no \"..\"");
    if (!piece.empty()) last = piece;
    if (piece == "admin") return PermissionDenied("a data source only reads");
  }
  if (last == "write" || last == "remote_write") {
    return PermissionDenied("a data source only reads");
  }
  return absl::OkStatus();
}

// As whom: the workspace's role, or the key pair of the data source.
absl::StatusOr<grafana::Reader> ReaderFor(Face& face, const Call& call,
                                          const catalog::DataSource& source, const Json& data) {
  const std::string type = TextOf(data, "sigV4AuthType");
  if (!FlagOf(data, "sigV4Auth") || type != "keys") {
    return grafana::ReaderOf(call.workspace, face.identities(), face.options().aws_fidelity);
  }
  const auto identity = face.identities().AuthenticateBasic(Secret(source, "sigV4AccessKey"),
                                                            Secret(source, "sigV4SecretKey"));
  if (!identity.ok()) {
    return PermissionDenied("data source {}: the access key or its secret is not valid",
                            source.uid);
  }
  return grafana::Reader{{*identity, &(*identity)->principal}, ""};
}

// sigV4AssumeRoleArn: the reader becomes that role, where its own policies and the role's trust
// policy allow it.
absl::Status Assume(Face& face, const Call& call, const std::string& arn, const Json& data,
                    grafana::Reader* reader) {
  const auth::Principal& from = *reader->principal;
  auto assumed = face.identities().PrincipalOfRole(arn, "grafana");
  // As STS: who may not assume a role learns nothing of whether it exists.
  if (absl::IsNotFound(assumed.status())) {
    return PermissionDenied("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                            from.arn, arn);
  }
  TRY(assumed);
  auth::Principal principal = *std::move(assumed);
  const auto trust = face.catalog().Read([&](catalog::Reader& rows) -> absl::StatusOr<std::string> {
    const std::string name = arn.substr(arn.rfind('/') + 1);
    TRY_ASSIGN(const auto role, catalog::GetRole(rows, principal.account, name));
    return role.trust_policy;
  });
  TRY(trust);
  TRY_ASSIGN(const auto document, auth::PolicyDocument::Parse(*trust, auth::PolicyKind::kTrust));
  auth::RequestFacts facts;
  facts.now_ms = call.request.received_ms;
  facts.region = call.workspace.region;
  facts.secure_transport = true;
  auth::ConditionContext context = auth::StandardContext(from, facts);
  if (const std::string id = TextOf(data, "sigV4ExternalId"); !id.empty()) {
    context.Set("sts:ExternalId", id);
  }
  const auto decision =
      auth::DecideAccess({from, "sts:AssumeRole", arn, context, document.get(), principal.account});
  if (!decision.allowed) return PermissionDenied("{}", decision.message);
  reader->principal = std::make_shared<auth::Principal>(std::move(principal));
  return absl::OkStatus();
}

absl::StatusOr<net::HttpResponse> AskOwn(Face& face, const Call& call,
                                         const catalog::DataSource& source,
                                         const std::string& workspace, SourceRequest request) {
  const Json data = Stored(source.json_data);
  auto found = ReaderFor(face, call, source, data);
  if (!found.ok()) return ForClient(found.status());
  grafana::Reader reader = *std::move(found);
  if (const std::string arn = TextOf(data, "sigV4AssumeRoleArn");
      FlagOf(data, "sigV4Auth") && !arn.empty()) {
    const absl::Status assumed = Assume(face, call, arn, data, &reader);
    if (!assumed.ok()) return ForClient(assumed);
  }
  access::Caller caller;
  caller.principal = reader.principal;
  caller.via = access::Via::kWorkspaceRole;
  caller.region = call.workspace.region;
  caller.facts.now_ms = call.request.received_ms;
  caller.facts.region = call.workspace.region;
  caller.facts.secure_transport = true;
  net::HttpRequest inner;
  inner.method = request.method;
  inner.path = request.path;
  inner.query = request.query;
  inner.target = request.query.empty() ? request.path : request.path + "?" + request.query;
  if (!request.content_type.empty()) inner.headers.Set("Content-Type", request.content_type);
  if (!request.accept.empty()) inner.headers.Set("Accept", request.accept);
  inner.body = std::move(request.body);
  inner.received_ms = call.request.received_ms;
  inner.cancelled = call.request.cancelled;
  inner.peer_address = call.request.peer_address;
  inner.tls = call.request.tls;
  net::HttpResponse response = face.own_query()(inner, workspace, inner.path, caller);
  if (!reader.warning.empty()) response.headers.Set("X-Hearth-Warning", reader.warning);
  return response;
}

absl::Status SetTls(const catalog::DataSource& source, const Json& data, net::ClientTls* tls) {
  tls->insecure = FlagOf(data, "tlsSkipVerify");
  tls->server_name = TextOf(data, "serverName");
  if (FlagOf(data, "tlsAuthWithCACert")) tls->ca_pem = Secret(source, "tlsCACert");
  if (FlagOf(data, "tlsAuth")) {
    return FailedPrecondition(
        "data source {}: tlsAuth (a client certificate) is not part of hearth yet", source.uid);
  }
  return absl::OkStatus();
}

// Signed for the service `aps`, which is what these data sources read from.
absl::Status Sign(const Call& call, const catalog::DataSource& source, const Json& data,
                  std::string_view host, std::string_view path, std::string_view query,
                  net::ClientRequest* out) {
  const std::string type = TextOf(data, "sigV4AuthType");
  if (type != "keys") {
    return FailedPrecondition(
        "data source {} points at another server, where the role of this workspace is not known: "
        "sigV4AuthType must be \"keys\", not \"{}\"",
        source.uid, type);
  }
  if (!TextOf(data, "sigV4AssumeRoleArn").empty()) {
    return FailedPrecondition(
        "data source {} points at another server: sigV4AssumeRoleArn is followed for workspaces of "
        "this server only",
        source.uid);
  }
  std::string region = TextOf(data, "sigV4Region");
  if (region.empty()) region = call.workspace.region;
  out->headers.Set("Host", host);
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  for (const net::HttpHeader& header : out->headers) {
    headers.emplace_back(header.name, header.value);
  }
  auth::SigV4Request request;
  request.method = out->method;
  request.raw_path = path;
  request.raw_query = query;
  request.headers = headers;
  request.body = out->body;
  const auth::SigV4Credentials credentials = {Secret(source, "sigV4AccessKey"),
                                              Secret(source, "sigV4SecretKey"),
                                              Secret(source, "sigV4SessionToken")};
  for (const auto& [name, value] :
       auth::SignSigV4(request, credentials, region, "aps", call.request.received_ms)) {
    out->headers.Set(name, value);
  }
  return absl::OkStatus();
}

absl::StatusOr<net::HttpResponse> AskOther(Face& face, const Call& call,
                                           const catalog::DataSource& source,
                                           SourceRequest request) {
  const Json data = Stored(source.json_data);
  std::string base = source.url;
  if (base.find("://") == std::string::npos) base = "http://" + base;
  base = base.substr(0, base.find_first_of("?#"));
  while (base.ends_with('/')) base.pop_back();
  const size_t authority = base.find("://") + 3;
  const size_t slash = base.find('/', authority);
  const std::string host =
      base.substr(authority, slash == std::string::npos ? slash : slash - authority);
  if (host.empty() || host.find('@') != std::string::npos) {
    return FailedPrecondition("data source {}: {} is no URL of a server", source.uid, source.url);
  }
  const std::string path = (slash == std::string::npos ? "" : base.substr(slash)) + request.path;
  net::ClientRequest out;
  out.method = request.method;
  out.url = base + request.path + (request.query.empty() ? "" : "?" + request.query);
  out.body = std::move(request.body);
  out.timeout_ms = kTimeoutMs;
  out.response_bytes_max = kAnswerBytesMax;
  if (!request.content_type.empty()) out.headers.Set("Content-Type", request.content_type);
  if (!request.accept.empty()) out.headers.Set("Accept", request.accept);
  for (size_t i = 1; i <= kHeadersMax; ++i) {
    const std::string name = TextOf(data, fmt::format("httpHeaderName{}", i).c_str());
    if (!name.empty()) {
      out.headers.Set(name, Secret(source, fmt::format("httpHeaderValue{}", i)));
    }
  }
  TRY(SetTls(source, data, &out.tls));
  if (FlagOf(data, "sigV4Auth")) {
    TRY(Sign(call, source, data, host, path, request.query, &out));
  } else if (source.basic_auth) {
    out.basic_user = source.basic_auth_user;
    out.basic_password = Secret(source, "basicAuthPassword");
  }
  TRY_ASSIGN(net::ClientResponse answer,
             face.client().Fetch(std::move(out), call.request.cancelled.get()));
  net::HttpResponse response;
  response.status = answer.status;
  const std::string_view type = answer.headers.Find("Content-Type");
  response.headers.Set("Content-Type", type.empty() ? "application/octet-stream" : type);
  // What another server says is data, not a page of ours.
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Content-Security-Policy", "sandbox");
  response.body = std::move(answer.body);
  return response;
}

}  // namespace

bool IsPrometheus(const catalog::DataSource& source) {
  return source.type == "prometheus" || source.type == "grafana-amazonprometheus-datasource";
}

absl::StatusOr<net::HttpResponse> AskSource(Face& face, const Call& call,
                                            const catalog::DataSource& source,
                                            SourceRequest request) {
  TRY(CheckPath(request.path));
  if (source.url.empty()) {
    return FailedPrecondition("data source {} has no url", source.uid);
  }
  std::string below;
  const std::string workspace = OwnWorkspace(face, source.url, &below);
  if (!workspace.empty()) {
    request.path = below + request.path;
    TRY(CheckPath(request.path));  // the URL's own path counts too
    return AskOwn(face, call, source, workspace, std::move(request));
  }
  return AskOther(face, call, source, std::move(request));
}

absl::StatusOr<std::string> WholeBody(net::HttpResponse answer) {
  if (!answer.producer) return std::move(answer.body);
  std::string body;
  for (;;) {
    TRY_ASSIGN(const bool more, answer.producer(&body));
    if (body.size() > kAnswerBytesMax) {
      return ResourceExhausted("an answer of more than {} bytes: ask for less", kAnswerBytesMax);
    }
    if (!more) return body;
  }
}

absl::StatusOr<catalog::DataSource> QueryableSource(Face& face, const Call& call,
                                                    const std::string& key, bool by_id) {
  const auto find = [&](catalog::Reader& reader) -> absl::StatusOr<catalog::DataSource> {
    int64_t id = 0;
    if (by_id && !ParseInt64(key, &id)) return InvalidArgument("id is invalid");
    TRY_ASSIGN(auto source, Named(by_id ? catalog::GetDataSourceById(reader, call.id(), id)
                                        : catalog::GetDataSource(reader, call.id(), key),
                                  "Unable to find datasource"));
    if (call.user.role == Role::kAdmin) return source;
    TRY_ASSIGN(const auto grants, ListGrants(reader, call.id(), "datasources", source.uid));
    // Without entries all who may see dashboards may query, as in Grafana.
    if (grants.empty()) return source;
    TRY_ASSIGN(const AccessList access, AccessList::Load(reader, call));
    if (access.DataSource(source.uid) >= kView) return source;
    return PermissionDenied(
        "You'll need additional permissions to perform this action. Permissions needed: "
        "datasources:query");
  };
  auto found = face.catalog().Read(find);
  if (!found.ok()) return ForClient(found.status());
  return found;
}

}  // namespace hearth::api::grafana_http

// SPDX-License-Identifier: Apache-2.0
#include "api/dispatch/dispatch.h"

#include <fmt/core.h>

#include "access/aws_errors.h"
#include "auth/sigv4.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"

namespace hearth::api {
namespace {

// Takes "/word" off the front, whole segments only. Several slashes are one, as they are for
// Prometheus' own server: modules and data sources join "…/ws-1/" and "/api/v1/query".
bool TakeSegment(std::string_view word, std::string_view* path) {
  const size_t begin = path->find_first_not_of('/');
  if (begin == 0 || begin == std::string_view::npos) return false;
  std::string_view rest = path->substr(begin);
  if (!rest.starts_with(word)) return false;
  rest.remove_prefix(word.size());
  if (!rest.empty() && rest.front() != '/') return false;
  *path = rest;
  return true;
}

// "/workspaces/ws-1/api/v1/query" → id and the rest; false where it is no data-plane path.
bool SplitDataPlane(std::string_view path, std::string_view* id, std::string_view* rest) {
  if (!TakeSegment("workspaces", &path)) return false;
  const size_t begin = path.find_first_not_of('/');
  if (begin == std::string_view::npos) return false;
  path.remove_prefix(begin);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return false;
  *id = path.substr(0, slash);
  *rest = path.substr(slash);
  std::string_view prometheus = *rest;
  std::string_view alertmanager = *rest;
  std::string_view federate = *rest;
  return (TakeSegment("api", &prometheus) && TakeSegment("v1", &prometheus)) ||
         (TakeSegment("alertmanager", &alertmanager) && TakeSegment("api", &alertmanager)) ||
         (TakeSegment("federate", &federate) && (federate.empty() || federate == "/"));
}

bool IsGrafanaId(std::string_view text) {
  if (text.size() != 12 || !text.starts_with("g-")) return false;
  return text.substr(2).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The first segment of "/a/b/c" and what follows it ("/b/c", or "/").
void SplitFirst(std::string_view path, std::string_view* first, std::string_view* rest) {
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  *first = path.substr(0, slash);
  *rest = slash == std::string_view::npos ? "/" : path.substr(slash);
}

bool IsStockPath(std::string_view path) {
  std::string_view federate = path;
  if (TakeSegment("federate", &federate) && federate.empty()) return true;
  return TakeSegment("api", &path) && TakeSegment("v1", &path) && !path.empty();
}

bool WantsGrafanaForm(std::string_view path) {
  return path.starts_with("/g-") || path.starts_with("/grafana/");
}

net::HttpResponse GrafanaMessage(int status, std::string_view message) {
  std::string body = R"({"message":)";
  AppendJsonString(message, &body);
  return net::JsonResponse(status, body + "}");
}

// Whoever asks is not known yet: nothing of the cause goes out.
net::HttpResponse CatalogFailure(const absl::Status& status) {
  log::Error("dispatch", "a Grafana workspace cannot be looked up", {{"error", Message(status)}});
  return GrafanaMessage(503, "The service cannot do this right now; try again");
}

// "eks-auth" → "EKS_AUTH", as the SDKs name their environment variables.
std::string UpperCase(std::string_view service) {
  std::string out(service);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return out;
}

auth::SigV4Request ViewOf(const net::HttpRequest& request,
                          std::vector<std::pair<std::string_view, std::string_view>>* headers) {
  for (const net::HttpHeader& header : request.headers) {
    headers->emplace_back(header.name, header.value);
  }
  auth::SigV4Request view;
  view.method = request.method;
  view.raw_path = request.path;
  view.raw_query = request.query;
  view.headers = *headers;
  return view;
}

}  // namespace

net::HttpResponse Dispatch::Handle(const net::HttpRequest& request) {
  net::HttpResponse response = Route(request);
  // Both SDKs print it in errors (aws-contract.md §1.3); what is no AWS answer does not carry it.
  if (response.headers.Has("x-amzn-ErrorType") && !response.headers.Has("x-amzn-RequestId")) {
    response.headers.Set("x-amzn-RequestId", NewUuid(SystemRng()));
  }
  return response;
}

net::HttpResponse Dispatch::Route(const net::HttpRequest& request) {
  const std::string_view path = request.path;
  if (path.empty() || path.front() != '/') return net::TextResponse(400, "bad request target\n");
  std::string_view id;
  std::string_view rest;
  if (SplitDataPlane(path, &id, &rest)) return faces_.workspace(request, id, rest);
  if (IsStockPath(path)) return faces_.root(request);
  if (!options_.domain.empty()) {
    const std::string_view host = request.HostName();
    const std::string_view name = host.substr(0, host.find('.'));
    if (IsGrafanaId(name) && host.ends_with(options_.domain) && !path.starts_with("/public/")) {
      return GrafanaById(request, name, path);
    }
  }
  SplitFirst(path, &id, &rest);
  if (IsGrafanaId(id)) return GrafanaById(request, id, rest);
  if (id == "grafana" && rest.size() > 1) {
    std::string_view name;
    SplitFirst(rest, &name, &rest);
    return GrafanaByName(request, name, rest);
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  const bool is_signed = auth::HasSigV4(ViewOf(request, &headers));
  // POST / is the query protocol's, signed or not.
  const bool aws_root = path == "/" && (is_signed || request.method == "POST");
  if (faces_.console_serves(path) && !aws_root) return faces_.console(request);
  return Service(request);
}

net::HttpResponse Dispatch::Service(const net::HttpRequest& request) {
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  const auth::SigV4Request view = ViewOf(request, &headers);
  auth::CredentialScope scope;
  if (auth::PeekScope(view, &scope)) {
    const auto face = faces_.services.find(std::string_view(scope.service));
    if (face != faces_.services.end()) return face->second(request);
    return access::AwsJsonError(
        501, "UnknownServiceException",
        fmt::format("hearth does not serve the AWS service '{}'. Route it elsewhere with "
                    "endpoints {{ {} = \"https://...\" }} in the provider, or AWS_ENDPOINT_URL_{}",
                    scope.service, scope.service, UpperCase(scope.service)));
  }
  if (auth::HasSigV4(view)) {
    return access::AwsJsonRefusal(
        {access::RefusalKind::kIncomplete, "The credential scope cannot be read", ""}, false);
  }
  const std::string type = net::MediaType(request.headers.Find("Content-Type"));
  if (request.method == "POST" && request.path == "/" &&
      type == "application/x-www-form-urlencoded") {
    return faces_.services.at("sts")(request);
  }
  if (request.path.starts_with("/workspaces") || request.path.starts_with("/tags/") ||
      request.path.starts_with("/scrapers")) {
    return access::AwsJsonRefusal(
        {access::RefusalKind::kMissing, "Missing Authentication Token", ""}, false);
  }
  return access::AwsJsonRefusal(
      {access::RefusalKind::kMissing,
       fmt::format("Missing Authentication Token (and hearth serves nothing at {})", request.path),
       ""},
      true);
}

net::HttpResponse Dispatch::GrafanaById(const net::HttpRequest& request, std::string_view id,
                                        std::string_view path) {
  const auto workspace = catalog_.Read(
      [&](catalog::Reader& reader) { return catalog::GetGrafanaWorkspace(reader, id); });
  if (absl::IsNotFound(workspace.status())) {
    return GrafanaMessage(404, fmt::format("no Grafana workspace {}", id));
  }
  if (!workspace.ok()) return CatalogFailure(workspace.status());
  return faces_.grafana(request, *workspace, path);
}

net::HttpResponse Dispatch::GrafanaByName(const net::HttpRequest& request, std::string_view encoded,
                                          std::string_view path) {
  std::string name;
  if (!PercentDecode(encoded, false, &name)) return GrafanaMessage(400, "bad workspace name");
  const auto found = catalog_.Read([&](catalog::Reader& reader) {
    return catalog::FindGrafanaWorkspacesByName(reader, options_.account, options_.region, name);
  });
  if (!found.ok()) return CatalogFailure(found.status());
  if (found->empty()) {
    return GrafanaMessage(404, fmt::format("no Grafana workspace is named {}", name));
  }
  if (found->size() > 1) {
    std::string ids;
    for (const catalog::GrafanaWorkspace& workspace : *found) {
      ids += (ids.empty() ? "" : ", ") + workspace.id;
    }
    return GrafanaMessage(
        409, fmt::format("several Grafana workspaces are named {}: {}. Use the id", name, ids));
  }
  return faces_.grafana(request, found->front(), path);
}

size_t Dispatch::Classify(const net::HttpRequest& head) {
  const std::string_view path = head.path;
  if (path.ends_with("/api/v1/read") || path.ends_with("/admin/tsdb/export")) return kPoolQuery;
  if (path.ends_with("/admin/tsdb/import")) return kPoolIngest;
  if (path.ends_with("/remote_write") || path == "/api/v1/write" ||
      path.ends_with("/api/v1/otlp/v1/metrics")) {
    return kPoolIngest;
  }
  if (path.find("/api/v1/query") != std::string_view::npos ||
      path.find("/api/v1/series") != std::string_view::npos ||
      path.find("/api/v1/label") != std::string_view::npos || path.ends_with("/federate") ||
      path.ends_with("/api/ds/query") || path.find("//") != std::string_view::npos) {
    return kPoolQuery;
  }
  return kPoolMain;
}

std::string_view Dispatch::OwnerOf(const net::HttpRequest& head) {
  std::string_view path = head.path;
  for (const std::string_view prefix : {"/workspaces/", "/grafana/", "/"}) {
    if (!path.starts_with(prefix)) continue;
    path.remove_prefix(prefix.size());
    const std::string_view first = path.substr(0, path.find('/'));
    return prefix.size() > 1 || first.starts_with("g-") ? first : std::string_view();
  }
  return {};
}

net::HttpResponse Dispatch::RenderError(const net::ServerError& error,
                                        const net::HttpRequest& head) {
  if (WantsGrafanaForm(head.path)) return GrafanaMessage(error.status, error.message);
  if (head.path.starts_with("/workspaces")) {
    return access::AwsJsonError(
        error.status,
        error.status == 413 ? "RequestEntityTooLargeException" : "ValidationException",
        error.message);
  }
  return net::TextResponse(error.status, std::string(error.message) + "\n");
}

}  // namespace hearth::api

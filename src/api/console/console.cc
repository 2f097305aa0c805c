// SPDX-License-Identifier: Apache-2.0
#include "api/console/console.h"

#include <fmt/core.h>

#include "access/aws_errors.h"
#include "base/log.h"
#include "base/status.h"
#include "web_assets/assets.h"

namespace hearth::api {
namespace {

// web.md «Serving»: emotion writes style tags; no inline script, no eval.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: "
    "blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; "
    "frame-ancestors 'self'; base-uri 'self'; form-action 'self'";

void AddSecurityHeaders(net::HttpResponse* response) {
  response->headers.Set("Content-Security-Policy", kContentSecurityPolicy);
  response->headers.Set("X-Content-Type-Options", "nosniff");
  response->headers.Set("Referrer-Policy", "same-origin");
}

// Whether an Accept-Encoding header takes `coding`; q=0 refuses it.
bool Accepts(std::string_view accept, std::string_view coding) {
  for (const std::string_view part : Split(accept, ',')) {
    const auto pieces = Split(part, ';');
    if (!EqualsIgnoreCaseAscii(TrimSpace(pieces[0]), coding)) continue;
    return pieces.size() < 2 || TrimSpace(pieces[1]) != "q=0";
  }
  return false;
}

net::HttpResponse AssetResponse(const net::HttpRequest& request, const web_assets::Asset& asset) {
  net::HttpResponse response;
  response.headers.Set("Content-Type", asset.content_type);
  response.headers.Set("ETag", asset.etag);
  response.headers.Set("Vary", "Accept-Encoding");
  response.headers.Set("Cache-Control", asset.hashed_name ? "public, max-age=31536000, immutable"
                                                          : "public, max-age=300");
  AddSecurityHeaders(&response);
  if (request.headers.Find("If-None-Match") == asset.etag) {
    response.status = 304;
    return response;
  }
  const std::string_view accept = request.headers.Find("Accept-Encoding");
  response.body_view = asset.raw;
  if (!asset.brotli.empty() && Accepts(accept, "br")) {
    response.headers.Set("Content-Encoding", "br");
    response.body_view = asset.brotli;
  } else if (!asset.gzip.empty() && Accepts(accept, "gzip")) {
    response.headers.Set("Content-Encoding", "gzip");
    response.body_view = asset.gzip;
  }
  return response;
}

// A page without the UI: what went wrong with a sign-in link, and the way out.
net::HttpResponse Page(int status, std::string_view title, std::string_view text) {
  net::HttpResponse response = net::HtmlResponse(
      status,
      fmt::format(
          "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>"
          "<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;"
          "padding:0 1rem;color-scheme:light dark}}code{{background:#8882;padding:.1em "
          ".3em;border-radius:3px}}</style></head><body><h1>{0}</h1><p>{1}</p></body></html>",
          access::EscapeXml(title), text));
  AddSecurityHeaders(&response);
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

constexpr std::string_view kNewLink =
    "Make a new one on the server with <code>hearth login --data DIR</code>, where DIR is the "
    "server's data directory.";

}  // namespace

bool Console::Serves(std::string_view path) {
  return path == "/" || path == "/-/healthy" || path == "/-/ready" || path == "/metrics" ||
         path == "/login" || path == "/login/link" || path == "/logout" || path == "/favicon.ico" ||
         path == "/robots.txt" || path.starts_with("/public/");
}

net::HttpResponse Console::Handle(const net::HttpRequest& request) {
  const std::string& path = request.path;
  if (request.method != "GET" && request.method != "HEAD") {
    net::HttpResponse response = net::TextResponse(405, "method not allowed\n");
    response.headers.Set("Allow", "GET, HEAD");
    return response;
  }
  if (path == "/-/healthy") return net::TextResponse(200, "hearth is healthy.\n");
  if (path == "/-/ready") {
    if (ready_) return net::TextResponse(200, "hearth is ready.\n");
    net::HttpResponse response = net::TextResponse(503, "hearth is not ready yet.\n");
    response.headers.Set("Retry-After", "1");
    return response;
  }
  if (path == "/metrics") return Metrics(request);
  if (path == "/login/link") return SignIn(request);
  if (path == "/logout") {
    if (const absl::Status status = sessions_.End(request); !status.ok()) {
      log::Error("console", "signing out failed", {{"error", Message(status)}});
      return Page(503, "Signing out does not work at the moment", "Please try again.");
    }
    net::HttpResponse response = net::RedirectResponse(302, "/login");
    response.headers.Add("Set-Cookie", grafana::Sessions::EndCookie());
    return response;
  }
  if (path == "/login") return Shell(request);
  if (path == "/robots.txt") return net::TextResponse(200, "User-agent: *\nDisallow: /\n");
  if (path == "/favicon.ico") return Asset(request, "/public/hearth.svg");
  if (path == "/") return net::RedirectResponse(302, options_.default_grafana_path);
  return Asset(request, path);
}

net::HttpResponse Console::Asset(const net::HttpRequest& request, std::string_view path) {
  constexpr std::string_view kPrefix = "/public/";
  const web_assets::Asset* asset =
      path.starts_with(kPrefix) ? web_assets::Find(path.substr(kPrefix.size())) : nullptr;
  if (asset == nullptr) return net::TextResponse(404, "no such file\n");
  return AssetResponse(request, *asset);
}

net::HttpResponse Console::Shell(const net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return net::TextResponse(405, "method not allowed\n");
  }
  const web_assets::Asset* page = web_assets::Find("index.html");
  if (page == nullptr) {
    return Page(
        503, "This build has no UI",
        "The program was built without the web part. Build it with <code>make build</code>; "
        "the HTTP APIs work all the same.");
  }
  net::HttpResponse response = AssetResponse(request, *page);
  response.headers.Set("Cache-Control", "no-cache");
  return response;
}

net::HttpResponse Console::SignIn(const net::HttpRequest& request) {
  // Some chats and mail scanners ask with HEAD: that must not use the link up.
  if (request.method != "GET") return net::TextResponse(405, "method not allowed\n");
  const auto parameters = net::ParseForm(request.query);
  std::string token;
  if (parameters.ok()) {
    for (const net::Parameter& parameter : *parameters) {
      if (parameter.name == "token") token = parameter.value;
    }
  }
  auth::WebSession session;
  const auto cookie = sessions_.Begin(token, request.tls, &session);
  if (cookie.ok()) {
    log::Info("console", "signed in",
              {{"principal", session.principal}, {"from", request.peer_address}});
    net::HttpResponse response =
        net::RedirectResponse(302, session.workspace.empty() ? "/" : "/" + session.workspace + "/");
    response.headers.Add("Set-Cookie", *cookie);
    response.headers.Set("Cache-Control", "no-store");
    return response;
  }
  switch (cookie.status().code()) {
    case absl::StatusCode::kFailedPrecondition:
      return Page(410, "This sign-in link has been used", kNewLink);
    case absl::StatusCode::kDeadlineExceeded:
      return Page(410, "This sign-in link has expired", kNewLink);
    case absl::StatusCode::kNotFound:
      return Page(403, "This sign-in link is not valid", kNewLink);
    default:
      log::Error("console", "sign-in failed", {{"error", Message(cookie.status())}});
      return Page(503, "Signing in does not work at the moment", "Please try again.");
  }
}

net::HttpResponse Console::Metrics(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, "");
  if (who.refusal) return access::AwsJsonRefusal(*who.refusal, true);
  // Its own metrics are the account's: whoever may read every workspace may read them.
  const std::string resource =
      fmt::format("arn:aws:aps:{}:{}:*", gate_.options().region, gate_.options().account);
  if (const auto refusal = gate_.Authorize(who.caller, "aps:QueryMetrics", resource)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = metrics_.Text();
  return response;
}

}  // namespace hearth::api

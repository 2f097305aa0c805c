// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "base/status.h"
#include "base/text.h"
#include "net/http_client.h"
#include "scrape/fetcher.h"

namespace hearth::scrape {
namespace {

// Reason phrases of RFC 9110 that a target is likely to answer with; Go prints them in errors.
std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

class HttpFetcher : public Fetcher {
 public:
  HttpFetcher(net::HttpClient& client, FileSystem& files) : client_(client), files_(files) {}

  absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) override {
    net::ClientRequest out;
    out.method = request.method;
    out.url = request.url;
    out.body = request.body;
    out.timeout_ms = request.timeout_ms;
    out.connect_timeout_ms = request.timeout_ms;
    out.response_bytes_max = request.body_bytes_max;
    out.accept_gzip = request.accept_gzip;
    for (const auto& [name, value] : request.headers) out.headers.Add(name, value);
    TRY(AddConfig(*request.http, &out));
    TRY_ASSIGN(net::ClientResponse response, client_.Fetch(std::move(out), request.cancelled));
    FetchResult result;
    result.status = response.status;
    result.status_text = fmt::format("{} {}", response.status, Reason(response.status));
    result.content_type = response.headers.Find("content-type");
    result.body = std::move(response.body);
    return result;
  }

 private:
  // The text of a secret: given, or in a file whose white space at both ends does not count.
  absl::StatusOr<std::string> Secret(const std::string& text, const std::string& file) {
    if (file.empty()) return text;
    TRY_ASSIGN(const std::string content, files_.ReadFile(file));
    return std::string(TrimSpace(content));
  }

  absl::Status AddConfig(const HttpConfig& http, net::ClientRequest* out) {
    if (http.has_basic_auth) {
      TRY_ASSIGN(out->basic_user, Secret(http.username, http.username_file));
      TRY_ASSIGN(out->basic_password, Secret(http.password, http.password_file));
    }
    if (!http.authorization_type.empty()) {
      TRY_ASSIGN(const std::string token, Secret(http.credentials, http.credentials_file));
      if (http.authorization_type == "Bearer") {
        out->bearer_token = token;
      } else {
        out->headers.Set("Authorization", http.authorization_type + " " + token);
      }
    }
    for (const auto& [name, value] : http.headers) out->headers.Add(name, value);
    for (const auto& [name, file] : http.header_files) {
      TRY_ASSIGN(const std::string value, Secret("", file));
      out->headers.Add(name, value);
    }
    out->follow_redirects = http.follow_redirects;
    out->proxy_url = http.proxy_url;
    out->tls.ca_file = http.tls.ca_file;
    out->tls.ca_pem = http.tls.ca;
    out->tls.cert_file = http.tls.cert_file;
    out->tls.key_file = http.tls.key_file;
    out->tls.server_name = http.tls.server_name;
    out->tls.insecure = http.tls.insecure_skip_verify;
    // Older versions than 1.2 are not spoken, whatever is allowed.
    const std::string& least = http.tls.min_version;
    if (least == "TLS12" || least == "TLS13") out->tls.min_version = least;
    return absl::OkStatus();
  }

  net::HttpClient& client_;
  FileSystem& files_;
};

}  // namespace

std::unique_ptr<Fetcher> MakeHttpFetcher(net::HttpClient& client, FileSystem& files) {
  return std::make_unique<HttpFetcher>(client, files);
}

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/status.h"
#include "base/text.h"
#include "net/http_client.h"
#include "scrape/fetcher.h"

namespace hearth::scrape {
namespace {

constexpr int64_t kStreamConnectMs = 10'000;

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

FetchResult ResultOf(net::ClientResponse response) {
  FetchResult result;
  result.status = response.status;
  result.status_text = fmt::format("{} {}", response.status, Reason(response.status));
  result.content_type = response.headers.Find("content-type");
  result.body = std::move(response.body);
  return result;
}

class HttpStream : public FetchStream {
 public:
  HttpStream(net::HttpClient& client, size_t unread_bytes_max)
      : client_(client), shared_(std::make_shared<Shared>()) {
    shared_->unread_bytes_max = unread_bytes_max;
  }
  ~HttpStream() override { client_.Cancel(id_); }

  void Start(net::ClientRequest request) {
    request.on_body = [shared = shared_](std::string_view piece) {
      absl::MutexLock lock(&shared->mutex);
      shared->too_large = shared->unread.size() + piece.size() > shared->unread_bytes_max;
      if (!shared->too_large) shared->unread.append(piece);
      return !shared->too_large;
    };
    id_ = client_.Start(std::move(request),
                        [shared = shared_](absl::StatusOr<net::ClientResponse> response) {
                          absl::MutexLock lock(&shared->mutex);
                          shared->ended = true;
                          shared->response = std::move(response);
                        });
  }

  bool Read(std::string* out) override {
    absl::MutexLock lock(&shared_->mutex);
    out->append(shared_->unread);
    shared_->unread.clear();
    return !shared_->ended;
  }

  absl::StatusOr<FetchResult> Result() override {
    absl::MutexLock lock(&shared_->mutex);
    if (shared_->too_large) {
      return ResourceExhausted("more than {} bytes came before they were read",
                               shared_->unread_bytes_max);
    }
    TRY(shared_->response.status());
    return ResultOf(*std::move(shared_->response));
  }

 private:
  // What the client's thread writes; it may outlive the stream until its cancellation is seen.
  struct Shared {
    absl::Mutex mutex;
    size_t unread_bytes_max = 0;
    std::string unread ABSL_GUARDED_BY(mutex);
    bool too_large ABSL_GUARDED_BY(mutex) = false;
    bool ended ABSL_GUARDED_BY(mutex) = false;
    absl::StatusOr<net::ClientResponse> response ABSL_GUARDED_BY(mutex) =
        absl::UnknownError("under way");
  };
  net::HttpClient& client_;
  const std::shared_ptr<Shared> shared_;
  uint64_t id_ = 0;
};

class HttpFetcher : public Fetcher {
 public:
  HttpFetcher(net::HttpClient& client, net::HttpClient& streams, FileSystem& files)
      : client_(client), streams_(streams), files_(files) {}

  absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) override {
    TRY_ASSIGN(net::ClientRequest out, Translate(request));
    TRY_ASSIGN(net::ClientResponse response, client_.Fetch(std::move(out), request.cancelled));
    return ResultOf(std::move(response));
  }

  absl::StatusOr<std::unique_ptr<FetchStream>> Open(const FetchRequest& request) override {
    TRY_ASSIGN(net::ClientRequest out, Translate(request));
    // The exchange may last; whether there is anybody is known soon.
    out.connect_timeout_ms = std::min(out.connect_timeout_ms, kStreamConnectMs);
    auto stream = std::make_unique<HttpStream>(streams_, request.body_bytes_max);
    stream->Start(std::move(out));
    return stream;
  }

 private:
  absl::StatusOr<net::ClientRequest> Translate(const FetchRequest& request) {
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
    return out;
  }

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
    out->tls.cert_pem = http.tls.cert;
    out->tls.key_pem = http.tls.key;
    out->tls.server_name = http.tls.server_name;
    out->tls.insecure = http.tls.insecure_skip_verify;
    // Older versions than 1.2 are not spoken, whatever is allowed.
    const std::string& least = http.tls.min_version;
    if (least == "TLS12" || least == "TLS13") out->tls.min_version = least;
    out->tls.max_version = http.tls.max_version;
    return absl::OkStatus();
  }

  net::HttpClient& client_;
  net::HttpClient& streams_;
  FileSystem& files_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FetchStream>> Fetcher::Open(const FetchRequest& request) {
  return Unimplemented("{}: streams are not served", request.url);
}

std::unique_ptr<Fetcher> MakeHttpFetcher(net::HttpClient& client, net::HttpClient& streams,
                                         FileSystem& files) {
  return std::make_unique<HttpFetcher>(client, streams, files);
}

}  // namespace hearth::scrape

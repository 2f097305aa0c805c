// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/text.h"
#include "base/threads.h"

namespace hearth::net {
namespace {

constexpr size_t kResponseHeaderBytesMax = 256 << 10;  // no honest server comes near
constexpr long kRedirectsMax = 10;                     // as Go's client
constexpr int kPollMsMax = 1000;
constexpr int64_t kCancelLookMs = 50;  // how often Fetch looks at its caller's flag

// "https://host:1/path" of a URL: what may be shown, without user, query and fragment.
std::string ShownUrl(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t host = scheme + 3;
  const size_t slash = std::min(url.find('/', host), url.size());
  const size_t at = url.substr(host, slash - host).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(host + at + 1));
}

IpBytes ToIp(const sockaddr& address) {
  IpBytes ip{};
  if (address.sa_family == AF_INET6) {
    std::memcpy(ip.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
  } else {
    ip[10] = ip[11] = 0xff;
    std::memcpy(ip.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  }
  return ip;
}

void InitializeCurl() {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

// One exchange under way. Lives on the client's thread once it is handed over.
struct Transfer {
  ~Transfer() {
    curl_slist_free_all(headers);
    curl_slist_free_all(connect_to);
    if (easy != nullptr) curl_easy_cleanup(easy);
  }

  absl::Status Configure(const HttpClientOptions& options);
  absl::StatusOr<ClientResponse> Result(CURLcode code);

  uint64_t id = 0;
  ClientRequest request;
  ClientCallback done;
  const AddressPolicy* addresses = nullptr;

  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* connect_to = nullptr;
  std::string host_header;  // where server_name takes the URL's host
  std::array<char, CURL_ERROR_SIZE> error_text{};
  ClientResponse response;
  size_t header_bytes = 0;
  bool too_large = false;
  bool address_denied = false;
  bool ended_by_reader = false;

 private:
  absl::Status CheckRequest() const;
  void SetMethodAndBody();
  absl::Status SetServerName();
  void SetHeaders();
  void SetTls();

  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);

  template <typename Value>
  void Set(CURLoption option, Value value) {
    curl_easy_setopt(easy, option, value);
  }
};

absl::Status Transfer::CheckRequest() const {
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return InvalidArgument("{}: only http and https are served", ShownUrl(request.url));
  }
  if (HasLineBreak(request.url) || HasLineBreak(request.method)) {
    return InvalidArgument("{}: a line break in URL or method", ShownUrl(request.url));
  }
  for (const HttpHeader& header : request.headers) {
    if (header.name.empty() || HasLineBreak(header.name) || HasLineBreak(header.value)) {
      return InvalidArgument("{}: a line break in header {}", ShownUrl(request.url), header.name);
    }
  }
  return absl::OkStatus();
}

absl::Status Transfer::Configure(const HttpClientOptions& options) {
  TRY(CheckRequest());
  easy = curl_easy_init();
  CHECK(easy != nullptr);
  addresses = &options.addresses;
  Set(CURLOPT_ERRORBUFFER, error_text.data());
  Set(CURLOPT_PRIVATE, this);
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_URL, request.url.c_str());
  Set(CURLOPT_PATH_AS_IS, 1L);
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_PROXY, request.proxy_url.c_str());  // "" also switches the environment's off
  Set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  Set(CURLOPT_MAXREDIRS, kRedirectsMax);
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, request.timeout_ms)));
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max<int64_t>(
                                     1, std::min(request.timeout_ms, request.connect_timeout_ms))));
  Set(CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(CURLOPT_TCP_NODELAY, 1L);
  Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  Set(CURLOPT_WRITEDATA, this);
  Set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::OnOpenSocket);
  Set(CURLOPT_OPENSOCKETDATA, this);
  if (request.accept_gzip) Set(CURLOPT_ACCEPT_ENCODING, "gzip");
  // A body that comes over hours must not wait for a peer that is gone.
  if (request.on_body) Set(CURLOPT_TCP_KEEPALIVE, 1L);
  SetMethodAndBody();
  TRY(SetServerName());
  SetHeaders();
  SetTls();
  return absl::OkStatus();
}

void Transfer::SetMethodAndBody() {
  if (request.method == "HEAD") {
    Set(CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
             request.method == "PATCH") {
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_POSTFIELDS, request.body.data());
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    if (request.method != "POST") Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method != "GET") {
    Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

// curl verifies against the URL's host and has no option for another name: so the name goes into
// the URL, the connection to where the URL pointed, and the Host header stays what it would have
// been.
absl::Status Transfer::SetServerName() {
  if (request.tls.server_name.empty()) return absl::OkStatus();
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  const auto part = [&url](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
      return std::string();
    std::string copy = text;
    curl_free(text);
    return copy;
  };
  if (curl_url_set(url.get(), CURLUPART_URL, request.url.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK) {
    return InvalidArgument("{}: the URL is malformed", ShownUrl(request.url));
  }
  const std::string host = part(CURLUPART_HOST);
  const std::string port = part(CURLUPART_PORT);
  const std::string& name = request.tls.server_name;
  if (HasLineBreak(name) || curl_url_set(url.get(), CURLUPART_HOST, name.c_str(), 0) != CURLUE_OK) {
    return InvalidArgument("server name \"{}\" is not a host name", name);
  }
  host_header = host + ":" + port;
  connect_to =
      curl_slist_append(nullptr, fmt::format("{}:{}:{}:{}", name, port, host, port).c_str());
  Set(CURLOPT_CONNECT_TO, connect_to);
  Set(CURLOPT_URL, part(CURLUPART_URL).c_str());  // curl keeps a copy
  return absl::OkStatus();
}

void Transfer::SetHeaders() {
  const auto append = [this](const std::string& line) {
    headers = curl_slist_append(headers, line.c_str());
  };
  for (const HttpHeader& header : request.headers) {
    // curl's way to send a header without a value is a semicolon.
    append(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  if (!host_header.empty() && !request.headers.Has("host")) append("Host: " + host_header);
  // curl would wait a second for "100 Continue" before a large body.
  if (!request.headers.Has("expect")) append("Expect:");
  // curl adds a form type to every POST; a body without a type is sent as such.
  if (!request.headers.Has("content-type")) append("Content-Type:");
  if (!request.bearer_token.empty()) {
    append("Authorization: Bearer " + request.bearer_token);
  } else if (!request.basic_user.empty() || !request.basic_password.empty()) {
    append("Authorization: Basic " +
           Base64Encode(request.basic_user + ":" + request.basic_password));
  }
  Set(CURLOPT_HTTPHEADER, headers);
}

void Transfer::SetTls() {
  const ClientTls& tls = request.tls;
  long version = CURL_SSLVERSION_TLSv1_2;
  if (tls.min_version == "TLS13") version = CURL_SSLVERSION_TLSv1_3;
  Set(CURLOPT_SSLVERSION, version);
  Set(CURLOPT_SSL_VERIFYPEER, tls.insecure ? 0L : 1L);
  Set(CURLOPT_SSL_VERIFYHOST, tls.insecure ? 0L : 2L);
  if (!tls.ca_pem.empty()) {
    curl_blob blob{const_cast<char*>(tls.ca_pem.data()), tls.ca_pem.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  } else if (!tls.ca_file.empty()) {
    Set(CURLOPT_CAINFO, tls.ca_file.c_str());
  }
  if (!tls.cert_file.empty()) Set(CURLOPT_SSLCERT, tls.cert_file.c_str());
  if (!tls.key_file.empty()) Set(CURLOPT_SSLKEY, tls.key_file.c_str());
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  if (transfer->request.on_body) {
    if (transfer->request.on_body({data, bytes})) return bytes;
    transfer->ended_by_reader = true;
    return bytes + 1;
  }
  std::string& body = transfer->response.body;
  if (bytes > transfer->request.response_bytes_max - body.size()) {
    transfer->too_large = true;
    return bytes + 1;  // anything but `bytes` ends the transfer
  }
  body.append(data, bytes);
  return bytes;
}

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  transfer->header_bytes += bytes;
  if (transfer->header_bytes > kResponseHeaderBytesMax) {
    transfer->too_large = true;
    return bytes + 1;
  }
  const std::string_view line = TrimSpace(std::string_view(data, bytes));
  if (line.starts_with("HTTP/")) {  // another response: a redirect's or 100's headers are dropped
    transfer->response.headers = HttpHeaders();
    return bytes;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  transfer->response.headers.Add(line.substr(0, colon), TrimSpace(line.substr(colon + 1)));
  return bytes;
}

curl_socket_t Transfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* transfer = static_cast<Transfer*>(self);
  const bool is_ip = address->family == AF_INET || address->family == AF_INET6;
  if (!is_ip || !transfer->addresses->Allows(ToIp(address->addr))) {
    transfer->address_denied = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

absl::StatusOr<ClientResponse> Transfer::Result(CURLcode code) {
  const std::string url = ShownUrl(request.url);
  if (too_large) {
    return ResourceExhausted("{}: the response is larger than the limit of {} bytes", url,
                             request.response_bytes_max);
  }
  if (ended_by_reader) return Cancelled("{}: the reader of the response ended it", url);
  const std::string reason = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OK:
      break;
    case CURLE_OPERATION_TIMEDOUT:
      return DeadlineExceeded("{}: {}", url, reason);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument("{}: {}", url, reason);
    case CURLE_COULDNT_CONNECT:
      if (address_denied) {
        return PermissionDenied("{}: its address may not be connected to", url);
      }
      return Unavailable("{}: {}", url, reason);
    default:
      return Unavailable("{}: {}", url, reason);
  }
  long status = 0;
  curl_off_t micros = 0;
  curl_off_t wire = 0;
  char* last_url = nullptr;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &micros);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &wire);
  curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &last_url);
  response.status = static_cast<int>(status);
  response.duration_seconds = static_cast<double>(micros) * 1e-6;
  response.wire_bytes = static_cast<size_t>(wire);
  response.url = last_url != nullptr ? last_url : request.url;
  return std::move(response);
}

class HttpClient::Impl {
 public:
  Impl(HttpClientOptions options, Registry& registry)
      : options_(std::move(options)),
        transfers_(Count(registry, "hearth_net_client_requests_total", "Requests begun.")),
        failures_(Count(registry, "hearth_net_client_failures_total",
                        "Requests that ended without a response.")),
        received_(Count(registry, "hearth_net_client_received_bytes_total",
                        "Bytes of response bodies, before decompression.")) {
    InitializeCurl();
    multi_ = curl_multi_init();
    CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(options_.connections_idle_max));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options_.connections_per_host_max));
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    thread_ = Thread("net-" + options_.name, [this] { Run(); });
  }

  ~Impl() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.Join();
    curl_multi_cleanup(multi_);
  }

  uint64_t Start(ClientRequest request, ClientCallback done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    transfers_.Add();
    absl::Status refused = transfer->Configure(options_);
    uint64_t id = 0;
    if (refused.ok()) {
      absl::MutexLock lock(&mutex_);
      if (stopping_) {
        refused = Cancelled("the HTTP client stops");
      } else if (count_ >= options_.transfers_max) {
        refused = ResourceExhausted("{}: {} requests are under way already",
                                    ShownUrl(transfer->request.url), count_);
      } else {
        ++count_;
        id = transfer->id = ++last_id_;
        arrived_.push_back(std::move(transfer));
      }
    }
    if (!refused.ok()) {
      failures_.Add();
      transfer->done(refused);
      return 0;
    }
    curl_multi_wakeup(multi_);
    return id;
  }

  void Cancel(uint64_t id) {
    if (id == 0) return;
    {
      absl::MutexLock lock(&mutex_);
      cancelled_.push_back(id);
    }
    curl_multi_wakeup(multi_);
  }

 private:
  Counter& Count(Registry& registry, std::string_view name, std::string_view help) {
    return registry.AddCounter(name, help, {{"client", options_.name}});
  }

  void Run();
  bool TakeArrived();  // false: the client stops
  void TakeFinished();
  void Finish(std::unique_ptr<Transfer> transfer, absl::StatusOr<ClientResponse> result);

  const HttpClientOptions options_;
  Counter& transfers_;
  Counter& failures_;
  Counter& received_;
  CURLM* multi_ = nullptr;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Transfer>> active_;  // the thread's own

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::unique_ptr<Transfer>> arrived_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

void HttpClient::Impl::Run() {
  while (TakeArrived()) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    TakeFinished();
    curl_multi_poll(multi_, nullptr, 0, kPollMsMax, nullptr);
  }
  while (!active_.empty()) {
    auto transfer = std::move(active_.begin()->second);
    active_.erase(active_.begin());
    curl_multi_remove_handle(multi_, transfer->easy);
    Finish(std::move(transfer), Cancelled("the HTTP client stops"));
  }
}

bool HttpClient::Impl::TakeArrived() {
  std::deque<std::unique_ptr<Transfer>> arrived;
  std::vector<uint64_t> cancelled;
  bool stopping = false;
  {
    absl::MutexLock lock(&mutex_);
    arrived.swap(arrived_);
    cancelled.swap(cancelled_);
    stopping = stopping_;
  }
  for (auto& transfer : arrived) {
    CURL* easy = transfer->easy;
    const uint64_t id = transfer->id;
    active_.emplace(id, std::move(transfer));
    CHECK(curl_multi_add_handle(multi_, easy) == CURLM_OK);
  }
  for (const uint64_t id : cancelled) {
    const auto found = active_.find(id);
    if (found == active_.end()) continue;  // it ended meanwhile
    auto transfer = std::move(found->second);
    active_.erase(found);
    curl_multi_remove_handle(multi_, transfer->easy);
    const std::string url = ShownUrl(transfer->request.url);
    Finish(std::move(transfer), Cancelled("{}: the caller gave up", url));
  }
  return !stopping;
}

void HttpClient::Impl::TakeFinished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* owner = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    const CURLcode code = message->data.result;
    const auto found = active_.find(reinterpret_cast<Transfer*>(owner)->id);
    CHECK(found != active_.end());
    auto transfer = std::move(found->second);
    active_.erase(found);
    auto result = transfer->Result(code);
    curl_multi_remove_handle(multi_, transfer->easy);
    Finish(std::move(transfer), std::move(result));
  }
}

void HttpClient::Impl::Finish(std::unique_ptr<Transfer> transfer,
                              absl::StatusOr<ClientResponse> result) {
  {
    absl::MutexLock lock(&mutex_);
    --count_;
  }
  if (result.ok()) {
    received_.Add(result->wire_bytes);
  } else {
    failures_.Add();
  }
  transfer->done(std::move(result));
}

HttpClient::HttpClient(HttpClientOptions options, Registry& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), metrics)) {}

HttpClient::~HttpClient() = default;

void HttpClient::Start(ClientRequest request, ClientCallback done) {
  impl_->Start(std::move(request), std::move(done));
}

absl::StatusOr<ClientResponse> HttpClient::Fetch(ClientRequest request,
                                                 const std::atomic<bool>* cancelled) {
  struct Wait {
    absl::Mutex mutex;
    bool done ABSL_GUARDED_BY(mutex) = false;
    absl::StatusOr<ClientResponse> result ABSL_GUARDED_BY(mutex) = absl::UnknownError("");
  } wait;
  const uint64_t id =
      impl_->Start(std::move(request), [&wait](absl::StatusOr<ClientResponse> result) {
        absl::MutexLock lock(&wait.mutex);
        wait.result = std::move(result);
        wait.done = true;
      });
  bool told = false;
  absl::MutexLock lock(&wait.mutex);
  while (!wait.done) {
    if (cancelled == nullptr || told) {
      wait.mutex.Await(absl::Condition(&wait.done));
      break;
    }
    wait.mutex.AwaitWithTimeout(absl::Condition(&wait.done), absl::Milliseconds(kCancelLookMs));
    if (!wait.done && cancelled->load(std::memory_order_relaxed)) {
      impl_->Cancel(id);
      told = true;
    }
  }
  return std::move(wait.result);
}

}  // namespace hearth::net

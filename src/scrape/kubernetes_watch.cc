// SPDX-License-Identifier: Apache-2.0
#include "scrape/kubernetes_watch.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::scrape {
namespace {

using Json = nlohmann::json;

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kPageObjects = 500;  // client-go's own page
constexpr int64_t kListTimeoutMs = 60'000;
// client-go's reflector: a watch lives five to ten minutes, pauses grow from 0.8 s to 30 s.
constexpr int64_t kWatchSecondsMin = 300;
constexpr int64_t kWatchSecondsSpread = 300;
constexpr int64_t kPauseMinMs = 800;
constexpr int64_t kPauseMaxMs = 30'000;
// A watch that the server ends in good order is begun again after so long.
constexpr int64_t kTurnMs = 1'000;

absl::Status Gone(std::string_view what) {
  return OutOfRange("the server has forgotten that version: {}", what);
}

// "" where `json` is no object or has no such text.
std::string TextOf(const Json& json, const char* name) {
  if (!json.is_object()) return "";
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// A Status object, as the server sends it in place of what was asked for; `body` has it.
absl::Status ErrorOf(int code, const Json& status, std::string_view body) {
  std::string message = TextOf(status, "message");
  if (message.empty()) message = body.substr(0, 200);
  if (code == 410) return Gone(message);
  return Unavailable("the API server answered {}: {}", code, message);
}

absl::Status ErrorOf(int code, std::string_view body) {
  return ErrorOf(code, Json::parse(body, nullptr, /*allow_exceptions=*/false), body);
}

std::string Query(const KubeWatchOptions& options) {
  std::string query;
  if (!options.label_selector.empty()) {
    query += "&labelSelector=" + PercentEncode(options.label_selector, false);
  }
  if (!options.field_selector.empty()) {
    query += "&fieldSelector=" + PercentEncode(options.field_selector, false);
  }
  return query;
}

}  // namespace

KubeMetrics::KubeMetrics(Registry& registry)
    : events(registry.AddCounter("hearth_scrape_kubernetes_events_total",
                                 "Changes of objects that API servers told of.")),
      lists(registry.AddCounter("hearth_scrape_kubernetes_requests_total",
                                "Requests to API servers, by kind.", {{"kind", "list"}})),
      watches(registry.AddCounter("hearth_scrape_kubernetes_requests_total",
                                  "Requests to API servers, by kind.", {{"kind", "watch"}})),
      failures(registry.AddCounter("hearth_scrape_kubernetes_failures_total",
                                   "Lists and watches of API servers that failed.")) {}

KubeWatch::KubeWatch(KubeWatchOptions options, Fetcher& fetcher, KubeMetrics& metrics)
    : options_(std::move(options)), fetcher_(fetcher), metrics_(metrics) {
  turn_ = std::hash<std::string>{}(KubePath(options_.resource, options_.name_space));
}

void KubeWatch::Poll(int64_t now_ns) {
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kPausing) {
    if (now_ns >= resume_ns_) Begin(now_ns);
    return;
  }
  const bool more = stream_->Read(&unread_);
  absl::Status status;
  if (state_ == State::kWatching) status = TakeEvents();
  if (status.ok() && unread_.size() > options_.unread_bytes_max) {
    status = ResourceExhausted(
        "a page or an event has more than {} bytes; selectors and namespaces make lists shorter",
        options_.unread_bytes_max);
  }
  if (state_ == State::kListing) {
    if (!status.ok()) {
      Forget();
      return Fail(status, now_ns);
    }
    if (!more) TakePage(now_ns);
    return;
  }
  if (!more || !status.ok()) EndWatch(status, now_ns);
}

FetchRequest KubeWatch::RequestLocked(std::string query, int64_t timeout_ms) {
  std::string_view server = options_.access.api_server;
  while (server.ends_with('/')) server.remove_suffix(1);
  FetchRequest request;
  request.url = fmt::format("{}{}?{}{}", server, KubePath(options_.resource, options_.name_space),
                            query, Query(options_));
  request.http = &options_.access.http;
  request.headers = {{"Accept", "application/json"}};
  request.timeout_ms = timeout_ms;
  request.body_bytes_max = options_.unread_bytes_max;
  return request;
}

void KubeWatch::Begin(int64_t now_ns) {
  unread_.clear();
  FetchRequest request;
  if (resource_version_.empty()) {
    state_ = State::kListing;
    metrics_.lists.Add();
    std::string query = fmt::format("limit={}", kPageObjects);
    if (!continue_.empty()) query += "&continue=" + PercentEncode(continue_, false);
    request = RequestLocked(std::move(query), kListTimeoutMs);
  } else {
    state_ = State::kWatching;
    metrics_.watches.Add();
    turn_ = turn_ * 6364136223846793005 + 1442695040888963407;  // Knuth's MMIX generator
    const int64_t seconds =
        kWatchSecondsMin + static_cast<int64_t>((turn_ >> 33) % kWatchSecondsSpread);
    request = RequestLocked(
        fmt::format("watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                    PercentEncode(resource_version_, false), seconds),
        (seconds + 30) * 1000);
  }
  auto stream = fetcher_.Open(request);
  if (!stream.ok()) return Fail(stream.status(), now_ns);
  stream_ = *std::move(stream);
}

void KubeWatch::TakePage(int64_t now_ns) {
  const auto result = stream_->Result();
  stream_.reset();
  absl::Status status = result.status();
  if (status.ok() && result->status != 200) status = ErrorOf(result->status, unread_);
  if (status.ok()) status = AddPage(unread_);
  if (!status.ok()) {
    Forget();
    return Fail(status, now_ns);
  }
  if (continue_.empty()) {
    objects_ = std::exchange(listed_, {});
    ++version_;
    synced_ = true;
    pause_ms_ = 0;
    error_.clear();
  }
  Begin(now_ns);  // the next page, or the watch
}

absl::Status KubeWatch::AddPage(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto items = json.is_object() ? json.find("items") : json.end();
  if (!json.is_object() || !json.contains("metadata") || !json["metadata"].is_object()) {
    return Unavailable("the API server sent no list");
  }
  const Json& metadata = json["metadata"];
  if (items != json.end() && items->is_array()) {
    for (const Json& item : *items) {
      TRY_ASSIGN(KubeObject object, ParseKubeObject(options_.resource, item));
      std::string key = object.meta.Key();
      listed_.insert_or_assign(std::move(key),
                               std::make_shared<const KubeObject>(std::move(object)));
    }
  }
  if (listed_.size() > kObjectsMax) {
    return ResourceExhausted(
        "the list has more than {} objects; selectors and namespaces make it shorter", kObjectsMax);
  }
  continue_ = TextOf(metadata, "continue");
  if (!continue_.empty()) return absl::OkStatus();
  resource_version_ = TextOf(metadata, "resourceVersion");
  if (resource_version_.empty()) return Unavailable("the API server sent a list without a version");
  return absl::OkStatus();
}

// Whole lines of what has come; the rest waits for its end.
absl::Status KubeWatch::TakeEvents() {
  size_t begin = 0;
  absl::Status status;
  while (status.ok()) {
    const size_t end = unread_.find('\n', begin);
    if (end == std::string::npos) break;
    const std::string_view line = std::string_view(unread_).substr(begin, end - begin);
    begin = end + 1;
    if (!TrimSpace(line).empty()) status = TakeEvent(line);
  }
  unread_.erase(0, begin);
  return status;
}

absl::Status KubeWatch::TakeEvent(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("type") || !json["type"].is_string() ||
      !json.contains("object") || !json["object"].is_object()) {
    // An error that comes before the first event is a Status alone.
    if (json.is_object() && json.contains("code") && json["code"].is_number_integer()) {
      return ErrorOf(json["code"].get<int>(), json, line);
    }
    return Unavailable("the API server sent what is no event");
  }
  const std::string type = json["type"].get<std::string>();
  const Json& object = json["object"];
  if (type == "ERROR") {
    const bool has_code = object.contains("code") && object["code"].is_number_integer();
    return ErrorOf(has_code ? object["code"].get<int>() : 500, object, line);
  }
  if (type == "BOOKMARK") {
    const auto metadata = object.find("metadata");
    const std::string version =
        metadata == object.end() ? "" : TextOf(*metadata, "resourceVersion");
    if (!version.empty()) resource_version_ = version;
    return absl::OkStatus();
  }
  TRY_ASSIGN(KubeObject parsed, ParseKubeObject(options_.resource, object));
  metrics_.events.Add();
  ++version_;
  if (!parsed.meta.resource_version.empty()) resource_version_ = parsed.meta.resource_version;
  std::string key = parsed.meta.Key();
  if (type == "DELETED") {
    objects_.erase(key);
    return absl::OkStatus();
  }
  objects_.insert_or_assign(std::move(key), std::make_shared<const KubeObject>(std::move(parsed)));
  if (objects_.size() > kObjectsMax) {
    return ResourceExhausted("more than {} objects; selectors and namespaces make them fewer",
                             kObjectsMax);
  }
  pause_ms_ = 0;
  error_.clear();
  return absl::OkStatus();
}

void KubeWatch::EndWatch(const absl::Status& broken, int64_t now_ns) {
  absl::Status status = broken;
  if (status.ok()) {
    const auto result = stream_->Result();
    status = result.status();
    if (status.ok() && result->status != 200) status = ErrorOf(result->status, unread_);
  }
  stream_.reset();
  state_ = State::kPausing;
  if (status.ok()) {
    pause_ms_ = 0;
    error_.clear();
    resume_ns_ = now_ns + kTurnMs * kNsPerMs;
    return;
  }
  // What cannot be watched from here on is listed again; a broken connection goes on where it was.
  const bool connection =
      broken.ok() && (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status));
  if (!connection || absl::IsOutOfRange(status)) Forget();
  Fail(status, now_ns);
}

void KubeWatch::Forget() {
  resource_version_.clear();
  continue_.clear();
  listed_.clear();
}

void KubeWatch::Fail(const absl::Status& status, int64_t now_ns) {
  metrics_.failures.Add();
  state_ = State::kPausing;
  stream_.reset();
  unread_.clear();
  // 410 is how the server says that time has passed: the list comes at once, the first time.
  const bool at_once = absl::IsOutOfRange(status) && pause_ms_ == 0;
  pause_ms_ = pause_ms_ == 0 ? kPauseMinMs : std::min(pause_ms_ * 2, kPauseMaxMs);
  resume_ns_ = at_once ? now_ns : now_ns + pause_ms_ * kNsPerMs;
  const std::string message = Message(status);
  if (message == error_) return;  // said already
  error_ = message;
  log::Warn("scrape", "Kubernetes objects are not up to date, the ones known stay",
            {{"server", options_.access.api_server}, {"path", path()}, {"error", message}});
}

bool KubeWatch::synced() const {
  absl::MutexLock lock(&mutex_);
  return synced_;
}

uint64_t KubeWatch::version() const {
  absl::MutexLock lock(&mutex_);
  return version_;
}

std::string KubeWatch::error() const {
  absl::MutexLock lock(&mutex_);
  return error_;
}

std::shared_ptr<const KubeObject> KubeWatch::Find(std::string_view key) const {
  absl::MutexLock lock(&mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

void KubeWatch::ForEach(
    absl::FunctionRef<void(const std::string& key, const std::shared_ptr<const KubeObject>& object)>
        visit) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, object] : objects_) visit(key, object);
}

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/json.h"

#include <absl/time/time.h>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "crypto/hash.h"
#include "grafana/json_text.h"

namespace hearth::api::grafana_http {

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

net::HttpResponse Reply(const Json& json, int status) {
  return net::JsonResponse(status, Dump(json));
}

Json Stored(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Json::object();
  return json;
}

std::string TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string Rfc3339(int64_t ms) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string Slug(std::string_view title) {
  std::string slug;
  for (const char c : ToLowerAscii(title)) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keep) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "dashboard" : slug;
}

std::string AvatarUrl(const Call& call, std::string_view login) {
  return fmt::format("{}/avatar/{}", call.base, crypto::Sha256Hex(login).substr(0, 32));
}

absl::Status CheckUid(std::string_view uid) {
  // Grafana's own rule; a longer one would not fit its clients' columns.
  constexpr size_t kUidMax = 40;
  if (uid.size() > kUidMax) {
    return InvalidArgument("uid too long, max {} characters: {} are too many", kUidMax, uid.size());
  }
  for (const char c : uid) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!good) return InvalidArgument("uid contains illegal characters: {}", uid);
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> BodyJson(const Call& call) {
  const std::string& text = call.request.body;
  if (text.size() > kBodyBytesMax) {
    return InvalidArgument("bad request data: a body of {} bytes exceeds the limit of {} bytes",
                           text.size(), kBodyBytesMax);
  }
  if (const absl::Status status = grafana::CheckJson(text); !status.ok()) {
    return InvalidArgument("bad request data: {}", hearth::Message(status));
  }
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

absl::StatusOr<Body> Body::Of(const Call& call) {
  TRY_ASSIGN(const Json json, BodyJson(call));
  if (!json.is_object()) return InvalidArgument("bad request data: the body must be a JSON object");
  return Body(json, "");
}

Body::Body(const Json& json, std::string path)
    : json_(std::make_shared<const Json>(json)), path_(std::move(path)) {}

void Body::Fail(std::string_view key, std::string_view problem) {
  if (!status_.ok()) return;
  status_ = InvalidArgument("bad request data: {}{} {}", path_, key, problem);
}

const Json* Body::Find(std::string_view key) const {
  const auto found = json_->find(std::string(key));
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

bool Body::Has(std::string_view key) const { return Find(key) != nullptr; }

std::string Body::Text(std::string_view key) {
  const Json* value = Find(key);
  if (value == nullptr) return "";
  if (!value->is_string()) {
    Fail(key, "must be a string");
    return "";
  }
  std::string text = value->get<std::string>();
  // No column of the catalog holds it, and no name wants it.
  if (text.find('\0') != std::string::npos) Fail(key, "must not hold the character U+0000");
  return text;
}

std::string Body::Required(std::string_view key, size_t bytes_max) {
  std::string text = Text(key);
  if (TrimSpace(text).empty()) Fail(key, "is required");
  if (text.size() > bytes_max) {
    Fail(key, fmt::format("of {} bytes exceeds the limit of {} bytes", text.size(), bytes_max));
  }
  return text;
}

int64_t Body::Number(std::string_view key, int64_t otherwise) {
  const Json* value = Find(key);
  if (value == nullptr) return otherwise;
  if (value->is_number_integer()) {
    if (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX) {
      Fail(key, "is too large");
      return otherwise;
    }
    return value->get<int64_t>();
  }
  // JavaScript's 1.0 and 1e3.
  if (value->is_number_float()) {
    const double number = value->get<double>();
    if (number ==
        static_cast<double>(static_cast<int32_t>(number > -2e9 && number < 2e9 ? number : 0))) {
      return static_cast<int64_t>(number);
    }
  }
  Fail(key, "must be a whole number");
  return otherwise;
}

bool Body::Flag(std::string_view key, bool otherwise) {
  const Json* value = Find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) {
    Fail(key, "must be true or false");
    return otherwise;
  }
  return value->get<bool>();
}

std::vector<std::string> Body::Texts(std::string_view key) {
  std::vector<std::string> texts;
  for (const Json& entry : Array(key)) {
    if (!entry.is_string()) {
      Fail(key, "must be a list of strings");
      return {};
    }
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

Json Body::Object(std::string_view key) {
  const Json* value = Find(key);
  if (value == nullptr) return Json::object();
  if (!value->is_object()) {
    Fail(key, "must be an object");
    return Json::object();
  }
  return *value;
}

Json Body::Array(std::string_view key) {
  const Json* value = Find(key);
  if (value == nullptr) return Json::array();
  if (!value->is_array()) {
    Fail(key, "must be a list");
    return Json::array();
  }
  return *value;
}

}  // namespace hearth::api::grafana_http

// SPDX-License-Identifier: Apache-2.0
// JSON in and out of Grafana's API: bodies under limits with errors that name the member, and the
// small shapes (times, slugs, links to avatars) that many answers share. Private to
// api/grafana_http.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/grafana_http/call.h"
#include "base/text.h"

namespace hearth::api::grafana_http {

using Json = nlohmann::ordered_json;

// A dashboard of 4 MiB and what is around it.
inline constexpr size_t kBodyBytesMax = 5 << 20;

std::string Dump(const Json& json);
net::HttpResponse Reply(const Json& json, int status = 200);
// What we stored ourselves; {} where it is no object.
Json Stored(std::string_view text);
// Of a member that may be missing or anything else, in JSON of another server: "" then.
std::string TextOf(const Json& json, const char* key);

std::string Rfc3339(int64_t ms);
// "Cluster health" → "cluster-health", as Grafana's links have it.
std::string Slug(std::string_view title);
std::string AvatarUrl(const Call& call, std::string_view login);
// What a user may choose as a uid: [a-zA-Z0-9-_]{1,40}.
absl::Status CheckUid(std::string_view uid);

// An object that a client sent. Getters take what is there, null and absent alike as the default;
// the first member of a wrong type is remembered and told by status().
class Body {
 public:
  // InvalidArgument "bad request data: …": no JSON, too large, too deep, or no object.
  static absl::StatusOr<Body> Of(const Call& call);
  // A part of a body. `path` is what messages call it.
  Body(const Json& json, std::string path);

  std::string Text(std::string_view key);
  int64_t Number(std::string_view key, int64_t otherwise = 0);
  bool Flag(std::string_view key, bool otherwise = false);
  std::vector<std::string> Texts(std::string_view key);
  bool Has(std::string_view key) const;  // there, and not null
  const Json* Find(std::string_view key) const;
  Json Object(std::string_view key);  // {} where absent
  Json Array(std::string_view key);   // [] where absent
  // A non-empty text of at most `bytes_max`.
  std::string Required(std::string_view key, size_t bytes_max);

  const Json& json() const { return *json_; }
  absl::Status status() const { return status_; }

 private:
  void Fail(std::string_view key, std::string_view problem);
  std::shared_ptr<const Json> json_;
  std::string path_;
  absl::Status status_;
};

// Json of a body whatever it is (arrays too).
absl::StatusOr<Json> BodyJson(const Call& call);

}  // namespace hearth::api::grafana_http

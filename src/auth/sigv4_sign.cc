// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "auth/canonical_request.h"
#include "auth/iso_time.h"
#include "auth/sigv4.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace hearth::auth {
namespace {

// Headers that proxies add or change, which nobody signs.
bool IsUnsigned(std::string_view lower_name) {
  static constexpr std::string_view kNames[] = {"authorization", "user-agent", "x-amzn-trace-id",
                                                "expect",        "connection", "transfer-encoding"};
  return std::find(std::begin(kNames), std::end(kNames), lower_name) != std::end(kNames);
}

std::vector<std::string> NamesToSign(const SigV4Request& request) {
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) {
    std::string lower = ToLowerAscii(name);
    if (!IsUnsigned(lower)) names.push_back(std::move(lower));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string Join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string BodyHash(const SigV4Request& request) {
  return request.body_sha256_hex.empty() ? crypto::Sha256Hex(request.body)
                                         : std::string(request.body_sha256_hex);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> SignSigV4(const SigV4Request& request,
                                                           const SigV4Credentials& credentials,
                                                           std::string_view region,
                                                           std::string_view service,
                                                           int64_t now_ms) {
  std::string date = FormatAmzDate(now_ms);
  std::vector<std::pair<std::string, std::string>> added = {{"X-Amz-Date", date}};
  if (!credentials.session_token.empty()) {
    added.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  std::vector<std::pair<std::string_view, std::string_view>> headers(request.headers.begin(),
                                                                     request.headers.end());
  for (const auto& [name, value] : added) headers.emplace_back(name, value);
  SigV4Request full = request;
  full.headers = headers;

  std::vector<std::string> names = NamesToSign(full);
  std::string signed_headers = Join(names);
  std::string scope = fmt::format("{}/{}/{}/aws4_request", date.substr(0, 8), region, service);
  std::string canonical =
      CanonicalRequest(request.method, CanonicalUris(request.raw_path).front(),
                       CanonicalQueries(request.raw_query, false).front(),
                       CanonicalHeaders(full, names), signed_headers, BodyHash(request));
  std::string key = SigningKey(credentials.secret, date.substr(0, 8), region, service);
  added.emplace_back(
      "Authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                  credentials.access_key_id, scope, signed_headers,
                  crypto::HmacSha256Hex(key, StringToSign(date, scope, canonical))));
  return added;
}

std::string PresignSigV4(const SigV4Request& request, const SigV4Credentials& credentials,
                         std::string_view region, std::string_view service, int64_t now_ms,
                         int expires_seconds) {
  std::string date = FormatAmzDate(now_ms);
  std::vector<std::string> names = NamesToSign(request);
  std::string signed_headers = Join(names);
  std::string scope = fmt::format("{}/{}/{}/aws4_request", date.substr(0, 8), region, service);
  std::string query(request.raw_query);
  auto add = [&](std::string_view name, std::string_view value) {
    if (!query.empty()) query += '&';
    query += fmt::format("{}={}", name, PercentEncode(value, /*keep_slash=*/false));
  };
  add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  add("X-Amz-Credential", fmt::format("{}/{}", credentials.access_key_id, scope));
  add("X-Amz-Date", date);
  add("X-Amz-Expires", std::to_string(expires_seconds));
  if (!credentials.session_token.empty()) add("X-Amz-Security-Token", credentials.session_token);
  add("X-Amz-SignedHeaders", signed_headers);
  std::string canonical =
      CanonicalRequest(request.method, CanonicalUris(request.raw_path).front(),
                       CanonicalQueries(query, true).front(), CanonicalHeaders(request, names),
                       signed_headers, BodyHash(request));
  std::string key = SigningKey(credentials.secret, date.substr(0, 8), region, service);
  add("X-Amz-Signature", crypto::HmacSha256Hex(key, StringToSign(date, scope, canonical)));
  return query;
}

}  // namespace hearth::auth

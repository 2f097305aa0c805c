// SPDX-License-Identifier: Apache-2.0
#include "access/oidc_keys.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::access {
namespace {

// "https://host:1/x" → "host"; "[::1]" keeps its brackets.
std::string_view HostOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.starts_with('[')) return rest.substr(0, rest.find(']') + 1);
  return rest.substr(0, rest.find(':'));
}

}  // namespace

bool IsOidcUrl(std::string_view url) {
  const std::string_view host = HostOf(url);
  if (host.empty() || url.find('@') != std::string_view::npos) return false;
  if (url.starts_with("https://")) return true;
  return url.starts_with("http://") &&
         (host == "localhost" || host == "127.0.0.1" || host == "[::1]");
}

OidcKeys::OidcKeys(Options options, net::HttpClient& client, const Clock& clock, Registry& metrics)
    : options_(options),
      client_(client),
      clock_(clock),
      fetched_(metrics.AddCounter("hearth_oidc_key_fetches_total",
                                  "Key sets asked for from OIDC issuers, by result.",
                                  {{"result", "ok"}})),
      failed_(metrics.AddCounter("hearth_oidc_key_fetches_total",
                                 "Key sets asked for from OIDC issuers, by result.",
                                 {{"result", "error"}})) {}

absl::StatusOr<crypto::Jwt> OidcKeys::Verify(std::string_view token, std::string_view issuer,
                                             const Known& known) {
  if (!known.jwks.empty()) {
    TRY_ASSIGN(const crypto::Jwks keys, crypto::Jwks::Parse(known.jwks));
    return keys.Verify(token);
  }
  if (!IsOidcUrl(issuer)) {
    return PermissionDenied("keys are not fetched from {}: an issuer is https, or on this machine",
                            issuer);
  }
  const std::string url(issuer);
  TRY_ASSIGN(std::shared_ptr<const crypto::Jwks> keys, KeysOf(url, known, false));
  auto jwt = keys->Verify(token);
  if (!absl::IsNotFound(jwt.status())) return jwt;
  TRY_ASSIGN(keys, KeysOf(url, known, true));
  return keys->Verify(token);
}

absl::StatusOr<std::shared_ptr<const crypto::Jwks>> OidcKeys::KeysOf(const std::string& issuer,
                                                                     const Known& known,
                                                                     bool unknown_key) {
  const int64_t now_ms = clock_.NowMs();
  {
    absl::MutexLock lock(&mutex_);
    if (entries_.size() >= options_.issuers_max && !entries_.contains(issuer) && fetching_ == 0) {
      entries_.clear();
    }
    const auto idle = [this, &issuer]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !entries_[issuer].fetching;
    };
    mutex_.Await(absl::Condition(&idle));
    Entry& entry = entries_[issuer];
    const bool usable = entry.keys != nullptr && now_ms - entry.fetched_ms < options_.stale_ms;
    const bool fresh = usable && now_ms - entry.fetched_ms < options_.fresh_ms;
    const bool just_tried =
        entry.tried_ms != 0 && now_ms - entry.tried_ms < options_.refetch_min_ms;
    if ((fresh && !unknown_key) || just_tried) {
      if (usable) return entry.keys;
      return entry.failure;
    }
    if (fetching_ >= options_.fetches_max) {
      if (usable) return entry.keys;
      return ResourceExhausted("too many issuers are being asked for their keys");
    }
    entry.fetching = true;
    ++fetching_;
  }
  auto fetched = Fetch(issuer, known.ca_pem);
  (fetched.ok() ? fetched_ : failed_).Add();
  absl::MutexLock lock(&mutex_);
  --fetching_;
  Entry& entry = entries_[issuer];
  entry.fetching = false;
  entry.tried_ms = clock_.NowMs();
  entry.failure = fetched.status();
  if (fetched.ok()) {
    entry.keys = std::make_shared<const crypto::Jwks>(*std::move(fetched));
    entry.fetched_ms = entry.tried_ms;
    return entry.keys;
  }
  log::Warn("oidc", "keys cannot be fetched",
            {{"issuer", issuer}, {"error", Message(fetched.status())}});
  if (entry.keys != nullptr && now_ms - entry.fetched_ms < options_.stale_ms) return entry.keys;
  return entry.failure;
}

absl::StatusOr<std::string> OidcKeys::Get(const std::string& url, const std::string& ca_pem,
                                          int64_t deadline_ns) const {
  net::ClientRequest request;
  request.url = url;
  request.headers.Add("Accept", "application/json");
  request.timeout_ms = (deadline_ns - clock_.MonotonicNs()) / 1'000'000;
  if (request.timeout_ms <= 0) return Unavailable("no time is left for {}", url);
  request.connect_timeout_ms = request.timeout_ms;
  request.response_bytes_max = options_.response_bytes_max;
  request.tls.ca_pem = ca_pem;
  auto response = client_.Fetch(std::move(request));
  if (!response.ok()) return Unavailable("{}", Message(response.status()));
  if (response->status != 200) return Unavailable("{} answered {}", url, response->status);
  return std::move(response->body);
}

absl::StatusOr<crypto::Jwks> OidcKeys::Fetch(const std::string& issuer,
                                             const std::string& ca_pem) const {
  const int64_t deadline_ns = clock_.MonotonicNs() + options_.timeout_ms * 1'000'000;
  std::string base = issuer;
  while (base.ends_with('/')) base.pop_back();
  TRY_ASSIGN(const std::string text,
             Get(base + "/.well-known/openid-configuration", ca_pem, deadline_ns));
  const auto discovery = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto uri = discovery.is_object() ? discovery.find("jwks_uri") : discovery.end();
  if (!discovery.is_object() || uri == discovery.end() || !uri->is_string()) {
    return Unavailable("the discovery document of {} has no jwks_uri", issuer);
  }
  // OpenID Connect Discovery 1.0, section 4.3: it must be about the issuer that was asked for.
  const auto claimed = discovery.find("issuer");
  if (claimed != discovery.end() && claimed->is_string()) {
    std::string name = claimed->get<std::string>();
    while (name.ends_with('/')) name.pop_back();
    if (name != base) return Unavailable("{} says that it is {}", issuer, name);
  }
  const auto jwks_uri = uri->get<std::string>();
  const bool downgraded = issuer.starts_with("https://") && !jwks_uri.starts_with("https://");
  if (!IsOidcUrl(jwks_uri) || downgraded) {
    return Unavailable("{} names a jwks_uri that is not https: {}", issuer, jwks_uri);
  }
  TRY_ASSIGN(const std::string keys, Get(jwks_uri, ca_pem, deadline_ns));
  auto parsed = crypto::Jwks::Parse(keys);
  if (!parsed.ok()) return Unavailable("{}: {}", jwks_uri, Message(parsed.status()));
  return parsed;
}

}  // namespace hearth::access

// SPDX-License-Identifier: Apache-2.0
#include "auth/session.h"

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"
#include "crypto/secret.h"

namespace hearth::auth {
namespace {

using Json = nlohmann::json;

// Authenticated with the seal: one kind of token cannot stand for the other.
constexpr std::string_view kStsContext = "hearth sts session v1";
constexpr std::string_view kWebContext = "hearth web session v1";
// STS's tokens are unlimited for clients; ours hold at most a session policy of 2 KB, ten ARNs and
// fifty tags, well below this. Longer ones are not ours.
constexpr size_t kTokenBytesMax = 32 * 1024;

std::string Seal(const Json& claims, std::string_view context, SessionKeys keys, Rng& rng) {
  std::string plain = claims.dump(-1, ' ', false, Json::error_handler_t::replace);
  return Base64UrlEncode(crypto::Seal(keys.front(), plain, context, rng));
}

absl::StatusOr<Json> Open(std::string_view token, std::string_view context, SessionKeys keys) {
  std::string sealed;
  if (token.size() > kTokenBytesMax || !Base64UrlDecode(token, &sealed)) {
    return Unauthenticated("not a session token of ours");
  }
  for (const std::string& key : keys) {
    absl::StatusOr<std::string> plain = crypto::Open(key, sealed, context);
    if (!plain.ok()) continue;
    Json claims = Json::parse(*plain, nullptr, /*allow_exceptions=*/false);
    if (claims.is_object()) return claims;
  }
  return Unauthenticated("not a session token of ours");
}

std::string Text(const Json& claims, const char* name) {
  auto it = claims.find(name);
  return it != claims.end() && it->is_string() ? it->get<std::string>() : std::string();
}

int64_t Number(const Json& claims, const char* name) {
  auto it = claims.find(name);
  return it != claims.end() && it->is_number_integer() ? it->get<int64_t>() : 0;
}

std::vector<std::string> List(const Json& claims, const char* name) {
  std::vector<std::string> list;
  auto it = claims.find(name);
  if (it == claims.end() || !it->is_array()) return list;
  for (const Json& entry : *it) {
    if (entry.is_string()) list.push_back(entry.get<std::string>());
  }
  return list;
}

}  // namespace

std::string NewAccessKeyId(std::string_view prefix, Rng& rng) {
  return std::string(prefix) + rng.Text(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

std::string NewSecretKey(Rng& rng) {
  return rng.Text(40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

std::string SealStsSession(StsSession* session, SessionKeys keys, Rng& rng) {
  if (session->access_key_id.empty()) session->access_key_id = NewAccessKeyId("ASIA", rng);
  if (session->secret.empty()) session->secret = NewSecretKey(rng);
  // Short names: the token travels with every request.
  Json claims = {{"k", static_cast<int>(session->kind)},
                 {"a", session->account},
                 {"n", session->name},
                 {"u", session->unique_id},
                 {"s", session->session_name},
                 {"id", session->access_key_id},
                 {"sk", session->secret},
                 {"iat", session->issued_ms},
                 {"exp", session->expires_ms}};
  if (session->has_session_policies) {
    claims["p"] = session->session_policies;
    claims["pa"] = session->session_policy_arns;
  }
  if (!session->tags.empty()) claims["t"] = session->tags;
  if (!session->transitive_tag_keys.empty()) claims["tt"] = session->transitive_tag_keys;
  if (!session->source_identity.empty()) claims["si"] = session->source_identity;
  if (!session->federated_provider.empty()) claims["fp"] = session->federated_provider;
  return Seal(claims, kStsContext, keys, rng);
}

absl::StatusOr<StsSession> OpenStsSession(std::string_view token, SessionKeys keys,
                                          int64_t now_ms) {
  TRY_ASSIGN(Json claims, Open(token, kStsContext, keys));
  StsSession session;
  int64_t kind = Number(claims, "k");
  if (kind < 0 || kind > static_cast<int64_t>(SessionKind::kRoot)) {
    return Unauthenticated("session token of an unknown kind");
  }
  session.kind = static_cast<SessionKind>(kind);
  session.account = Text(claims, "a");
  session.name = Text(claims, "n");
  session.unique_id = Text(claims, "u");
  session.session_name = Text(claims, "s");
  session.access_key_id = Text(claims, "id");
  session.secret = Text(claims, "sk");
  session.issued_ms = Number(claims, "iat");
  session.expires_ms = Number(claims, "exp");
  session.has_session_policies = claims.contains("p");
  session.session_policies = List(claims, "p");
  session.session_policy_arns = List(claims, "pa");
  session.transitive_tag_keys = List(claims, "tt");
  session.source_identity = Text(claims, "si");
  session.federated_provider = Text(claims, "fp");
  if (auto tags = claims.find("t"); tags != claims.end() && tags->is_object()) {
    for (const auto& [key, value] : tags->items()) {
      if (value.is_string()) session.tags[key] = value.get<std::string>();
    }
  }
  if (now_ms >= session.expires_ms) return DeadlineExceeded("the session has expired");
  return session;
}

std::string SealWebSession(const WebSession& session, SessionKeys keys, Rng& rng) {
  Json claims = {{"p", session.principal}, {"a", session.account},     {"w", session.workspace},
                 {"r", session.role},      {"iat", session.issued_ms}, {"exp", session.expires_ms}};
  return Seal(claims, kWebContext, keys, rng);
}

absl::StatusOr<WebSession> OpenWebSession(std::string_view cookie, SessionKeys keys,
                                          int64_t now_ms) {
  TRY_ASSIGN(Json claims, Open(cookie, kWebContext, keys));
  WebSession session;
  session.principal = Text(claims, "p");
  session.account = Text(claims, "a");
  session.workspace = Text(claims, "w");
  session.role = Text(claims, "r");
  session.issued_ms = Number(claims, "iat");
  session.expires_ms = Number(claims, "exp");
  if (now_ms >= session.expires_ms) return DeadlineExceeded("the session has expired");
  return session;
}

}  // namespace hearth::auth

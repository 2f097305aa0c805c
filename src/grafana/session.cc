// SPDX-License-Identifier: Apache-2.0
#include "grafana/session.h"

#include <fmt/core.h>

#include "base/status.h"
#include "catalog/credentials.h"
#include "catalog/idempotency.h"
#include "catalog/sign_in_links.h"
#include "crypto/hash.h"

namespace hearth::grafana {
namespace {

// A row that outlives the session says that it was ended; the cookie itself is not kept.
std::string EndedKey(std::string_view cookie) { return "signed-out/" + crypto::Sha256Hex(cookie); }

}  // namespace

absl::StatusOr<Sessions> Sessions::Open(catalog::Catalog& catalog, const Clock& clock, Rng& rng) {
  Sessions sessions(catalog, clock, rng);
  TRY_ASSIGN(std::string key, catalog.Write([](catalog::Transaction& transaction) {
    return catalog::EnsureRandomKey(transaction, catalog::kSessionKeyName);
  }));
  sessions.keys_.push_back(std::move(key));
  return sessions;
}

absl::StatusOr<std::string> Sessions::Begin(std::string_view link_token, bool secure,
                                            auth::WebSession* session) {
  TRY_ASSIGN(const catalog::SignInLink link,
             catalog_->Write([&](catalog::Transaction& transaction) {
               return catalog::UseSignInLink(transaction, link_token);
             }));
  session->principal = link.principal;
  session->account = link.account;
  session->workspace = link.workspace;
  session->role = link.role;
  session->issued_ms = clock_->NowMs();
  session->expires_ms = session->issued_ms + kSessionLifeMs;
  // Lax: a link in a chat may lead to a dashboard; no other site may post with the cookie.
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", kSessionCookie,
                     auth::SealWebSession(*session, keys_, *rng_), kSessionLifeMs / 1000,
                     secure ? "; Secure" : "");
}

absl::StatusOr<auth::WebSession> Sessions::Find(const net::HttpRequest& request) const {
  const std::string_view cookie = net::FindCookie(request, kSessionCookie);
  if (cookie.empty()) return Unauthenticated("no session");
  TRY_ASSIGN(auth::WebSession session, auth::OpenWebSession(cookie, keys_, clock_->NowMs()));
  const absl::Status ended = catalog_
                                 ->Read([&](catalog::Reader& reader) {
                                   return catalog::FindIdempotentResult(reader, EndedKey(cookie));
                                 })
                                 .status();
  if (absl::IsNotFound(ended)) return session;
  if (!ended.ok()) return ended;
  return Unauthenticated("signed out");
}

absl::Status Sessions::End(const net::HttpRequest& request) {
  const std::string cookie(net::FindCookie(request, kSessionCookie));
  if (cookie.empty() || !auth::OpenWebSession(cookie, keys_, clock_->NowMs()).ok()) {
    return absl::OkStatus();
  }
  const absl::Status status = catalog_->Write([&](catalog::Transaction& transaction) {
    return catalog::StoreIdempotentResult(transaction, EndedKey(cookie), {}, kSessionLifeMs);
  });
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

std::string Sessions::EndCookie() {
  return fmt::format("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", kSessionCookie);
}

}  // namespace hearth::grafana

// SPDX-License-Identifier: Apache-2.0
#include "grafana/session.h"

#include <fmt/core.h>

#include "base/status.h"
#include "catalog/credentials.h"
#include "catalog/sign_in_links.h"

namespace hearth::grafana {

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
  return auth::OpenWebSession(cookie, keys_, clock_->NowMs());
}

std::string Sessions::EndCookie() {
  return fmt::format("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", kSessionCookie);
}

}  // namespace hearth::grafana

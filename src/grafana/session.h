// SPDX-License-Identifier: Apache-2.0
// Who sits in front of a browser: the session cookie that a sign-in link was exchanged for. Sealed
// with the catalog's session key (auth/session.h), so every process that shares the catalog reads
// it and a restart keeps it. Thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/session.h"
#include "base/clock.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "net/http.h"

namespace hearth::grafana {

inline constexpr std::string_view kSessionCookie = "hearth_session";
// A working day and a night: long enough not to be a nuisance, short enough for a lost laptop.
inline constexpr int64_t kSessionLifeMs = int64_t{24} * 3600 * 1000;

class Sessions {
 public:
  static absl::StatusOr<Sessions> Open(catalog::Catalog& catalog, const Clock& clock, Rng& rng);

  // The value of a Set-Cookie header that begins a session for whoever `link_token` was made for;
  // `session` receives it. Errors as catalog::UseSignInLink.
  absl::StatusOr<std::string> Begin(std::string_view link_token, bool secure,
                                    auth::WebSession* session);
  // The session of a request; Unauthenticated where there is none, DeadlineExceeded when it ended.
  absl::StatusOr<auth::WebSession> Find(const net::HttpRequest& request) const;
  // Ends the session of a request for every process, before its time; OK where there is none.
  absl::Status End(const net::HttpRequest& request);
  // A Set-Cookie header that takes it from the browser.
  static std::string EndCookie();

 private:
  Sessions(catalog::Catalog& catalog, const Clock& clock, Rng& rng)
      : catalog_(&catalog), clock_(&clock), rng_(&rng) {}
  catalog::Catalog* catalog_;
  const Clock* clock_;
  Rng* rng_;
  std::vector<std::string> keys_;
};

}  // namespace hearth::grafana

// SPDX-License-Identifier: Apache-2.0
// Session tokens that need no table: claims sealed with AES-256-GCM under the catalog's session
// key, so that every process with that key reads them, a restart keeps them and nobody can alter
// or read them. Two kinds that cannot stand for each other (the kind is authenticated): STS session
// tokens, which carry the temporary secret key, and cookies of the web pages.
//
// Revocation is by what the claims point at: a role or user that is gone ends its sessions at the
// next look-up. Pure, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace hearth::auth {

enum class SessionKind { kAssumedRole, kUser, kRoot };

// What an STS session token says (AssumeRole…: kAssumedRole; GetSessionToken: kUser, kRoot).
struct StsSession {
  SessionKind kind = SessionKind::kAssumedRole;
  std::string account;
  std::string name;       // role or user name, without path; "" for root
  std::string unique_id;  // AROA…, AIDA…: a role made anew under the same name is another role
  std::string session_name;
  std::string access_key_id;  // ASIA…
  std::string secret;
  int64_t issued_ms = 0;
  int64_t expires_ms = 0;
  std::vector<std::string> session_policies;     // documents, JSON
  std::vector<std::string> session_policy_arns;  // managed policies, looked up at use
  bool has_session_policies = false;
  std::map<std::string, std::string> tags;
  std::vector<std::string> transitive_tag_keys;  // of `tags`: handed on to roles it assumes
  std::string source_identity;
  std::string federated_provider;  // ARN
};

// A browser's session with one Grafana workspace (or the console: workspace "").
struct WebSession {
  std::string principal;  // ARN or login
  std::string account;
  std::string workspace;  // g-…
  std::string role;       // ADMIN, EDITOR, VIEWER
  int64_t issued_ms = 0;
  int64_t expires_ms = 0;
};

// The first key seals, all open (rotation). Each key is 32 bytes.
using SessionKeys = std::span<const std::string>;

// Fills access_key_id (ASIA + 16) and secret (40) where empty, and returns the token.
std::string SealStsSession(StsSession* session, SessionKeys keys, Rng& rng);
// Unauthenticated: not ours or altered. DeadlineExceeded: expired.
absl::StatusOr<StsSession> OpenStsSession(std::string_view token, SessionKeys keys, int64_t now_ms);

std::string SealWebSession(const WebSession& session, SessionKeys keys, Rng& rng);
absl::StatusOr<WebSession> OpenWebSession(std::string_view cookie, SessionKeys keys,
                                          int64_t now_ms);

// "AKIA" + 16 of A-Z2-7, and 40 of [A-Za-z0-9+/], as AWS makes them.
std::string NewAccessKeyId(std::string_view prefix, Rng& rng);
std::string NewSecretKey(Rng& rng);

}  // namespace hearth::auth

// SPDX-License-Identifier: Apache-2.0
// Temporary credentials as STS and EKS Pod Identity hand them out: checks of what a session may ask
// for, and sealing. Nothing is stored: auth/session.h. Thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "auth/session.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "catalog/iam.h"

namespace hearth::access {

struct SessionCredentials {
  std::string access_key_id;  // ASIA…
  std::string secret;
  std::string token;
  int64_t expires_ms = 0;
};

// Seals the session for `seconds` from `now_ms` on, under the catalog's session key (made where it
// is missing). Fills access key, secret and times.
absl::StatusOr<SessionCredentials> IssueSession(catalog::Catalog& catalog,
                                                auth::StsSession* session, int64_t now_ms,
                                                int64_t seconds, Rng& rng);

// A session of a role: kind, account, name and unique id from it.
auth::StsSession SessionOfRole(const catalog::IamRole& role, std::string session_name);

// The role that an ARN names (arn:aws:iam::A:role/path/name). NotFound where there is none under
// exactly that ARN, or where it is no role's ARN.
absl::StatusOr<catalog::IamRole> FindRoleByArn(catalog::Reader& reader, std::string_view arn);

}  // namespace hearth::access

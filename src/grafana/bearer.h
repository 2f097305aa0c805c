// SPDX-License-Identifier: Apache-2.0
// Who calls a Grafana workspace's HTTP API with a token: `Authorization: Bearer glsa_…` or an API
// key, and HTTP Basic with the user name api_key, which Grafana takes as well. Thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace hearth::grafana {

struct BearerUser {
  int64_t service_account = 0;  // 0: an API key
  std::string uid;              // of the service account
  std::string name;             // of the service account or API key
  std::string login;
  std::string role;  // ADMIN, EDITOR, VIEWER, NONE
  int64_t token_id = 0;
};

class Bearer {
 public:
  explicit Bearer(catalog::Catalog& catalog) : catalog_(catalog) {}

  // The token of an Authorization header, "" where it holds something else (a key pair, say).
  static std::string TokenOf(std::string_view authorization);

  // Unauthenticated with the words for the 401's body, which say what to do: unknown, deleted,
  // expired, of another workspace, or its service account is disabled. Unavailable.
  absl::StatusOr<BearerUser> Identify(std::string_view token, std::string_view workspace) const;

 private:
  catalog::Catalog& catalog_;
};

}  // namespace hearth::grafana

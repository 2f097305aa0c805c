// SPDX-License-Identifier: Apache-2.0
// Users, service accounts and teams as other objects point at them: by a number. Private to
// api/grafana_http.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/grafana_http/call.h"
#include "api/grafana_http/json.h"
#include "catalog/grafana_items.h"

namespace hearth::api::grafana_http {

struct Person {
  int64_t id = 0;
  std::string uid;
  std::string login;
  std::string name;
  std::string email;
  Role role = Role::kNone;
  bool service_account = false;
};

// Of a user's row.
Person PersonOf(const catalog::GrafanaItem& user);
// A user or a service account. NotFound "user not found".
absl::StatusOr<Person> FindPerson(catalog::Reader& reader, std::string_view workspace, int64_t id);
// By id or uid. NotFound "Team not found".
absl::StatusOr<catalog::GrafanaItem> FindTeam(catalog::Reader& reader, std::string_view workspace,
                                              std::string_view key);
absl::StatusOr<int64_t> TeamMembers(catalog::Reader& reader, std::string_view workspace,
                                    const catalog::GrafanaItem& team);

// Preferences of "org", "user/<id>" or "team/<id>".
Answer GetPreferences(Face& face, const Call& call, const std::string& owner);
Answer PutPreferences(Face& face, const Call& call, const std::string& owner, bool patch);

}  // namespace hearth::api::grafana_http

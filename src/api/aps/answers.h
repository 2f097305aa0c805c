// SPDX-License-Identifier: Apache-2.0
// Pieces of answers and checks that several operations of `aps` share. Private to this module.
#pragma once

#include <absl/status/statusor.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "access/rest_json.h"
#include "catalog/amp_workspaces.h"

namespace hearth::api {

inline constexpr int64_t kPageDefault = 100;  // aws-contract.md §9.3

// {"statusCode": "ACTIVE"}, with statusReason where there is one.
nlohmann::ordered_json ActiveStatus(std::string_view reason = {});
nlohmann::ordered_json TagsJson(const catalog::Tags& tags);
// JSON text that was stored; null where it is "".
nlohmann::ordered_json StoredJson(std::string_view text);

// Beyond what the model says: "aws:" is reserved, 50 tags at most.
absl::Status CheckTags(const catalog::Tags& tags);

// A row that is not there as ResourceNotFoundException "<what> not found"; other errors as they
// are.
template <typename T>
absl::StatusOr<T> OrNotFound(absl::StatusOr<T> found, std::string_view what, std::string_view id,
                             std::string_view type) {
  if (absl::IsNotFound(found.status()) && !access::IsRestError(found.status())) {
    return access::ResourceNotFound(std::string(what) + " not found", id, type);
  }
  return found;
}

// Cuts `rows` (read with one more than the page) and sets nextToken where more follow.
// `position(row)` is where the next page begins.
template <typename Rows, typename Position>
std::string CutPage(int64_t page, std::string_view scope, Rows* rows, Position&& position) {
  if (rows->size() <= static_cast<size_t>(page)) return "";
  rows->resize(static_cast<size_t>(page));
  return access::MakePageToken(scope, position(rows->back()));
}

}  // namespace hearth::api

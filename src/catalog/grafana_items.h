// SPDX-License-Identifier: Apache-2.0
// The many small objects of a Grafana workspace beside data sources, folders and dashboards: teams,
// users, annotations, library panels, playlists, permissions, contact points, alert rules and so
// on. One table for all: who reads one of them reads its JSON; what is looked up by is a column.
//
//   kind     "team", "annotation", "alert_rule" … (src/api/grafana_http names them)
//   uid      unique within workspace and kind; made where empty, never purely numeric
//   id       a number, unique within workspace and kind
//   parent   what it belongs to (a folder's uid, a team's), "" for none; an index
//   name     what it is found by; unique within workspace and kind where `unique_name` says so
//   from/to  a time range in unix ms (annotations), 0 else; an index
//
// Errors as in catalog.h. Changes follow compare-and-swap on `revision`.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace hearth::catalog {

struct GrafanaItem {
  std::string workspace;  // g-…
  std::string kind;
  std::string uid;
  int64_t id = 0;
  std::string parent;
  std::string name;
  bool unique_name = false;
  int64_t from_ms = 0;
  int64_t to_ms = 0;
  std::string json = "{}";  // an object's text
  std::string created_by;
  std::string updated_by;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  int64_t revision = 0;
};

absl::StatusOr<GrafanaItem> GetItem(Reader& reader, std::string_view workspace,
                                    std::string_view kind, std::string_view uid);
absl::StatusOr<GrafanaItem> GetItemById(Reader& reader, std::string_view workspace,
                                        std::string_view kind, int64_t id);
// All with that name, by id.
absl::StatusOr<std::vector<GrafanaItem>> FindItemsByName(Reader& reader, std::string_view workspace,
                                                         std::string_view kind,
                                                         std::string_view name);
// By id.
absl::StatusOr<std::vector<GrafanaItem>> ListItems(Reader& reader, std::string_view workspace,
                                                   std::string_view kind);
absl::StatusOr<std::vector<GrafanaItem>> ListItemsOf(Reader& reader, std::string_view workspace,
                                                     std::string_view kind,
                                                     std::string_view parent);
// Those whose range meets [from_ms, to_ms], newest first.
absl::StatusOr<std::vector<GrafanaItem>> ListItemsBetween(Reader& reader,
                                                          std::string_view workspace,
                                                          std::string_view kind, int64_t from_ms,
                                                          int64_t to_ms);
absl::StatusOr<int64_t> CountItems(Reader& reader, std::string_view workspace,
                                   std::string_view kind);

// Fills uid (where empty), id (where 0), times and revision. AlreadyExists for a uid or, with
// unique_name, a name in use.
absl::Status CreateItem(Transaction& transaction, GrafanaItem* item);
absl::Status UpdateItem(Transaction& transaction, GrafanaItem* item);
// Creates it, or replaces what that uid holds whatever its revision.
absl::Status PutItem(Transaction& transaction, GrafanaItem* item);
// NotFound where there is none.
absl::Status DeleteItem(Transaction& transaction, std::string_view workspace, std::string_view kind,
                        std::string_view uid);
// How many went.
absl::StatusOr<int64_t> DeleteItemsOf(Transaction& transaction, std::string_view workspace,
                                      std::string_view kind, std::string_view parent);

}  // namespace hearth::catalog

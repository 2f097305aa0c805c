// SPDX-License-Identifier: Apache-2.0
// The schema, step by step, up and down. A step is never changed once released; a change is a new
// step. SQL that SQLite and PostgreSQL both read: TEXT and BIGINT only. Private to catalog.
#pragma once

#include <string_view>
#include <vector>

namespace hearth::catalog {

struct Migration {
  int version;
  std::string_view name;
  std::vector<std::string_view> up;
  std::vector<std::string_view> down;
};

const std::vector<Migration>& Migrations();  // ascending, without gaps, from 1

}  // namespace hearth::catalog

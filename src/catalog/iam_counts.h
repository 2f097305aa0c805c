// SPDX-License-Identifier: Apache-2.0
// How many objects of IAM an account has.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string_view>

#include "catalog/catalog.h"

namespace hearth::catalog {

enum class IamKind { kUser, kGroup, kRole, kPolicy };  // AWS' own policies are not counted

absl::StatusOr<int64_t> CountIam(Reader& reader, std::string_view account, IamKind kind);

}  // namespace hearth::catalog

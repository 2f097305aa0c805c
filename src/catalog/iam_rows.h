// SPDX-License-Identifier: Apache-2.0
// What IAM's tables share. Private to catalog.
#pragma once

#include <string>
#include <string_view>

#include "base/rng.h"
#include "catalog/iam.h"

namespace hearth::catalog {

std::string NameKey(std::string_view name);  // lower case: names are unique without regard to it
std::string_view PolicyOwnerName(PolicyOwner kind);
// `prefix` and 17 of [A-Z0-9], as IAM's unique ids.
std::string NewUniqueId(std::string_view prefix, Rng& rng);

}  // namespace hearth::catalog

// SPDX-License-Identifier: Apache-2.0
// Wildcard patterns of IAM: `*` any run of characters, `?` any one. What a policy variable brought
// in is literal, so a pattern is a row of symbols rather than a string. Private to auth.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/condition.h"

namespace hearth::auth {

inline constexpr uint16_t kAnyRun = 0x100;
inline constexpr uint16_t kAnyOne = 0x101;
using Glob = std::basic_string<uint16_t>;  // bytes as themselves

// `wildcards`: `*` and `?` are such. `context` not null: ${key}, ${key, 'default'}, ${*}, ${?} and
// ${$} are replaced. False where a variable has no single value and no default, or is malformed:
// then nothing matches.
bool CompileGlob(std::string_view text, bool wildcards, const ConditionContext* context,
                 Glob* glob);

// Linear in both lengths' product at worst.
bool GlobMatches(const Glob& glob, std::string_view text, bool ignore_case = false);

// By the six ARN fields, each on its own: a wildcard does not reach over a colon, but in the last
// field. Missing fields of the pattern are `*`. A pattern that is no ARN matches as a plain glob.
bool ArnMatches(const Glob& glob, std::string_view arn);

}  // namespace hearth::auth

// SPDX-License-Identifier: Apache-2.0
// Hash containers keyed by std::string that are looked up by std::string_view without a copy.
// (absl's own string hash works with absl::string_view, which is another type in Debian.)
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace hearth {

struct TransparentStringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
struct TransparentStringEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};
template <typename V>
using StringMap =
    absl::flat_hash_map<std::string, V, TransparentStringHash, TransparentStringEqual>;
using StringSet = absl::flat_hash_set<std::string, TransparentStringHash, TransparentStringEqual>;

}  // namespace hearth

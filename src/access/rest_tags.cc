// SPDX-License-Identifier: Apache-2.0
#include "access/rest_tags.h"

namespace hearth::access {

Gate::ConditionKeys RequestTagKeys(const RestInput& input) {
  if (input.Has("tags")) return RequestTagKeys(input.TextMap("tags"));
  if (input.Has("tagKeys")) return TagNameKeys(input.TextList("tagKeys"));
  return {};
}

}  // namespace hearth::access

// SPDX-License-Identifier: Apache-2.0
// What policies may ask about the tags of a rest-json request: its members `tags` (of Create… and
// TagResource) or `tagKeys` (of UntagResource), which the services have in common. Pure.
#pragma once

#include "access/gate.h"
#include "access/rest_shape.h"

namespace hearth::access {

// aws:RequestTag/… and aws:TagKeys; nothing where the request has neither member.
Gate::ConditionKeys RequestTagKeys(const RestInput& input);

}  // namespace hearth::access

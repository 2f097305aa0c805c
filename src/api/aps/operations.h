// SPDX-License-Identifier: Apache-2.0
// The operations of `aps` as the service model has them (botocore data/amp/2020-08-01): names,
// paths, success codes, and the checked members of each request. Private to this module.
#pragma once

#include <span>

#include "access/rest_json.h"

namespace hearth::api {

std::span<const access::RestOperation> ApsOperations();

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
// The operations of `grafana` as the service model has them (botocore data/grafana/2020-08-18):
// names, paths, success codes, and the checked members of each request. Private to this module.
#pragma once

#include <span>

#include "access/rest_json.h"

namespace hearth::api::amg {

std::span<const access::RestOperation> Operations();

}  // namespace hearth::api::amg

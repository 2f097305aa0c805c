// SPDX-License-Identifier: Apache-2.0
// The members of a Grafana workspace that no query asks for, as one JSON column. Private to
// catalog.
#pragma once

#include <string>
#include <string_view>

#include "catalog/grafana_objects.h"

namespace hearth::catalog {

// SAML, licence, network and organisation members; "{}" where all are empty.
std::string EncodeGrafanaSettings(const GrafanaWorkspace& workspace);
// Fills those members; what is not as written by the above stays at its default.
void DecodeGrafanaSettings(std::string_view text, GrafanaWorkspace* workspace);

}  // namespace hearth::catalog

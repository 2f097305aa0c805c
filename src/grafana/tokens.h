// SPDX-License-Identifier: Apache-2.0
// The two kinds of keys that a Grafana workspace hands out, in Grafana's own forms, so that clients
// and secret scanners know them:
//
//   glsa_<32 of [0-9A-Za-z]>_<8 hex>   service account token; the last part is a checksum
//   eyJr…                              API key: base64 of {"k": <32 random>, "n": <name>, "id": 1}
//
// Pure functions. Source: aws-contract.md §9.1; Grafana's documentation of service accounts.
#pragma once

#include <string>
#include <string_view>

#include "base/rng.h"

namespace hearth::grafana {

std::string NewServiceAccountToken(Rng& rng);
std::string NewApiKey(Rng& rng, std::string_view name);

// CRC-32 (IEEE 802.3) of `body` ("glsa_" and the 32 characters), its four bytes little-endian in
// hex.
std::string TokenChecksum(std::string_view body);

// It has the form of one of the two, checksum included: worth a look into the catalog.
bool LooksLikeToken(std::string_view token);

}  // namespace hearth::grafana

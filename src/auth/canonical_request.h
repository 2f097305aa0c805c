// SPDX-License-Identifier: Apache-2.0
// SigV4's canonical request and its parts, with the readings in which real clients differ.
// Private to auth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/sigv4.h"

namespace hearth::auth {

// The canonical URIs to try, the likeliest first: the raw path encoded once more as it was sent,
// and normalised (no "//", "." and ".." resolved). One entry where both are the same.
std::vector<std::string> CanonicalUris(std::string_view raw_path);

// The canonical query strings to try, the likeliest first: '+' as a space or as itself; sorted
// after encoding (the specification) or before (Go's url.Values). X-Amz-Signature is left out
// where `presigned`. Usually one entry.
std::vector<std::string> CanonicalQueries(std::string_view raw_query, bool presigned);

// "name:value\n" for each signed header, in the order of the list. Values are trimmed, inner runs
// of spaces are one space, repeated headers are joined with ','.
std::string CanonicalHeaders(const SigV4Request& request,
                             const std::vector<std::string>& signed_headers);

std::string CanonicalRequest(std::string_view method, std::string_view uri, std::string_view query,
                             std::string_view canonical_headers, std::string_view signed_headers,
                             std::string_view payload_hash);

// `scope` is date/region/service/terminator.
std::string StringToSign(std::string_view amz_date, std::string_view scope,
                         std::string_view canonical_request);

std::string SigningKey(std::string_view secret, std::string_view date, std::string_view region,
                       std::string_view service);

}  // namespace hearth::auth

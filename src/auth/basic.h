// SPDX-License-Identifier: Apache-2.0
// HTTP Basic (RFC 7617) and Bearer (RFC 6750) credentials out of an Authorization header. For
// clients that cannot sign: user is an access key id, password its secret. Whether the connection
// may carry them (TLS or loopback) is the caller's decision. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::auth {

struct BasicCredentials {
  std::string user;
  std::string password;
};

// nullopt where the header is not Basic or is malformed (bad base64, no colon).
std::optional<BasicCredentials> ParseBasic(std::string_view authorization);

// The token of "Bearer <token>"; nullopt where the header is something else or the token is empty.
std::optional<std::string> ParseBearer(std::string_view authorization);

}  // namespace hearth::auth

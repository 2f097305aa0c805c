// SPDX-License-Identifier: Apache-2.0
// The OpenSSL context of the server's TLS listeners: TLS 1.2 or later, ALPN http/1.1.
#pragma once

#include <absl/status/statusor.h>
#include <openssl/types.h>

#include <memory>

#include "net/http_server.h"

namespace hearth::net {

// InvalidArgument with OpenSSL's reason where the texts are not a certificate with its key.
absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeServerTlsContext(const TlsIdentity& identity);

}  // namespace hearth::net

// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4: verifying what clients send (Authorization header or presigned query)
// and signing what we send. Pure: no sockets, no clock; `now` is passed in. Thread-safe.
//
// Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// and what the real clients do where they differ among themselves:
//  - any SignedHeaders list that has host, a date and (where sent as a header) the session token;
//  - the payload hash may be implicit (no X-Amz-Content-Sha256);
//  - the canonical URI is the raw path encoded once more; Go signs it as sent, botocore and
//    prometheus/sigv4 sign it normalised: either is accepted;
//  - '+' in a query is a space to Go and a plus to others: either; sorted before or after encoding.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::auth {

// Views into the request; they must live while the call runs.
struct SigV4Request {
  std::string_view method;
  std::string_view raw_path;   // as sent, still percent-encoded, without the query
  std::string_view raw_query;  // as sent, without '?'
  // In the order received; repeated names are repeated; names in any case.
  std::span<const std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;
  std::string_view body_sha256_hex;  // where already known; then `body` is not looked at
  bool tls = false;                  // the connection is encrypted
};

// What a request was refused for. Each face has its own names for them (rest-json: kMismatch is
// InvalidSignatureException; query protocol: SignatureDoesNotMatch, and so on).
enum class SigV4Error {
  kNone,
  kMissing,       // no signature at all: MissingAuthenticationToken
  kIncomplete,    // malformed or parts missing: IncompleteSignature
  kMismatch,      // wrong signature, scope, date or unsigned header: InvalidSignature
  kUnknownKey,    // no such access key, inactive, or the session token is not ours
  kExpiredToken,  // the session token was good once
};

// AKID/20260807/us-east-1/aps/aws4_request
struct CredentialScope {
  std::string access_key_id;
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
  std::string terminator;
};

struct SigV4Identity {
  CredentialScope scope;
  std::string session_token;                // "" for long-term keys
  std::vector<std::string> signed_headers;  // lower case, as sent
  int64_t signed_at_ms = 0;
  bool presigned = false;
};

struct SigV4Result {
  SigV4Error error = SigV4Error::kNone;
  std::string message;           // for the client, in AWS's words; "" when ok
  std::string_view reason = {};  // for machines: "clock-skew", "scope-service"; "" when ok
  SigV4Identity identity;        // when ok
  bool ok() const { return error == SigV4Error::kNone; }
};

// The answer of a look-up: the secret of that key, or why there is none (kUnknownKey,
// kExpiredToken). The session token comes along, as sent ("" where none): a temporary key without
// its token is kUnknownKey. `message` may replace the usual text.
struct SigV4Secret {
  SigV4Error error = SigV4Error::kNone;
  std::string secret;
  std::string message;
};
using SigV4Lookup =
    std::function<SigV4Secret(std::string_view access_key_id, std::string_view session_token)>;

struct SigV4Options {
  // "" accepts any; else another one is refused with "Credential should be scoped to correct
  // service: 'aps'."
  std::string expected_service;
  // X-Amz-Content-Sha256: UNSIGNED-PAYLOAD is taken over TLS when this is set.
  bool allow_unsigned_payload = false;
};

// Whether the request carries anything of SigV4 (a header "AWS4-HMAC-SHA256 …" or X-Amz-Algorithm
// or X-Amz-Signature in the query), good or bad. Dispatch decides by it.
bool HasSigV4(const SigV4Request& request);

// The credential scope that the request claims, unverified; false where there is none or it is
// malformed. For dispatching on the service before verification.
bool PeekScope(const SigV4Request& request, CredentialScope* scope);

// The verdict. `now_ms` is the wall clock.
SigV4Result VerifySigV4(const SigV4Request& request, int64_t now_ms, const SigV4Lookup& lookup,
                        const SigV4Options& options = {});

struct SigV4Credentials {
  std::string access_key_id;
  std::string secret;
  std::string session_token;  // "" for none
};

// The headers to add to an outgoing request, Authorization last: X-Amz-Date, X-Amz-Security-Token
// where there is a token, Authorization. Every header of `request` is signed and so must arrive as
// it is; `request` must have Host. The path is signed as sent.
std::vector<std::pair<std::string, std::string>> SignSigV4(const SigV4Request& request,
                                                           const SigV4Credentials& credentials,
                                                           std::string_view region,
                                                           std::string_view service,
                                                           int64_t now_ms);

// The query string (without '?') of a presigned request: the request's own query with the X-Amz-*
// parameters, X-Amz-Signature last.
std::string PresignSigV4(const SigV4Request& request, const SigV4Credentials& credentials,
                         std::string_view region, std::string_view service, int64_t now_ms,
                         int expires_seconds);

}  // namespace hearth::auth

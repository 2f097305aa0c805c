// SPDX-License-Identifier: Apache-2.0
#include "auth/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "auth/canonical_request.h"
#include "auth/iso_time.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace hearth::auth {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr int64_t kMinuteMs = 60'000;
// Allowed difference of clocks. The query services are laxer than the rest-json ones.
constexpr int64_t kSkewMinutes = 5;
constexpr int64_t kQueryServiceSkewMinutes = 15;
// A week: the longest life of a presigned request (AWS's own limit).
constexpr int64_t kPresignSecondsMax = 604'800;
// Clients sign at most a few dozen headers; bounds the work before anything is authenticated.
constexpr size_t kSignedHeadersMax = 128;

// What a request says about its signature, before any of it is believed.
struct Claim {
  bool presigned = false;
  std::string credential;
  std::string signed_headers;  // as sent
  std::string signature;
  std::string amz_date;  // as sent, or the Date header in this form
  std::string session_token;
  bool token_in_header = false;
  int64_t expires_seconds = 0;  // presigned
  std::string raw;              // the Authorization header, for messages
};

struct Refusal {
  SigV4Error error = SigV4Error::kNone;
  std::string message{};
  std::string_view reason{};  // "": by the error alone
};

std::string_view DefaultReason(SigV4Error error) {
  switch (error) {
    case SigV4Error::kNone:
      break;
    case SigV4Error::kMissing:
      return "signature-missing";
    case SigV4Error::kIncomplete:
      return "signature-incomplete";
    case SigV4Error::kMismatch:
      return "signature-mismatch";
    case SigV4Error::kUnknownKey:
      return "key-unknown";
    case SigV4Error::kExpiredToken:
      return "session-expired";
  }
  return {};
}

using Check = std::optional<Refusal>;

const std::string_view* FindHeader(const SigV4Request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (EqualsIgnoreCaseAscii(header, name)) return &value;
  }
  return nullptr;
}

// The first query parameter of that name, decoded; nullopt where absent.
std::optional<std::string> QueryParameter(std::string_view raw_query, std::string_view name) {
  for (std::string_view piece : Split(raw_query, '&')) {
    size_t equals = piece.find('=');
    if (piece.substr(0, equals) != name) continue;
    std::string_view raw = equals == std::string_view::npos ? "" : piece.substr(equals + 1);
    std::string value;
    // Base64 tokens may be sent with a bare '+'.
    if (!PercentDecode(raw, /*plus_is_space=*/false, &value)) return std::string(raw);
    return value;
  }
  return std::nullopt;
}

bool IsSigV4Header(std::string_view value) {
  return value.substr(0, kAlgorithm.size()) == kAlgorithm;
}

// Splits "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
void ParseAuthorization(std::string_view value, Claim* claim) {
  claim->raw = std::string(value);
  value.remove_prefix(kAlgorithm.size());
  for (std::string_view part : Split(value, ',')) {
    part = TrimSpace(part);
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = part.substr(0, equals);
    std::string text(part.substr(equals + 1));
    if (name == "Credential") claim->credential = std::move(text);
    if (name == "SignedHeaders") claim->signed_headers = std::move(text);
    if (name == "Signature") claim->signature = std::move(text);
  }
}

void ReadHeaderClaim(const SigV4Request& request, std::string_view authorization, Claim* claim) {
  ParseAuthorization(authorization, claim);
  if (const std::string_view* date = FindHeader(request, "x-amz-date")) {
    claim->amz_date = std::string(TrimSpace(*date));
  } else if (const std::string_view* http_date = FindHeader(request, "date")) {
    std::string_view text = TrimSpace(*http_date);
    int64_t ms = 0;
    claim->amz_date = ParseHttpDate(text, &ms) ? FormatAmzDate(ms) : std::string(text);
  }
  if (const std::string_view* token = FindHeader(request, "x-amz-security-token")) {
    claim->session_token = std::string(TrimSpace(*token));
    claim->token_in_header = true;
  }
}

void ReadQueryClaim(const SigV4Request& request, Claim* claim) {
  auto get = [&](std::string_view name) {
    return QueryParameter(request.raw_query, name).value_or("");
  };
  claim->presigned = true;
  claim->credential = get("X-Amz-Credential");
  claim->signed_headers = get("X-Amz-SignedHeaders");
  claim->signature = get("X-Amz-Signature");
  claim->amz_date = get("X-Amz-Date");
  claim->session_token = get("X-Amz-Security-Token");
}

// Parts missing, in AWS's words, which list every one of them.
Check CheckComplete(const Claim& claim) {
  std::string message;
  auto require = [&](const std::string& value, std::string_view name) {
    if (!value.empty()) return;
    if (!message.empty()) message += ' ';
    message += claim.presigned
                   ? fmt::format("AWS query-string parameters must include 'X-Amz-{}'.", name)
                   : fmt::format("Authorization header requires '{}' parameter.", name);
  };
  require(claim.credential, "Credential");
  require(claim.signature, "Signature");
  require(claim.signed_headers, "SignedHeaders");
  if (claim.presigned) {
    require(claim.amz_date, "Date");
  } else if (claim.amz_date.empty()) {
    if (!message.empty()) message += ' ';
    message +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
  }
  if (message.empty()) return std::nullopt;
  if (!claim.presigned) {
    // AWS shows the header; the signature in it proves nothing by itself.
    message += fmt::format(" Authorization={}", claim.raw.substr(0, 512));
  }
  return Refusal{SigV4Error::kIncomplete, message};
}

// From the right: nothing forbids a slash in an access key id, AWS's own have none.
bool ParseScope(std::string_view credential, CredentialScope* scope) {
  std::vector<std::string_view> parts = Split(credential, '/');
  if (parts.size() != 5 || parts[0].empty()) return false;
  scope->access_key_id = std::string(parts[0]);
  scope->date = std::string(parts[1]);
  scope->region = std::string(parts[2]);
  scope->service = std::string(parts[3]);
  scope->terminator = std::string(parts[4]);
  return true;
}

// us-east-1, eu-central-2, us-gov-west-1, us-iso-east-1 and whatever comes: words joined by '-'.
bool IsRegionName(std::string_view region) {
  if (region.size() < 3 || region.size() > 64) return false;
  bool dash = false;
  for (char c : region) {
    bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (!ok) return false;
    dash = dash || c == '-';
  }
  return dash && region.front() != '-' && region.back() != '-';
}

Check CheckScope(const CredentialScope& scope, std::string_view amz_date,
                 const SigV4Options& options) {
  auto refuse = [](std::string_view reason, std::string message) {
    return Refusal{SigV4Error::kMismatch, std::move(message), reason};
  };
  if (scope.terminator != kTerminator) {
    return refuse("scope-terminator",
                  "Credential should be scoped with a valid terminator: 'aws4_request'");
  }
  if (!IsRegionName(scope.region)) {
    return refuse(
        "scope-region",
        fmt::format("Credential should be scoped to a valid Region, not '{}'", scope.region));
  }
  if (!options.expected_service.empty() && scope.service != options.expected_service) {
    return refuse("scope-service",
                  fmt::format("Credential should be scoped to correct service: '{}'.",
                              options.expected_service));
  }
  if (scope.date != amz_date.substr(0, 8)) {
    return refuse("scope-date",
                  fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                              "version of date from HTTP: '{}' != '{}', from '{}'.",
                              scope.date, amz_date.substr(0, 8), amz_date));
  }
  return std::nullopt;
}

std::string WindowText(int64_t window_ms) {
  if (window_ms % kMinuteMs == 0) return fmt::format("{} min.", window_ms / kMinuteMs);
  return fmt::format("{} s.", window_ms / 1000);
}

Check CheckTime(const Claim& claim, const CredentialScope& scope, int64_t signed_at_ms,
                int64_t now_ms) {
  bool query_service = scope.service == "sts" || scope.service == "iam";
  int64_t skew = (query_service ? kQueryServiceSkewMinutes : kSkewMinutes) * kMinuteMs;
  int64_t life = skew;
  // STS takes a presigned call for 15 minutes whatever X-Amz-Expires says: `aws eks get-token`
  // writes 60 and counts on it.
  if (claim.presigned) {
    int64_t expires = claim.expires_seconds * 1000;
    life = query_service ? std::max(skew, expires) : expires;
  }
  if (signed_at_ms < now_ms - life) {
    return Refusal{
        SigV4Error::kMismatch,
        fmt::format("Signature expired: {} is now earlier than {} ({} - {})", claim.amz_date,
                    FormatAmzDate(now_ms - life), FormatAmzDate(now_ms), WindowText(life)),
        claim.presigned ? "presigned-expired" : "clock-skew"};
  }
  if (signed_at_ms > now_ms + skew) {
    return Refusal{SigV4Error::kMismatch,
                   fmt::format("Signature not yet current: {} is still later than {} ({} + {})",
                               claim.amz_date, FormatAmzDate(now_ms + skew), FormatAmzDate(now_ms),
                               WindowText(skew)),
                   "clock-skew"};
  }
  return std::nullopt;
}

Check CheckSignedHeaders(const Claim& claim, const std::vector<std::string>& names) {
  auto is_signed = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (names.size() > kSignedHeadersMax) {
    return Refusal{SigV4Error::kIncomplete,
                   fmt::format("SignedHeaders names {} headers, at most {} are allowed.",
                               names.size(), kSignedHeadersMax)};
  }
  auto must = [](std::string_view name) {
    return Refusal{SigV4Error::kMismatch,
                   fmt::format("{} must be a 'SignedHeader' in the AWS Authorization.", name),
                   "header-unsigned"};
  };
  if (!is_signed("host") && !is_signed(":authority")) return must("'Host' or ':authority'");
  if (claim.presigned) return std::nullopt;
  if (!is_signed("x-amz-date") && !is_signed("date")) return must("'X-Amz-Date' or 'Date'");
  if (claim.token_in_header && !is_signed("x-amz-security-token")) {
    return must("'X-Amz-Security-Token'");
  }
  return std::nullopt;
}

// Sets the hash that goes into the canonical request.
Check ChoosePayloadHash(const SigV4Request& request, const SigV4Options& options, std::string* hash,
                        bool* compare_body) {
  *compare_body = false;
  const std::string_view* header = FindHeader(request, "x-amz-content-sha256");
  if (header == nullptr) {
    *hash = request.body_sha256_hex.empty() ? crypto::Sha256Hex(request.body)
                                            : std::string(request.body_sha256_hex);
    return std::nullopt;
  }
  *hash = std::string(TrimSpace(*header));
  if (hash->substr(0, 10) == "STREAMING-") {
    return Refusal{SigV4Error::kMismatch,
                   fmt::format("x-amz-content-sha256: {} is for S3 only; send the SHA-256 of the "
                               "body or leave the header out.",
                               *hash),
                   "payload-unsigned"};
  }
  if (*hash == "UNSIGNED-PAYLOAD") {
    if (options.allow_unsigned_payload && request.tls) return std::nullopt;
    return Refusal{SigV4Error::kMismatch,
                   "x-amz-content-sha256: UNSIGNED-PAYLOAD is not accepted here; send the SHA-256 "
                   "of the body or leave the header out.",
                   "payload-unsigned"};
  }
  *compare_body = true;
  return std::nullopt;
}

std::string MismatchMessage(const SigV4Request& request, std::string_view canonical,
                            std::string_view string_to_sign) {
  const std::string_view* host = FindHeader(request, "host");
  return fmt::format(
      "The request signature we calculated does not match the signature you provided. Check your "
      "AWS Secret Access Key and signing method. Consult the service documentation for details."
      "\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign "
      "should have been\n'{}'\n\nThe Host header that arrived was '{}'; a proxy in between must "
      "pass on the client's own.",
      canonical, string_to_sign, host == nullptr ? "" : *host);
}

// Tries every reading; on failure `message` shows the likeliest.
bool SignatureMatches(const SigV4Request& request, const Claim& claim, const CredentialScope& scope,
                      const std::vector<std::string>& names, std::string_view payload_hash,
                      std::string_view secret, std::string* message) {
  std::string key = SigningKey(secret, scope.date, scope.region, scope.service);
  std::string scope_text =
      fmt::format("{}/{}/{}/{}", scope.date, scope.region, scope.service, scope.terminator);
  std::string headers = CanonicalHeaders(request, names);
  for (const std::string& uri : CanonicalUris(request.raw_path)) {
    for (const std::string& query : CanonicalQueries(request.raw_query, claim.presigned)) {
      std::string canonical =
          CanonicalRequest(request.method, uri, query, headers, claim.signed_headers, payload_hash);
      std::string to_sign = StringToSign(claim.amz_date, scope_text, canonical);
      if (crypto::ConstantTimeEquals(crypto::HmacSha256Hex(key, to_sign), claim.signature)) {
        return true;
      }
      if (message->empty()) *message = MismatchMessage(request, canonical, to_sign);
    }
  }
  return false;
}

std::string_view DefaultMessage(SigV4Error error) {
  if (error == SigV4Error::kExpiredToken) {
    return "The security token included in the request is expired";
  }
  return "The security token included in the request is invalid.";
}

// Reads the claim off the request; kMissing where there is none.
Check ReadClaim(const SigV4Request& request, Claim* claim) {
  const std::string_view* authorization = FindHeader(request, "authorization");
  if (authorization != nullptr && IsSigV4Header(TrimSpace(*authorization))) {
    ReadHeaderClaim(request, TrimSpace(*authorization), claim);
    return CheckComplete(*claim);
  }
  std::optional<std::string> algorithm = QueryParameter(request.raw_query, "X-Amz-Algorithm");
  if (!algorithm && !QueryParameter(request.raw_query, "X-Amz-Signature")) {
    return Refusal{SigV4Error::kMissing, "Missing Authentication Token"};
  }
  if (algorithm.value_or("") != kAlgorithm) {
    return Refusal{SigV4Error::kIncomplete,
                   fmt::format("X-Amz-Algorithm must be '{}'.", kAlgorithm)};
  }
  ReadQueryClaim(request, claim);
  if (Check check = CheckComplete(*claim)) return check;
  std::string expires = QueryParameter(request.raw_query, "X-Amz-Expires").value_or("");
  if (expires.empty()) {
    // STS's presigned calls may leave it out; the skew window holds then.
    claim->expires_seconds = kSkewMinutes * 60;
  } else if (!ParseInt64(expires, &claim->expires_seconds) || claim->expires_seconds < 1 ||
             claim->expires_seconds > kPresignSecondsMax) {
    return Refusal{SigV4Error::kIncomplete,
                   fmt::format("X-Amz-Expires must be a number between 1 and {} seconds.",
                               kPresignSecondsMax)};
  }
  return std::nullopt;
}

Check Verify(const SigV4Request& request, int64_t now_ms, const SigV4Lookup& lookup,
             const SigV4Options& options, SigV4Identity* identity) {
  Claim claim;
  if (Check check = ReadClaim(request, &claim)) return check;
  CredentialScope scope;
  if (!ParseScope(claim.credential, &scope)) {
    return Refusal{SigV4Error::kIncomplete,
                   fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                               "keyid/date/region/service/term, got '{}'",
                               claim.credential.substr(0, 256))};
  }
  int64_t signed_at_ms = 0;
  if (!ParseAmzDate(claim.amz_date, &signed_at_ms)) {
    return Refusal{SigV4Error::kIncomplete,
                   fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                               "http://en.wikipedia.org/wiki/ISO_8601",
                               claim.amz_date.substr(0, 64))};
  }
  std::vector<std::string> names;
  for (std::string_view name : Split(claim.signed_headers, ';')) {
    if (names.size() <= kSignedHeadersMax) names.emplace_back(ToLowerAscii(name));
  }
  if (Check check = CheckScope(scope, claim.amz_date, options)) return check;
  if (Check check = CheckSignedHeaders(claim, names)) return check;
  if (Check check = CheckTime(claim, scope, signed_at_ms, now_ms)) return check;
  std::string payload_hash;
  bool compare_body = false;
  if (Check check = ChoosePayloadHash(request, options, &payload_hash, &compare_body)) {
    return check;
  }
  SigV4Secret secret = lookup(scope.access_key_id, claim.session_token);
  if (secret.error != SigV4Error::kNone) {
    return Refusal{secret.error, secret.message.empty() ? std::string(DefaultMessage(secret.error))
                                                        : secret.message};
  }
  std::string message;
  if (!SignatureMatches(request, claim, scope, names, payload_hash, secret.secret, &message)) {
    return Refusal{SigV4Error::kMismatch, message};
  }
  if (compare_body) {
    std::string actual = request.body_sha256_hex.empty() ? crypto::Sha256Hex(request.body)
                                                         : std::string(request.body_sha256_hex);
    if (!EqualsIgnoreCaseAscii(actual, payload_hash)) {
      return Refusal{SigV4Error::kMismatch,
                     "The provided 'x-amz-content-sha256' header does not match what was computed.",
                     "payload-mismatch"};
    }
  }
  *identity = {std::move(scope), std::move(claim.session_token), std::move(names), signed_at_ms,
               claim.presigned};
  return std::nullopt;
}

}  // namespace

bool HasSigV4(const SigV4Request& request) {
  const std::string_view* authorization = FindHeader(request, "authorization");
  if (authorization != nullptr && IsSigV4Header(TrimSpace(*authorization))) return true;
  return QueryParameter(request.raw_query, "X-Amz-Algorithm").has_value() ||
         QueryParameter(request.raw_query, "X-Amz-Signature").has_value();
}

bool PeekScope(const SigV4Request& request, CredentialScope* scope) {
  Claim claim;
  const std::string_view* authorization = FindHeader(request, "authorization");
  if (authorization != nullptr && IsSigV4Header(TrimSpace(*authorization))) {
    ParseAuthorization(TrimSpace(*authorization), &claim);
  } else {
    claim.credential = QueryParameter(request.raw_query, "X-Amz-Credential").value_or("");
  }
  return ParseScope(claim.credential, scope);
}

SigV4Result VerifySigV4(const SigV4Request& request, int64_t now_ms, const SigV4Lookup& lookup,
                        const SigV4Options& options) {
  SigV4Result result;
  if (Check check = Verify(request, now_ms, lookup, options, &result.identity)) {
    result.error = check->error;
    result.reason = check->reason.empty() ? DefaultReason(check->error) : check->reason;
    result.message = std::move(check->message);
  }
  return result;
}

}  // namespace hearth::auth

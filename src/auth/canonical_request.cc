// SPDX-License-Identifier: Apache-2.0
#include "auth/canonical_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "crypto/hash.h"

namespace hearth::auth {
namespace {

struct Pair {
  std::string name, value;                  // decoded
  std::string encoded_name, encoded_value;  // by RFC 3986
};

// RFC 3986 section 5.2.4 as botocore's normalize_url_path does it: also drops empty segments.
std::string NormalizePath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::string_view segment : Split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
      continue;
    }
    kept.push_back(segment);
  }
  std::string out;
  for (std::string_view segment : kept) {
    out += '/';
    out += segment;
  }
  if (out.empty()) return "/";
  if (path.back() == '/') out += '/';
  return out;
}

// A malformed escape stays as it is: some signers send "100%" and sign it so.
std::string DecodeLeniently(std::string_view text, bool plus_is_space) {
  std::string out;
  if (PercentDecode(text, plus_is_space, &out)) return out;
  return std::string(text);
}

std::vector<Pair> ParseQuery(std::string_view raw_query, bool presigned, bool plus_is_space) {
  std::vector<Pair> pairs;
  for (std::string_view piece : Split(raw_query, '&')) {
    if (piece.empty()) continue;
    size_t equals = piece.find('=');
    std::string_view name = piece.substr(0, equals);
    std::string_view value =
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    Pair pair;
    pair.name = DecodeLeniently(name, plus_is_space);
    if (presigned && pair.name == "X-Amz-Signature") continue;
    pair.value = DecodeLeniently(value, plus_is_space);
    pair.encoded_name = PercentEncode(pair.name, /*keep_slash=*/false);
    pair.encoded_value = PercentEncode(pair.value, /*keep_slash=*/false);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

std::string JoinQuery(const std::vector<Pair>& pairs) {
  std::string out;
  for (const Pair& pair : pairs) {
    if (!out.empty()) out += '&';
    out += pair.encoded_name;
    out += '=';
    out += pair.encoded_value;
  }
  return out;
}

void AddNew(std::vector<std::string>* list, std::string entry) {
  if (std::find(list->begin(), list->end(), entry) == list->end()) {
    list->push_back(std::move(entry));
  }
}

void AppendTrimmed(std::string_view value, std::string* out) {
  bool space = false;
  bool any = false;
  for (char c : value) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = true;
      continue;
    }
    if (space && any) *out += ' ';
    space = false;
    any = true;
    *out += c;
  }
}

}  // namespace

std::vector<std::string> CanonicalUris(std::string_view raw_path) {
  std::string_view path = raw_path.empty() ? std::string_view("/") : raw_path;
  std::vector<std::string> uris = {PercentEncode(path, /*keep_slash=*/true)};
  AddNew(&uris, PercentEncode(NormalizePath(path), /*keep_slash=*/true));
  return uris;
}

std::vector<std::string> CanonicalQueries(std::string_view raw_query, bool presigned) {
  std::vector<std::string> queries;
  for (bool plus_is_space : {true, false}) {
    if (!plus_is_space && raw_query.find('+') == std::string_view::npos) break;
    std::vector<Pair> pairs = ParseQuery(raw_query, presigned, plus_is_space);
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
      return std::tie(a.encoded_name, a.encoded_value) < std::tie(b.encoded_name, b.encoded_value);
    });
    AddNew(&queries, JoinQuery(pairs));
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
      return std::tie(a.name, a.value) < std::tie(b.name, b.value);
    });
    AddNew(&queries, JoinQuery(pairs));
  }
  return queries;
}

std::string CanonicalHeaders(const SigV4Request& request,
                             const std::vector<std::string>& signed_headers) {
  std::string out;
  for (const std::string& name : signed_headers) {
    out += name;
    out += ':';
    bool first = true;
    for (const auto& [header, value] : request.headers) {
      if (!EqualsIgnoreCaseAscii(header, name)) continue;
      if (!first) out += ',';
      first = false;
      AppendTrimmed(value, &out);
    }
    out += '\n';
  }
  return out;
}

std::string CanonicalRequest(std::string_view method, std::string_view uri, std::string_view query,
                             std::string_view canonical_headers, std::string_view signed_headers,
                             std::string_view payload_hash) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, uri, query, canonical_headers,
                     signed_headers, payload_hash);
}

std::string StringToSign(std::string_view amz_date, std::string_view scope,
                         std::string_view canonical_request) {
  return fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", amz_date, scope,
                     crypto::Sha256Hex(canonical_request));
}

std::string SigningKey(std::string_view secret, std::string_view date, std::string_view region,
                       std::string_view service) {
  std::string key = crypto::HmacSha256(fmt::format("AWS4{}", secret), date);
  key = crypto::HmacSha256(key, region);
  key = crypto::HmacSha256(key, service);
  return crypto::HmacSha256(key, "aws4_request");
}

}  // namespace hearth::auth

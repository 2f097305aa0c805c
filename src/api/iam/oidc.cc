// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using catalog::OidcProvider;

constexpr size_t kClientIdsMax = 100;  // IAM's quotas
constexpr size_t kThumbprintsMax = 5;
constexpr size_t kProvidersMax = 100;

// "https://host/path" → "host/path"; plain http is an issuer on this machine (a test, a kind
// cluster), which is reached on loopback only.
absl::StatusOr<std::string> ReadUrl(Call& call) {
  const std::string url = call.in.Text("Url", {true, 1, 255});
  TRY(call.in.status());
  const size_t scheme = url.find("://");
  const std::string_view name = scheme == std::string::npos ? "" : url.substr(0, scheme);
  std::string rest = scheme == std::string::npos ? "" : url.substr(scheme + 3);
  const std::string_view host = std::string_view(rest).substr(0, rest.find_first_of(":/"));
  const bool here =
      host == "localhost" || host == "127.0.0.1" || std::string_view(rest).starts_with("[::1]");
  const bool known = name == "https" || (name == "http" && here);
  const bool clean = rest.find_first_of("?#@ ") == std::string::npos;
  if (!known || rest.empty() || rest.front() == '/' || !clean) {
    return QueryFault(400, "ValidationError",
                      fmt::format("Invalid Open ID Connect Provider URL: {}", url));
  }
  while (rest.ends_with('/')) rest.pop_back();
  return rest;
}

absl::StatusOr<OidcProvider> NamedProvider(Call& call, const Keys& keys = {}) {
  const std::string arn = call.in.Text("OpenIDConnectProviderArn", ArnRule());
  TRY(call.in.status());
  const std::string prefix = catalog::OidcProviderArn(call.account, "");
  const bool ours = arn.starts_with(prefix);
  auto provider =
      catalog::GetOidcProvider(call.reader, call.account, ours ? arn.substr(prefix.size()) : "");
  if (!provider.ok() && !absl::IsNotFound(provider.status())) return provider.status();
  Keys all = keys;
  if (provider.ok()) {
    for (auto& key : ResourceTagKeys(provider->tags)) all.push_back(std::move(key));
  }
  TRY(call.Authorize(arn, all));
  if (provider.ok()) return provider;
  return QueryFault(404, "NoSuchEntity",
                    fmt::format("OpenIDConnect Provider not found for arn {}", arn));
}

absl::Status CheckThumbprints(const std::vector<std::string>& thumbprints) {
  for (const std::string& thumbprint : thumbprints) {
    std::string bytes;
    if (thumbprint.size() == 40 && HexDecode(ToLowerAscii(thumbprint), &bytes)) continue;
    return QueryFault(400, "InvalidInput",
                      fmt::format("'{}' is no thumbprint: 40 hexadecimal digits of the SHA-1 of "
                                  "the issuer's certificate",
                                  thumbprint));
  }
  if (thumbprints.size() > kThumbprintsMax) {
    return QueryFault(400, "InvalidInput", "Thumbprint list must contain fewer than 5 entries.");
  }
  return absl::OkStatus();
}

absl::Status CheckClientIds(size_t count) {
  if (count <= kClientIdsMax) return absl::OkStatus();
  return QueryFault(
      409, "LimitExceeded",
      fmt::format("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {}", kClientIdsMax));
}

absl::Status CreateProvider(Call& call) {
  OidcProvider provider;
  provider.account = call.account;
  provider.client_ids = call.in.List("ClientIDList", kClientIdsMax, {false, 1, 255});
  provider.thumbprints = call.in.List("ThumbprintList", 100);
  TRY_ASSIGN(provider.url, ReadUrl(call));
  TRY_ASSIGN(provider.tags, ReadTags(call));
  TRY(call.Authorize(catalog::OidcProviderArn(call.account, provider.url),
                     RequestTagKeys(provider.tags)));
  TRY(CheckThumbprints(provider.thumbprints));
  TRY_ASSIGN(const auto others, catalog::ListOidcProviders(call.reader, call.account));
  if (others.size() >= kProvidersMax) {
    return QueryFault(
        409, "LimitExceeded",
        fmt::format("Cannot exceed quota for OpenIdConnectProvidersPerAccount: {}", kProvidersMax));
  }
  TRY(Reworded(catalog::CreateOidcProvider(call.write(), &provider), "",
               fmt::format("Provider with url https://{} already exists.", provider.url)));
  call.out.Text("OpenIDConnectProviderArn", catalog::OidcProviderArn(call.account, provider.url));
  if (!provider.tags.empty()) WriteTags(call.out, provider.tags);
  return absl::OkStatus();
}

absl::Status GetProvider(Call& call) {
  TRY_ASSIGN(const OidcProvider provider, NamedProvider(call));
  call.out.Text("Url", provider.url);
  call.out.List("ClientIDList", provider.client_ids);
  call.out.List("ThumbprintList", provider.thumbprints);
  call.out.Time("CreateDate", provider.created_ms);
  WriteTags(call.out, provider.tags);
  return absl::OkStatus();
}

absl::Status ListProviders(Call& call) {
  TRY(call.Authorize(catalog::OidcProviderArn(call.account, "*")));
  TRY_ASSIGN(const auto providers, catalog::ListOidcProviders(call.reader, call.account));
  call.out.Open("OpenIDConnectProviderList");
  for (const OidcProvider& provider : providers) {
    call.out.Open("member");
    call.out.Text("Arn", catalog::OidcProviderArn(call.account, provider.url));
    call.out.Close("member");
  }
  call.out.Close("OpenIDConnectProviderList");
  return absl::OkStatus();
}

absl::Status DeleteProvider(Call& call) {
  const std::string arn = call.in.Text("OpenIDConnectProviderArn", ArnRule());
  const auto provider = NamedProvider(call);
  // IAM's delete is idempotent for providers that are gone.
  if (access::QueryFaultCode(provider.status()) == "NoSuchEntity") return absl::OkStatus();
  TRY(provider.status());
  return catalog::DeleteOidcProvider(call.write(), call.account, provider->url);
}

absl::Status AddClientId(Call& call) {
  const std::string id = call.in.Text("ClientID", {true, 1, 255});
  TRY_ASSIGN(OidcProvider provider, NamedProvider(call));
  auto& ids = provider.client_ids;
  if (std::find(ids.begin(), ids.end(), id) != ids.end()) return absl::OkStatus();
  ids.push_back(id);
  TRY(CheckClientIds(ids.size()));
  return catalog::UpdateOidcProvider(call.write(), &provider);
}

absl::Status RemoveClientId(Call& call) {
  const std::string id = call.in.Text("ClientID", {true, 1, 255});
  TRY_ASSIGN(OidcProvider provider, NamedProvider(call));
  if (std::erase(provider.client_ids, id) == 0) return absl::OkStatus();
  return catalog::UpdateOidcProvider(call.write(), &provider);
}

absl::Status UpdateThumbprint(Call& call) {
  auto thumbprints = call.in.List("ThumbprintList", 100);
  TRY_ASSIGN(OidcProvider provider, NamedProvider(call));
  TRY(CheckThumbprints(thumbprints));
  provider.thumbprints = std::move(thumbprints);
  return catalog::UpdateOidcProvider(call.write(), &provider);
}

absl::Status TagProvider(Call& call) {
  TRY_ASSIGN(const catalog::Tags tags, ReadTags(call));
  TRY_ASSIGN(OidcProvider provider, NamedProvider(call, RequestTagKeys(tags)));
  TRY(MergeTags(tags, &provider.tags));
  return catalog::UpdateOidcProvider(call.write(), &provider);
}

absl::Status UntagProvider(Call& call) {
  const auto keys = call.in.List("TagKeys", kTagsMax);
  TRY_ASSIGN(OidcProvider provider, NamedProvider(call, {{"aws:TagKeys", keys}}));
  RemoveTags(keys, &provider.tags);
  return catalog::UpdateOidcProvider(call.write(), &provider);
}

absl::Status ListProviderTags(Call& call) {
  TRY_ASSIGN(const OidcProvider provider, NamedProvider(call));
  WriteTags(call.out, provider.tags);
  call.out.Flag("IsTruncated", false);
  return absl::OkStatus();
}

constexpr Operation kOperations[] = {
    {"CreateOpenIDConnectProvider", CreateProvider, true},
    {"GetOpenIDConnectProvider", GetProvider},
    {"ListOpenIDConnectProviders", ListProviders},
    {"DeleteOpenIDConnectProvider", DeleteProvider, true, false},
    {"AddClientIDToOpenIDConnectProvider", AddClientId, true, false},
    {"RemoveClientIDFromOpenIDConnectProvider", RemoveClientId, true, false},
    {"UpdateOpenIDConnectProviderThumbprint", UpdateThumbprint, true, false},
    {"TagOpenIDConnectProvider", TagProvider, true, false},
    {"UntagOpenIDConnectProvider", UntagProvider, true, false},
    {"ListOpenIDConnectProviderTags", ListProviderTags},
};

}  // namespace

std::span<const Operation> OidcOperations() { return kOperations; }

}  // namespace hearth::api::iam

// SPDX-License-Identifier: Apache-2.0
#include "auth/basic.h"

#include "base/text.h"

namespace hearth::auth {
namespace {

// What follows "<scheme> "; nullopt for another scheme. Scheme names have no case (RFC 9110 11.1).
std::optional<std::string_view> AfterScheme(std::string_view header, std::string_view scheme) {
  header = TrimSpace(header);
  size_t space = header.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  if (!EqualsIgnoreCaseAscii(header.substr(0, space), scheme)) return std::nullopt;
  return TrimSpace(header.substr(space + 1));
}

}  // namespace

std::optional<BasicCredentials> ParseBasic(std::string_view authorization) {
  std::optional<std::string_view> encoded = AfterScheme(authorization, "basic");
  std::string text;
  if (!encoded || !Base64Decode(*encoded, &text)) return std::nullopt;
  size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<std::string> ParseBearer(std::string_view authorization) {
  std::optional<std::string_view> token = AfterScheme(authorization, "bearer");
  if (!token || token->empty()) return std::nullopt;
  return std::string(*token);
}

}  // namespace hearth::auth

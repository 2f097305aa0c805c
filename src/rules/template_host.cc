// SPDX-License-Identifier: Apache-2.0
#include "rules/template_host.h"

#include <arpa/inet.h>

namespace hearth::rules {

bool SplitHostPort(std::string_view text, std::string* host, std::string* port) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view name = text.substr(0, colon);
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || close + 1 != colon) return false;
    name = text.substr(1, close - 1);
    if (name.find('[') != std::string_view::npos) return false;
  } else if (name.find_first_of(":[]") != std::string_view::npos) {
    return false;
  }
  const std::string_view rest = text.substr(colon + 1);
  if (rest.find_first_of("[]") != std::string_view::npos) return false;
  *host = name;
  *port = rest;
  return true;
}

bool IsIpAddress(const std::string& text) {
  char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

}  // namespace hearth::rules

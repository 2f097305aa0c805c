// SPDX-License-Identifier: Apache-2.0
// A token or key set of any bytes is an error or a value, never a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  const auto keys = hearth::crypto::Jwks::Parse(text.substr(0, line));
  if (!keys.ok()) {
    (void)hearth::crypto::ParseJwtUnverified(text);
  } else if (line != std::string_view::npos) {
    (void)keys->Verify(text.substr(line + 1));
  }
  return 0;
}

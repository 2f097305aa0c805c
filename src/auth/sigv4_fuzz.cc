// SPDX-License-Identifier: Apache-2.0
// Nothing of a request is believed before its signature: whatever it says, the verifier answers.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "auth/basic.h"
#include "auth/sigv4.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::auth;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> lines = hearth::Split(text, '\n');
  auto line = [&](size_t i) { return i < lines.size() ? lines[i] : std::string_view(); };
  std::array<std::pair<std::string_view, std::string_view>, 4> headers = {{
      {"Host", line(2)},
      {"Authorization", line(3)},
      {"X-Amz-Date", line(4)},
      {"X-Amz-Security-Token", line(5)},
  }};
  SigV4Request request{"GET", line(0), line(1), headers, line(6), "", false};
  VerifySigV4(request, 1'786'104'600'000, [](std::string_view, std::string_view) {
    return SigV4Secret{SigV4Error::kNone, "secret", ""};
  });
  CredentialScope scope;
  PeekScope(request, &scope);
  ParseBasic(line(3));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "grafana/json_text.h"

// Whatever is JSON stays JSON when members are set; nothing else crashes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool good = hearth::grafana::CheckJson(text).ok();
  const auto members = hearth::grafana::JsonMembers(text);
  const std::string changed = hearth::grafana::WithJsonMembers(text, {{"id", "7"}});
  if (good && !members.empty() && !hearth::grafana::CheckJson(changed).ok()) std::abort();
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration text: no exception, no crash, nothing beyond the limits.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto node =
      hearth::codec::ParseYaml({reinterpret_cast<const char*>(data), size},
                               {.bytes_max = 1 << 16, .depth_max = 16, .nodes_max = 10'000});
  if (node.ok()) {
    node->AsBool().IgnoreError();  // only that it returns matters here
    node->AsDouble().IgnoreError();
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file and as a discovered list of targets.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "scrape/config.h"
#include "scrape/target_groups.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::scrape;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = ParseConfig(text, "fuzz.yml", "");
  const auto json = ParseJsonGroups(text, "fuzz.json");
  const auto yaml = ParseYamlGroups(text, "fuzz.yml");
  if (!json.ok()) return 0;
  for (const TargetGroup& group : *json) {
    for (const auto& target : group.targets) {
      const auto made = MakeTarget(JobConfig{}, group, target);
      if (made.ok()) CHECK(hearth::model::IsWellFormedPacked(made->labels.packed()));
    }
  }
  return 0;
}

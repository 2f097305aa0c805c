// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/template.h"
#include "rules/template_value.h"

// Any text ends in a result or an error, within the limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::rules;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TemplateEnvironment environment;
  environment.limits.steps_max = 10'000;
  environment.query = [](std::string_view) -> absl::StatusOr<std::vector<TemplateSample>> {
    return std::vector<TemplateSample>{{{{"a", "b"}}, 1.5, ""}};
  };
  AlertData alert;
  alert.labels = {{"job", "api"}};
  const auto parsed = AlertTemplate::Parse("fuzz", text);
  if (parsed.ok()) (void)parsed->Expand(alert, environment);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "explosion.h"

#include <fmt/core.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "bodies.h"

namespace hearth::bench {

bool WriteExplosion(const ExplosionPlan& plan) {
  BodyFile file(plan.out);
  std::string raw, series, label;
  uint32_t samples = 0;
  for (uint64_t i = plan.first_series; i < plan.first_series + plan.series && file.ok(); ++i) {
    const uint64_t random = i * 0x9e3779b97f4a7c15;
    const std::string id =
        fmt::format("{:08x}-{:04x}-4c5b-9a8f-{:012x}", random >> 32, random >> 16 & 0xffff, i);
    const std::string instance = fmt::format("10.0.{}.{}:8080", i / 250 % 4, i % 250);
    series.clear();
    for (const auto& [name, value] :
         {std::pair<std::string_view, std::string_view>("__name__", "http_requests_total"),
          {"code", "200"},
          {"instance", instance},
          {"job", "checkout"},
          {"method", "GET"},
          {"namespace", "shop"},
          {"path", "/cart"},
          {"request_id", id}}) {
      label.clear();
      AppendField(1, name, &label);
      AppendField(2, value, &label);
      AppendField(1, label, &series);
    }
    std::string sample(9, '\x09');
    const double one = 1;
    std::memcpy(sample.data() + 1, &one, sizeof one);
    sample.push_back('\x10');
    AppendVarint(static_cast<uint64_t>(plan.time_ms), &sample);
    AppendField(2, sample, &series);
    AppendField(1, series, &raw);
    if (++samples == plan.samples_per_body) {
      file.Add(raw, samples);
      raw.clear();
      samples = 0;
    }
  }
  if (samples > 0) file.Add(raw, samples);
  return file.Finish();
}

}  // namespace hearth::bench

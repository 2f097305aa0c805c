// SPDX-License-Identifier: Apache-2.0
// Any bytes as a scrape's body, in both formats.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/exposition.h"

namespace hearth::codec {
namespace {

void Parse(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  while (true) {
    const auto entry = parser.Next();
    if (!entry.ok() || *entry == ExpositionEntry::kEnd) return;
    if (*entry == ExpositionEntry::kSample) {
      CHECK(!parser.labels().empty());
      CHECK(!parser.series_text().empty());
      if (parser.has_exemplar())
        CHECK(model::IsWellFormedPacked(parser.exemplar().labels.packed()));
    }
  }
}

}  // namespace
}  // namespace hearth::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  hearth::codec::Parse(body, hearth::codec::ExpositionFormat::kText);
  hearth::codec::Parse(body, hearth::codec::ExpositionFormat::kOpenMetrics);
  return 0;
}

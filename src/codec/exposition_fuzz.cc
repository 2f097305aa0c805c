// SPDX-License-Identifier: Apache-2.0
// Any bytes as a scrape's body, in each format.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/exposition.h"

namespace hearth::codec {
namespace {

void Parse(std::string_view body, const ExpositionOptions& options) {
  const auto reader = MakeExpositionReader(body, options);
  while (true) {
    const auto entry = reader->Next();
    if (!entry.ok() || *entry == ExpositionEntry::kEnd) return;
    const bool is_histogram = *entry == ExpositionEntry::kHistogram;
    if (*entry != ExpositionEntry::kSample && !is_histogram) continue;
    CHECK(!reader->series_text().empty());
    CHECK(!is_histogram || reader->histogram() != nullptr);
    const auto labels = reader->Labels();
    if (!labels.ok()) return;
    CHECK(!(*labels)->empty());
    model::Exemplar exemplar;
    while (reader->NextExemplar(&exemplar)) {
      CHECK(model::IsWellFormedPacked(exemplar.labels.packed()));
    }
  }
}

}  // namespace
}  // namespace hearth::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  using Format = hearth::codec::ExpositionFormat;
  for (const Format format : {Format::kText, Format::kOpenMetrics, Format::kProtobuf}) {
    hearth::codec::Parse(body, {format, false, false, false});
    hearth::codec::Parse(body, {format, true, true, true});
    hearth::codec::Parse(body, {format, true, false, true});
  }
  return 0;
}

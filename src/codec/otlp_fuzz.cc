// SPDX-License-Identifier: Apache-2.0
// An OTLP body, read as protobuf and as JSON, and translated: whatever comes out has well-formed
// labels and valid histograms.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "codec/otlp.h"
#include "codec/otlp_translate.h"

namespace hearth::codec {
namespace {

void Translate(const absl::StatusOr<OtlpRequest>& request) {
  if (!request.ok()) return;
  OtlpSettings settings;
  for (const bool nhcb : {false, true}) {
    settings.convert_histograms_to_nhcb = nhcb;
    for (const OtlpSample& sample : TranslateOtlp(*request, settings).samples) {
      CHECK(model::IsWellFormedPacked(sample.labels.packed()));
      if (sample.histogram != nullptr) CHECK(model::Validate(*sample.histogram).ok());
    }
  }
}

}  // namespace
}  // namespace hearth::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  hearth::codec::Translate(hearth::codec::DecodeOtlpProtobuf(input));
  hearth::codec::Translate(hearth::codec::DecodeOtlpJson(input));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A remote write 2.0 message: whatever is accepted must hold well-formed label sets.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "codec/batch_for_test.h"
#include "codec/remote_write_v2.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  hearth::codec::BatchForTest batch;
  const auto outcome = hearth::codec::DecodeRemoteWriteV2(input, {}, &batch);
  CHECK(hearth::codec::SameWhenRaw<hearth::codec::RemoteWriteV2Reader>(input, batch, outcome));
  if (!outcome.ok()) return 0;
  for (const auto& series : batch.series()) {
    CHECK(hearth::model::IsWellFormedPacked(batch.labels(series).packed()));
    CHECK(series.sample_count + series.histogram_count > 0);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A remote-write body as it comes from the wire: snappy, then protobuf. Whatever is accepted must
// hold well-formed label sets and survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/compress.h"
#include "codec/batch_for_test.h"
#include "codec/remote_write.h"

namespace hearth::codec {
namespace {

constexpr size_t kDecodedMax = 16 << 20;

void Decode(std::string_view message) {
  BatchForTest batch;
  const auto outcome = DecodeRemoteWrite(message, LabelLimits{}, &batch);
  CHECK(SameWhenRaw<RemoteWriteReader>(message, batch, outcome));
  if (!outcome.ok()) return;
  for (const auto& series : batch.series()) {
    CHECK(model::IsWellFormedPacked(batch.labels(series).packed()));
  }
  const std::string again = EncodeRemoteWrite(batch);
  BatchForTest second;
  CHECK(DecodeRemoteWrite(again, LabelLimits{}, &second).ok());
  CHECK(second.series().size() == batch.series().size());
  CHECK(second.times_ms() == batch.times_ms());
}

}  // namespace
}  // namespace hearth::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  hearth::codec::Decode(input);
  std::string message;
  if (hearth::SnappyDecompress(input, hearth::codec::kDecodedMax, &message).ok()) {
    hearth::codec::Decode(message);
  }
  return 0;
}

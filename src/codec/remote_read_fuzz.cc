// SPDX-License-Identifier: Apache-2.0
// Any bytes as a read request, and as a stream of frames.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/remote_read.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::codec;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto request = DecodeReadRequest(input);
  if (request.ok()) CHECK(request->queries.size() <= kReadQueriesMax);
  std::string_view rest = input;
  ReadFrame frame;
  for (;;) {
    const size_t before = rest.size();
    const auto taken = TakeReadFrame(&rest, &frame);
    if (!taken.ok() || !*taken) break;
    CHECK(rest.size() < before);
    CHECK(hearth::model::IsWellFormedPacked(frame.labels.packed()));
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Snappy's elements, judged and decoded as snappy's own library does.
#include <snappy.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/snappy_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kDecodedMax = 1 << 20;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  size_t decoded = 0;
  if (!snappy::GetUncompressedLength(input.data(), input.size(), &decoded)) return 0;
  if (decoded > kDecodedMax) return 0;
  std::string expected(decoded, '\0');
  std::string out(decoded, '\0');
  const bool sound = snappy::RawUncompress(input.data(), input.size(), expected.data());
  size_t at = 0;
  while ((static_cast<unsigned char>(input[at]) & 0x80) != 0) ++at;
  CHECK(hearth::SnappyDecodeElements(input.substr(at + 1), out.data(), out.size()) == sound);
  if (sound) CHECK(out == expected);
  return 0;
}

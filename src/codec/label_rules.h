// SPDX-License-Identifier: Apache-2.0
// The rules that a series' labels must keep, and the texts where they do not, in Cortex' order and
// words (pkg/util/validation of Cortex; aws-contract.md §11.2).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "codec/remote_write.h"
#include "model/labels.h"

namespace hearth::codec {

// `labels` are sorted by name and hold no empty values; names may repeat. Empty: they are fine.
std::string BreachedRule(std::span<const model::Label> labels, const LabelLimits& limits,
                         SeriesErrorKind* kind);

// True where every byte is below 0x80; such text is valid UTF-8.
inline bool IsAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const char* p = text.data();
  size_t left = text.size();
  uint64_t seen = 0;
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    seen |= word;
  }
  for (; left > 0; --left, ++p) seen |= static_cast<unsigned char>(*p);
  return (seen & kHighBits) == 0;
}

}  // namespace hearth::codec

// SPDX-License-Identifier: Apache-2.0
#include "scrape/letter_case.h"

#include <cstdint>

namespace hearth::scrape {
namespace {

bool In(uint32_t c, uint32_t first, uint32_t last) { return c >= first && c <= last; }

// Simple case mappings of Unicode's UnicodeData.txt, by their ranges.
uint32_t Lower(uint32_t c) {
  if (In(c, 'A', 'Z')) return c + 32;
  if (In(c, 0xc0, 0xde) && c != 0xd7) return c + 32;
  if (In(c, 0x100, 0x12f) || In(c, 0x132, 0x137) || In(c, 0x14a, 0x177)) return c | 1;
  if (In(c, 0x139, 0x148) || In(c, 0x179, 0x17e)) return c + (c & 1);
  if (c == 0x178) return 0xff;
  if (In(c, 0x391, 0x3a9) && c != 0x3a2) return c + 32;
  if (In(c, 0x400, 0x40f)) return c + 80;
  if (In(c, 0x410, 0x42f)) return c + 32;
  return c;
}

uint32_t Upper(uint32_t c) {
  if (In(c, 'a', 'z')) return c - 32;
  if (In(c, 0xe0, 0xfe) && c != 0xf7) return c - 32;
  if (c == 0xff) return 0x178;
  if (c == 0xb5) return 0x39c;
  if (c == 0x131) return 'I';
  if (In(c, 0x100, 0x12f) || In(c, 0x132, 0x137) || In(c, 0x14a, 0x177)) return c & ~1U;
  if (In(c, 0x139, 0x148) || In(c, 0x179, 0x17e)) return c - (1 - (c & 1));
  if (c == 0x3c2) return 0x3a3;
  if (In(c, 0x3b1, 0x3c9)) return c - 32;
  if (In(c, 0x430, 0x44f)) return c - 32;
  if (In(c, 0x450, 0x45f)) return c - 80;
  return c;
}

// All letters above have one or two bytes; longer sequences pass through.
template <typename Map>
std::string Convert(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    uint32_t c = byte;
    if (byte >= 0x80) {
      const bool two = (byte & 0xe0) == 0xc0 && i + 1 < text.size();
      if (!two) {
        out.push_back(text[i]);
        continue;
      }
      c = ((byte & 0x1fU) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3fU);
    }
    c = map(c);
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back(static_cast<char>(0xc0 | (c >> 6)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    }
  }
  return out;
}

}  // namespace

std::string ToLowerText(std::string_view text) { return Convert(text, Lower); }
std::string ToUpperText(std::string_view text) { return Convert(text, Upper); }

}  // namespace hearth::scrape

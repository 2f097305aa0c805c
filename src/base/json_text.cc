// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace hearth {
namespace {

constexpr std::string_view kReplacement = "\\ufffd";

// Length of the valid UTF-8 sequence at the front of `text`, or 0.
size_t SequenceLength(std::string_view text) {
  for (size_t n = 2; n <= 4 && n <= text.size(); ++n) {
    if (IsValidUtf8(text.substr(0, n))) return n;
  }
  return 0;
}

void AppendControl(unsigned char c, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  *out += "\\u00";
  out->push_back(kDigits[c >> 4]);
  out->push_back(kDigits[c & 15]);
}

// Bytes that stand for themselves.
constexpr std::array<bool, 256> MakePlain(bool html) {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) {
    plain[c] = c != '"' && c != '\\' && !(html && (c == '<' || c == '>' || c == '&'));
  }
  return plain;
}
constexpr std::array<bool, 256> kPlain = MakePlain(false);
constexpr std::array<bool, 256> kPlainHtml = MakePlain(true);

constexpr uint64_t Bytes(uint64_t byte) { return byte * 0x0101010101010101; }
// Not zero where a byte of `word` is zero.
constexpr uint64_t ZeroBytes(uint64_t word) { return (word - Bytes(1)) & ~word & Bytes(0x80); }

// How many bytes from `begin` on surely stand for themselves, in eights.
size_t PlainEights(std::string_view text, size_t begin) {
  size_t end = begin;
  for (; text.size() - end >= sizeof(uint64_t); end += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + end, sizeof word);
    const uint64_t control = (word - Bytes(0x20)) & ~word & Bytes(0x80);
    const uint64_t special = ZeroBytes(word ^ Bytes('"')) | ZeroBytes(word ^ Bytes('\\'));
    if ((control | special | (word & Bytes(0x80))) != 0) break;
  }
  return end - begin;
}

template <bool kHtml>
void Append(std::string_view text, std::string* out) {
  const auto& plain = kHtml ? kPlainHtml : kPlain;
  out->push_back('"');
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    if (!kHtml) end += PlainEights(text, i);
    while (end < text.size() && plain[static_cast<unsigned char>(text[end])]) ++end;
    out->append(text, i, end - i);
    if (end == text.size()) break;
    i = end;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const size_t n = SequenceLength(text.substr(i));
      const std::string_view sequence = text.substr(i, n == 0 ? 1 : n);
      if (n == 0) {
        *out += kReplacement;
      } else if (kHtml && sequence == "\xe2\x80\xa8") {
        *out += "\\u2028";
      } else if (kHtml && sequence == "\xe2\x80\xa9") {
        *out += "\\u2029";
      } else {
        *out += sequence;
      }
      i += sequence.size();
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        if (c < 0x20 || (kHtml && (c == '<' || c == '>' || c == '&'))) {
          AppendControl(c, out);
        } else {
          out->push_back(static_cast<char>(c));
        }
    }
  }
  out->push_back('"');
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) { Append<false>(text, out); }
void AppendJsonStringHtmlSafe(std::string_view text, std::string* out) { Append<true>(text, out); }

}  // namespace hearth

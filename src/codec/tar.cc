// SPDX-License-Identifier: Apache-2.0
#include "codec/tar.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>

#include "base/status.h"
#include "base/text.h"

namespace hearth::codec {
namespace {

// Where fields begin, and how long they are.
constexpr size_t kNameBytes = 100;
constexpr size_t kMode = 100;
constexpr size_t kSize = 124;
constexpr size_t kSizeBytes = 12;
constexpr size_t kTime = 136;
constexpr size_t kChecksum = 148;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kType = 156;
constexpr size_t kMagic = 257;
constexpr size_t kPrefix = 345;
constexpr size_t kPrefixBytes = 155;
constexpr char kBinaryMark = '\x80';

uint64_t Checksum(std::string_view block) {
  uint64_t sum = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= kChecksum && i < kChecksum + kChecksumBytes;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

// Octal digits, ended by a NUL, a space or the field's end; or a big-endian number.
bool ParseNumber(std::string_view field, uint64_t* value) {
  *value = 0;
  if (field.front() == kBinaryMark) {
    for (const char c : field.substr(field.size() - 8)) {
      *value = *value << 8 | static_cast<unsigned char>(c);
    }
    return *value >> 62 == 0;
  }
  size_t digits = 0;
  for (const char c : field) {
    if (c < '0' || c > '7') {
      if (c == '\0' || c == ' ') break;
      return false;
    }
    *value = *value * 8 + static_cast<uint64_t>(c - '0');
    ++digits;
  }
  return digits > 0;
}

std::string_view CText(std::string_view field) { return field.substr(0, field.find('\0')); }

bool LeadsOut(std::string_view name) {
  if (name.empty() || name.front() == '/') return true;
  for (const std::string_view part : Split(name, '/')) {
    if (part.empty() || part == "." || part == "..") return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> TarHeader(std::string_view name, uint64_t size, uint32_t mode,
                                      int64_t modified_ms) {
  std::string block(kTarBlockBytes, '\0');
  const auto put = [&](size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
  };
  std::string_view prefix;
  std::string_view last = name;
  if (name.size() > kNameBytes) {
    const size_t slash = name.find('/', name.size() - kNameBytes - 1);
    if (slash == std::string_view::npos || slash > kPrefixBytes) {
      return InvalidArgument("{} is too long a name for an archive", name);
    }
    prefix = name.substr(0, slash);
    last = name.substr(slash + 1);
  }
  put(0, last);
  put(kMode, fmt::format("{:07o}", mode & 0777));
  put(kMode + 8, "0000000");   // user
  put(kMode + 16, "0000000");  // group
  if (size >> 33 == 0) {
    put(kSize, fmt::format("{:011o}", size));
  } else {  // as GNU and BSD write what 11 octal digits cannot say
    block[kSize] = kBinaryMark;
    for (size_t i = 0; i < 8; ++i) {
      block[kSize + kSizeBytes - 1 - i] = static_cast<char>(size >> (8 * i) & 0xff);
    }
  }
  put(kTime,
      fmt::format("{:011o}", static_cast<uint64_t>(std::max<int64_t>(0, modified_ms)) / 1000));
  block[kType] = '0';
  put(kMagic, std::string_view("ustar\00000", 8));
  put(kPrefix, prefix);
  put(kChecksum, fmt::format("{:06o}", Checksum(block)));
  block[kChecksum + 7] = ' ';
  return block;
}

std::string TarPadding(uint64_t size) {
  return std::string(static_cast<size_t>((kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes),
                     '\0');
}

std::string TarEnd() { return std::string(2 * kTarBlockBytes, '\0'); }

absl::StatusOr<TarEntry> ParseTarHeader(std::string_view block) {
  if (block.size() < kTarBlockBytes) return InvalidArgument("an archive's header is cut");
  block = block.substr(0, kTarBlockBytes);
  TarEntry entry;
  if (block.find_first_not_of('\0') == std::string_view::npos) return entry;
  uint64_t checksum = 0;
  uint64_t mode = 0;
  if (!ParseNumber(block.substr(kChecksum, kChecksumBytes), &checksum) ||
      checksum != Checksum(block) || !block.substr(kMagic).starts_with("ustar") ||
      !ParseNumber(block.substr(kSize, kSizeBytes), &entry.size) ||
      !ParseNumber(block.substr(kMode, 8), &mode)) {
    return InvalidArgument("it is no tar archive, or it is damaged");
  }
  const std::string_view prefix = CText(block.substr(kPrefix, kPrefixBytes));
  const std::string_view last = CText(block.substr(0, kNameBytes));
  entry.name = prefix.empty() ? std::string(last) : fmt::format("{}/{}", prefix, last);
  entry.mode = static_cast<uint32_t>(mode & 0777);
  if (block[kType] != '0' && block[kType] != '\0') {
    return InvalidArgument("{} is no plain file", entry.name);
  }
  if (LeadsOut(entry.name)) return InvalidArgument("{} is no name inside of a folder", entry.name);
  return entry;
}

}  // namespace hearth::codec

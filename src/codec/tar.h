// SPDX-License-Identifier: Apache-2.0
// tar archives (POSIX ustar) of plain files: what a snapshot is sent as, so that tar and sha256sum
// can take it apart too.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::codec {

inline constexpr size_t kTarBlockBytes = 512;

// The header of one file. InvalidArgument: a name that does not fit (255 bytes, with a '/' in the
// right place).
absl::StatusOr<std::string> TarHeader(std::string_view name, uint64_t size, uint32_t mode,
                                      int64_t modified_ms);
// Zeros that follow `size` bytes of content, and those that end the archive.
std::string TarPadding(uint64_t size);
std::string TarEnd();

struct TarEntry {
  std::string name;  // relative, without "." and ".."; "" at the end of the archive
  uint64_t size = 0;
  uint32_t mode = 0;
};
// From 512 bytes. InvalidArgument: no header, a wrong checksum, a kind of entry that is not a plain
// file, or a name that leads out of the folder that it is unpacked in.
absl::StatusOr<TarEntry> ParseTarHeader(std::string_view block);

}  // namespace hearth::codec

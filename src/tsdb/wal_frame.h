// SPDX-License-Identifier: Apache-2.0
// Bytes of the log: segment names, segment headers, frames. docs/formats/wal.md.
//
//   segment header  "HWAL" u32 version  u64 epoch  u64 first lsn  u32 CRC-32C of these    28 bytes
//   frame           u32 length  u32 CRC-32C  u64 lsn  u8 type  payload[length]       17 + length
//
// The frame's CRC covers length, lsn, type and payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::tsdb {

// 1: frames of series, samples, metadata. 2: histograms, start times, exemplars.
inline constexpr uint32_t kWalVersion = 3;
inline constexpr size_t kSegmentHeaderBytes = 28;
inline constexpr size_t kFrameHeaderBytes = 17;

std::string SegmentName(uint64_t epoch, uint64_t segment);  // sorts by epoch, then segment
bool ParseSegmentName(std::string_view name, uint64_t* epoch);

struct SegmentHeader {
  uint32_t version = 0;
  uint64_t epoch = 0;
  uint64_t first_lsn = 0;
};
enum class HeaderState { kOk, kBad, kNewer };
std::string SegmentHeaderBytes(const SegmentHeader& header);
HeaderState ReadSegmentHeader(std::string_view segment, SegmentHeader* header);

struct Frame {
  uint64_t lsn = 0;
  uint8_t type = 0;
  std::string_view payload;  // into the segment's bytes
};
void AppendFrame(uint64_t lsn, uint8_t type, std::string_view payload, std::string* out);
bool ReadFrame(std::string_view segment, size_t at, Frame* frame);  // false: not an intact frame
// The place of the first intact frame at or after `at` with a number above `after_lsn`, or the end.
size_t FindFrame(std::string_view segment, size_t at, uint64_t after_lsn);
// True if what begins at `at` is a write that was cut short: it ends early, or was never filled.
bool LooksTorn(std::string_view segment, size_t at);

}  // namespace hearth::tsdb

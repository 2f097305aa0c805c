// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crc32c.h"
#include "base/text.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

constexpr std::string_view kMagic = "HWAL";
constexpr size_t kCrcOffset = 4;
constexpr size_t kAfterCrc = 8;
// How far ahead of its predecessor a frame found after a damaged range may be numbered.
constexpr uint64_t kLsnJumpMax = 1 << 24;

struct FrameHeader {
  uint32_t length = 0;
  uint32_t crc = 0;
  uint64_t lsn = 0;
  uint8_t type = 0;
};

FrameHeader ParseHeader(std::string_view bytes) {
  ByteReader reader(bytes);
  FrameHeader header;
  header.length = reader.Fixed<uint32_t>();
  header.crc = reader.Fixed<uint32_t>();
  header.lsn = reader.Fixed<uint64_t>();
  header.type = reader.Fixed<uint8_t>();
  return header;
}

uint32_t FrameCrc(std::string_view frame) {
  return Crc32c(frame.substr(kAfterCrc), Crc32c(frame.substr(0, kCrcOffset)));
}

}  // namespace

std::string SegmentName(uint64_t epoch, uint64_t segment) {
  return fmt::format("{:08}-{:08}", epoch, segment);
}

bool ParseSegmentName(std::string_view name, uint64_t* epoch) {
  const size_t dash = name.find('-');
  uint64_t segment = 0;
  return dash != std::string_view::npos && dash >= 8 && ParseUint64(name.substr(0, dash), epoch) &&
         ParseUint64(name.substr(dash + 1), &segment);
}

std::string SegmentHeaderBytes(const SegmentHeader& header) {
  std::string bytes(kMagic);
  PutFixed(header.version, &bytes);
  PutFixed(header.epoch, &bytes);
  PutFixed(header.first_lsn, &bytes);
  PutFixed(Crc32c(bytes), &bytes);
  return bytes;
}

HeaderState ReadSegmentHeader(std::string_view segment, SegmentHeader* header) {
  if (segment.size() < kSegmentHeaderBytes || !segment.starts_with(kMagic)) {
    return HeaderState::kBad;
  }
  ByteReader reader(segment.substr(kMagic.size(), kSegmentHeaderBytes - kMagic.size()));
  SegmentHeader read;
  read.version = reader.Fixed<uint32_t>();
  read.epoch = reader.Fixed<uint64_t>();
  read.first_lsn = reader.Fixed<uint64_t>();
  if (reader.Fixed<uint32_t>() != Crc32c(segment.substr(0, kSegmentHeaderBytes - 4))) {
    return HeaderState::kBad;
  }
  *header = read;
  return read.version > kWalVersion ? HeaderState::kNewer : HeaderState::kOk;
}

void AppendFrame(uint64_t lsn, uint8_t type, std::string_view payload, std::string* out) {
  const size_t start = out->size();
  PutFixed(static_cast<uint32_t>(payload.size()), out);
  PutFixed(uint32_t{0}, out);
  PutFixed(lsn, out);
  PutFixed(type, out);
  out->append(payload);
  const uint32_t crc = FrameCrc(std::string_view(*out).substr(start));
  std::memcpy(out->data() + start + kCrcOffset, &crc, sizeof crc);
}

bool ReadFrame(std::string_view segment, size_t at, Frame* frame) {
  const std::string_view bytes = segment.substr(at);
  if (bytes.size() < kFrameHeaderBytes) return false;
  const FrameHeader header = ParseHeader(bytes);
  if (header.length > bytes.size() - kFrameHeaderBytes) return false;
  if (FrameCrc(bytes.substr(0, kFrameHeaderBytes + header.length)) != header.crc) return false;
  *frame = {header.lsn, header.type, bytes.substr(kFrameHeaderBytes, header.length)};
  return true;
}

size_t FindFrame(std::string_view segment, size_t at, uint64_t after_lsn) {
  for (; at + kFrameHeaderBytes <= segment.size(); ++at) {
    const FrameHeader header = ParseHeader(segment.substr(at));
    Frame frame;
    // Cheap tests first: a CRC at every byte of a long damaged range would take minutes.
    if (header.lsn > after_lsn && header.lsn - after_lsn <= kLsnJumpMax && header.type != 0 &&
        ReadFrame(segment, at, &frame)) {
      return at;
    }
  }
  return segment.size();
}

bool LooksTorn(std::string_view segment, size_t at) {
  const std::string_view bytes = segment.substr(at);
  if (bytes.size() < kFrameHeaderBytes) return true;
  if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; })) return true;
  return ParseHeader(bytes).length > bytes.size() - kFrameHeaderBytes;
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_format.h"

#include "base/crc32c.h"
#include "base/status.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {

void PutExtent(const Extent& extent, uint64_t* end, std::string* out) {
  PutVarint(extent.offset - *end, out);
  PutVarint(extent.stored, out);
  PutVarint(extent.raw, out);
  PutFixed(extent.crc, out);
  *end = extent.offset + extent.stored;
}

bool GetExtent(ByteReader* reader, uint64_t* end, Extent* extent) {
  extent->offset = *end + reader->Varint();
  extent->stored = reader->Varint();
  extent->raw = reader->Varint();
  extent->crc = reader->Fixed<uint32_t>();
  *end = extent->offset + extent->stored;
  return reader->ok();
}

void PutMeta(const BlockMeta& meta, std::string* out) {
  PutBytes(meta.id, out);
  PutVarint(meta.size, out);
  PutVarint(meta.data_bytes, out);
  PutVarint(meta.series, out);
  PutVarint(meta.samples, out);
  PutZigzag(meta.min_ms, out);
  PutZigzag(meta.max_ms, out);
  PutVarint(meta.level, out);
  PutVarint(meta.sequence, out);
  PutVarint(meta.covers.epoch, out);
  PutVarint(meta.covers.lsn, out);
  PutVarint(meta.sources.size(), out);
  for (const std::string& source : meta.sources) PutBytes(source, out);
  PutVarint(meta.tombstones_from, out);
}

bool GetMeta(ByteReader* reader, BlockMeta* meta) {
  meta->id = reader->Bytes();
  meta->size = reader->Varint();
  meta->data_bytes = reader->Varint();
  meta->series = reader->Varint();
  meta->samples = reader->Varint();
  meta->min_ms = reader->SignedVarint();
  meta->max_ms = reader->SignedVarint();
  meta->level = static_cast<uint32_t>(reader->Varint());
  meta->sequence = reader->Varint();
  meta->covers.epoch = reader->Varint();
  meta->covers.lsn = reader->Varint();
  meta->sources.resize(reader->Count(1));
  for (std::string& source : meta->sources) source = reader->Bytes();
  meta->tombstones_from = reader->Varint();
  return reader->ok();
}

std::string FooterBytes(const Footer& footer) {
  std::string bytes;
  PutMeta(footer.meta, &bytes);
  PutVarint(kSections, &bytes);
  uint64_t end = 0;
  for (const Extent& extent : footer.sections) PutExtent(extent, &end, &bytes);
  const uint32_t crc = Crc32c(bytes);
  PutFixed(static_cast<uint32_t>(bytes.size()), &bytes);
  PutFixed(crc, &bytes);
  PutFixed(footer.version, &bytes);
  bytes += kFooterMagic;
  return bytes;
}

absl::Status ParseFooter(std::string_view tail, size_t* needed, Footer* footer) {
  *needed = kTrailerBytes;
  if (tail.size() < kTrailerBytes || !tail.ends_with(kFooterMagic)) {
    return DataLoss("the file does not end as a block does");
  }
  ByteReader trailer(tail.substr(tail.size() - kTrailerBytes));
  const auto size = trailer.Fixed<uint32_t>();
  const auto crc = trailer.Fixed<uint32_t>();
  const auto version = trailer.Fixed<uint32_t>();
  if (version < kBlockVersionMin || version > kBlockVersion) {
    return FailedPrecondition("written by {} hearth (block version {}, this one reads {} to {})",
                              version > kBlockVersion ? "a newer" : "an unreleased, older", version,
                              kBlockVersionMin, kBlockVersion);
  }
  footer->version = version;
  *needed = kTrailerBytes + size;
  if (tail.size() < *needed) return absl::OkStatus();
  const std::string_view bytes = tail.substr(tail.size() - *needed, size);
  if (Crc32c(bytes) != crc) return DataLoss("the footer's checksum is wrong");
  ByteReader reader(bytes);
  bool ok = GetMeta(&reader, &footer->meta) && reader.Varint() == kSections;
  uint64_t end = 0;
  for (Extent& extent : footer->sections) ok = ok && GetExtent(&reader, &end, &extent);
  return ok ? absl::OkStatus() : DataLoss("the footer does not parse");
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Any bytes as an index file, and as the one chunk segment of a block whose index is good.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/faulty_file_system.h"
#include "base/file_system.h"
#include "codec/prometheus_chunk.h"
#include "prometheus_blocks/block_reader.h"
#include "prometheus_blocks/block_writer.h"
#include "prometheus_blocks/index_reader.h"

namespace hearth::prometheus_blocks {
namespace {

void Put(FaultyFileSystem* disk, const std::string& path, std::string_view bytes) {
  auto file = disk->Create(path);
  CHECK(file.ok());
  CHECK((*file)->Append(bytes).ok());
}

void ReadIndex(FaultyFileSystem* disk, std::string_view bytes) {
  Put(disk, "/index", bytes);
  auto reader = IndexReader::Open(*disk, "/index");
  if (!reader.ok()) return;
  IndexedSeries series;
  for (;;) {
    const auto more = (*reader)->Next(&series);
    if (!more.ok() || !*more) return;
    CHECK(model::IsWellFormedPacked(series.labels.packed()));
  }
}

// The index of a block of one series with two samples, whose segment is what a fuzzer makes.
std::string GoodIndex() {
  const TemporaryDirectory data;
  BlockMeta meta;
  meta.ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  meta.end_ms = 10'000;
  auto writer = BlockWriter::Create(RealFileSystem(), data.path(), meta);
  CHECK(writer.ok());
  const std::vector<int64_t> times = {1000, 2000};
  const std::vector<double> values = {1, 2};
  std::vector<codec::EncodedChunk> chunks;
  codec::EncodeChunks({times, values, {}}, false, &chunks);
  CHECK((*writer)->Add(model::Labels({{"a", "b"}}), chunks).ok());
  const auto written = (*writer)->Finish(0);
  CHECK(written.ok());
  return *RealFileSystem().ReadFile(JoinPath(written->directory, "index"));
}

void ReadSegment(FaultyFileSystem* disk, std::string_view bytes) {
  static const std::string index = GoodIndex();
  BlockMeta meta;
  meta.directory = "/block";
  CHECK(disk->MakeDirectories("/block/chunks").ok());
  Put(disk, "/block/index", index);
  Put(disk, "/block/chunks/000001", bytes);
  auto reader = BlockReader::Open(*disk, meta);
  if (!reader.ok()) return;
  const model::Labels* labels = nullptr;
  const codec::ChunkSamples* samples = nullptr;
  const auto more = (*reader)->Next(&labels, &samples);
  if (more.ok() && *more) CHECK(!samples->empty());
}

}  // namespace
}  // namespace hearth::prometheus_blocks

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  hearth::FaultyFileSystem disk;
  hearth::prometheus_blocks::ReadIndex(&disk, input);
  hearth::prometheus_blocks::ReadSegment(&disk, input);
  return 0;
}

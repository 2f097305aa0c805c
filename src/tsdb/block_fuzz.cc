// SPDX-License-Identifier: Apache-2.0
// A damaged block: bytes changed at will, and (since checksums would hide the parsers) sections and
// columns of foreign bytes handed to them directly.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/faulty_file_system.h"
#include "base/log.h"
#include "tsdb/block.h"
#include "tsdb/block_index.h"
#include "tsdb/block_writer.h"
#include "tsdb/column_statistics.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/value_page.h"

namespace hearth::tsdb {
namespace {

constexpr storage::TimeRange kAll{INT64_MIN, INT64_MAX};

// Reads everything; any status is right, no crash is.
void ReadAll(const BlockMeta& meta, storage::BlobStore& store) {
  BlockCache cache(1 << 20);
  const auto block = std::make_shared<const Block>(meta, store, cache);
  auto source = Block::Select(block, {model::Matcher::Equal("__name__", "x")}, kAll, true);
  if (!source.ok()) return;
  Columns columns;
  std::vector<SampleRun> runs;
  for (;;) {
    const auto more = (*source)->Next();
    if (!more.ok() || !*more) return;
    columns.Clear();
    if (!(*source)->Read(kAll, &columns).ok()) return;
    runs.clear();
    if (!(*source)->Runs(kAll, true, &runs).ok()) return;
    for (const SampleRun& run : runs) {
      ColumnStatistics statistics;
      if (run.summed && !(*source)->ReadStatistics(run, &statistics).ok()) return;
    }
    CHECK(columns.times_ms.size() == columns.values.size());
  }
}

void Mutate(std::string_view input) {
  FaultyFileSystem disk;
  auto store = storage::OpenFileBlobStore(disk, "/blocks");
  CHECK(store.ok());
  BlockMeta meta;
  meta.id = "block";
  meta.level = 1;
  auto writer = BlockWriter::Create(**store, meta);
  CHECK(writer.ok());
  for (const char* name : {"1", "2", "3"}) {
    Columns columns;
    for (int i = 0; i < 20; ++i) columns.Append(i * 1000, i * (*name == '2' ? 0.1 : 7));
    if (*name == '3') {
      auto histogram = std::make_shared<model::NativeHistogram>();
      histogram->positive_spans = {{0, 2}};
      histogram->positive_buckets = {1, 2};
      histogram->count = 3;
      for (int i = 0; i < 5; ++i) columns.histograms.push_back({i * 1000 + 1, histogram, 1});
      columns.StartsFrom(0)[3] = 7;
    }
    CHECK((*writer)->Add(model::Labels{{"__name__", "x"}, {"a", name}}, columns).ok());
  }
  const auto written = (*writer)->Finish();
  CHECK(written.ok());
  for (size_t i = 0; i + 3 <= input.size(); i += 3) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(input[i + at]); };
    disk.FlipBit("/blocks/block", (byte(0) | size_t{byte(1)} << 8) % written->size, byte(2) % 8U);
  }
  ReadAll(*written, **store);
  Block::ReadMeta("block", written->size, **store).status().IgnoreError();
}

// Sections, one group and one page of label values, split at the input's own marks.
void Parse(std::string_view input) {
  constexpr size_t kParts = kSections + 2;
  std::string parts[kParts];
  size_t part = 0;
  for (const char c : input) {
    if (c == '\xfe' && part + 1 < kParts) {
      ++part;
    } else {
      parts[part].push_back(c);
    }
  }
  BlockIndex::Bytes bytes;
  std::copy_n(parts, size_t{kSections}, bytes.sections);
  const auto index = BlockIndex::Parse(bytes);
  if (!index.ok()) return;
  for (uint32_t name = 0; name < (*index)->names().size(); ++name) {
    const auto values = (*index)->ParseDictionary(name, parts[kSections]);
    if (values == nullptr) continue;
    for (const uint32_t number : values->sorted()) CHECK(!values->value(number).empty());
  }
  if ((*index)->groups().empty()) return;
  const auto group = (*index)->ParseGroup(0, parts[kSections + 1]);
  if (group == nullptr) return;
  Places places;
  for (uint32_t i = 0; i < group->series(); ++i) {
    group->Find(i, &places);
    for (const ColumnPlace& column : places.columns) {
      CHECK(column.timeline < (*index)->timelines().size());
    }
  }
}

void Decode(std::string_view input) {
  if (input.empty()) return;
  const size_t count = 1 + static_cast<unsigned char>(input[0]);
  std::vector<double> values(count);
  std::vector<int64_t> times(count);
  ByteReader time_reader(input.substr(1));
  DecodeTimes(&time_reader, times);
  std::vector<model::HistogramSample> histograms;
  DecodeHistograms(input.substr(1), static_cast<uint32_t>(count), &histograms);
  StatisticsPart::Parse(input.substr(1), count);
  const auto page = ValuePage::Parse(std::string(input.substr(1)));
  if (page == nullptr) return;
  std::string_view run;
  for (size_t entry = 0; entry <= page->entries(); ++entry) {
    page->Bytes(entry, &run);
    for (size_t n = 1; n <= std::min<size_t>(count, 4); ++n) {
      page->Values(entry, std::span(values).first(n));
    }
    page->Values(entry, values);
  }
}

}  // namespace
}  // namespace hearth::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::tsdb;
  hearth::log::Configure(hearth::log::Level::kError, hearth::log::Format::kText);
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      Mutate(input);
      break;
    case 1:
      Parse(input);
      break;
    default:
      Decode(input);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Replay of a damaged log: the input replaces, adds to or is spliced into a good segment. The store
// must open, and answer, whatever is there.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/faulty_file_system.h"
#include "base/log.h"
#include "tsdb/db.h"
#include "tsdb/wal_frame.h"
#include "tsdb/wal_records.h"

namespace hearth::tsdb {
namespace {

std::string GoodSegment() {
  std::string bytes = SegmentHeaderBytes({kWalVersion, 1, 1});
  SeriesFrame series;
  series.Start(1);
  series.Add(0, model::Labels{{"__name__", "x"}, {"a", "1"}});
  series.Add(1, model::Labels{{"__name__", "x"}, {"a", "2"}});
  AppendFrame(1, kSeriesFrame, series.Finish(), &bytes);
  for (uint64_t i = 0; i < 4; ++i) {
    std::string payload;
    const auto time = static_cast<int64_t>(1'700'000'000'000 + i * 1000);
    EncodeSamples(1, {{0, time, i << 50}, {1, time, i}}, &payload);
    AppendFrame(2 + i, kSamplesFrame, payload, &bytes);
  }
  // As a start writes them: the same two series, by other numbers.
  std::string payload;
  EncodeCarried(1, 2, std::vector<CarriedRun>{{0, 1, 1}, {1, 0, 1}}, &payload);
  AppendFrame(6, kCarriedFrame, payload, &bytes);
  EncodeSamples(2, {{0, 1'700'000'009'000, 1}, {1, 1'700'000'009'000, 2}}, &payload);
  AppendFrame(7, kSamplesFrame, payload, &bytes);
  return bytes;
}

void Feed(std::string_view segment) {
  FaultyFileSystem disk;
  CHECK(disk.MakeDirectories("/db/wal").ok());
  {
    auto file = disk.Create("/db/wal/" + SegmentName(1, 1));
    CHECK(file.ok() && (*file)->Append(segment).ok() && (*file)->Sync().ok());
  }
  const ManualClock clock;
  Registry registry;
  Options options;
  options.directory = "/db";
  auto db = Db::Open(options, disk, clock, registry, nullptr);
  if (!db.ok()) return;  // a newer version, for instance
  storage::SelectRequest request;
  request.range = {INT64_MIN, INT64_MAX};
  request.matchers = {model::Matcher::Equal("__name__", "x")};
  auto set = (*db)->Select(request);
  CHECK(set.ok());
  storage::ColumnBatch batch;
  while (*(*set)->Next(&batch)) CHECK(!batch.series.empty());
  set->reset();
  CHECK((*db)->Close().ok());
}

}  // namespace
}  // namespace hearth::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::tsdb;
  hearth::log::Configure(hearth::log::Level::kError, hearth::log::Format::kText);
  static const std::string good = GoodSegment();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size < 3) return 0;
  const size_t at = (data[0] | static_cast<size_t>(data[1]) << 8) % (good.size() + 1);
  std::string segment = good;
  switch (data[2] % 4) {
    case 0:
      segment = input.substr(3);
      break;
    case 1:
      segment.insert(at, input.substr(3));
      break;
    case 2:
      segment.replace(at, std::min(size - 3, good.size() - at), input.substr(3));
      break;
    default:
      // An intact frame around foreign bytes: what a checksum cannot keep out.
      AppendFrame(8, static_cast<uint8_t>(1 + data[0] % 7), input.substr(3), &segment);
  }
  Feed(segment);
  return 0;
}

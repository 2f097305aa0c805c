// SPDX-License-Identifier: Apache-2.0
// Import: samples of another store as a block of their own, behind all that is here already.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"
#include "storage/sample_checksum.h"
#include "tsdb/block.h"
#include "tsdb/block_writer.h"
#include "tsdb/db_impl.h"

namespace hearth::tsdb {
namespace {

using storage::ImportOutcome;
using storage::TimeRange;

constexpr int64_t kHourMs = 3600 * 1000;
constexpr int64_t kRangeMaxMs = 24 * kHourMs;  // what compaction makes of blocks, too
constexpr size_t kKeyBytesMax = 200;
constexpr TimeRange kAllTime{INT64_MIN, INT64_MAX};

absl::Status CheckImport(const std::string& key, TimeRange range, int64_t newest_ms) {
  const bool plain = std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (key.empty() || key.size() > kKeyBytesMax || !plain) {
    return InvalidArgument("import key '{}': 1 … {} of [A-Za-z0-9._-]", key, kKeyBytesMax);
  }
  if (range.min_ms > range.max_ms || range.max_ms > newest_ms ||
      range.min_ms < range.max_ms - kRangeMaxMs) {
    return InvalidArgument(
        "import of {} … {} ms: at most {} ms at once, ordered, and not after {} ms", range.min_ms,
        range.max_ms, kRangeMaxMs, newest_ms);
  }
  return absl::OkStatus();
}

absl::Status OutOfRange(model::LabelsView labels, int64_t time_ms, TimeRange range) {
  return InvalidArgument("series {} has a sample at {} ms, outside of {} … {}", labels.ToString(),
                         time_ms, range.min_ms, range.max_ms);
}

absl::Status CheckTimes(const storage::SeriesColumns& series, TimeRange range) {
  const auto check = [&](int64_t first_ms, int64_t last_ms) {
    if (first_ms < range.min_ms) return OutOfRange(series.labels, first_ms, range);
    if (last_ms > range.max_ms) return OutOfRange(series.labels, last_ms, range);
    return absl::OkStatus();
  };
  if (!series.times_ms.empty()) TRY(check(series.times_ms.front(), series.times_ms.back()));
  if (series.histograms.empty()) return absl::OkStatus();
  return check(series.histograms.front().time_ms, series.histograms.back().time_ms);
}

Columns CopyFrom(const storage::SeriesColumns& series, int64_t oldest_ms) {
  Columns columns;
  columns.times_ms.assign(series.times_ms.begin(), series.times_ms.end());
  columns.values.assign(series.values.begin(), series.values.end());
  columns.starts.assign(series.start_times_ms.begin(), series.start_times_ms.end());
  columns.histograms.assign(series.histograms.begin(), series.histograms.end());
  columns.SettleHistograms(0, 0, {oldest_ms, INT64_MAX});
  columns.TrimFrom(0, {oldest_ms, INT64_MAX});
  return columns;
}

}  // namespace

absl::StatusOr<BlockMeta> Db::Impl::WriteImported(TimeRange range, storage::SeriesSet& series,
                                                  BlockMeta meta, uint64_t* expired) {
  const int64_t oldest_ms = RetentionCut();
  std::unique_ptr<BlockWriter> writer;
  storage::SampleChecksum given;
  storage::ColumnBatch batch;
  for (;;) {
    if (stop_) return Cancelled("the store is closing");
    TRY_ASSIGN(const bool more, series.Next(&batch));
    if (!more) break;
    for (const storage::SeriesColumns& one : batch.series) {
      TRY(CheckTimes(one, range));
      const Columns columns = CopyFrom(one, oldest_ms);
      *expired +=
          one.times_ms.size() + one.histograms.size() - columns.size() - columns.histograms.size();
      if (columns.empty()) continue;
      if (writer == nullptr) {
        TRY_ASSIGN(writer, BlockWriter::Create(catalog_.store(), meta));
      }
      given.Add(one.labels, columns.times_ms, columns.values, columns.histograms);
      TRY(writer->Add(one.labels, columns));
    }
  }
  if (writer == nullptr) return meta;
  TRY_ASSIGN(meta, writer->Finish());
  BlockCache cache(0);
  const auto block = std::make_shared<const Block>(meta, catalog_.store(), cache);
  TRY_ASSIGN(const auto source, Block::Select(block, {}, kAllTime, false));
  storage::SampleChecksum stored;
  Columns columns;
  for (;;) {
    TRY_ASSIGN(const bool more, source->Next());
    if (!more) break;
    columns.Clear();
    TRY(source->Read(kAllTime, &columns));
    stored.Add(source->labels(), columns.times_ms, columns.values, columns.histograms);
  }
  if (stored.sum() != given.sum() || stored.samples() != given.samples()) {
    return DataLoss("block {} does not hold what was imported: {} of {} samples", meta.id,
                    stored.samples(), given.samples());
  }
  return meta;
}

// All that is here is sealed before, so that it is in earlier blocks and wins at equal times.
absl::StatusOr<ImportOutcome> Db::Impl::Import(const std::string& key, TimeRange range,
                                               storage::SeriesSet& series) {
  TRY(CheckImport(key, range, clock_.NowMs() + options_.future_limit_ms));
  absl::MutexLock lock(&maintenance_mutex_);
  if (auto earlier = imports_.Find(key)) return *earlier;
  {
    absl::ReaderMutexLock head_lock(&mutex_);
    if (closed_) return Unavailable("the store is closed");
  }
  TRY(SealAll());
  BlockMeta meta;
  meta.id = NewUuid(SystemRng());
  meta.level = range.max_ms - range.min_ms <= 2 * kHourMs ? 0 : 1;
  meta.sequence = catalog_.TakeSequence();
  meta.tombstones_from = catalog_.manifest().next_tombstone;
  ImportOutcome outcome;
  auto written = WriteImported(range, series, meta, &outcome.expired);
  if (!written.ok()) {
    catalog_.AddOrphan(meta.id);
    return written.status();
  }
  outcome.series = written->series;
  outcome.samples = written->samples;
  const bool empty = written->series == 0;
  TRY(imports_.Begin(file_system_, key, empty ? "" : meta.id, outcome));
  if (empty) return outcome;
  if (const absl::Status status = catalog_.Change({*written}, {}, {}); !status.ok()) {
    imports_.Abandon(file_system_, key);
    catalog_.AddOrphan(meta.id);
    return status;
  }
  imports_.Confirm(key);
  Publish();
  changes_.Mark({written->min_ms, INT64_MAX});
  {
    absl::MutexLock head_lock(&mutex_);
    head_.RaiseMax(written->max_ms);  // as the next start would
    imported_until_ms_ = std::max(imported_until_ms_, written->max_ms);
  }
  log::Info("tsdb", "imported",
            {{"directory", options_.directory},
             {"key", key},
             {"block", meta.id},
             {"series", written->series},
             {"samples", written->samples},
             {"bytes", written->size}});
  return outcome;
}

}  // namespace hearth::tsdb

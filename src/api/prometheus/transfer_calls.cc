// SPDX-License-Identifier: Apache-2.0
// admin/tsdb/export and admin/tsdb/import: samples of a workspace out and in, as frames of
// codec/remote_read.h that end with totals. hearth's own calls, with IAM actions of their own; what
// `hearth export` and `hearth import` speak (docs/guide/backup.md).
//
//   GET  …/export                                   from when to when there are samples
//   POST …/export?match[]=SELECTOR&min_ms=…&max_ms=…
//   POST …/import?key=…&min_ms=…&max_ms=…   body: frames; stored whole or not at all
//   GET  …/import?key=…                     whether that was imported
#include <algorithm>
#include <charconv>
#include <utility>

#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/status.h"
#include "codec/remote_read.h"
#include "storage/sample_checksum.h"

namespace hearth::api {
namespace {

constexpr size_t kLabelBytesMax = 64 << 10;  // of one series: beyond it is no sane label set

absl::StatusOr<int64_t> Milliseconds(const Parameters& parameters, std::string_view name) {
  const std::string_view text = parameters.Get(name);
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return InvalidArgument("invalid parameter \"{}\": '{}' is no time in milliseconds", name, text);
  }
  return value;
}

absl::StatusOr<storage::TimeRange> RangeMs(const Parameters& parameters) {
  storage::TimeRange range;
  TRY_ASSIGN(range.min_ms, Milliseconds(parameters, "min_ms"));
  TRY_ASSIGN(range.max_ms, Milliseconds(parameters, "max_ms"));
  return range;
}

// The frames of an import, one series at a time; every byte of them is checked on the way, and at
// the end that they were all.
class FrameSeries : public storage::SeriesSet {
 public:
  explicit FrameSeries(std::string_view body) : rest_(body) {}

  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    batch->series.clear();
    if (!started_) {
      started_ = true;
      TRY(Advance());
    }
    if (frame_.is_totals) {
      if (frame_.totals != codec::StreamTotals{sum_.series(), sum_.samples(), sum_.sum()}) {
        return InvalidArgument("{} samples came where {} were announced, or they were changed",
                               sum_.samples(), frame_.totals.samples);
      }
      return false;
    }
    model::Labels labels = std::move(frame_.labels);
    if (labels <= labels_ || labels.packed().size() > kLabelBytesMax) {
      return InvalidArgument("series {}: not sorted, twice, or labels of more than {} bytes",
                             labels.ToString().substr(0, 200), kLabelBytesMax);
    }
    labels_ = std::move(labels);
    samples_.Clear();
    do {
      TRY(AppendChunks());
      TRY(Advance());
    } while (!frame_.is_totals && frame_.labels == labels_);
    TRY(CheckSamples());
    sum_.Add(labels_, samples_.times_ms, samples_.values, samples_.histograms);
    if (!samples_.start_times_ms.empty()) samples_.start_times_ms.resize(samples_.times_ms.size());
    batch->series.push_back({labels_, samples_.times_ms, samples_.values, 0, samples_.histograms,
                             samples_.start_times_ms});
    return true;
  }

 private:
  absl::Status Advance() {
    TRY_ASSIGN(const bool taken, codec::TakeReadFrame(&rest_, &frame_));
    if (!taken) return InvalidArgument("the body ends before its totals: it was cut");
    return absl::OkStatus();
  }
  absl::Status AppendChunks() {
    for (const codec::ReadFrame::Chunk& chunk : frame_.chunks) {
      TRY(Annotate(codec::DecodeChunk(chunk.encoding, chunk.data, &samples_),
                   "a chunk of " + labels_.ToString()));
    }
    return absl::OkStatus();
  }
  absl::Status CheckSamples() const {
    const bool sorted = std::adjacent_find(samples_.times_ms.begin(), samples_.times_ms.end(),
                                           std::greater_equal<>()) == samples_.times_ms.end() &&
                        std::adjacent_find(samples_.histograms.begin(), samples_.histograms.end(),
                                           [](const auto& a, const auto& b) {
                                             return a.time_ms >= b.time_ms;
                                           }) == samples_.histograms.end();
    if (!sorted || samples_.empty()) {
      return InvalidArgument("series {} has no samples, or its chunks overlap", labels_.ToString());
    }
    for (const model::HistogramSample& sample : samples_.histograms) {
      TRY(Annotate(model::Validate(*sample.histogram), labels_.ToString()));
    }
    return absl::OkStatus();
  }

  std::string_view rest_;
  codec::ReadFrame frame_;
  bool started_ = false;
  model::Labels labels_;
  codec::ChunkSamples samples_;
  storage::SampleChecksum sum_;
};

net::HttpResponse ImportAnswer(const std::optional<storage::ImportOutcome>& outcome) {
  std::string data;
  JsonObject object(&data);
  object.Bool("imported", outcome.has_value());
  if (outcome.has_value()) {
    object.Int("series", static_cast<int64_t>(outcome->series));
    object.Int("samples", static_cast<int64_t>(outcome->samples));
    object.Int("expired", static_cast<int64_t>(outcome->expired));
    object.Bool("repeated", outcome->repeated);
  }
  object.End();
  return Success(std::move(data));
}

net::HttpResponse ImportFailed(const absl::Status& status) {
  if (absl::IsInvalidArgument(status) || absl::IsUnimplemented(status)) return BadData(status);
  if (absl::IsResourceExhausted(status)) return ApiError(507, "internal", Message(status));
  const bool later = absl::IsUnavailable(status) || absl::IsCancelled(status);
  return ApiError(later ? 503 : 500, later ? "unavailable" : "internal", Message(status));
}

}  // namespace

net::HttpResponse PrometheusApi::Export(const Call& call, const Parameters& parameters) {
  if (call.request.method != "POST") {
    const tsdb::Stats stats = call.workspace.db().stats();
    std::string data;
    JsonObject object(&data);
    object.Int("min_ms", stats.oldest_ms);
    object.Int("max_ms", stats.newest_ms);
    object.End();
    return Success(std::move(data));
  }
  const auto range = RangeMs(parameters);
  if (!range.ok()) return BadData(range.status());
  const auto selectors = parameters.Selectors();
  if (!selectors.ok()) return BadData(selectors.status());
  if (selectors->size() > 1) {
    return BadData(InvalidArgument("an export takes one match[], not {}", selectors->size()));
  }
  codec::ReadQuery query{range->min_ms, range->max_ms, {}};
  if (!selectors->empty()) query.matchers = selectors->front();
  ChunkStream::Options options;
  options.queries.push_back(std::move(query));
  options.with_starts = true;
  options.totals = true;
  options.cancelled = call.request.cancelled;
  return Stream(std::move(options), call.workspace.querier());
}

net::HttpResponse PrometheusApi::Import(const Call& call, const Parameters& parameters) {
  if (const std::string refusal = AdminRefusal(); !refusal.empty()) {
    return ApiError(500, "unavailable", refusal);
  }
  const std::string key(parameters.Get("key"));
  tsdb::Db& db = call.workspace.db();
  if (call.request.method != "POST") return ImportAnswer(db.FindImport(key));
  const auto range = RangeMs(parameters);
  if (!range.ok()) return BadData(range.status());
  if (call.workspace.disk_full()) {
    return ApiError(507, "internal",
                    "the volume is too full: nothing is imported (--disk-limit); free space or "
                    "shorten the workspace's retention");
  }
  FrameSeries series(call.request.body);
  const auto outcome = db.Import(key, *range, series);
  if (!outcome.ok()) return ImportFailed(outcome.status());
  samples_received_.Add(outcome->repeated ? 0 : outcome->samples);
  return ImportAnswer(*outcome);
}

}  // namespace hearth::api

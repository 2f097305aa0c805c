// SPDX-License-Identifier: Apache-2.0
// hearth export DIR: a workspace's samples as blocks of Prometheus, one for each two hours. Blocks
// that are there already are left alone, so an export that was ended goes on where it was.
#include <absl/time/time.h>
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "admin_session.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/remote_read.h"
#include "commands.h"
#include "prometheus_blocks/block_reader.h"
#include "prometheus_blocks/block_writer.h"
#include "storage/sample_checksum.h"

namespace hearth::app {
namespace {

using Json = nlohmann::json;
using prometheus_blocks::BlockMeta;

constexpr int64_t kWindowMs = int64_t{2} * 3600 * 1000;  // of Prometheus' blocks
constexpr std::string_view kPath = "/api/v1/admin/tsdb/export";

struct ExportFlags {
  AdminFlags admin;
  std::string directory;
  std::string match;
  std::string from;
  std::string to;
  bool start_times = false;
};

// Seconds since 1970, or RFC 3339.
absl::StatusOr<int64_t> ParseMs(std::string_view flag, std::string_view text) {
  double seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
      std::abs(seconds) < 1e11) {
    return static_cast<int64_t>(seconds * 1000);
  }
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &error)) {
    return absl::ToUnixMillis(time);
  }
  return InvalidArgument("{} '{}': write RFC 3339 (2026-01-31T12:00:00Z) or unix seconds", flag,
                         text);
}

// Takes the frames of one window apart as they come, and writes its block.
class WindowWriter {
 public:
  WindowWriter(const std::string& directory, bool start_times, BlockMeta meta)
      : directory_(directory), start_times_(start_times), meta_(std::move(meta)) {}

  // False once something is wrong; status() says what.
  bool Take(std::string_view bytes) {
    pending_ += bytes;
    std::string_view rest = pending_;
    while (status_.ok()) {
      const auto taken = codec::TakeReadFrame(&rest, &frame_);
      if (!taken.ok()) status_ = taken.status();
      if (!taken.ok() || !*taken) break;
      status_ = TakeFrame();
    }
    pending_.erase(0, pending_.size() - rest.size());
    return status_.ok();
  }
  const absl::Status& status() const { return status_; }
  bool starts_left_out() const { return starts_left_out_; }

  // The block that was written, read back and compared; series 0: there were no samples.
  absl::StatusOr<BlockMeta> Finish() {
    TRY(status_);
    if (!totals_.has_value()) return DataLoss("the answer ends before its totals: it was cut");
    if (*totals_ != codec::StreamTotals{sum_.series(), sum_.samples(), sum_.sum()}) {
      return DataLoss("{} samples came where {} were sent, or they were changed", sum_.samples(),
                      totals_->samples);
    }
    if (writer_ == nullptr) return meta_;
    TRY_ASSIGN(BlockMeta written, writer_->Finish(sum_.sum()));
    TRY_ASSIGN(const auto reader, prometheus_blocks::BlockReader::Open(RealFileSystem(), written));
    storage::SampleChecksum stored;
    for (;;) {
      const model::Labels* labels = nullptr;
      const codec::ChunkSamples* samples = nullptr;
      TRY_ASSIGN(const bool more, reader->Next(&labels, &samples));
      if (!more) break;
      stored.Add(*labels, samples->times_ms, samples->values, samples->histograms);
    }
    if (stored.sum() == sum_.sum() && stored.samples() == sum_.samples()) return written;
    TRY(RealFileSystem().RemoveTree(written.directory));
    return DataLoss(
        "block {} did not hold what was written to it, and is removed: {} of {} samples",
        written.directory, stored.samples(), sum_.samples());
  }

 private:
  absl::Status TakeFrame() {
    if (!frame_.is_totals && frame_.labels == labels_) return AppendChunks();
    TRY(EndSeries());
    if (frame_.is_totals) {
      totals_ = frame_.totals;
      return absl::OkStatus();
    }
    labels_ = frame_.labels;
    return AppendChunks();
  }
  absl::Status AppendChunks() {
    for (const codec::ReadFrame::Chunk& chunk : frame_.chunks) {
      TRY(codec::DecodeChunk(chunk.encoding, chunk.data, &samples_));
    }
    return absl::OkStatus();
  }
  absl::Status EndSeries() {
    if (samples_.empty()) return absl::OkStatus();
    if (writer_ == nullptr) {
      TRY_ASSIGN(writer_,
                 prometheus_blocks::BlockWriter::Create(RealFileSystem(), directory_, meta_));
    }
    sum_.Add(labels_, samples_.times_ms, samples_.values, samples_.histograms);
    chunks_.clear();
    const codec::SampleSpans spans = codec::SpansOf(samples_);
    starts_left_out_ = starts_left_out_ || (!start_times_ && codec::HasStartTimes(spans));
    codec::EncodeChunks(spans, start_times_, &chunks_);
    samples_.Clear();
    return writer_->Add(labels_, chunks_);
  }

  const std::string directory_;
  const bool start_times_;
  const BlockMeta meta_;
  bool starts_left_out_ = false;
  std::unique_ptr<prometheus_blocks::BlockWriter> writer_;
  std::string pending_;
  codec::ReadFrame frame_;
  model::Labels labels_;
  codec::ChunkSamples samples_;
  std::vector<codec::EncodedChunk> chunks_;
  storage::SampleChecksum sum_;
  std::optional<codec::StreamTotals> totals_;
  absl::Status status_;
};

class Exporter {
 public:
  Exporter(const ExportFlags& flags, AdminSession& session) : flags_(flags), session_(session) {}
  absl::Status Run();

 private:
  absl::Status FindRange();
  absl::Status FindDone();
  absl::Status ExportWindow(int64_t begin);

  const ExportFlags& flags_;
  AdminSession& session_;
  storage::TimeRange range_;
  std::map<int64_t, BlockMeta> done_;  // blocks of an earlier run, by begin
  std::string key_;
  bool starts_left_out_ = false;
  uint64_t blocks_ = 0, kept_ = 0, samples_ = 0, checksum_ = 0;
};

// What the store holds, cut to what was asked for.
absl::Status Exporter::FindRange() {
  TRY_ASSIGN(const std::string answer, session_.Call("aps", "GET", session_.Path(kPath), "", ""));
  const Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const Json data = json.is_object() && json.contains("data") ? json["data"] : Json();
  for (const char* name : {"min_ms", "max_ms"}) {
    if (!data.contains(name) || !data[name].is_number_integer()) {
      return Unavailable("{} does not answer as hearth does", session_.endpoint());
    }
  }
  range_ = {data["min_ms"].get<int64_t>(), data["max_ms"].get<int64_t>()};
  if (!flags_.from.empty()) {
    TRY_ASSIGN(const int64_t from_ms, ParseMs("--from", flags_.from));
    range_.min_ms = std::max(range_.min_ms, from_ms);
  }
  if (!flags_.to.empty()) {
    TRY_ASSIGN(const int64_t to_ms, ParseMs("--to", flags_.to));
    range_.max_ms = std::min(range_.max_ms, to_ms);
  }
  return absl::OkStatus();
}

absl::Status Exporter::FindDone() {
  FileSystem& files = RealFileSystem();
  TRY(files.MakeDirectories(flags_.directory));
  TRY_ASSIGN(const std::vector<std::string> names, files.List(flags_.directory));
  for (const std::string& name : names) {
    const std::string path = JoinPath(flags_.directory, name);
    if (!prometheus_blocks::IsUlid(name) || !files.Exists(JoinPath(path, "meta.json"))) continue;
    TRY_ASSIGN(const std::string bytes, files.ReadFile(JoinPath(path, "meta.json")));
    auto meta = prometheus_blocks::ParseMeta(bytes);
    if (!meta.ok()) return Annotate(meta.status(), path);
    if (meta->export_key != key_) continue;
    meta->directory = path;
    done_[meta->min_ms] = *std::move(meta);
  }
  return absl::OkStatus();
}

absl::Status Exporter::ExportWindow(int64_t begin) {
  const storage::TimeRange range{std::max(begin, range_.min_ms),
                                 std::min(begin + kWindowMs - 1, range_.max_ms)};
  const auto earlier = done_.find(begin);
  if (earlier != done_.end() && earlier->second.export_end_ms >= range.max_ms) {
    ++kept_;
    return absl::OkStatus();
  }
  BlockMeta meta;
  meta.ulid = prometheus_blocks::NewUlid(SystemClock().NowMs(), SystemRng());
  meta.min_ms = begin;
  meta.end_ms = begin + kWindowMs;
  meta.export_key = key_;
  // A window that is not over yet is exported again by a later run.
  meta.export_end_ms = range.max_ms;
  WindowWriter writer(flags_.directory, flags_.start_times, meta);
  std::string query = fmt::format("min_ms={}&max_ms={}", range.min_ms, range.max_ms);
  if (!flags_.match.empty()) query += "&match%5B%5D=" + PercentEncode(flags_.match, false);
  const auto answer =
      session_.Call("aps", "POST", session_.Path(kPath) + "?" + query, "application/octet-stream",
                    "", [&](std::string_view bytes) { return writer.Take(bytes); });
  // What the server says comes before what its words are not.
  if (!absl::IsCancelled(answer.status())) TRY(answer);
  TRY(writer.status());
  TRY(answer);
  TRY_ASSIGN(const BlockMeta written, writer.Finish());
  if (earlier != done_.end()) TRY(RealFileSystem().RemoveTree(earlier->second.directory));
  starts_left_out_ = starts_left_out_ || writer.starts_left_out();
  if (written.series == 0) return absl::OkStatus();
  ++blocks_;
  samples_ += written.samples;
  checksum_ += written.export_checksum;
  std::fprintf(
      stderr, "block %s from %s: %llu series, %llu samples\n", written.ulid.c_str(),
      absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMillis(begin), absl::UTCTimeZone()).c_str(),
      static_cast<unsigned long long>(written.series),
      static_cast<unsigned long long>(written.samples));
  return absl::OkStatus();
}

absl::Status Exporter::Run() {
  TRY(FindRange());
  key_ = fmt::format("{} {} from {}{}",
                     flags_.admin.workspace.empty() ? "default" : flags_.admin.workspace,
                     flags_.match.empty() ? "{}" : flags_.match,
                     flags_.from.empty() ? "the beginning" : flags_.from,
                     flags_.start_times ? " with start times" : "");
  TRY(FindDone());
  int64_t begin = range_.min_ms - ((range_.min_ms % kWindowMs) + kWindowMs) % kWindowMs;
  for (; begin <= range_.max_ms; begin += kWindowMs) TRY(ExportWindow(begin));
  if (starts_left_out_) {
    std::fprintf(
        stderr,
        "start times (created timestamps) were left out: chunks that every Prometheus reads "
        "have none; --start-times writes those of Prometheus 3.14\n");
  }
  std::printf("exported %llu blocks (%llu were there): %llu samples, checksum %016llx\n",
              static_cast<unsigned long long>(blocks_), static_cast<unsigned long long>(kept_),
              static_cast<unsigned long long>(samples_),
              static_cast<unsigned long long>(checksum_));
  return absl::OkStatus();
}

absl::Status Export(const ExportFlags& flags) {
  TRY_ASSIGN(const auto session, AdminSession::Open(flags.admin, /*may_create=*/false));
  return Exporter(flags, *session).Run();
}

}  // namespace

void AddExportCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand(
      "export",
      "write a workspace's samples as blocks that Prometheus and promtool open; can be ended and "
      "run again at any time");
  command->add_option("DIR", flags->directory, "where the blocks go; made where missing")
      ->required();
  AddAdminFlags(*command, &flags->admin, /*with_workspace=*/true);
  command->add_option("--match", flags->match, "only series of this selector: 'up{job=\"x\"}'");
  command->add_option("--from", flags->from, "RFC 3339 or unix seconds (default: the oldest)");
  command->add_option("--to", flags->to, "RFC 3339 or unix seconds (default: the newest)");
  command->add_flag("--start-times", flags->start_times,
                    "keep start times, in chunks that need Prometheus 3.14 or newer (XOR2, ST)");
  command->callback([flags, exit_code] {
    const absl::Status status = Export(*flags);
    if (status.ok()) return;
    std::fprintf(stderr, "hearth export: %s\n", Message(status).c_str());
    *exit_code = 1;
  });
}

}  // namespace hearth::app

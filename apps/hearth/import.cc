// SPDX-License-Identifier: Apache-2.0
// hearth import prometheus DIR: blocks of Prometheus into a workspace, day by day, in parts that
// are each stored whole or not at all. The store remembers the parts, so an import that was ended
// goes on where it was.
#include <absl/time/time.h>
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin_session.h"
#include "base/file_system.h"
#include "base/status.h"
#include "codec/remote_read.h"
#include "commands.h"
#include "prometheus_blocks/block_reader.h"
#include "storage/sample_checksum.h"

namespace hearth::app {
namespace {

using Json = nlohmann::json;
using prometheus_blocks::BlockMeta;
using prometheus_blocks::BlockReader;

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr size_t kPartBytes = 8 << 20;  // of one request; the server takes four times that
constexpr std::string_view kPath = "/api/v1/admin/tsdb/import";
constexpr std::string_view kType = "application/x-hearth-frames";

struct ImportFlags {
  AdminFlags admin;
  std::string directory;
  bool dry_run = false;
};

struct Totals {
  uint64_t series = 0;  // of each day and part, added up
  uint64_t samples = 0;
  uint64_t checksum = 0;
  uint64_t expired = 0;
  uint64_t repeated = 0;  // samples that an earlier run had stored
  void Add(const Totals& other) {
    series += other.series;
    samples += other.samples;
    checksum += other.checksum;
    expired += other.expired;
    repeated += other.repeated;
  }
};

// What a part holds while it grows.
struct Part {
  std::string body;
  storage::SampleChecksum sum;
};

// A number of an answer; 0 where there is none, which what was sent then differs from.
uint64_t Count(const Json& data, const char* name) {
  const auto found = data.find(name);
  return found != data.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

class Importer {
 public:
  Importer(AdminSession* session, bool dry_run) : session_(session), dry_run_(dry_run) {}

  absl::Status ImportBlock(const BlockMeta& meta);
  const Totals& totals() const { return totals_; }

 private:
  absl::Status ImportDay(BlockReader* reader, const std::string& key, storage::TimeRange range,
                         Totals* day);
  absl::Status Send(const std::string& key, storage::TimeRange range, Part* part, Totals* day);
  // The data of an answer: imported, series, samples, expired.
  absl::StatusOr<Json> Ask(std::string_view method, const std::string& query, std::string body);
  absl::StatusOr<bool> IsImported(const std::string& key, Json* data);

  AdminSession* const session_;  // null for a dry run that asks nobody
  const bool dry_run_;
  Totals totals_;
};

absl::StatusOr<Json> Importer::Ask(std::string_view method, const std::string& query,
                                   std::string body) {
  TRY_ASSIGN(
      const std::string answer,
      session_->Call("aps", method, session_->Path(kPath) + "?" + query, kType, std::move(body)));
  const Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("data") || !json["data"].contains("imported") ||
      !json["data"]["imported"].is_boolean()) {
    return Unavailable("{} does not answer as hearth does", session_->endpoint());
  }
  return json["data"];
}

absl::StatusOr<bool> Importer::IsImported(const std::string& key, Json* data) {
  if (session_ == nullptr) return false;
  TRY_ASSIGN(*data, Ask("GET", "key=" + key, ""));
  return (*data)["imported"].get<bool>();
}

absl::Status Importer::Send(const std::string& key, storage::TimeRange range, Part* part,
                            Totals* day) {
  Json data;
  TRY_ASSIGN(bool imported, IsImported(key, &data));
  if (!imported && !dry_run_) {
    codec::AppendTotalsFrame({part->sum.series(), part->sum.samples(), part->sum.sum()},
                             &part->body);
    TRY_ASSIGN(data, Ask("POST",
                         fmt::format("key={}&min_ms={}&max_ms={}", key, range.min_ms, range.max_ms),
                         std::move(part->body)));
    imported = data.contains("repeated") && data["repeated"] == true;
    const uint64_t stored = Count(data, "samples");
    const uint64_t expired = Count(data, "expired");
    day->expired += expired;
    if (!imported && stored + expired != part->sum.samples()) {
      return DataLoss("part {}: {} samples were sent, {} stored, {} too old", key,
                      part->sum.samples(), stored, expired);
    }
  }
  day->series += part->sum.series();
  day->samples += part->sum.samples();
  day->checksum += part->sum.sum();
  if (imported) day->repeated += part->sum.samples();
  *part = Part();
  return absl::OkStatus();
}

absl::Status Importer::ImportDay(BlockReader* reader, const std::string& key,
                                 storage::TimeRange range, Totals* day) {
  reader->Restart(range);
  Part part;
  size_t parts = 0;
  std::vector<codec::EncodedChunk> chunks;
  for (;;) {
    const model::Labels* labels = nullptr;
    const codec::ChunkSamples* samples = nullptr;
    TRY_ASSIGN(const bool more, reader->Next(&labels, &samples));
    if (!more) break;
    chunks.clear();
    codec::EncodeChunks(codec::SpansOf(*samples), true, &chunks);
    codec::AppendChunkFrames(0, *labels, chunks, &part.body);
    part.sum.Add(*labels, samples->times_ms, samples->values, samples->histograms);
    if (part.body.size() < kPartBytes) continue;
    TRY(Send(fmt::format("{}.{}", key, parts++), range, &part, day));
  }
  if (part.sum.samples() > 0) TRY(Send(fmt::format("{}.{}", key, parts), range, &part, day));
  return absl::OkStatus();
}

absl::Status Importer::ImportBlock(const BlockMeta& meta) {
  TRY_ASSIGN(const auto reader, BlockReader::Open(RealFileSystem(), meta));
  Totals block;
  const auto day_of = [](int64_t ms) { return ms - ((ms % kDayMs) + kDayMs) % kDayMs; };
  // A block that hearth has exported may say hours that were not over yet: the server takes none.
  const int64_t end_ms =
      meta.export_end_ms > 0 ? std::min(meta.end_ms, meta.export_end_ms + 1) : meta.end_ms;
  for (int64_t begin = day_of(meta.min_ms); begin < end_ms; begin += kDayMs) {
    const storage::TimeRange range{std::max(begin, meta.min_ms),
                                   std::min(begin + kDayMs, end_ms) - 1};
    const std::string key = fmt::format("{}.{}", meta.ulid, begin / kDayMs);
    const uint64_t before = block.samples;
    TRY(ImportDay(reader.get(), key, range, &block));
    std::fprintf(
        stderr, "  %s: %llu samples\n",
        absl::FormatTime("%Y-%m-%d", absl::FromUnixMillis(range.min_ms), absl::UTCTimeZone())
            .c_str(),
        static_cast<unsigned long long>(block.samples - before));
  }
  std::fprintf(
      stderr, "block %s: %llu series, %llu samples, checksum %016llx%s%s\n", meta.ulid.c_str(),
      static_cast<unsigned long long>(block.series), static_cast<unsigned long long>(block.samples),
      static_cast<unsigned long long>(block.checksum),
      block.repeated > 0 ? fmt::format("; {} were imported before", block.repeated).c_str() : "",
      block.expired > 0
          ? fmt::format("; {} are older than the workspace's retention and left out", block.expired)
                .c_str()
          : "");
  if (block.samples != meta.samples) {
    std::fprintf(
        stderr,
        "block %s: its meta.json counts %llu samples; what differs was deleted (tombstones) "
        "or was there twice\n",
        meta.ulid.c_str(), static_cast<unsigned long long>(meta.samples));
  }
  totals_.Add(block);
  return absl::OkStatus();
}

absl::Status Import(const ImportFlags& flags) {
  TRY_ASSIGN(const prometheus_blocks::DataDirectory found,
             prometheus_blocks::ReadDirectory(RealFileSystem(), flags.directory));
  for (const std::string& ulid : found.replaced) {
    std::fprintf(stderr, "block %s is left out: a larger one replaces it\n", ulid.c_str());
  }
  if (found.has_log) {
    std::fprintf(
        stderr,
        "%s/wal holds the newest two to three hours of Prometheus, which are not in blocks "
        "and are not imported. To have them: start Prometheus with "
        "--web.enable-admin-api, POST /api/v1/admin/tsdb/snapshot, and import the "
        "snapshot's directory\n",
        flags.directory.c_str());
  }
  std::unique_ptr<AdminSession> session;
  const bool ask = !flags.dry_run || !flags.admin.aws.endpoint.empty();
  if (ask) {
    TRY_ASSIGN(session, AdminSession::Open(flags.admin, /*may_create=*/true));
  }
  Importer importer(session.get(), flags.dry_run);
  size_t done = 0;
  for (const BlockMeta& meta : found.blocks) {
    std::fprintf(stderr, "[%zu/%zu] block %s\n", ++done, found.blocks.size(), meta.ulid.c_str());
    TRY(importer.ImportBlock(meta));
  }
  const Totals& totals = importer.totals();
  std::printf(
      "%s %zu blocks: %llu samples, %llu of them imported before, %llu too old, checksum "
      "%016llx\n",
      flags.dry_run ? "read (nothing is stored)" : "imported", found.blocks.size(),
      static_cast<unsigned long long>(totals.samples),
      static_cast<unsigned long long>(totals.repeated),
      static_cast<unsigned long long>(totals.expired),
      static_cast<unsigned long long>(totals.checksum));
  return absl::OkStatus();
}

}  // namespace

void AddImportCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* import = app.add_subcommand("import", "bring in what another store has");
  import->require_subcommand(1);
  CLI::App* prometheus = import->add_subcommand(
      "prometheus",
      "the blocks of a Prometheus data directory (or of a snapshot of one), however old; can be "
      "ended and run again at any time");
  prometheus->add_option("DIR", flags->directory, "Prometheus' --storage.tsdb.path, or one block")
      ->required();
  AddAdminFlags(*prometheus, &flags->admin, /*with_workspace=*/true);
  prometheus->add_flag("--dry-run", flags->dry_run, "read and count everything, store nothing");
  prometheus->callback([flags, exit_code] {
    const absl::Status status = Import(*flags);
    if (status.ok()) return;
    std::fprintf(stderr, "hearth import: %s\n", Message(status).c_str());
    *exit_code = 1;
  });
}

}  // namespace hearth::app

// SPDX-License-Identifier: Apache-2.0
#include "api/backup/backup.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "access/aws_errors.h"
#include "api/backup/snapshot_stream.h"
#include "base/log.h"
#include "base/status.h"
#include "catalog/backup.h"

namespace hearth::api {
namespace {

constexpr std::string_view kService = "hearth";
constexpr std::string_view kAction = "hearth:CreateSnapshot";
constexpr std::string_view kCopies = "snapshots/.sending";  // below the data directory
constexpr std::string_view kCatalog = "catalog.sqlite";
// What has its own way into a copy, or belongs to this process alone.
bool IsLeftOut(std::string_view name) {
  return name == "lock" || name == "workspaces" || name == "snapshots" ||
         name.starts_with(kCatalog);
}
constexpr uint64_t kSpareBytes = 64 << 20;  // kept free beside the copy

}  // namespace

Backup::Backup(BackupOptions options, const access::Gate& gate,
               const workspace::Manager& workspaces, FileSystem& files, const Clock& clock,
               Rng& rng, Registry& metrics)
    : options_(std::move(options)),
      gate_(gate),
      workspaces_(workspaces),
      files_(files),
      clock_(clock),
      rng_(rng),
      snapshots_(metrics.AddCounter("hearth_backup_snapshots_total",
                                    "Snapshots of the data directory that were begun.")) {}

absl::Status Backup::RemoveLeftovers(FileSystem& files, const std::string& data) {
  return files.RemoveTree(JoinPath(data, kCopies));
}

net::HttpResponse Backup::Handle(const net::HttpRequest& request) {
  const access::Identified who = gate_.Identify(request, kService);
  if (who.refusal) return access::AwsJsonRefusal(*who.refusal, false);
  const std::string arn =
      fmt::format("arn:aws:hearth:{}:{}:server", gate_.options().region, gate_.options().account);
  if (const auto refusal = gate_.Authorize(who.caller, kAction, arn)) {
    return access::AwsJsonRefusal(*refusal, false);
  }
  if (request.path != "/snapshot" || request.method != "POST") {
    return access::AwsJsonError(
        404, "ResourceNotFoundException",
        fmt::format("no call {} {}; POST /snapshot is one", request.method, request.path));
  }
  if (!gate_.options().enabled) {
    return access::AwsJsonError(
        403, "AccessDeniedException",
        "a snapshot holds every secret, and with --auth off nobody is asked who may have them");
  }
  return Snapshot();
}

absl::Status Backup::CheckSpace() const {
  uint64_t needed = kSpareBytes;
  for (const auto& workspace : workspaces_.All()) needed += workspace->db().stats().disk_bytes;
  TRY_ASSIGN(const DiskSpace space, files_.Space(options_.data));
  if (space.free_bytes >= needed) return absl::OkStatus();
  return ResourceExhausted(
      "a snapshot is copied before it is sent: that takes {} bytes, {} are free on the volume of "
      "{}; free some, or drop old blocks with a shorter retention",
      needed, space.free_bytes, options_.data);
}

absl::Status Backup::CopyFiles(const std::string& from, const std::string& to) const {
  TRY_ASSIGN(const std::vector<std::string> names, FilesBelow(files_, from));
  for (const std::string& name : names) {
    const auto bytes = files_.ReadFile(JoinPath(from, name));
    if (absl::IsNotFound(bytes.status())) continue;  // it went meanwhile
    TRY(bytes);
    const std::string target = JoinPath(to, name);
    TRY(files_.MakeDirectories(DirectoryOf(target)));
    TRY_ASSIGN(const auto file, files_.Create(target));
    TRY(file->Append(*bytes));
    TRY(file->Close());
  }
  return absl::OkStatus();
}

// The catalog first: of a workspace that is made meanwhile there may be a folder that no row names,
// which nobody opens; one that is deleted meanwhile opens empty.
absl::StatusOr<std::vector<std::string>> Backup::CopyAll(const std::string& copy) const {
  TRY(CheckSpace());
  TRY(files_.MakeDirectories(JoinPath(copy, "workspaces")));
  TRY(catalog::BackupSqlite(options_.catalog_url, JoinPath(copy, kCatalog)));
  for (const auto& workspace : workspaces_.All()) {
    TRY(Annotate(
        workspace->db().Snapshot(JoinPath(JoinPath(copy, "workspaces"), workspace->id()), false),
        workspace->id()));
  }
  TRY_ASSIGN(const std::vector<std::string> names, files_.List(options_.data));
  for (const std::string& name : names) {
    if (IsLeftOut(name)) continue;
    const std::string from = JoinPath(options_.data, name);
    TRY_ASSIGN(const FileInfo info, files_.Stat(from));
    if (info.is_directory) {
      TRY(CopyFiles(from, JoinPath(copy, name)));
      continue;
    }
    TRY_ASSIGN(const std::string bytes, files_.ReadFile(from));
    TRY(files_.WriteFileAtomic(JoinPath(copy, name), bytes));
  }
  return FilesBelow(files_, copy);
}

net::HttpResponse Backup::Snapshot() {
  if (busy_->exchange(true)) {
    return access::AwsJsonError(409, "ConflictException", "a snapshot is being made already");
  }
  snapshots_.Add();
  const std::string copy = fmt::format("{}/{:016x}", JoinPath(options_.data, kCopies), rng_.Next());
  const int64_t start_ms = clock_.NowMs();
  const auto names = CopyAll(copy);
  // From here on the stream removes the copy and lets the next one begin.
  auto stream = std::make_shared<SnapshotStream>(
      files_, copy, names.ok() ? *names : std::vector<std::string>(), busy_);
  if (!names.ok()) {
    log::Error("backup", "no snapshot", {{"error", Message(names.status())}});
    const bool full = absl::IsResourceExhausted(names.status());
    const bool other = absl::IsFailedPrecondition(names.status());
    return access::AwsJsonError(full ? 507 : (other ? 400 : 500),
                                other ? "ValidationException" : "InternalServerException",
                                Message(names.status()));
  }
  log::Info("backup", "sending a snapshot",
            {{"files", names->size()}, {"copied_in_ms", clock_.NowMs() - start_ms}});
  net::HttpResponse response;
  response.headers.Set("Content-Type", "application/x-tar");
  response.producer = [stream](std::string* out) { return stream->Produce(out); };
  return response;
}

}  // namespace hearth::api

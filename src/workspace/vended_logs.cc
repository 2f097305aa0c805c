// SPDX-License-Identifier: Apache-2.0
#include "workspace/vended_logs.h"

#include <fmt/core.h>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::workspace {

VendedLogs::VendedLogs(std::string directory, FileSystem& file_system, Registry& metrics)
    : directory_(std::move(directory)),
      file_system_(file_system),
      lost_(metrics.AddCounter("hearth_workspace_log_lines_lost_total",
                               "Lines of query and rule logs that could not be written.")) {}

std::string VendedLogs::PathOf(std::string_view log_group, std::string_view workspace) const {
  // '.' is no character that PercentEncode touches: a group named ".." must not leave the folder.
  std::string folder = PercentEncode(log_group, false);
  if (folder.starts_with('.')) folder = "%2E" + folder.substr(1);
  return JoinPath(JoinPath(directory_, folder), fmt::format("{}.jsonl", workspace));
}

absl::Status VendedLogs::Append(const std::string& path, std::string_view line) {
  auto& file = files_[path];
  if (file == nullptr) {
    const std::string stem = path.substr(0, path.size() - std::string_view(".jsonl").size());
    TRY_ASSIGN(file, RollingFile::Open(file_system_, path, stem + ".1.jsonl", kFileBytesMax));
  }
  return file->Append(line);
}

void VendedLogs::Write(std::string_view log_group, std::string_view workspace,
                       std::string_view line) {
  const std::string path = PathOf(log_group, workspace);
  absl::MutexLock lock(&mutex_);
  if (files_.size() >= kFilesMax && !files_.contains(path)) files_.clear();
  const absl::Status status = Append(path, line);
  if (status.ok()) return;
  files_.erase(path);
  if (lost_.value() == 0) {
    log::Error("workspace", "a log line cannot be written; more are counted only",
               {{"file", path}, {"error", Message(status)}});
  }
  lost_.Add();
}

void VendedLogs::Forget(std::string_view workspace) {
  const std::string name = fmt::format("/{}.jsonl", workspace);
  absl::MutexLock lock(&mutex_);
  for (auto it = files_.begin(); it != files_.end();) {
    if (it->first.ends_with(name)) {
      files_.erase(it++);
    } else {
      ++it;
    }
  }
}

}  // namespace hearth::workspace

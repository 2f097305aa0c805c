// SPDX-License-Identifier: Apache-2.0
// hearth's own face for keeping its data safe: POST /snapshot, signed for the service `hearth`,
// answers with the whole data directory as a tar archive while everything goes on. The copy is made
// first (consistent per workspace: what was acknowledged is in it), below the data directory, and
// removed when it was sent or when sending failed. Its last file, SHA256SUMS, is for sha256sum -c.
//
// It holds the secrets of the installation, so it asks for an action of its own,
// hearth:CreateSnapshot. One snapshot at a time. Thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "access/gate.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "net/http.h"
#include "workspace/manager.h"

namespace hearth::api {

struct BackupOptions {
  std::string data;         // the data directory
  std::string catalog_url;  // a SQLite file, or PostgreSQL: then there is no snapshot
};

class Backup {
 public:
  // What it borrows must outlive it and its answers.
  Backup(BackupOptions options, const access::Gate& gate, const workspace::Manager& workspaces,
         FileSystem& files, const Clock& clock, Rng& rng, Registry& metrics);

  net::HttpResponse Handle(const net::HttpRequest& request);
  // Removes what a killed process left of copies.
  static absl::Status RemoveLeftovers(FileSystem& files, const std::string& data);

 private:
  net::HttpResponse Snapshot();
  absl::Status CheckSpace() const;
  // The copy's files, relative to it.
  absl::StatusOr<std::vector<std::string>> CopyAll(const std::string& copy) const;
  absl::Status CopyFiles(const std::string& from, const std::string& to) const;

  const BackupOptions options_;
  const access::Gate& gate_;
  const workspace::Manager& workspaces_;
  FileSystem& files_;
  const Clock& clock_;
  Rng& rng_;
  Counter& snapshots_;
  std::shared_ptr<std::atomic<bool>> busy_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace hearth::api

// SPDX-License-Identifier: Apache-2.0
#include "tsdb/metadata_store.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/coding.h"
#include "tsdb/wal_records.h"

namespace hearth::tsdb {

absl::Status MetadataStore::Load(FileSystem& file_system) {
  const auto bytes = file_system.ReadFile(path_);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
  TRY(bytes);
  ByteReader reader(*bytes);
  const auto crc = reader.Fixed<uint32_t>();
  const std::string_view payload = reader.Take(reader.left());
  std::vector<model::Metadata> loaded;
  absl::Status status =
      Crc32c(payload) == crc && reader.ok() ? absl::OkStatus() : DataLoss("wrong checksum");
  if (status.ok()) {
    status = DecodeMetadata(payload, [&](model::Metadata m) { loaded.push_back(std::move(m)); });
  }
  if (!status.ok()) {
    // Senders repeat their metadata every minute: starting without it is right.
    log::Error("tsdb", "metadata file is damaged, starting without it",
               {{"file", path_}, {"error", Message(status)}});
    return absl::OkStatus();
  }
  Put(loaded);
  absl::MutexLock lock(&mutex_);
  unsaved_ = false;
  return absl::OkStatus();
}

absl::Status MetadataStore::Save(FileSystem& file_system) {
  std::string payload;
  {
    absl::MutexLock lock(&mutex_);
    if (!unsaved_) return absl::OkStatus();
    std::vector<model::Metadata> all;
    for (const auto& [name, metadata] : metrics_) all.push_back(metadata);
    EncodeMetadata(all, &payload);
    unsaved_ = false;  // what changes while the file is written is written next time
  }
  std::string bytes;
  PutFixed(Crc32c(payload), &bytes);
  bytes += payload;
  const absl::Status status = file_system.WriteFileAtomic(path_, bytes);
  if (!status.ok()) {
    absl::MutexLock lock(&mutex_);
    unsaved_ = true;
  }
  return status;
}

std::vector<model::Metadata> MetadataStore::Changes(
    const std::vector<model::Metadata>& metadata) const {
  std::vector<model::Metadata> changes;
  if (metadata.empty()) return changes;
  absl::MutexLock lock(&mutex_);
  size_t room = metrics_max_ - std::min(metrics_max_, metrics_.size());
  for (const model::Metadata& entry : metadata) {
    const auto it = metrics_.find(entry.metric);
    if (it != metrics_.end() ? it->second == entry : room == 0) continue;
    if (it == metrics_.end()) --room;
    changes.push_back(entry);
  }
  return changes;
}

void MetadataStore::Put(const std::vector<model::Metadata>& metadata) {
  absl::MutexLock lock(&mutex_);
  for (const model::Metadata& entry : metadata) {
    if (metrics_.size() >= metrics_max_ && !metrics_.contains(entry.metric)) continue;
    metrics_[entry.metric] = entry;
    unsaved_ = true;
  }
}

std::vector<model::Metadata> MetadataStore::Get(std::string_view metric, size_t limit) const {
  std::vector<model::Metadata> found;
  absl::MutexLock lock(&mutex_);
  if (!metric.empty()) {
    if (const auto it = metrics_.find(metric); it != metrics_.end()) found.push_back(it->second);
    return found;
  }
  for (const auto& [name, metadata] : metrics_) {
    if (limit != 0 && found.size() == limit) break;
    found.push_back(metadata);
  }
  return found;
}

bool MetadataStore::unsaved() const {
  absl::MutexLock lock(&mutex_);
  return unsaved_;
}

}  // namespace hearth::tsdb

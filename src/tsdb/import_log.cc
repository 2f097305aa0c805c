// SPDX-License-Identifier: Apache-2.0
#include "tsdb/import_log.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

// Beyond these the oldest are forgotten: 50,000 days, or parts of days, of one store.
constexpr size_t kEntriesMax = 50'000;

}  // namespace

absl::Status ImportLog::Parse(std::string_view bytes, std::vector<Entry>* entries) const {
  ByteReader reader(bytes);
  const auto crc = reader.Fixed<uint32_t>();
  const std::string_view payload(reader.at(), reader.left());
  if (!reader.ok() || Crc32c(payload) != crc) return DataLoss("its checksum is wrong");
  entries->resize(reader.Count(6));
  for (Entry& entry : *entries) {
    entry.key = reader.Take(static_cast<size_t>(reader.Varint()));
    entry.block = reader.Take(static_cast<size_t>(reader.Varint()));
    entry.outcome.series = reader.Varint();
    entry.outcome.samples = reader.Varint();
    entry.outcome.expired = reader.Varint();
    entry.confirmed = reader.Varint() != 0;
  }
  return reader.ok() && reader.done() ? absl::OkStatus() : DataLoss("it does not parse");
}

absl::Status ImportLog::Load(FileSystem& file_system,
                             absl::FunctionRef<bool(std::string_view)> stored) {
  const auto bytes = file_system.ReadFile(path_);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
  TRY(bytes);
  absl::MutexLock lock(&mutex_);
  entries_.clear();
  if (const absl::Status status = Parse(*bytes, &entries_); !status.ok()) {
    entries_.clear();
    log::Error("tsdb", "the list of imports is damaged, starting without it",
               {{"file", path_}, {"error", Message(status)}});
  }
  std::erase_if(entries_, [&](Entry& entry) {
    entry.confirmed = entry.confirmed || entry.block.empty() || stored(entry.block);
    return !entry.confirmed;
  });
  return absl::OkStatus();
}

std::optional<storage::ImportOutcome> ImportLog::Find(std::string_view key) const {
  absl::MutexLock lock(&mutex_);
  for (const Entry& entry : entries_) {
    if (entry.key != key || !entry.confirmed) continue;
    storage::ImportOutcome outcome = entry.outcome;
    outcome.repeated = true;
    return outcome;
  }
  return std::nullopt;
}

absl::Status ImportLog::Begin(FileSystem& file_system, const std::string& key,
                              const std::string& block, const storage::ImportOutcome& outcome) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
  if (entries_.size() >= kEntriesMax) entries_.erase(entries_.begin());
  entries_.push_back({key, block, outcome, block.empty()});
  const absl::Status status = Save(file_system);
  if (!status.ok()) entries_.pop_back();
  return status;
}

void ImportLog::Confirm(std::string_view key) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : entries_) entry.confirmed = entry.confirmed || entry.key == key;
}

void ImportLog::Abandon(FileSystem& file_system, std::string_view key) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
  // Should this fail too: the entry's block is not in the manifest, so the next start drops it.
  Save(file_system).IgnoreError();
}

absl::Status ImportLog::Save(FileSystem& file_system) const {
  std::string payload;
  PutVarint(entries_.size(), &payload);
  for (const Entry& entry : entries_) {
    PutBytes(entry.key, &payload);
    PutBytes(entry.block, &payload);
    PutVarint(entry.outcome.series, &payload);
    PutVarint(entry.outcome.samples, &payload);
    PutVarint(entry.outcome.expired, &payload);
    PutVarint(entry.confirmed ? 1 : 0, &payload);
  }
  std::string bytes;
  PutFixed(Crc32c(payload), &bytes);
  return file_system.WriteFileAtomic(path_, bytes + payload);
}

}  // namespace hearth::tsdb

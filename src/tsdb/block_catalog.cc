// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_catalog.h"

#include <algorithm>
#include <set>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

constexpr std::string_view kMagic = "HMAN";
constexpr uint64_t kCopyBytes = 1 << 20;  // at a time

}  // namespace

std::string ManifestBytes(const Manifest& manifest) {
  std::string payload;
  PutVarint(manifest.covers.epoch, &payload);
  PutVarint(manifest.covers.lsn, &payload);
  PutVarint(manifest.next_sequence, &payload);
  PutVarint(manifest.blocks.size(), &payload);
  for (const BlockMeta& meta : manifest.blocks) PutMeta(meta, &payload);
  PutVarint(manifest.next_tombstone, &payload);
  PutVarint(manifest.tombstones.size(), &payload);
  for (const Tombstone& tombstone : manifest.tombstones) PutTombstone(tombstone, &payload);
  std::string bytes(kMagic);
  PutFixed(kManifestVersion, &bytes);
  PutFixed(Crc32c(payload), &bytes);
  return bytes + payload;
}

absl::Status ParseManifest(std::string_view bytes, Manifest* manifest) {
  ByteReader reader(bytes);
  const std::string_view magic = reader.Take(kMagic.size());
  const auto version = reader.Fixed<uint32_t>();
  const auto crc = reader.Fixed<uint32_t>();
  if (!reader.ok() || magic != kMagic) return DataLoss("it is not a manifest");
  if (Crc32c(std::string_view(reader.at(), reader.left())) != crc) {
    return DataLoss("its checksum is wrong");
  }
  if (version != kManifestVersion) {
    return FailedPrecondition("written by {} hearth (manifest version {}, this one reads {})",
                              version > kManifestVersion ? "a newer" : "an unreleased, older",
                              version, kManifestVersion);
  }
  manifest->covers.epoch = reader.Varint();
  manifest->covers.lsn = reader.Varint();
  manifest->next_sequence = reader.Varint();
  manifest->blocks.resize(reader.Count(12));
  for (BlockMeta& meta : manifest->blocks) {
    if (!GetMeta(&reader, &meta)) break;
  }
  manifest->next_tombstone = reader.Varint();
  manifest->tombstones.resize(reader.Count(4));
  for (Tombstone& tombstone : manifest->tombstones) {
    if (!GetTombstone(&reader, &tombstone)) return DataLoss("its deletions do not parse");
  }
  return reader.ok() && reader.done() ? absl::OkStatus() : DataLoss("it does not parse");
}

absl::Status BlockCatalog::Open() {
  TRY_ASSIGN(store_, storage::OpenFileBlobStore(file_system_, JoinPath(directory_, "blocks")));
  TRY(file_system_.SyncDirectory(directory_));
  TRY(Load());
  auto list = std::make_shared<BlockList>();
  for (const BlockMeta& meta : manifest_.blocks) {
    list->push_back(std::make_shared<const Block>(meta, *store_, *cache_));
  }
  ShareTombstones(manifest_, *list);
  list_ = std::move(list);
  return absl::OkStatus();
}

void BlockCatalog::ShareTombstones(const Manifest& manifest, const BlockList& list) const {
  std::shared_ptr<const std::vector<Tombstone>> shared;
  if (!manifest.tombstones.empty()) {
    shared = std::make_shared<const std::vector<Tombstone>>(manifest.tombstones);
  }
  for (const auto& block : list) block->SetTombstones(shared);
}

absl::Status BlockCatalog::Load() {
  TRY_ASSIGN(const auto blobs, store_->List(""));
  const auto bytes = file_system_.ReadFile(path());
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
  absl::Status status = bytes.ok() ? ParseManifest(*bytes, &manifest_) : absl::OkStatus();
  if (absl::IsFailedPrecondition(status)) return Annotate(status, path());
  if (!status.ok()) {
    log::Error("tsdb",
               "the manifest is damaged; made again from the blocks, without deletions that were "
               "not carried out yet",
               {{"file", path()}, {"error", Message(status)}});
    // Kept for whoever wants to look; a start must not depend on it.
    file_system_.Rename(path(), path() + ".damaged").IgnoreError();
  }
  if (!status.ok() || !bytes.ok()) return Rebuild(blobs);
  std::set<std::string, std::less<>> known;
  for (const BlockMeta& meta : manifest_.blocks) known.insert(meta.id);
  for (const storage::BlobInfo& blob : blobs) {
    if (known.contains(blob.name)) continue;
    // What a crash left between a block and its manifest: the log still holds the same.
    if (const absl::Status removed = store_->Delete(blob.name); !removed.ok()) {
      log::Warn("tsdb", "cannot remove an orphan", {{"error", Message(removed)}});
    }
  }
  for (const BlockMeta& meta : manifest_.blocks) {
    const auto blob = std::find_if(blobs.begin(), blobs.end(),
                                   [&](const auto& info) { return info.name == meta.id; });
    if (blob == blobs.end() || blob->size != meta.size) {
      log::Error("tsdb", "a block is missing or has the wrong size",
                 {{"block", meta.id},
                  {"size", blob == blobs.end() ? 0 : blob->size},
                  {"expected", meta.size}});
    }
  }
  return absl::OkStatus();
}

absl::Status BlockCatalog::Rebuild(const std::vector<storage::BlobInfo>& blobs) {
  manifest_ = Manifest();
  std::set<std::string, std::less<>> replaced;
  std::vector<BlockMeta> found;
  for (const storage::BlobInfo& blob : blobs) {
    auto meta = Block::ReadMeta(blob.name, blob.size, *store_);
    if (absl::IsFailedPrecondition(meta.status())) return meta.status();
    if (!meta.ok()) {
      log::Error("tsdb", "a block cannot be read and is left out",
                 {{"block", blob.name}, {"error", Message(meta.status())}});
      continue;
    }
    replaced.insert(meta->sources.begin(), meta->sources.end());
    found.push_back(*std::move(meta));
  }
  std::erase_if(found, [&](const BlockMeta& meta) { return replaced.contains(meta.id); });
  std::sort(found.begin(), found.end(),
            [](const BlockMeta& a, const BlockMeta& b) { return a.sequence < b.sequence; });
  for (const BlockMeta& meta : found) {
    manifest_.covers = std::max(manifest_.covers, meta.covers);
    manifest_.next_sequence = std::max(manifest_.next_sequence, meta.sequence + 1);
    manifest_.next_tombstone = std::max(manifest_.next_tombstone, meta.tombstones_from);
  }
  manifest_.blocks = std::move(found);
  return absl::OkStatus();
}

absl::Status BlockCatalog::Change(const std::vector<BlockMeta>& added,
                                  const std::vector<std::string>& removed,
                                  storage::Position covers) {
  const auto gone = [&](const std::string& id) {
    return std::find(removed.begin(), removed.end(), id) != removed.end();
  };
  Manifest changed = manifest_;
  changed.covers = std::max(changed.covers, covers);
  std::erase_if(changed.blocks, [&](const BlockMeta& meta) { return gone(meta.id); });
  changed.blocks.insert(changed.blocks.end(), added.begin(), added.end());
  std::sort(changed.blocks.begin(), changed.blocks.end(),
            [](const BlockMeta& a, const BlockMeta& b) { return a.sequence < b.sequence; });
  // Deletions that no block is concerned with any more have been carried out.
  uint64_t concerned = UINT64_MAX;
  for (const BlockMeta& meta : changed.blocks) {
    concerned = std::min(concerned, meta.tombstones_from);
  }
  std::erase_if(changed.tombstones, [&](const Tombstone& t) { return t.number < concerned; });
  TRY(file_system_.WriteFileAtomic(path(), ManifestBytes(changed)));
  auto list = std::make_shared<BlockList>();
  for (const BlockMeta& meta : changed.blocks) {
    const auto old = std::find_if(list_->begin(), list_->end(),
                                  [&](const auto& block) { return block->meta().id == meta.id; });
    list->push_back(old != list_->end() ? *old
                                        : std::make_shared<const Block>(meta, *store_, *cache_));
  }
  for (const auto& block : *list_) {
    if (gone(block->meta().id)) block->MarkObsolete();
  }
  ShareTombstones(changed, *list);
  manifest_ = std::move(changed);
  list_ = std::move(list);
  for (const std::string& id : orphans_) store_->Delete(id).IgnoreError();  // next start: again
  orphans_.clear();
  return absl::OkStatus();
}

absl::Status BlockCatalog::Delete(Tombstone tombstone) {
  if (manifest_.blocks.empty()) return absl::OkStatus();
  Manifest changed = manifest_;
  tombstone.number = changed.next_tombstone++;
  changed.tombstones.push_back(std::move(tombstone));
  TRY(file_system_.WriteFileAtomic(path(), ManifestBytes(changed)));
  manifest_ = std::move(changed);
  ShareTombstones(manifest_, *list_);
  return absl::OkStatus();
}

absl::Status BlockCatalog::CopyTo(const std::string& directory) {
  TRY_ASSIGN(const auto copy,
             storage::OpenFileBlobStore(file_system_, JoinPath(directory, "blocks")));
  std::string buffer;
  for (const BlockMeta& meta : manifest_.blocks) {
    TRY_ASSIGN(const auto writer, copy->Create(meta.id));
    for (uint64_t at = 0; at < meta.size; at += buffer.size()) {
      buffer.resize(static_cast<size_t>(std::min<uint64_t>(kCopyBytes, meta.size - at)));
      TRY(store_->Read(meta.id, at, {buffer.data(), buffer.size()}));
      TRY(writer->Append(buffer));
    }
    TRY(writer->Finish());
  }
  return file_system_.WriteFileAtomic(JoinPath(directory, "manifest"), ManifestBytes(manifest_));
}

}  // namespace hearth::tsdb

// SPDX-License-Identifier: Apache-2.0
// Which blocks a store has: the manifest and the Block objects made from it.
// docs/formats/manifest.md.
//
//   <directory>/manifest   "HMAN" u32 version u32 CRC-32C payload; written anew, atomically, on
//   change <directory>/blocks/    a block exists only if the manifest names it; others are removed
//
// A manifest that is damaged or gone is made again from the blocks' own footers. Not thread-safe:
// used under the Db's maintenance lock. The lists that it hands out are immutable.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "storage/blob_store.h"
#include "tsdb/block.h"
#include "tsdb/block_cache.h"
#include "tsdb/tombstone.h"

namespace hearth::tsdb {

// The only one that is read: no release wrote an earlier one.
inline constexpr uint32_t kManifestVersion = 3;

using BlockList = std::vector<std::shared_ptr<const Block>>;  // by sequence

struct Manifest {
  storage::Position covers;  // every frame up to here is in a block
  uint64_t next_sequence = 1;
  std::vector<BlockMeta> blocks;
  uint64_t next_tombstone = 1;
  std::vector<Tombstone> tombstones;  // by number
};
std::string ManifestBytes(const Manifest& manifest);
// DataLoss: damaged; FailedPrecondition: another version.
absl::Status ParseManifest(std::string_view bytes, Manifest* manifest);

class BlockCatalog {
 public:
  BlockCatalog(std::string directory, FileSystem& file_system, std::shared_ptr<BlockCache> cache)
      : directory_(std::move(directory)), file_system_(file_system), cache_(std::move(cache)) {}
  absl::Status Open();

  const Manifest& manifest() const { return manifest_; }
  const std::shared_ptr<const BlockList>& list() const { return list_; }
  storage::BlobStore& store() { return *store_; }

  // Makes the change durable: `added` (already in the store) come, `removed` go, the log is covered
  // up to `covers`. On an error nothing has changed here; the store may hold `added` for nothing.
  absl::Status Change(const std::vector<BlockMeta>& added, const std::vector<std::string>& removed,
                      storage::Position covers);
  // Makes a deletion of what the blocks hold now durable. `number` is filled in.
  absl::Status Delete(Tombstone tombstone);
  // A copy of manifest and blocks below `directory`, which is there and empty.
  absl::Status CopyTo(const std::string& directory);
  // A blob that no manifest will name; removed with the next change.
  void AddOrphan(std::string id) { orphans_.push_back(std::move(id)); }
  void DropCache() { cache_->Clear(); }
  BlockCache& cache() { return *cache_; }
  uint64_t TakeSequence() { return manifest_.next_sequence++; }

 private:
  absl::Status Load();
  void ShareTombstones(const Manifest& manifest, const BlockList& list) const;
  absl::Status Rebuild(const std::vector<storage::BlobInfo>& blobs);
  std::string path() const { return JoinPath(directory_, "manifest"); }

  const std::string directory_;
  FileSystem& file_system_;
  const std::shared_ptr<BlockCache> cache_;  // perhaps of other stores too
  std::unique_ptr<storage::BlobStore> store_;
  Manifest manifest_;
  std::shared_ptr<const BlockList> list_ = std::make_shared<const BlockList>();
  std::vector<std::string> orphans_;
};

}  // namespace hearth::tsdb

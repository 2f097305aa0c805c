// SPDX-License-Identifier: Apache-2.0
#include "tsdb/selection.h"

#include <xxhash.h>

namespace hearth::tsdb {

std::shared_ptr<const Projection> Selection::FindProjection(
    const std::vector<std::string>& names) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& projection : projections_) {
    if (projection->names == names) return projection;
  }
  return nullptr;
}

void Selection::Keep(std::shared_ptr<const Projection> projection) const {
  absl::MutexLock lock(&mutex_);
  if (projections_.size() < kProjectionsMax) projections_.push_back(std::move(projection));
}

std::shared_ptr<const RowLabels> Selection::labels() const {
  absl::MutexLock lock(&mutex_);
  return labels_;
}

void Selection::Keep(std::shared_ptr<const RowLabels> labels) const {
  if (rows() > kLabelRowsMax || labels->bytes.size() > rows() * kLabelBytesMax) return;
  absl::MutexLock lock(&mutex_);
  labels_ = std::move(labels);
}

uint64_t Selection::memory_bytes() const {
  const size_t labels = rows() <= kLabelRowsMax ? rows() * (kLabelBytesMax + sizeof(uint32_t)) : 0;
  return sizeof *this + labels +
         (ids.size() + head_ids.size() + kProjectionsMax * rows()) * sizeof(uint32_t);
}

BlockCache::Key SelectionKey(uint64_t store, const std::vector<model::Matcher>& matchers,
                             const std::vector<uint64_t>& blocks, uint64_t head_epoch) {
  std::string text;
  for (const model::Matcher& matcher : matchers) text += matcher.ToString() + '\n';
  const uint64_t hash = XXH3_64bits_withSeed(text.data(), text.size(), head_epoch);
  return {store, XXH3_64bits_withSeed(blocks.data(), blocks.size() * sizeof(uint64_t), hash)};
}

std::shared_ptr<const Selection> FindSelection(BlockCache& cache, uint64_t store,
                                               const std::vector<model::Matcher>& matchers,
                                               const std::vector<uint64_t>& blocks,
                                               uint64_t head_epoch) {
  auto found = std::static_pointer_cast<const Selection>(
      cache.Get(SelectionKey(store, matchers, blocks, head_epoch)));
  const bool same = found != nullptr && found->matchers == matchers && found->blocks == blocks &&
                    found->head_epoch == head_epoch;
  return same ? found : nullptr;
}

void KeepSelection(BlockCache& cache, std::shared_ptr<const Selection> selection) {
  const auto key =
      SelectionKey(selection->store, selection->matchers, selection->blocks, selection->head_epoch);
  const uint64_t bytes = selection->memory_bytes();
  cache.Drop(key);
  cache.Put(key, std::move(selection), bytes);
}

}  // namespace hearth::tsdb

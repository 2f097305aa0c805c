// SPDX-License-Identifier: Apache-2.0
#include "tsdb/matched_values.h"

#include <xxhash.h>

#include <string>
#include <utility>

namespace hearth::tsdb {
namespace {

// Of the cache's keys of a block the upper half tells the kind; kinds of parts are small numbers.
constexpr uint64_t kMatchedValues = uint64_t{1} << 63;

BlockCache::Key KeyOf(uint64_t owner, const model::Matcher& matcher) {
  const std::string text = matcher.ToString();
  return {owner, kMatchedValues | XXH3_64bits(text.data(), text.size())};
}

}  // namespace

MatchedValues::MatchedValues(model::Matcher matcher, uint64_t owner, size_t values)
    : matcher_(std::move(matcher)),
      owner_(owner),
      size_(values),
      known_(std::make_unique<std::atomic<uint8_t>[]>(values)) {}

std::shared_ptr<const MatchedValues> MatchedValues::Find(BlockCache& cache, uint64_t owner,
                                                         const model::Matcher& matcher,
                                                         size_t values) {
  const BlockCache::Key key = KeyOf(owner, matcher);
  auto found = std::static_pointer_cast<const MatchedValues>(cache.Get(key));
  const bool same = found != nullptr && found->matcher_ == matcher && found->owner_ == owner;
  if (same && found->size_ >= values) return found;
  // A head grows: room for more, so that not each new value makes a new one.
  const size_t room = same ? values + values / 4 : values;
  auto made = std::make_shared<MatchedValues>(matcher, owner, room);
  for (size_t i = 0; same && i < found->size_; ++i) {
    made->known_[i].store(found->known_[i].load(std::memory_order_relaxed),
                          std::memory_order_relaxed);
  }
  cache.Drop(key);
  cache.Put(key, made, room + sizeof *made + 2 * matcher.value().size());
  return made;
}

}  // namespace hearth::tsdb

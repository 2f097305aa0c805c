// SPDX-License-Identifier: Apache-2.0
// Which values of a label a matcher accepts, asked once each: a regular expression costs more than
// all the rest of a look-up. Kept in the block cache by block (or head) and matcher, so that
// queries with other matchers beside it, and lists of blocks that share some, find it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "model/matcher.h"
#include "tsdb/block_cache.h"

namespace hearth::tsdb {

class MatchedValues {
 public:
  MatchedValues(model::Matcher matcher, uint64_t owner, size_t values);
  // `text`: what the value of that number, below size(), is; always the same.
  bool Accepts(size_t number, std::string_view text) const {
    std::atomic<uint8_t>& known = known_[number];
    uint8_t answer = known.load(std::memory_order_relaxed);
    if (answer == kUnknown) {
      answer = matcher_.Matches(text) ? kYes : kNo;
      known.store(answer, std::memory_order_relaxed);  // whoever else asks finds the same
    }
    return answer == kYes;
  }
  size_t size() const { return size_; }

  // What is known of the matcher for this owner, a number that no other has; made where the cache
  // has nothing, or fewer than `values`.
  static std::shared_ptr<const MatchedValues> Find(BlockCache& cache, uint64_t owner,
                                                   const model::Matcher& matcher, size_t values);

 private:
  enum Known : uint8_t { kUnknown, kYes, kNo };
  const model::Matcher matcher_;
  const uint64_t owner_;
  const size_t size_;
  const std::unique_ptr<std::atomic<uint8_t>[]> known_;
};

}  // namespace hearth::tsdb

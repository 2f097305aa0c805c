// SPDX-License-Identifier: Apache-2.0
// Bytes that stay where they are: packed label sets of the head, copied in once, freed all
// together. Not thread-safe for Add; what was handed out may be read from any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace hearth::tsdb {

class LabelArena {
 public:
  std::string_view Add(std::string_view bytes) {
    if (bytes.size() > left_) {
      // Blocks grow with the arena, so that small workspaces stay small.
      const size_t size = std::max(bytes.size(), std::clamp<size_t>(memory_bytes_, 1024, 1 << 18));
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
      next_ = blocks_.back().get();
      left_ = size;
      memory_bytes_ += size;
    }
    std::memcpy(next_, bytes.data(), bytes.size());
    const std::string_view added(next_, bytes.size());
    next_ += bytes.size();
    left_ -= bytes.size();
    return added;
  }
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth::tsdb

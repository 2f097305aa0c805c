// SPDX-License-Identifier: Apache-2.0
// The durable, ordered log beneath a store. One machine: files (tsdb/wal.h). Later: a shared log.
// Frames are self-contained; the engine above only appends, reads from a position, and truncates.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string_view>

#include "storage/appender.h"

namespace hearth::storage {

// Thread-safe but for Replay, which comes before the first Append.
class Log {
 public:
  virtual ~Log() = default;
  // Buffers a frame and returns its position; it is durable once WaitDurable(position) returned OK.
  virtual absl::StatusOr<Position> Append(uint8_t type, std::string_view payload) = 0;
  virtual absl::Status WaitDurable(Position position) = 0;
  // Hands every intact frame after `from` to `visit`, in order. A torn tail is cut; a corrupt frame
  // elsewhere is quarantined, counted and skipped. A status of `visit` ends the replay.
  virtual absl::Status Replay(
      Position from,
      absl::FunctionRef<absl::Status(Position, uint8_t type, std::string_view payload)> visit) = 0;
  // Everything up to and including `position` is held elsewhere and may go.
  virtual absl::Status TruncateUpTo(Position position) = 0;
  virtual Position last() const = 0;
  virtual uint64_t size_bytes() const = 0;
};

}  // namespace hearth::storage

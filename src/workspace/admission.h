// SPDX-License-Identifier: Apache-2.0
// What happens to a batch before it reaches the store: de-duplication of the replicas of an HA pair
// (aws-contract.md §11.4), and the limits on series per label set that a workspace is configured
// with (§11.1, §11.2). A batch that neither concerns passes untouched and uncopied.
//
// Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/string_map.h"
#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"
#include "storage/querier.h"
#include "storage/write_batch.h"

namespace hearth::workspace {

inline constexpr int64_t kActiveSeriesMs = int64_t{2} * 3600 * 1000;  // §11.1: a sample in 2 h
inline constexpr int64_t kHaSilenceMs = 30'000;                       // §11.4
inline constexpr size_t kHaClustersMax = 500;                         // §11.1, L-110BFC6B

// Counts the active series of each configured label set and refuses new ones beyond its limit.
class LabelSetLimits {
 public:
  explicit LabelSetLimits(const std::vector<catalog::LabelSetLimit>& limits);
  // Series that the store has had a sample of within the active time count from the start.
  void Fill(const storage::Querier& store, int64_t now_ms);
  bool empty() const { return sets_.empty(); }
  // Cortex's words where the series may not be added; nothing where it may (it then counts).
  std::optional<std::string> Refuses(model::LabelsView labels, int64_t now_ms);

 private:
  struct Set {
    std::vector<std::pair<std::string, std::string>> labels;  // empty: the default bucket
    int64_t max = 0;                                          // 0: no limit
    absl::flat_hash_map<uint64_t, int64_t> active;            // hash of the labels → last seen
    int64_t swept_ms = 0;
  };
  static bool Matches(const Set& set, model::LabelsView labels);
  absl::Mutex mutex_;
  std::vector<Set> sets_;
};

// Which replica of each cluster counts: a lease in the catalog, so that several processes agree;
// known here for as long as it is renewed. Another takes over after 30 s of silence (25 to 30 s
// where it writes to another process).
class HaElection {
 public:
  enum class Verdict { kElected, kFollower, kTooMany };
  HaElection(std::string workspace, catalog::Catalog* catalog)
      : workspace_(std::move(workspace)), catalog_(catalog) {}
  // `elected` is set for a follower.
  Verdict Judge(std::string_view cluster, std::string_view replica, int64_t now_ms,
                std::string* elected);

 private:
  struct Cluster {
    std::string replica;
    int64_t seen_ms = 0;        // its last write here
    int64_t leased_ms = 0;      // when the lease was last written
    int64_t held_until_ms = 0;  // by another process' word
  };
  // The replica that holds the lease after an attempt to take it for `replica`.
  std::string Lease(std::string_view cluster, std::string_view replica, int64_t* held_until_ms);
  const std::string workspace_;
  catalog::Catalog* const catalog_;  // null: this process decides alone
  absl::Mutex mutex_;
  StringMap<Cluster> clusters_ ABSL_GUARDED_BY(mutex_);
};

struct Admitted {
  // The batch to store: the one given, or `filtered`.
  const storage::WriteBatch* batch = nullptr;
  std::vector<uint32_t> origin;  // of each series of `filtered`, its index in the one given
  // Refused by a limit, in the order of the batch: series and text; samples in all.
  std::optional<std::pair<uint32_t, std::string>> refused;
  size_t refused_samples = 0;
  std::string_view refused_reason;  // of the discarded-samples metric
  // Dropped because another replica is elected.
  std::string follower;
  size_t follower_samples = 0;
};

class Admission {
 public:
  Admission(std::string workspace, catalog::Catalog* catalog, const Clock& clock)
      : election_(std::move(workspace), catalog), clock_(clock) {}
  void Configure(const std::vector<catalog::LabelSetLimit>& limits, const storage::Querier& store);
  // True where every series' labels must be there for Admit; else a series that the store knows may
  // be without: of replicas' labels, which are changed here, it knows none.
  bool NeedsLabels() const { return limits() != nullptr; }
  // `filtered` is used where something was left out or changed.
  Admitted Admit(const storage::WriteBatch& given, storage::WriteBatch* filtered);

 private:
  std::shared_ptr<LabelSetLimits> limits() const;
  HaElection election_;
  const Clock& clock_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<LabelSetLimits> limits_ ABSL_GUARDED_BY(mutex_);  // null: none
};

}  // namespace hearth::workspace

// SPDX-License-Identifier: Apache-2.0
#include "workspace/admission.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/leases.h"
#include "model/labels.h"

namespace hearth::workspace {
namespace {

constexpr std::string_view kClusterLabel = "cluster";
constexpr std::string_view kReplicaLabel = "__replica__";
// A lease is written this often while its replica writes: the catalog is no place for each write.
constexpr int64_t kLeaseRenewMs = 5'000;
// Idle series are looked for at most this often, and only when a set is full.
constexpr int64_t kSweepEveryMs = 60'000;
// Clusters that have been silent so long make room for others.
constexpr int64_t kClusterIdleMs = int64_t{30} * 60 * 1000;

// {a="b", c="d"}, as Cortex prints a label set.
std::string SetText(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}={}", out.size() > 1 ? ", " : "", name, model::QuoteGo(value));
  }
  return out + "}";
}

// Copies series `index` of `from` with its samples, under `labels`.
void CopySeries(const storage::WriteBatch& from, uint32_t index, model::LabelsView labels,
                storage::WriteBatch* to) {
  const storage::WriteBatch::Series& series = from.series()[index];
  if (labels.empty() && series.raw != nullptr) {
    to->AddRawSeries(series.raw_labels(), series.number);
    to->series().back().known = series.known;
  } else {
    to->AddSeries(labels);
  }
  for (uint32_t i = 0; i < series.sample_count; ++i) {
    const size_t at = series.first_sample + i;
    to->AddSample(from.times_ms()[at], from.values()[at], from.start_time_ms(at));
  }
  for (uint32_t i = 0; i < series.histogram_count; ++i) {
    to->AddHistogram(from.histograms()[series.first_histogram + i]);
  }
  // Exemplars come in the order of their series.
  const auto& exemplars = from.exemplars();
  auto at = std::lower_bound(exemplars.begin(), exemplars.end(), index,
                             [](const auto& entry, uint32_t i) { return entry.series < i; });
  for (; at != exemplars.end() && at->series == index; ++at) to->AddExemplar(at->exemplar);
}

// Builds the batch to store: the one given for as long as nothing of it is left out or changed.
class BatchFilter {
 public:
  BatchFilter(const storage::WriteBatch& given, storage::WriteBatch* filtered)
      : given_(given), filtered_(*filtered) {
    out_.batch = &given;
  }

  // From series `index` on nothing is as it came: all before it is copied.
  void BeginCopy(uint32_t index) {
    if (copying_) return;
    copying_ = true;
    out_.batch = &filtered_;
    filtered_.SetEpoch(given_.epoch());
    filtered_.SetSymbols(given_.symbols());
    for (const model::Metadata& metadata : given_.metadata()) filtered_.AddMetadata(metadata);
    for (uint32_t i = 0; i < index; ++i) Keep(i, given_.labels(given_.series()[i]));
  }
  void Keep(uint32_t index, model::LabelsView labels) {
    if (!copying_) return;
    CopySeries(given_, index, labels, &filtered_);
    out_.origin.push_back(index);
  }
  void Refuse(uint32_t index, std::string text, std::string_view reason) {
    BeginCopy(index);
    out_.refused_samples += SamplesOf(index);
    if (out_.refused) return;
    out_.refused.emplace(index, std::move(text));
    out_.refused_reason = reason;
  }
  void DropFollower(uint32_t index, std::string_view replica) {
    BeginCopy(index);
    out_.follower_samples += SamplesOf(index);
    if (!out_.follower.empty()) return;
    out_.follower = fmt::format("replicas did not match, rejecting sample: replica={}, elected={}",
                                replica, elected_);
  }
  // Series of one sender carry the same pair: it is judged once.
  HaElection::Verdict Judge(HaElection* election, std::string_view cluster,
                            std::string_view replica, int64_t now_ms) {
    if (judged_ && cluster == cluster_ && replica == replica_) return verdict_;
    judged_ = true;
    cluster_ = cluster;
    replica_ = replica;
    verdict_ = election->Judge(cluster, replica, now_ms, &elected_);
    return verdict_;
  }
  Admitted Finish() { return std::move(out_); }

 private:
  size_t SamplesOf(uint32_t index) const {
    const storage::WriteBatch::Series& series = given_.series()[index];
    return size_t{series.sample_count} + series.histogram_count;
  }
  const storage::WriteBatch& given_;
  storage::WriteBatch& filtered_;
  Admitted out_;
  bool copying_ = false;
  bool judged_ = false;
  std::string_view cluster_;  // of given_
  std::string_view replica_;
  HaElection::Verdict verdict_ = HaElection::Verdict::kElected;
  std::string elected_;
};

}  // namespace

// ---- limits by label set ---------------------------------------------------------------------

LabelSetLimits::LabelSetLimits(const std::vector<catalog::LabelSetLimit>& limits) {
  for (const catalog::LabelSetLimit& limit : limits) {
    Set set;
    set.labels.assign(limit.labels.begin(), limit.labels.end());
    set.max = limit.max_series;
    sets_.push_back(std::move(set));
  }
}

bool LabelSetLimits::Matches(const Set& set, model::LabelsView labels) {
  return std::all_of(set.labels.begin(), set.labels.end(),
                     [&](const auto& pair) { return labels.Get(pair.first) == pair.second; });
}

void LabelSetLimits::Fill(const storage::Querier& store, int64_t now_ms) {
  const auto series = store.Series({now_ms - kActiveSeriesMs, now_ms}, {}, 0);
  if (!series.ok()) {
    log::Warn("workspace", "series limits by label set begin from zero",
              {{"error", Message(series.status())}});
    return;
  }
  for (const model::Labels& labels : *series) Refuses(labels, now_ms);
}

std::optional<std::string> LabelSetLimits::Refuses(model::LabelsView labels, int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  const uint64_t hash = labels.Hash();
  std::vector<Set*> meant;
  Set* rest = nullptr;
  bool named = false;
  for (Set& set : sets_) {
    if (set.labels.empty()) {
      rest = &set;
    } else if (Matches(set, labels)) {
      named = true;
      if (set.max > 0) meant.push_back(&set);
    }
  }
  if (!named && rest != nullptr && rest->max > 0) meant.push_back(rest);
  // All of them must have room before it counts in any.
  for (Set* set : meant) {
    if (set->active.contains(hash) || static_cast<int64_t>(set->active.size()) < set->max) continue;
    if (now_ms - set->swept_ms >= kSweepEveryMs) {
      set->swept_ms = now_ms;
      absl::erase_if(set->active,
                     [&](const auto& entry) { return entry.second < now_ms - kActiveSeriesMs; });
      if (static_cast<int64_t>(set->active.size()) < set->max) continue;
    }
    return fmt::format(
        "per-labelset series limit of {} exceeded (labelSet: {}, global limit: {} actual local "
        "limit: {})",
        set->max, SetText(set->labels), set->max, set->max);
  }
  for (Set* set : meant) set->active[hash] = now_ms;
  return std::nullopt;
}

// ---- high availability -----------------------------------------------------------------------

std::string HaElection::Lease(std::string_view cluster, std::string_view replica,
                              int64_t* held_until_ms) {
  if (catalog_ == nullptr) return std::string(replica);
  // Label values are any text; names of leases hold no NUL.
  const std::string name = fmt::format("ha/{}/{}", workspace_, PercentEncode(cluster, false));
  const std::string owner = PercentEncode(replica, false);
  std::string holder;
  const absl::Status status =
      catalog_->Write([&](catalog::Transaction& transaction) -> absl::Status {
        const auto lease = catalog::AcquireLease(transaction, name, owner, kHaSilenceMs);
        if (absl::IsFailedPrecondition(lease.status())) {
          TRY_ASSIGN(const catalog::Lease other, catalog::GetLease(transaction, name));
          *held_until_ms = other.expires_ms;
          return PercentDecode(other.owner, false, &holder) ? absl::OkStatus()
                                                            : DataLoss("lease owner {}", name);
        }
        TRY(lease);
        holder = std::string(replica);
        return absl::OkStatus();
      });
  if (status.ok()) return holder;
  // Samples go on without the catalog: this process decides alone until it is back.
  log::Warn("workspace", "HA lease not written", {{"lease", name}, {"error", Message(status)}});
  return std::string(replica);
}

HaElection::Verdict HaElection::Judge(std::string_view cluster, std::string_view replica,
                                      int64_t now_ms, std::string* elected) {
  absl::MutexLock lock(&mutex_);
  auto found = clusters_.find(cluster);
  if (found == clusters_.end()) {
    if (clusters_.size() >= kHaClustersMax) {
      for (auto it = clusters_.begin(); it != clusters_.end();) {
        if (it->second.seen_ms < now_ms - kClusterIdleMs) {
          clusters_.erase(it++);
        } else {
          ++it;
        }
      }
      if (clusters_.size() >= kHaClustersMax) return Verdict::kTooMany;
    }
    found = clusters_.emplace(std::string(cluster), Cluster{}).first;
  }
  Cluster& entry = found->second;
  const bool ours = entry.replica == replica && !entry.replica.empty();
  const bool silent = entry.seen_ms + kHaSilenceMs <= now_ms && entry.held_until_ms <= now_ms;
  if (ours) {
    entry.seen_ms = now_ms;
    if (now_ms - entry.leased_ms < kLeaseRenewMs) return Verdict::kElected;
  } else if (!silent && !entry.replica.empty()) {
    *elected = entry.replica;
    return Verdict::kFollower;
  }
  int64_t held_until_ms = 0;
  const std::string holder = Lease(cluster, replica, &held_until_ms);
  entry.replica = holder;
  entry.leased_ms = now_ms;
  if (holder == replica) {
    entry.seen_ms = now_ms;
    entry.held_until_ms = 0;
    return Verdict::kElected;
  }
  entry.seen_ms = 0;
  entry.held_until_ms = held_until_ms;
  *elected = holder;
  return Verdict::kFollower;
}

// ---- both ------------------------------------------------------------------------------------

void Admission::Configure(const std::vector<catalog::LabelSetLimit>& limits,
                          const storage::Querier& store) {
  std::shared_ptr<LabelSetLimits> next;
  if (!limits.empty()) {
    next = std::make_shared<LabelSetLimits>(limits);
    next->Fill(store, clock_.NowMs());
  }
  absl::MutexLock lock(&mutex_);
  limits_ = std::move(next);
}

std::shared_ptr<LabelSetLimits> Admission::limits() const {
  absl::MutexLock lock(&mutex_);
  return limits_;
}

Admitted Admission::Admit(const storage::WriteBatch& given, storage::WriteBatch* filtered) {
  const auto limits = this->limits();
  BatchFilter filter(given, filtered);
  // Without any labels the store knows all of it, as it would not if they named a replica.
  if (limits == nullptr && given.arena().empty()) return filter.Finish();
  const int64_t now_ms = clock_.NowMs();
  model::Labels without;
  for (uint32_t i = 0; i < given.series().size(); ++i) {
    model::LabelsView labels = given.labels(given.series()[i]);
    const std::string_view replica = labels.Get(kReplicaLabel);
    const std::string_view cluster = replica.empty() ? replica : labels.Get(kClusterLabel);
    if (!cluster.empty()) {
      const HaElection::Verdict verdict = filter.Judge(&election_, cluster, replica, now_ms);
      if (verdict == HaElection::Verdict::kTooMany) {
        filter.Refuse(i, fmt::format("too many HA clusters (limit: {})", kHaClustersMax),
                      "too_many_ha_clusters");
        continue;
      }
      if (verdict == HaElection::Verdict::kFollower) {
        filter.DropFollower(i, replica);
        continue;
      }
      model::LabelsBuilder builder(labels);
      builder.Delete(kReplicaLabel);
      without = builder.Build();
      labels = without;
      filter.BeginCopy(i);
    }
    if (limits != nullptr) {
      if (auto text = limits->Refuses(labels, now_ms)) {
        filter.Refuse(i, *std::move(text), "per_labelset_series_limit");
        continue;
      }
    }
    filter.Keep(i, labels);
  }
  return filter.Finish();
}

}  // namespace hearth::workspace

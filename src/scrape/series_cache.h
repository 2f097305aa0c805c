// SPDX-License-Identifier: Apache-2.0
// What a target's earlier scrapes taught: which text of a series means which labels, so that a
// steady scrape does no label work, and which series were there the last time, so that those which
// vanish get a staleness marker. One scrape at a time; not thread-safe.
//
//   by text    "m{a=\"1\"}"  ─→ Series, or dropped by relabelling
//   by labels  packed bytes  ─→ Series        (two texts may mean one series)
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "model/metadata.h"

namespace hearth::scrape {

class SeriesCache {
 public:
  struct Series {
    std::string labels;                         // packed
    uint64_t seen = 0;                          // the scrape that met it last
    uint64_t tracked = 0;                       // the scrape after which its absence counts
    int64_t own_time_ms = INT64_MIN;            // of the newest sample that the target gave a time
    bool is_histogram = false;                  // what its last sample was
    std::unique_ptr<model::Exemplar> exemplar;  // the last one passed on
  };
  struct Entry {
    Series* series = nullptr;  // null: dropped by relabelling
    uint64_t seen = 0;
  };

  void Begin() {
    ++scrape_;
    current_.clear();
  }

  // Null where the text is new.
  const Entry* Find(std::string_view text) {
    const auto found = entries_.find(text);
    if (found == entries_.end()) return nullptr;
    found->second.seen = scrape_;
    return &found->second;
  }

  // `is_new` tells whether no text meant these labels before.
  Series* Add(std::string_view text, std::string_view packed, bool* is_new) {
    auto found = series_.find(packed);
    *is_new = found == series_.end();
    if (*is_new) {
      auto series = std::make_unique<Series>();
      series->labels = packed;
      found = series_.insert(std::move(series)).first;
    }
    entries_.insert_or_assign(std::string(text), Entry{found->get(), scrape_});
    return found->get();
  }
  void AddDropped(std::string_view text) {
    entries_.insert_or_assign(std::string(text), Entry{nullptr, scrape_});
  }

  // False where this scrape has met the series before.
  bool MarkSeen(Series* series) const {
    if (series->seen == scrape_) return false;
    series->seen = scrape_;
    return true;
  }
  // Its absence from the next scrape will be marked.
  void Track(Series* series) {
    if (series->tracked == scrape_) return;
    series->tracked = scrape_;
    current_.push_back(series);
  }

  // Calls `stale(series)` for each series of the last good scrape that this one does not have.
  // After a failed scrape (`good` false) that is all of them.
  template <typename F>
  void Finish(bool good, F stale) {
    for (const Series* series : previous_) {
      if (!good || series->tracked != scrape_) stale(*series);
    }
    previous_.clear();
    if (good) previous_.swap(current_);
    Clean(good);
  }

  // Labels may come out differently from now on (other rules); what must become stale stays known.
  void ForgetTexts() { entries_.clear(); }
  size_t size() const { return entries_.size(); }

 private:
  // Churn must not grow the cache: it may be twice as large as the last good scrape. Scrapes that
  // fail at a limit bring new series too.
  static constexpr size_t kSlack = 1'000;

  void Clean(bool good) {
    if (good) {
      used_ = 0;
      for (const auto& [text, entry] : entries_) used_ += entry.seen == scrape_ ? 1 : 0;
    }
    const size_t most = 2 * used_ + kSlack;
    if (entries_.size() <= most && series_.size() <= most) return;
    absl::erase_if(entries_, [this](const auto& e) { return e.second.seen != scrape_; });
    absl::flat_hash_set<const Series*> named;
    for (const auto& [text, entry] : entries_) named.insert(entry.series);
    for (const Series* series : previous_) named.insert(series);
    absl::erase_if(series_, [&named](const auto& s) { return !named.contains(s.get()); });
  }

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view packed) const {
      return std::hash<std::string_view>{}(packed);
    }
    size_t operator()(const std::unique_ptr<Series>& s) const { return (*this)(s->labels); }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view Key(std::string_view packed) { return packed; }
    static std::string_view Key(const std::unique_ptr<Series>& s) { return s->labels; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Key(a) == Key(b);
    }
  };

  uint64_t scrape_ = 0;
  size_t used_ = 0;  // texts of the last good scrape
  StringMap<Entry> entries_;
  absl::flat_hash_set<std::unique_ptr<Series>, Hash, Equal> series_;
  std::vector<Series*> current_;   // tracked by this scrape
  std::vector<Series*> previous_;  // by the last good one
};

}  // namespace hearth::scrape

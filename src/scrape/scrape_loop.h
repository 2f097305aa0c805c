// SPDX-License-Identifier: Apache-2.0
// What one target's scrapes have in common: its series cache, its report series and the way from a
// body to a batch (prometheus/scrape scrapeLoop). No network, no clock, no store: it is handed a
// body and fills a WriteBatch. One scrape at a time; not thread-safe.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "codec/exposition.h"
#include "model/labels.h"
#include "scrape/config.h"
#include "scrape/series_cache.h"
#include "storage/write_batch.h"

namespace hearth::scrape {

// Counts of one scrape, as the report series have them.
struct ScrapeCounts {
  size_t scraped = 0;        // samples in the body
  size_t after_relabel = 0;  // that relabelling left
  size_t series_added = 0;
  size_t duplicates = 0;          // the same series twice in one body: left out
  bool buckets_exceeded = false;  // a native histogram has more than the job's limit
  int64_t body_bytes = 0;         // -1: more than the job's limit
};

class ScrapeLoop {
 public:
  ScrapeLoop(std::shared_ptr<const JobConfig> job, model::Labels target_labels);

  // Takes over changed rules; what the target had stays known.
  void SetJob(std::shared_ptr<const JobConfig> job);

  // Appends the samples of `body` at `time_ms` to `batch`, and staleness markers of what vanished.
  // An error means that the scrape failed: `batch` then holds markers alone.
  absl::Status AppendBody(std::string_view body, const codec::ExpositionOptions& options,
                          int64_t time_ms, storage::WriteBatch* batch, ScrapeCounts* counts);
  // As a scrape that found nothing: markers for everything that was there.
  void AppendFailure(int64_t time_ms, storage::WriteBatch* batch);
  // up, scrape_duration_seconds and the rest. `timeout_ms` is the target's own.
  void AppendReport(int64_t time_ms, bool up, double duration_seconds, int64_t timeout_ms,
                    const ScrapeCounts& counts, storage::WriteBatch* batch);
  // Markers for the report series too: the target is gone.
  void AppendEnd(int64_t time_ms, storage::WriteBatch* batch);

  // What is known of the target's metrics, by name, until ten scrapes after a family was there
  // last; the version changes with it.
  std::vector<model::Metadata> Metadata() const;
  uint64_t metadata_version() const { return metadata_version_; }

 private:
  struct Report {
    std::string up;
    std::string duration;
    std::string scraped;
    std::string after_relabel;
    std::string added;
    std::string timeout;
    std::string sample_limit;
    std::string body_bytes;
  };

  absl::Status ParseBody(codec::ExpositionReader* reader, int64_t time_ms,
                         storage::WriteBatch* batch, ScrapeCounts* counts);
  absl::Status AppendSample(codec::ExpositionReader* reader, bool is_histogram, int64_t time_ms,
                            storage::WriteBatch* batch, ScrapeCounts* counts);
  absl::Status AppendHistogram(const codec::ExpositionReader& reader, std::string_view labels,
                               int64_t time_ms, storage::WriteBatch* batch, ScrapeCounts* counts);
  static void AppendExemplars(codec::ExpositionReader* reader, bool is_histogram,
                              int64_t sample_time_ms, SeriesCache::Series* series,
                              storage::WriteBatch* batch);
  absl::Status Resolve(codec::ExpositionReader* reader, SeriesCache::Series** series,
                       ScrapeCounts* counts);
  void AddTargetLabels(model::LabelsBuilder* labels) const;
  absl::Status CheckSeries(model::LabelsView labels) const;
  void TakeMetadata(codec::ExpositionEntry entry, const codec::ExpositionReader& reader);
  void AppendMetadata(storage::WriteBatch* batch);
  void ForgetMetadata();
  std::string ReportLabels(std::string_view name) const;

  std::shared_ptr<const JobConfig> job_;
  const model::Labels target_labels_;
  Report report_;
  SeriesCache cache_;
  model::LabelsBuilder builder_;
  struct Family {
    model::Metadata metadata;
    uint64_t seen = 0;  // the body that named it last
  };
  StringMap<Family> metadata_;
  uint64_t bodies_ = 0;
  std::vector<std::string> changed_metadata_;
  uint64_t metadata_version_ = 0;
};

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
// What discovery finds: groups of addresses with labels, as files and HTTP endpoints list them
// (prometheus/discovery/targetgroup), and what becomes of an address by a job's rules.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "scrape/config.h"

namespace hearth::scrape {

struct TargetGroup {
  std::string source;                  // a path or URL, for messages
  std::vector<model::Labels> targets;  // each with __address__
  model::Labels labels;                // of all of them
};

// [{"targets": ["host:port"], "labels": {…}}]. InvalidArgument says where it is wrong.
absl::StatusOr<std::vector<TargetGroup>> ParseJsonGroups(std::string_view text,
                                                         std::string_view source);
absl::StatusOr<std::vector<TargetGroup>> ParseYamlGroups(std::string_view text,
                                                         std::string_view source);
TargetGroup GroupOf(const StaticGroup& group, std::string_view source);

// A target as it is scraped.
struct TargetIdentity {
  model::Labels discovered;  // before relabelling, with the job's own __ labels
  model::Labels labels;      // public: no name begins with __
  std::string address;
  std::string url;
  int64_t interval_ms = 0;
  int64_t timeout_ms = 0;
  HistogramConfig histograms;
  bool dropped = false;  // by relabelling; then only `discovered` is set

  // Equal keys: the same target, whatever it was discovered by.
  std::string Key() const { return labels.ToString() + "\n" + url; }
};

// prometheus/scrape PopulateLabels. InvalidArgument where the result cannot be scraped.
absl::StatusOr<TargetIdentity> MakeTarget(const JobConfig& job, const TargetGroup& group,
                                          model::LabelsView target);

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
// Relabelling rules (prometheus/model/relabel): compiled once, then applied to label sets. Regular
// expressions are anchored at both ends with dot matching newline; $1 and ${name} expand as in Go.
// A RelabelRule is immutable and thread-safe once made.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "model/matcher.h"

namespace hearth::scrape {

enum class RelabelAction : uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};
std::string_view Name(RelabelAction action);  // as in the file: "replace", "keepequal", …

// One rule as the file says it; what is absent has Prometheus' default.
struct RelabelConfig {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";
  uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;
  bool legacy_names = false;  // metric_name_validation_scheme: legacy
  friend bool operator==(const RelabelConfig&, const RelabelConfig&) = default;
};
// Sets `action` from its name in any case; InvalidArgument lists what is allowed.
absl::Status ParseRelabelAction(std::string_view name, RelabelAction* action);

class RelabelRule {
 public:
  // InvalidArgument where a field is missing, superfluous for the action, or does not compile.
  static absl::StatusOr<RelabelRule> Make(const RelabelConfig& config);
  // False: the label set is dropped.
  bool Apply(model::LabelsBuilder* labels) const;
  const RelabelConfig& config() const { return config_; }
  friend bool operator==(const RelabelRule& a, const RelabelRule& b) {
    return a.config_ == b.config_;
  }

 private:
  RelabelRule(RelabelConfig config, model::AnchoredRegex regex)
      : config_(std::move(config)), regex_(std::move(regex)) {}
  std::string JoinSources(const model::LabelsBuilder& labels) const;
  bool IsLabelName(std::string_view name) const;
  void Replace(std::string_view joined, model::LabelsBuilder* labels) const;
  void MapNames(model::LabelsBuilder* labels) const;
  void DropNames(bool drop_matching, model::LabelsBuilder* labels) const;

  RelabelConfig config_;
  model::AnchoredRegex regex_;
};

using RelabelRules = std::vector<RelabelRule>;
// All rules in order; false as soon as one drops.
bool Relabel(const RelabelRules& rules, model::LabelsBuilder* labels);

}  // namespace hearth::scrape

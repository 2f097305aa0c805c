// SPDX-License-Identifier: Apache-2.0
#include "scrape/target_groups.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"
#include "codec/yaml.h"
#include "model/duration.h"

namespace hearth::scrape {
namespace {

using codec::YamlNode;
using model::Labels;
using model::QuoteGo;

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kInterval = "__scrape_interval__";
constexpr std::string_view kTimeout = "__scrape_timeout__";
constexpr std::string_view kParamPrefix = "__param_";

// The labels by which relabelling may choose what becomes of a target's histograms.
struct HistogramLabel {
  std::string_view name;
  std::string_view what;  // in messages
  bool HistogramConfig::*member;
};
constexpr HistogramLabel kHistogramLabels[] = {
    {"__convert_classic_histograms_to_nhcb__", "convert classic histograms to nhcb",
     &HistogramConfig::classic_to_nhcb},
    {"__always_scrape_classic_histograms__", "always scrape classic histograms",
     &HistogramConfig::classic_too},
    {"__scrape_native_histograms__", "scrape native histograms", &HistogramConfig::native},
};

Labels AddressLabels(std::string_view address) { return Labels({{kAddress, address}}); }

absl::StatusOr<Labels> JsonLabels(const nlohmann::json& object, std::string_view source) {
  if (!object.is_object()) return InvalidArgument("{}: labels is no object", source);
  std::vector<model::Label> pairs;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string() || name.empty()) {
      return InvalidArgument("{}: label {} must have a text as value", source, QuoteGo(name));
    }
    pairs.push_back({name, value.get_ref<const std::string&>()});
  }
  return Labels::FromPairs(std::move(pairs));
}

absl::StatusOr<TargetGroup> JsonGroup(const nlohmann::json& item, std::string_view source) {
  if (!item.is_object()) return InvalidArgument("{}: a group is no object", source);
  TargetGroup group;
  group.source = source;
  for (const auto& [key, value] : item.items()) {
    if (key == "labels") {
      if (value.is_null()) continue;
      TRY_ASSIGN(group.labels, JsonLabels(value, source));
    } else if (key == "targets") {
      if (value.is_null()) continue;
      if (!value.is_array()) return InvalidArgument("{}: targets is no list", source);
      for (const auto& target : value) {
        if (!target.is_string()) return InvalidArgument("{}: a target is no text", source);
        group.targets.push_back(AddressLabels(target.get_ref<const std::string&>()));
      }
    } else {
      return InvalidArgument("{}: unknown key {}; a group has targets and labels", source,
                             QuoteGo(key));
    }
  }
  return group;
}

absl::StatusOr<TargetGroup> YamlGroup(const YamlNode& item, std::string_view source) {
  TargetGroup group;
  group.source = source;
  if (!item.is_map()) return Annotate(item.Error("a group is no map"), source);
  for (const auto& [key, value] : item.entries()) {
    if (key.text() == "targets") {
      for (const YamlNode& target : value.items()) {
        TRY_ASSIGN(const std::string address, target.AsText());
        group.targets.push_back(AddressLabels(address));
      }
    } else if (key.text() == "labels") {
      std::vector<model::Label> pairs;
      std::vector<std::string> values;
      values.reserve(value.entries().size());
      for (const auto& [name, text] : value.entries()) {
        TRY_ASSIGN(values.emplace_back(), text.AsText());
        pairs.push_back({name.text(), values.back()});
      }
      group.labels = Labels::FromPairs(std::move(pairs));
    } else {
      return Annotate(key.Error(fmt::format("unknown key {}; a group has targets and labels",
                                            QuoteGo(key.text()))),
                      source);
    }
  }
  return group;
}

// Go's url.Values.Encode: sorted by key, a blank is a plus.
void AppendQueryText(std::string_view text, std::string* out) {
  for (const std::string_view word : Split(text, ' ')) {
    if (word.data() != text.data()) out->push_back('+');
    out->append(PercentEncode(word, /*keep_slash=*/false));
  }
}

std::string MakeUrl(const JobConfig& job, const model::LabelsBuilder& labels) {
  std::map<std::string, std::vector<std::string>, std::less<>> params;
  for (const auto& [key, values] : job.params) params[key] = values;
  for (const auto& [name, value] : labels.pairs()) {
    if (!name.starts_with(kParamPrefix)) continue;
    auto& values = params[name.substr(kParamPrefix.size())];
    if (values.empty()) values.emplace_back();
    values[0] = value;
  }
  std::string path(labels.Get(kMetricsPath));
  if (!path.starts_with('/')) path.insert(0, "/");
  std::string url = fmt::format("{}://{}{}", labels.Get(kScheme), labels.Get(kAddress),
                                PercentEncode(path, /*keep_slash=*/true));
  char separator = '?';
  for (const auto& [key, values] : params) {
    for (const std::string& value : values) {
      url.push_back(separator);
      separator = '&';
      AppendQueryText(key, &url);
      url.push_back('=');
      AppendQueryText(value, &url);
    }
  }
  return url;
}

void AddDefault(std::string_view name, std::string_view value, model::LabelsBuilder* labels) {
  if (labels->Get(name).empty()) labels->Set(name, value);
}

absl::Status ReadTimes(const model::LabelsBuilder& labels, TargetIdentity* target) {
  TRY_ASSIGN(target->interval_ms, model::ParseDurationMs(labels.Get(kInterval)));
  TRY_ASSIGN(target->timeout_ms, model::ParseDurationMs(labels.Get(kTimeout)));
  if (target->interval_ms == 0) return InvalidArgument("scrape interval cannot be 0");
  if (target->timeout_ms == 0) return InvalidArgument("scrape timeout cannot be 0");
  if (target->timeout_ms > target->interval_ms) {
    return InvalidArgument("scrape timeout cannot be greater than scrape interval ({} > {})",
                           QuoteGo(labels.Get(kTimeout)), QuoteGo(labels.Get(kInterval)));
  }
  return absl::OkStatus();
}

// As Go's strconv.ParseBool; "" says nothing.
absl::Status ReadHistogramLabels(const model::LabelsBuilder& labels, TargetIdentity* target) {
  for (const HistogramLabel& label : kHistogramLabels) {
    const std::string_view value = labels.Get(label.name);
    bool& out = target->histograms.*label.member;
    if (value == "1" || value == "t" || value == "T" || value == "true" || value == "TRUE" ||
        value == "True") {
      out = true;
    } else if (value == "0" || value == "f" || value == "F" || value == "false" ||
               value == "FALSE" || value == "False") {
      out = false;
    } else if (!value.empty()) {
      return InvalidArgument("error parsing {}: {} is neither true nor false", label.what,
                             QuoteGo(value));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<TargetGroup>> ParseJsonGroups(std::string_view text,
                                                         std::string_view source) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidArgument("{}: no JSON", source);
  if (!json.is_array()) return InvalidArgument("{}: the JSON is no list of groups", source);
  std::vector<TargetGroup> groups;
  for (const auto& item : json) {
    TRY_ASSIGN(TargetGroup group, JsonGroup(item, source));
    groups.push_back(std::move(group));
  }
  return groups;
}

absl::StatusOr<std::vector<TargetGroup>> ParseYamlGroups(std::string_view text,
                                                         std::string_view source) {
  const auto root = codec::ParseYaml(text);
  if (!root.ok()) return Annotate(root.status(), source);
  if (!root->is_sequence() && !root->is_null()) {
    return Annotate(root->Error("expected a list of groups"), source);
  }
  std::vector<TargetGroup> groups;
  for (const YamlNode& item : root->items()) {
    TRY_ASSIGN(TargetGroup group, YamlGroup(item, source));
    groups.push_back(std::move(group));
  }
  return groups;
}

TargetGroup GroupOf(const StaticGroup& group, std::string_view source) {
  TargetGroup out;
  out.source = source;
  out.labels = group.labels;
  for (const std::string& target : group.targets) out.targets.push_back(AddressLabels(target));
  return out;
}

absl::StatusOr<TargetIdentity> MakeTarget(const JobConfig& job, const TargetGroup& group,
                                          model::LabelsView target) {
  model::LabelsBuilder labels(group.labels);
  for (const auto& [name, value] : target) labels.Set(name, value);
  AddDefault("job", job.job_name, &labels);
  AddDefault(kInterval, model::FormatDurationMs(job.interval_ms), &labels);
  AddDefault(kTimeout, model::FormatDurationMs(job.timeout_ms), &labels);
  AddDefault(kMetricsPath, job.metrics_path, &labels);
  AddDefault(kScheme, job.scheme, &labels);
  for (const HistogramLabel& label : kHistogramLabels) {
    AddDefault(label.name, job.histograms.*label.member ? "true" : "false", &labels);
  }
  for (const auto& [key, values] : job.params) {
    if (!values.empty()) AddDefault(std::string(kParamPrefix) + key, values[0], &labels);
  }
  TargetIdentity result;
  result.discovered = labels.Build();
  result.dropped = !Relabel(job.relabel, &labels);
  if (result.dropped) return result;
  result.address = labels.Get(kAddress);
  if (result.address.empty()) return InvalidArgument("no address");
  if (result.address.find('/') != std::string::npos) {
    return InvalidArgument("{} is not a valid hostname", QuoteGo(result.address));
  }
  TRY(ReadTimes(labels, &result));
  result.histograms = job.histograms;
  TRY(ReadHistogramLabels(labels, &result));
  result.url = MakeUrl(job, labels);
  AddDefault("instance", result.address, &labels);
  model::LabelsBuilder public_labels;
  for (const auto& [name, value] : labels.pairs()) {
    if (!IsValidUtf8(value)) {
      return InvalidArgument("invalid label value for {}: {}", QuoteGo(name), QuoteGo(value));
    }
    if (!name.starts_with("__")) public_labels.Set(name, value);
  }
  result.labels = public_labels.Build();
  return result;
}

}  // namespace hearth::scrape

// SPDX-License-Identifier: Apache-2.0
// labels, label values, series, metadata.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/json_writer.h"
#include "model/metadata.h"

namespace hearth::api {
namespace {

const std::string kTruncated = "results truncated due to limit";

// One more than asked for is fetched, so that a cut can be told.
template <typename List>
std::vector<std::string> Cut(size_t limit, List* list) {
  if (limit == 0 || list->size() <= limit) return {};
  list->resize(limit);
  return {kTruncated};
}

size_t Fetch(size_t limit) { return limit == 0 ? 0 : limit + 1; }

// Prometheus' escaping of names in paths: U__ then bytes as _XX_ of what a legacy name cannot hold.
std::string UnescapeName(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (size_t i = 3; i < name.size();) {
    if (name[i] != '_') {
      out += name[i++];
      continue;
    }
    if (i + 1 < name.size() && name[i + 1] == '_') {
      out += '_';
      i += 2;
      continue;
    }
    const size_t end = name.find('_', i + 1);
    uint64_t point = 0;
    std::string hex(name.substr(i + 1, end == std::string_view::npos ? 0 : end - i - 1));
    if (hex.empty() || hex.size() > 6 ||
        hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
      return std::string(name);
    }
    point = std::stoul(hex, nullptr, 16);
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xC0 | (point >> 6));
      out += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      out += static_cast<char>(0xE0 | (point >> 12));
      out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | ((point >> 18) & 0x07));
      out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
    }
    i = end + 1;
  }
  return out;
}

// What the three endpoints have in common.
struct Question {
  storage::TimeRange range;
  std::vector<std::vector<model::Matcher>> selectors;
  size_t limit = 0;
};

// `named`: errors of match[] name the parameter (only /series does so).
absl::StatusOr<Question> ReadQuestion(const Parameters& parameters, bool named) {
  Question question;
  TRY_ASSIGN(question.limit, parameters.Limit("limit"));
  TRY_ASSIGN(question.range, parameters.Range());
  auto selectors = parameters.Selectors();
  if (!selectors.ok() && named) {
    return InvalidArgument("invalid parameter \"match[]\": {}", Message(selectors.status()));
  }
  TRY_ASSIGN(question.selectors, std::move(selectors));
  return question;
}

using MetadataByMetric = std::map<std::string, std::vector<model::Metadata>>;

void AddMetadata(model::Metadata metadata, size_t entries_max, MetadataByMetric* out) {
  std::vector<model::Metadata>& entries = (*out)[metadata.metric];
  if (entries.size() >= entries_max) return;
  if (std::find(entries.begin(), entries.end(), metadata) != entries.end()) return;
  entries.push_back(std::move(metadata));
}

// The store keeps what a metric was last said to be; targets that disagree are all listed.
// `limit`: of the store's metrics; 0 or less: all.
MetadataByMetric GatherMetadata(const storage::Querier& querier, const CollectorView* collector,
                                std::string_view metric, int64_t limit, size_t entries_max) {
  MetadataByMetric found;
  const size_t store_max = limit > 0 ? static_cast<size_t>(limit) : 0;
  for (model::Metadata& metadata : querier.MetricMetadata(metric, store_max)) {
    AddMetadata(std::move(metadata), entries_max, &found);
  }
  if (collector == nullptr || !collector->target_metadata) return found;
  for (scrape::TargetMetadata& target : collector->target_metadata()) {
    for (model::Metadata& metadata : target.metadata) {
      if (!metric.empty() && metadata.metric != metric) continue;
      AddMetadata(std::move(metadata), entries_max, &found);
    }
  }
  return found;
}

std::string MetadataJson(const std::vector<model::Metadata>& entries) {
  std::string list = "[";
  for (const model::Metadata& metadata : entries) {
    if (list.size() > 1) list += ',';
    JsonObject object(&list);
    object.Text("type", model::Name(metadata.type));
    object.Text("unit", metadata.unit);
    object.Text("help", metadata.help);
    object.End();
  }
  return list + "]";
}

net::HttpResponse TextList(absl::StatusOr<std::vector<std::string>> list, size_t limit) {
  if (!list.ok()) return QueryError(list.status());
  const std::vector<std::string> warnings = Cut(limit, &*list);
  LongAnswer answer;
  answer.items = list->size();
  for (const std::string& text : *list) answer.bytes += text.size() + 3;
  const auto texts = std::make_shared<const std::vector<std::string>>(*std::move(list));
  answer.append = [texts](size_t index, std::string* out) {
    AppendJsonStringHtmlSafe((*texts)[index], out);
  };
  return SuccessList(std::move(answer), warnings);
}

}  // namespace

net::HttpResponse PrometheusApi::Labels(const Call& call, const Parameters& parameters) {
  const auto question = ReadQuestion(parameters, false);
  if (!question.ok()) return BadData(question.status());
  return TextList(call.workspace.querier().LabelNames(question->range, question->selectors,
                                                      Fetch(question->limit)),
                  question->limit);
}

net::HttpResponse PrometheusApi::LabelValues(const Call& call, const Parameters& parameters) {
  const std::string name = UnescapeName(parameters.Get(kPathParameter));
  if (name.empty() || !IsValidUtf8(name)) {
    return BadData(InvalidArgument("invalid label name: {}", model::QuoteGo(name)));
  }
  const auto question = ReadQuestion(parameters, false);
  if (!question.ok()) return BadData(question.status());
  return TextList(call.workspace.querier().LabelValues(name, question->range, question->selectors,
                                                       Fetch(question->limit)),
                  question->limit);
}

net::HttpResponse PrometheusApi::Series(const Call& call, const Parameters& parameters) {
  if (!parameters.Has("match[]")) return BadData(InvalidArgument("no match[] parameter provided"));
  const auto question = ReadQuestion(parameters, true);
  if (!question.ok()) return BadData(question.status());
  auto series =
      call.workspace.querier().Series(question->range, question->selectors, Fetch(question->limit));
  if (!series.ok()) return QueryError(series.status());
  const std::vector<std::string> warnings = Cut(question->limit, &*series);
  LongAnswer answer;
  answer.items = series->size();
  for (const model::Labels& labels : *series) answer.bytes += labels.packed().size() * 3 / 2 + 3;
  const auto found = std::make_shared<const std::vector<model::Labels>>(*std::move(series));
  answer.append = [found](size_t index, std::string* out) {
    codec::AppendLabels((*found)[index], out);
  };
  return SuccessList(std::move(answer), warnings);
}

net::HttpResponse PrometheusApi::Metadata(const Call& call, const Parameters& parameters) {
  int64_t limit = -1;
  int64_t per_metric = -1;
  for (const auto& [name, value] :
       {std::pair{"limit", &limit}, {"limit_per_metric", &per_metric}}) {
    const std::string_view text = parameters.Get(name);
    if (!text.empty() && !ParseInt64(text, value)) {
      return BadData(InvalidArgument("{} must be a number", name));
    }
  }
  if (limit == 0) return Success("{}");
  const size_t metrics_max = limit > 0 ? static_cast<size_t>(limit) : SIZE_MAX;
  const size_t entries_max = per_metric > 0 ? static_cast<size_t>(per_metric) : SIZE_MAX;
  std::string data;
  JsonObject object(&data);
  size_t metrics = 0;
  for (const auto& [metric, entries] :
       GatherMetadata(call.workspace.querier(), call.collector, parameters.Get("metric"), limit,
                      entries_max)) {
    if (++metrics > metrics_max) break;
    object.Raw(metric, MetadataJson(entries));
  }
  object.End();
  return Success(std::move(data));
}

}  // namespace hearth::api

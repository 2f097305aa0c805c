// SPDX-License-Identifier: Apache-2.0
// /federate: the newest sample of every series that one of match[] selects, as a scraper reads it
// (web/federate.go of Prometheus 3.14). Errors are plain text, as scrapers show them.
#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <map>

#include "api/prometheus/long_answer.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/status.h"
#include "codec/exposition_writer.h"
#include "model/value.h"
#include "promql/parser.h"

namespace hearth::api {
namespace {

using Writer = codec::ExpositionWriter;

struct Newest {
  model::Labels labels;
  int64_t time_ms = 0;
  double value = 0;
  std::shared_ptr<const model::NativeHistogram> histogram;  // null: `value`
};

// False where the series has nothing, or ended. A histogram wins over a float of an older time.
bool NewestOf(const storage::SeriesColumns& series, Newest* newest) {
  const bool any_float = !series.times_ms.empty();
  const bool any_histogram = !series.histograms.empty();
  if (!any_float && !any_histogram) return false;
  if (any_histogram && (!any_float || series.histograms.back().time_ms > series.times_ms.back())) {
    newest->time_ms = series.histograms.back().time_ms;
    newest->histogram = series.histograms.back().histogram;
    if (model::IsStale(*newest->histogram)) return false;
  } else {
    newest->time_ms = series.times_ms.back();
    newest->value = series.values.back();
    if (model::IsStaleNan(newest->value)) return false;
  }
  newest->labels = model::Labels(series.labels);
  return true;
}

struct Limits {
  size_t series_max = 0;
  size_t bytes_max = 0;
};

absl::Status TooMuch(std::string_view what, size_t limit) {
  return ResourceExhausted(
      "federation would take more than {} {}. Name more labels in match[], or federate what a "
      "recording rule has aggregated",
      limit, what);
}

absl::Status AddSelected(const storage::Querier& querier, const storage::SelectRequest& request,
                         const Limits& limits, std::vector<Newest>* list, size_t* bytes) {
  TRY_ASSIGN(const std::unique_ptr<storage::SeriesSet> set, querier.Select(request));
  storage::ColumnBatch batch;
  for (;;) {
    TRY_ASSIGN(const bool more, set->Next(&batch));
    if (!more) return absl::OkStatus();
    for (const storage::SeriesColumns& series : batch.series) {
      Newest newest;
      if (!NewestOf(series, &newest)) continue;
      *bytes += sizeof(Newest) + newest.labels.packed().size();
      if (list->size() >= limits.series_max) return TooMuch("series", limits.series_max);
      if (*bytes > limits.bytes_max) return TooMuch("bytes of memory", limits.bytes_max);
      list->push_back(std::move(newest));
    }
  }
}

Writer::Type TypeOf(const Newest& newest) {
  if (newest.histogram == nullptr) return Writer::Type::kUntyped;
  return newest.histogram->hint == model::CounterResetHint::kGauge ? Writer::Type::kGaugeHistogram
                                                                   : Writer::Type::kHistogram;
}

// What a sample has of the server where it has no such label itself, by name. A sample without an
// instance says so by an empty one, so that the scraper with honor_labels leaves it alone.
using ServerLabels = std::map<std::string, std::string, std::less<>>;

ServerLabels ServerLabelsOf(const CollectorView* collector) {
  ServerLabels labels = {{"instance", ""}};
  if (collector == nullptr || !collector->config) return labels;
  const auto config = collector->config();
  if (config == nullptr) return labels;
  for (const model::Label& label : config->external_labels) {
    labels.insert_or_assign(std::string(label.name), std::string(label.value));
  }
  return labels;
}

Writer::Pairs PairsOf(const Newest& newest, const ServerLabels& server) {
  Writer::Pairs pairs;
  for (const model::Label& label : newest.labels) {
    if (label.name != model::kMetricName) pairs.emplace_back(label.name, label.value);
  }
  for (const auto& [name, value] : server) {
    if (!newest.labels.view().Has(name)) pairs.emplace_back(name, value);
  }
  return pairs;
}

// The samples as text or messages, one after the other.
class FamilyWriter {
 public:
  FamilyWriter(std::vector<Newest> list, const codec::ExpositionChoice& choice, ServerLabels server)
      : list_(std::move(list)),
        choice_(choice),
        server_(std::move(server)),
        writer_(choice_, &text_) {}

  // Sample `index`; with the last one the end.
  void Append(size_t index, std::string* out) {
    Write(list_[index]);
    if (index + 1 == list_.size()) writer_.Finish();
    *out += text_;
    text_.clear();
  }

 private:
  void Write(const Newest& newest) {
    const std::string_view name = newest.labels.view().metric_name();
    if (name.empty()) return;  // no format can say it
    if (newest.histogram != nullptr && !Writer::CanWrite(choice_.format, *newest.histogram)) return;
    // A name that changes its type begins another family of the same name, as upstream's does.
    if (name != family_ || TypeOf(newest) != type_) {
      family_ = name;
      type_ = TypeOf(newest);
      writer_.BeginFamily(name, type_);
    }
    const Writer::Pairs pairs = PairsOf(newest, server_);
    if (newest.histogram != nullptr) {
      writer_.AddHistogram(pairs, *newest.histogram, newest.time_ms);
    } else {
      writer_.AddUntyped(pairs, newest.value, newest.time_ms);
    }
  }

  const std::vector<Newest> list_;
  const codec::ExpositionChoice choice_;
  const ServerLabels server_;
  std::string text_;
  Writer writer_;
  std::string_view family_;
  Writer::Type type_ = Writer::Type::kUntyped;
};

// About what a sample takes beside its labels.
constexpr size_t kSampleBytes = 64;
constexpr size_t kHistogramBytes = 1024;

net::HttpResponse FamiliesAnswer(std::vector<Newest> list, const codec::ExpositionChoice& choice,
                                 ServerLabels server) {
  LongAnswer answer;
  answer.separator = "";
  answer.items = list.size();
  for (const Newest& newest : list) {
    answer.bytes += newest.labels.packed().size() * 3 / 2 + kSampleBytes +
                    (newest.histogram != nullptr ? kHistogramBytes : 0);
  }
  if (list.empty()) Writer(choice, &answer.head).Finish();
  const auto writer = std::make_shared<FamilyWriter>(std::move(list), choice, std::move(server));
  answer.append = [writer](size_t index, std::string* out) { writer->Append(index, out); };
  net::HttpResponse response = MakeAnswer(std::move(answer));
  response.headers.Set("Content-Type", choice.ContentType());
  return response;
}

net::HttpResponse Failed(const absl::Status& status) {
  const int code = absl::IsResourceExhausted(status) ? 422 : absl::IsCancelled(status) ? 499 : 500;
  return net::TextResponse(code, Message(status) + "\n");
}

}  // namespace

net::HttpResponse PrometheusApi::Federate(const Call& call, const Parameters& parameters) {
  storage::SelectRequest request;
  request.range.max_ms = clock_.NowMs();
  request.range.min_ms = request.range.max_ms - engine_.options().lookback_ms;
  request.cancelled = call.request.cancelled.get();
  const Limits limits{engine_.options().series_max, engine_.options().memory_bytes_max};
  std::vector<Newest> list;
  size_t bytes = 0;
  for (const std::string_view text : parameters.All("match[]")) {
    auto matchers = promql::ParseMetricSelector(text);
    if (!matchers.ok()) return net::TextResponse(400, Message(matchers.status()) + "\n");
    request.matchers = *std::move(matchers);
    const absl::Status read = AddSelected(call.workspace.querier(), request, limits, &list, &bytes);
    if (!read.ok()) {
      federation_errors_.Add();
      return Failed(read);
    }
  }
  std::stable_sort(list.begin(), list.end(), [](const Newest& a, const Newest& b) {
    const int by_name = a.labels.view().metric_name().compare(b.labels.view().metric_name());
    return by_name != 0 ? by_name < 0 : a.labels < b.labels;
  });
  // Several selectors may find the same series.
  list.erase(std::unique(list.begin(), list.end(),
                         [](const Newest& a, const Newest& b) { return a.labels == b.labels; }),
             list.end());
  call.workspace.CountQuery(static_cast<int64_t>(list.size()));

  const codec::ExpositionChoice choice =
      codec::NegotiateExposition(call.request.headers.Find("Accept"));
  return FamiliesAnswer(std::move(list), choice, ServerLabelsOf(call.collector));
}

}  // namespace hearth::api
